//! The series store: what goes in comes out, bit for bit, also from blocks and after a crash.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use alerting::series::block::{BlockError, BlockIndex, BlockSource, chunks};
use alerting::series::downsample::{self, AGGREGATE, downsample};
use alerting::series::log::{LogWriter, replay, segment_head};
use alerting::series::open_chunk::OpenChunk;
use alerting::series::sealed_chunk::SealedChunk;
use alerting::series::{Labels, Matcher, MetricType, Rejection, STALE_NAN, Sample, SeriesId, Store, StoreSettings};
use proptest::prelude::*;

fn bits(samples: &[Sample]) -> Vec<(i64, u64)> {
    samples.iter().map(|sample| (sample.at_ms, sample.value.to_bits())).collect()
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-1_000_000i64..1_000_000).prop_map(|value| value as f64),
        (-100_000i64..100_000).prop_map(|value| value as f64 / 100.0),
        Just(STALE_NAN),
        Just(-0.0),
        Just(f64::MAX),
    ]
}

fn runs() -> impl Strategy<Value = Vec<Sample>> {
    let steps = prop_oneof![Just(10_000i64), 1i64..20_000, 1i64..1_000_000_000_000];
    let whole = prop::collection::vec((steps.clone(), (0u32..1000).prop_map(f64::from)), 1..300);
    let mixed = prop::collection::vec((steps, values()), 1..300);
    (any::<i32>(), prop_oneof![whole, mixed]).prop_map(|(start, run)| {
        let mut at_ms = i64::from(start) * 1000;
        let next = |(step, value)| {
            at_ms += step;
            Sample { at_ms, value }
        };
        run.into_iter().map(next).collect()
    })
}

proptest! {
    #[test]
    fn chunks_give_back_every_bit(samples in runs()) {
        let mut open = OpenChunk::new(samples[0]);
        samples[1..].iter().for_each(|sample| open.push(*sample));
        prop_assert_eq!(bits(&open.iter().collect::<Vec<_>>()), bits(&samples));

        let sealed = SealedChunk::seal(&open);
        let mut out = Vec::new();
        sealed.read(i64::MIN, i64::MAX, &mut out);
        prop_assert_eq!(bits(&out), bits(&samples));

        let mut encoded = Vec::new();
        sealed.encode(&mut encoded);
        let (decoded, rest) = SealedChunk::decode(&encoded).expect("a whole chunk");
        prop_assert!(rest.is_empty());
        prop_assert_eq!(decoded, sealed);
    }

    #[test]
    fn damaged_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Some((chunk, _)) = SealedChunk::decode(&bytes) {
            chunk.read(i64::MIN, i64::MAX, &mut Vec::new());
        }
        let _ = chunks(&bytes);
        let _ = BlockIndex::decode(&bytes);
        let _ = replay(&bytes, &mut store(), 0);
    }

    #[test]
    fn selection_is_what_the_labels_say(
        series in prop::collection::vec((0u8..3, 0u8..4, 0u8..3), 1..40),
        wanted in (0u8..3, 0u8..4),
    ) {
        let mut store = store();
        let label = |value: u8| if value == 0 { String::new() } else { format!("v{value}") };
        let mut all: Vec<Labels> = series
            .iter()
            .map(|(a, b, c)| Labels::of_metric("m", &[("a", &label(*a)), ("b", &label(*b)), ("c", &label(*c))]).expect("valid"))
            .collect();
        all.iter().for_each(|labels| { store.open(labels).expect("room"); });
        all.sort();
        all.dedup();
        let matchers = [
            vec![Matcher::equal("a", &label(wanted.0))],
            vec![Matcher::not_equal("a", &label(wanted.0)), Matcher::equal("b", &label(wanted.1))],
            vec![Matcher::pattern("b", "v[12]|").expect("valid"), Matcher::equal("__name__", "m")],
            vec![Matcher::not_pattern("b", "v.*").expect("valid")],
            vec![Matcher::pattern("a", "v.+").expect("valid"), Matcher::not_pattern("c", "v1").expect("valid")],
            vec![],
        ];
        for matchers in matchers {
            let expected: Vec<&Labels> =
                all.iter().filter(|labels| matchers.iter().all(|matcher| matcher.accepts(labels.get(&matcher.name).unwrap_or("")))).collect();
            let ids = store.select(&matchers);
            let mut found: Vec<&Labels> = ids.iter().filter_map(|id| store.labels(*id)).collect();
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }
}

fn settings() -> StoreSettings {
    StoreSettings { retention_ms: 3_600_000, chunk_samples: 4, ..StoreSettings::default() }
}

fn store() -> Store {
    Store::new(settings()).expect("valid settings")
}

