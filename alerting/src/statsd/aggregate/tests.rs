use super::*;
use crate::sample::{Sample, is_stale};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};

const INTERVAL_MS: u64 = 10_000;

/// A few shards and the flushes over them, with made-up time.
struct Bench {
    aggregator: Aggregator,
    shards: Vec<Shard>,
    flushes: i64,
}

impl Bench {
    fn new(shards: usize, settings: AggregateSettings) -> Self {
        let aggregator = Aggregator::new(settings);
        let shards = (0..shards).map(|_| aggregator.shard()).collect();
        Self { aggregator, shards, flushes: 0 }
    }

    fn flush(&mut self) -> Snapshot {
        self.flushes += 1;
        let batches = self.aggregator.take(self.shards.iter_mut());
        self.aggregator.flush(UnixMs(self.flushes * INTERVAL_MS as i64), INTERVAL_MS, batches)
    }

    fn send(&mut self, shard: usize, packet: &str) {
        self.shards[shard].ingest(packet.as_bytes(), 0);
    }
}

fn all_samples(snapshot: &Snapshot) -> Vec<Sample> {
    let mut all = Vec::new();
    snapshot.samples(7, |group| all.extend_from_slice(group));
    all
}

/// The newest sample of each series, as text to value.
fn shown(snapshot: &Snapshot) -> BTreeMap<String, f64> {
    all_samples(snapshot).into_iter().map(|sample| (sample.labels.to_string(), sample.value)).collect()
}

#[test]
fn each_kind_becomes_its_series() {
    let mut bench = Bench::new(2, AggregateSettings::default());
    bench.send(
        0,
        "auth.logins:1|c|#node:a\nauth.logins:3|c|@0.5|#node:a\nusers:5|g\nusers:+2|g\nseen:x|s\nseen:y|s\nseen:x|s",
    );
    bench.send(1, "auth.logins:1|c|#node:a\nseen:y|s\nlatency:100:200|ms\nsize:7|h");
    bench.send(0, "latency:300|ms|@0.5");
    let got = shown(&bench.flush());
    let expected = [
        ("auth_logins{node=\"a\"}", 8.0),
        ("users", 7.0),
        ("seen", 2.0),
        ("latency_count", 4.0),
        ("latency_sum", 0.9),
        ("latency_min", 0.1),
        ("latency_max", 0.3),
        ("latency{quantile=\"0.5\"}", 0.2),
        ("latency{quantile=\"0.99\"}", 0.3),
        ("size{quantile=\"0.9\"}", 7.0),
    ];
    for (series, value) in expected {
        let found = got.get(series).unwrap_or_else(|| panic!("{series} is not in {got:?}"));
        assert!((found - value).abs() < 1e-9, "{series}: {found}");
    }
    assert_eq!(got.len(), 3 + 8 + 8);
}

#[test]
fn an_interval_without_values_keeps_totals_and_ends_quantiles() {
    let mut bench = Bench::new(1, AggregateSettings::default());
    bench.send(0, "c:2|c\ng:3|g\ns:x|s\nt:50|ms");
    let first = all_samples(&bench.flush());
    let zero = first.iter().find(|sample| sample.labels.metric() == "c").expect("the counter is shown");
    assert_eq!((zero.at, zero.value), (UnixMs(0), 0.0), "a new counter begins with a zero one interval earlier");
    let second = shown(&bench.flush());
    assert_eq!((second["c"], second["g"], second["s"], second["t_count"]), (2.0, 3.0, 0.0, 1.0));
    assert!(is_stale(second["t{quantile=\"0.5\"}"]) && is_stale(second["t_min"]), "{second:?}");
    let third = shown(&bench.flush());
    assert!(!third.contains_key("t{quantile=\"0.5\"}") && third["t_count"] == 1.0, "{third:?}");
    bench.send(0, "c:5|c\ng:-1|g\nt:70|ms");
    let fourth = shown(&bench.flush());
    assert_eq!((fourth["c"], fourth["g"], fourth["t_max"], fourth["t_count"]), (7.0, 2.0, 0.07, 2.0));
}

#[test]
fn of_two_gauge_values_the_later_one_counts() {
    let mut bench = Bench::new(2, AggregateSettings::default());
    bench.shards[0].ingest(b"g:1|g", 10);
    bench.shards[1].ingest(b"g:2|g\ng:+5|g", 20);
    bench.shards[0].ingest(b"h:1|g", 30);
    bench.shards[1].ingest(b"h:+5|g", 20);
    let got = shown(&bench.flush());
    assert_eq!((got["g"], got["h"]), (7.0, 6.0));
}

#[test]
fn one_series_for_each_order_of_its_tags() {
    let mut bench = Bench::new(2, AggregateSettings::default());
    bench.send(0, "a:1|c|#x:1,y:2\na:1|c|#y:2,x:1");
    bench.send(1, "a:1|c|#y:2,x:1,x:1");
    let got = shown(&bench.flush());
    assert_eq!(got, BTreeMap::from([("a{x=\"1\", y=\"2\"}".to_owned(), 3.0)]));
    assert_eq!(bench.aggregator.series(), 1);
}

