//! `histogram_quantile` over classic buckets.

use std::collections::HashMap;

use super::numeric::parse_value;
use super::value::{ABSENT, Row, is_absent};
use crate::series::{Labels, METRIC_NAME};

/// The label that holds a bucket's upper bound.
const BOUND: &str = "le";
/// Counts of neighbouring buckets that differ by less than this part are taken to be rounding, not a fall.
const SMALL_DELTA: f64 = 1e-12;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    upper: f64,
    count: f64,
}

/// The buckets' bounds and counts of one histogram, with its labels.
type Histogram = (Labels, Vec<(f64, Vec<f64>)>);

/// One row for each histogram: the series that differ in `le` only.
pub(crate) fn quantile(quantiles: &[f64], rows: Vec<Row>, steps: usize) -> Vec<Row> {
    let mut groups: HashMap<Labels, usize> = HashMap::new();
    let mut members: Vec<Histogram> = Vec::new();
    for row in rows {
        let Some(upper) = row.labels.get(BOUND).and_then(parse_value) else { continue };
        let labels = row.labels.filtered(|name| name != BOUND && name != METRIC_NAME);
        let group = *groups.entry(labels.clone()).or_insert_with(|| {
            members.push((labels, Vec::new()));
            members.len() - 1
        });
        members[group].1.push((upper, row.values));
    }
    let mut buckets = Vec::new();
    let evaluate = |(labels, series): Histogram| {
        let values = (0..steps)
            .map(|step| {
                let there = series.iter().filter(|(_, values)| !is_absent(values[step]));
                buckets.clear();
                buckets.extend(there.map(|(upper, values)| Bucket { upper: *upper, count: values[step] }));
                if buckets.is_empty() { ABSENT } else { of_buckets(quantiles[step], &mut buckets) }
            })
            .collect();
        Row { labels, values }
    };
    members.into_iter().map(evaluate).collect()
}

/// The quantile by linear interpolation within its bucket, as Prometheus has it: NaN without a `+Inf` bucket or without
/// observations; the highest finite bound where the quantile lies in the last bucket.
fn of_buckets(quantile: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|left, right| left.upper.total_cmp(&right.upper));
    if buckets.last().is_none_or(|last| last.upper != f64::INFINITY) {
        return f64::NAN;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
    make_monotonic(buckets);
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if buckets.len() < 2 || observations == 0.0 {
        return f64::NAN;
    }
    let mut rank = quantile * observations;
    let found = buckets[..last].iter().position(|bucket| bucket.count >= rank).unwrap_or(last);
    if found == last {
        return buckets[last - 1].upper;
    }
    if found == 0 && buckets[0].upper <= 0.0 {
        return buckets[0].upper;
    }
    let (mut start, end, mut count) = (0.0, buckets[found].upper, buckets[found].count);
    if found > 0 {
        start = buckets[found - 1].upper;
        count -= buckets[found - 1].count;
        rank -= buckets[found - 1].count;
    }
    start + (end - start) * (rank / count)
}

/// Buckets are cumulative; where scraping at different instants or rounding made one fall, it takes its neighbour's count.
fn make_monotonic(buckets: &mut [Bucket]) {
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let smaller = bucket.count.abs().min(before.abs());
        let nearly_equal = (bucket.count - before).abs() < SMALL_DELTA * smaller.max(f64::MIN_POSITIVE);
        if bucket.count < before || nearly_equal {
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
}