fn labels(metric: &str, name: &str) -> Labels {
    Labels::of_metric(metric, &[("name", name)]).expect("valid labels")
}

fn all_samples(store: &Store, id: SeriesId) -> Vec<Sample> {
    let mut out = Vec::new();
    store.read(id, i64::MIN, i64::MAX, &mut out);
    out
}

#[test]
fn what_is_refused_is_counted() {
    let tight = StoreSettings { series_max: 3, series_per_metric_max: 2, labels_per_series_max: 2, ..settings() };
    let mut store = Store::new(tight).expect("valid settings");
    let now_ms = 10_000_000;
    let sample = |at_ms: i64, value: f64| Sample { at_ms, value };
    let three = Labels::of_metric("m", &[("a", "1"), ("b", "2")]).expect("valid");
    let cases = [
        (labels("m", "1"), sample(now_ms, 1.0), None),
        (labels("m", "1"), sample(now_ms, 1.0), None),
        (labels("m", "1"), sample(now_ms, 2.0), Some(Rejection::DuplicateInstant)),
        (labels("m", "1"), sample(now_ms - 1, 2.0), Some(Rejection::OutOfOrder)),
        (labels("m", "1"), sample(now_ms + 600_001, 2.0), Some(Rejection::TooFarAhead)),
        (labels("m", "2"), sample(now_ms - 3_600_001, 2.0), Some(Rejection::TooOld)),
        (labels("m", "3"), sample(now_ms, 1.0), Some(Rejection::SeriesPerMetricMax { metric: "m".to_owned(), max: 2 })),
        (three, sample(now_ms, 1.0), Some(Rejection::LabelsTooLarge)),
        (labels("n", "1"), sample(now_ms, 1.0), None),
        (labels("o", "1"), sample(now_ms, 1.0), Some(Rejection::SeriesMax { max: 3 })),
    ];
    for (labels, sample, rejection) in cases {
        assert_eq!(store.append(&labels, sample, now_ms).err(), rejection, "{labels} {sample:?}");
    }
    let counters = store.counters();
    assert_eq!(counters.samples_taken, 2);
    let refused = [
        counters.out_of_order,
        counters.duplicate_instant,
        counters.too_far_ahead,
        counters.too_old,
        counters.series_max,
        counters.series_per_metric_max,
        counters.labels_too_large,
    ];
    assert_eq!(refused, [1; 7]);
}

#[test]
fn expiry_makes_room() {
    let mut store = store();
    for index in 0..20 {
        store.append(&labels("m", "old"), Sample { at_ms: index * 1000, value: 1.0 }, 0).expect("taken");
        store
            .append(&labels("m", "new"), Sample { at_ms: 3_600_000 + index * 1000, value: 1.0 }, 3_600_000)
            .expect("taken");
    }
    store.expire(3_600_000 + 30_000);
    assert_eq!((store.series_count(), store.counters().series_expired), (1, 1));
    assert!(store.select(&[Matcher::equal("name", "old")]).is_empty());
    assert_eq!(store.label_values("name").map(|value| &**value).collect::<Vec<_>>(), ["new"]);
    assert_eq!(all_samples(&store, store.find(&labels("m", "new")).expect("alive")).len(), 20);
}

/// Blocks in memory, as a shell keeps them in files.
#[derive(Default)]
struct Blocks(Mutex<HashMap<u64, Vec<u8>>>);

impl BlockSource for Blocks {
    fn read(&self, block: u64, offset: u32, length: u32) -> Option<Vec<u8>> {
        let blocks = self.0.lock().expect("not poisoned");
        blocks.get(&block)?.get(offset as usize..(offset + length) as usize).map(<[u8]>::to_vec)
    }
}

