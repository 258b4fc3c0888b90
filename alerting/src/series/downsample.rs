//! History beyond the full resolution: one point for every five minutes, with the least, greatest, summed, counted and
//! last value.
//!
//! A history block is a block ([`super::block`]) whose series carry the label `__aggregate__`; the point's time is
//! that of the last sample in its five minutes, so `last` is a thinned-out copy of the series that PromQL can read
//! as it is (a counter's `rate` over fifteen minutes or more stays right), and the others answer what a page asks of a year.

use super::block::{BlockBuilder, BlockIndex};
use super::sealed_chunk::SealedChunk;
use super::{Labels, Sample, Store, is_stale};

/// The width of a point.
pub const STEP_MS: i64 = 300_000;
/// The label that says which of the five a series of a history block is.
pub const AGGREGATE: &str = "__aggregate__";

/// Five minutes of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When the last sample was.
    pub at_ms: i64,
    pub min: f64,
    pub max: f64,
    pub sum: f64,
    pub count: u32,
    pub last: f64,
}

/// Thins samples out. Staleness markers and NaN count for `last` only.
pub fn downsample(samples: &[Sample]) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut slot = None;
    for sample in samples {
        let own = (sample.at_ms - 1).div_euclid(STEP_MS);
        if slot != Some(own) {
            slot = Some(own);
            points.push(Point {
                at_ms: 0,
                min: f64::INFINITY,
                max: f64::NEG_INFINITY,
                sum: 0.0,
                count: 0,
                last: f64::NAN,
            });
        }
        if let Some(point) = points.last_mut() {
            (point.at_ms, point.last) = (sample.at_ms, sample.value);
            if !is_stale(sample.value) && !sample.value.is_nan() {
                point.min = point.min.min(sample.value);
                point.max = point.max.max(sample.value);
                point.sum += sample.value;
                point.count += 1;
            }
        }
    }
    points
}

/// Thins out everything the store has in `(from_ms, to_ms]` and makes a history block of it.
pub fn history_block(store: &Store, from_ms: i64, to_ms: i64) -> (Vec<u8>, BlockIndex) {
    let mut builder = BlockBuilder::new();
    let mut samples = Vec::new();
    for id in store.ids() {
        let Some(labels) = store.labels(id) else { continue };
        samples.clear();
        store.read(id, from_ms, to_ms, &mut samples);
        add_series(&mut builder, labels, &samples);
    }
    builder.finish()
}

/// Thins one series out and adds it to a history block; without samples nothing is added.
pub fn add_series(builder: &mut BlockBuilder, labels: &Labels, samples: &[Sample]) {
    for (labels, samples) in aggregates(labels, &downsample(samples)) {
        if let (Some(chunk), Some(last)) = (SealedChunk::from_samples(&samples), samples.last()) {
            builder.add(&labels, &[chunk], *last);
        }
    }
}

fn aggregates(labels: &Labels, points: &[Point]) -> Vec<(Labels, Vec<Sample>)> {
    type Part = fn(&Point) -> f64;
    let parts: [(&str, Part); 5] = [
        ("last", |point| point.last),
        ("min", |point| point.min),
        ("max", |point| point.max),
        ("sum", |point| point.sum),
        ("count", |point| f64::from(point.count)),
    ];
    let series = parts.into_iter().map(|(name, part)| {
        let whole = |point: &&Point| name == "last" || point.count > 0;
        let samples =
            points.iter().filter(whole).map(|point| Sample { at_ms: point.at_ms, value: part(point) }).collect();
        (labels.with(AGGREGATE, name), samples)
    });
    series.collect()
}