#[test]
fn names_that_collide_are_refused_with_a_reason() {
    let mut bench = Bench::new(1, AggregateSettings::default());
    bench.send(0, "a.b:1|c\na_b:5|g\nt:1|ms\nt.count:1|c\nx_sum:1|c\nx:1|h\nt:1|h");
    let got = shown(&bench.flush());
    assert_eq!((got["a_b"], got["x_sum"], got["t_count"]), (1.0, 1.0, 1.0));
    let refusals = bench.aggregator.refusals();
    assert_eq!((refusals.other_type, refusals.name_taken), (2, 2));
    let problems = &bench.shards[0].problems;
    let lines =
        problems.iter().find(|(problem, _)| *problem == Problem::Refused(Refusal::NameTaken)).map(|found| found.1);
    assert_eq!(lines.expect("it is noted").lines, ["t.count", "x"]);
}

#[test]
fn at_the_bound_the_longest_idle_makes_place_and_nothing_living_does() {
    let settings = AggregateSettings { series_max: 3, ..AggregateSettings::default() };
    let mut bench = Bench::new(1, settings);
    bench.send(0, "a:1|c\nb:1|c\nc:1|c\nd:1|c");
    assert_eq!(shown(&bench.flush()).len(), 3);
    assert_eq!(bench.aggregator.refusals().series_max, 1, "nothing was idle");
    // `a` is idle for longer than `b`.
    bench.send(0, "b:1|c\nc:1|c");
    bench.flush();
    bench.send(0, "c:1|c");
    bench.flush();
    bench.send(0, "d:1|c\nc:1|c");
    let got = shown(&bench.flush());
    assert!(is_stale(got["a"]) && got["b"] == 2.0 && got["d"] == 1.0, "{got:?}");
    assert_eq!(bench.aggregator.refusals().series_evicted, 1);
    // A series that ended and comes back begins at zero.
    bench.send(0, "c:1|c\na:1|c");
    let got = shown(&bench.flush());
    assert!(got["a"] == 1.0 && is_stale(got["b"]), "{got:?}");
}

#[test]
fn a_flood_of_one_metric_leaves_the_others_alone() {
    let settings = AggregateSettings { series_max: 100, series_per_metric_max: 10, ..AggregateSettings::default() };
    let mut bench = Bench::new(2, settings);
    bench.send(0, "logins:1|c");
    for index in 0..1000 {
        bench.send(index % 2, &format!("flood:1|c|#id:{index}"));
    }
    bench.send(0, "logins:1|c\nother:1|c");
    let got = shown(&bench.flush());
    assert_eq!((got["logins"], got["other"], got.len()), (2.0, 1.0, 12));
    assert_eq!(bench.aggregator.refusals().series_per_metric_max, 990);
}

#[test]
fn idle_series_expire_and_are_ended_once() {
    let settings = AggregateSettings { idle_ms_max: 2 * INTERVAL_MS, ..AggregateSettings::default() };
    let mut bench = Bench::new(1, settings);
    bench.send(0, "a:1|c\nb:1|ms");
    bench.flush();
    assert_eq!(shown(&bench.flush())["a"], 1.0);
    let got = shown(&bench.flush());
    assert!(is_stale(got["a"]) && is_stale(got["b_count"]) && is_stale(got["b{quantile=\"0.5\"}"]), "{got:?}");
    assert!(shown(&bench.flush()).is_empty());
    assert_eq!((bench.aggregator.series(), bench.aggregator.refusals().series_expired), (0, 2));
}

#[test]
fn churn_stays_within_bounds() {
    let settings = AggregateSettings {
        series_max: 2000,
        series_per_metric_max: 2000,
        idle_ms_max: INTERVAL_MS,
        ..AggregateSettings::default()
    };
    let mut bench = Bench::new(1, settings);
    for round in 0..20 {
        for index in 0..1500 {
            bench.send(0, &format!("pod:1|c|#id:{round}-{index}"));
        }
        let living = shown(&bench.flush()).into_values().filter(|value| !is_stale(*value)).count();
        // The pods of the round before were alive until now, so they are not displaced: a part of the new ones is refused.
        assert!((500..=2000).contains(&living), "{living} in round {round}");
    }
    assert!(bench.aggregator.series() <= 2000);
}

/// `value` within the sketch's promise of the exact quantile.
fn near(value: f64, exact: f64) -> bool {
    (value - exact).abs() <= exact.abs() * QUANTILE_ERROR * 1.01 + 1e-9
}