#[test]
fn blocks_and_log_survive_a_restart() {
    let blocks = Arc::new(Blocks::default());
    let mut first = store().with_blocks(blocks.clone());
    let mut log = LogWriter::default();
    first.describe("m", MetricType::Counter);
    let mut segment = segment_head(first.metric_types());
    for index in 0..50i64 {
        for name in ["a", "b", "c"] {
            let labels = labels("m", name);
            let sample = Sample { at_ms: index * 10_000 + 7, value: index as f64 / 3.0 };
            let id = first.append(&labels, sample, sample.at_ms).expect("taken");
            log.sample(id, &labels, sample);
        }
        if index == 20 || index == 35 {
            let block = index as u64;
            let (bytes, index) = first.archive().expect("something new");
            assert_eq!(BlockIndex::decode(&bytes), Ok(index.clone()));
            blocks.0.lock().expect("not poisoned").insert(block, bytes);
            assert_eq!(first.adopt(block, &index), 0);
            log.take();
            log.restart();
            segment = segment_head(first.metric_types());
        }
        segment.extend(log.take());
    }
    let ids: Vec<SeriesId> = ["a", "b", "c"].map(|name| first.find(&labels("m", name)).expect("there")).to_vec();
    let before: Vec<_> = ids.iter().map(|id| bits(&all_samples(&first, *id))).collect();
    assert!(before.iter().all(|samples| samples.len() == 50));

    // Restart: the blocks' indexes, then the last segment, cut off at every place a crash can leave it at.
    for cut in 0..=segment.len() {
        let mut second = store().with_blocks(blocks.clone());
        for block in [20, 35] {
            let bytes = blocks.0.lock().expect("not poisoned")[&block].clone();
            second.adopt(block, &BlockIndex::decode(&bytes).expect("a block"));
        }
        let report = replay(&segment[..cut], &mut second, 500_000);
        for (name, before) in ["a", "b", "c"].into_iter().zip(&before) {
            let after = bits(&all_samples(&second, second.find(&labels("m", name)).expect("there")));
            assert!(
                before.starts_with(&after) && after.len() >= 36,
                "cut at {cut}: {name} has {} samples",
                after.len()
            );
            if cut == segment.len() {
                assert_eq!((&after, report.torn_bytes), (before, 0));
            }
        }
    }
    // A damaged byte costs its frame's series, and is noticed.
    let damaged = {
        let mut bytes = blocks.0.lock().expect("not poisoned")[&20].clone();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bytes
    };
    assert_eq!(BlockIndex::decode(&damaged), Err(BlockError::Damaged));
    assert_eq!(BlockIndex::decode(b"something else"), Err(BlockError::Version));
}

#[test]
fn memory_is_bounded_and_blocks_answer() {
    let blocks = Arc::new(Blocks::default());
    let tight =
        StoreSettings { chunk_bytes_max: 1 << 20, chunk_samples: 240, retention_ms: i64::MAX / 4, ..settings() };
    let mut store = Store::new(tight).expect("valid settings").with_blocks(blocks.clone());
    let id = store.open(&labels("m", "noise")).expect("room");
    let mut seed = 1u64;
    let mut expected = Vec::new();
    for index in 0..400_000i64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let sample = Sample { at_ms: index * 10_000, value: f64::from_bits(seed >> 12 | 0x3ff0 << 48) };
        store.append_to(id, sample, sample.at_ms).expect("taken");
        expected.push(sample);
        if index % 50_000 == 49_999 {
            let block = index as u64;
            let (bytes, index) = store.archive().expect("something new");
            blocks.0.lock().expect("not poisoned").insert(block, bytes);
            store.adopt(block, &index);
            store.expire(sample.at_ms);
            assert!(store.chunk_bytes() <= 1 << 20, "{} bytes", store.chunk_bytes());
        }
    }
    assert!(store.counters().chunks_dropped_for_memory > 100);
    assert_eq!(store.counters().chunks_lost_for_memory, 0);
    assert!(bits(&all_samples(&store, id)) == bits(&expected), "the samples differ");
    let mut part = Vec::new();
    store.read(id, 1_000_000, 1_030_000, &mut part);
    assert_eq!(bits(&part), bits(&expected[101..=103]));
}

#[test]
fn history_keeps_the_extremes() {
    let samples: Vec<Sample> =
        [(1, 5.0), (300_000, -2.0), (300_001, 7.0), (400_000, f64::NAN), (600_000, 1.0), (600_001, STALE_NAN)]
            .map(|(at_ms, value)| Sample { at_ms, value })
            .to_vec();
    let points = downsample(&samples);
    let seen: Vec<_> = points.iter().map(|point| (point.at_ms, point.min, point.max, point.sum, point.count)).collect();
    let none = (600_001, f64::INFINITY, f64::NEG_INFINITY, 0.0, 0);
    assert_eq!(seen, [(300_000, -2.0, 5.0, 3.0, 2), (600_000, 1.0, 7.0, 8.0, 2), none]);
    assert_eq!(points[1].last, 1.0);

    let mut store = store();
    for sample in &samples {
        store.append(&labels("m", "a"), *sample, sample.at_ms).expect("taken");
    }
    let (bytes, index) = downsample::history_block(&store, 0, 600_000);
    assert_eq!(BlockIndex::decode(&bytes), Ok(index.clone()));
    let aggregates: Vec<_> = index.entries.iter().filter_map(|entry| entry.labels.get(AGGREGATE)).collect();
    assert_eq!(aggregates, ["last", "min", "max", "sum", "count"]);
}