proptest! {
    #[test]
    fn aggregation_equals_a_naive_model(
        readings in proptest::collection::vec((0..3usize, 0..4usize, 0..5u8, 1..1000u32, 0..3usize), 1..300),
        flush_every in 1..100usize,
    ) {
        const RATES: [&str; 3] = ["1", "0.5", "0.3"];
        let mut bench = Bench::new(3, AggregateSettings::default());
        let mut counters: BTreeMap<String, f64> = BTreeMap::new();
        let mut gauges: BTreeMap<String, f64> = BTreeMap::new();
        let mut interval: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        let mut sets: BTreeMap<String, HashSet<u32>> = BTreeMap::new();
        let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for (index, (shard, name, kind, value, rate)) in readings.iter().enumerate() {
            let weight = 1.0 / RATES[*rate].parse::<f64>().unwrap();
            let (line, key) = match kind {
                0 => (format!("c{name}:{value}|c|@{}", RATES[*rate]), format!("c{name}")),
                1 => (format!("g{name}:{value}|g"), format!("g{name}")),
                2 => (format!("g{name}:+{value}|g"), format!("g{name}")),
                3 => (format!("s{name}:{value}|s"), format!("s{name}")),
                _ => (format!("d{name}:{value}|d"), format!("d{name}")),
            };
            match kind {
                0 => *counters.entry(key).or_default() += f64::from(*value) * weight,
                1 => { gauges.insert(key, f64::from(*value)); }
                2 => *gauges.entry(key).or_default() += f64::from(*value),
                3 => { sets.entry(key).or_default().insert(*value); }
                _ => {
                    let sum = sums.entry(key.clone()).or_default();
                    *sum = (sum.0 + 1.0, sum.1 + f64::from(*value));
                    interval.entry(key).or_default().push(f64::from(*value));
                }
            }
            // One gauge's changes come through one socket, as those of one client do.
            let shard = if matches!(kind, 1 | 2) { name % 3 } else { *shard };
            bench.shards[shard].ingest(line.as_bytes(), index as u64);
            if (index + 1) % flush_every == 0 || index + 1 == readings.len() {
                let got = shown(&bench.flush());
                for (key, total) in &counters {
                    prop_assert!((got[key] - total).abs() < 1e-6, "{} {} {}", key, got[key], total);
                }
                for (key, value) in &gauges {
                    prop_assert_eq!(got[key], *value);
                }
                for (key, members) in &sets {
                    prop_assert_eq!(got[key], members.len() as f64);
                }
                for (key, (count, sum)) in &sums {
                    prop_assert_eq!(got[&format!("{key}_count")], *count);
                    prop_assert_eq!(got[&format!("{key}_sum")], *sum);
                }
                for (key, values) in &mut interval {
                    values.sort_by(f64::total_cmp);
                    for (share, shown) in QUANTILES {
                        let exact = values[(share * (values.len() - 1) as f64) as usize];
                        let value = got[&format!("{key}{{quantile=\"{shown}\"}}")];
                        prop_assert!(near(value, exact), "{} {}: {} for {}", key, shown, value, exact);
                    }
                }
                interval.clear();
                sets.values_mut().for_each(HashSet::clear);
            }
        }
    }

    #[test]
    fn distributions_merge_as_if_one_had_seen_all(
        parts in proptest::collection::vec(proptest::collection::vec(-1000.0..100_000.0f64, 0..120), 1..6),
    ) {
        let mut merged = Distribution::default();
        let mut all: Vec<f64> = Vec::new();
        for part in &parts {
            let mut own = Distribution::default();
            part.iter().for_each(|value| own.add(*value, 1.0));
            merged.merge(own);
            all.extend(part);
        }
        all.sort_by(f64::total_cmp);
        prop_assert_eq!(merged.count(), all.len() as f64);
        prop_assert_eq!(merged.min(), all.first().copied());
        prop_assert_eq!(merged.max(), all.last().copied());
        prop_assert!((merged.sum() - all.iter().sum::<f64>()).abs() < 1e-3);
        if let Some(quantiles) = merged.quantiles([0.0, 0.25, 0.5, 0.99, 1.0]) {
            for (share, value) in [0.0, 0.25, 0.5, 0.99, 1.0].into_iter().zip(quantiles) {
                let exact = all[(share * (all.len() - 1) as f64) as usize];
                prop_assert!(near(value, exact), "{}: {} for {}", share, value, exact);
            }
        }
    }
}

#[test]
fn weights_that_are_not_whole_weigh_as_they_are() {
    let mut values = Distribution::default();
    // 200 values for 2.5 each, and 100 for 5 each: two halves.
    for _ in 0..100 {
        values.add(1.0, 2.5);
        values.add(1000.0, 5.0);
        values.add(1.0, 2.5);
    }
    assert_eq!((values.count(), values.sum()), (1000.0, 500_500.0));
    let [below, above] = values.quantiles([0.495, 0.505]).expect("there are values");
    assert!(near(below, 1.0) && near(above, 1000.0), "{below} {above}");
}
