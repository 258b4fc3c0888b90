//! What a flush gives out.

use super::distribution::Distribution;
use super::key::{QUANTILES, SeriesKey};
use crate::sample::{STALE_NAN, Sample, SampleKind, SampleLabels};
use checks::UnixMs;
use std::sync::Arc;

/// All living series at one flush.
#[derive(Clone)]
pub struct Snapshot {
    pub at: UnixMs,
    /// The time since the flush before.
    pub interval_ms: u64,
    pub series: Vec<SeriesValue>,
    /// Series that ended since the flush before.
    pub ended: Vec<Arc<SeriesKey>>,
}

#[derive(Clone)]
pub struct SeriesValue {
    pub key: Arc<SeriesKey>,
    pub measure: Measure,
    /// Shown for the first time.
    pub is_new: bool,
    /// Got a value since the flush before.
    pub active: bool,
}

#[derive(Clone)]
pub enum Measure {
    /// The sum since the series began, and what the last interval added.
    Counter {
        total: f64,
        increase: f64,
    },
    Gauge(f64),
    /// Different members in the last interval.
    Set(u64),
    /// Count and sum since the series began, and the last interval on its own.
    Distribution {
        count: f64,
        sum: f64,
        interval: Interval,
    },
}

/// A distribution's last interval.
#[derive(Clone)]
pub enum Interval {
    /// No values, nor in the one before.
    Nothing,
    /// No values, but there were in the one before.
    Ended,
    Values(Box<IntervalValues>),
}

#[derive(Clone)]
pub struct IntervalValues {
    /// In the order of [`QUANTILES`].
    pub quantiles: [f64; QUANTILES.len()],
    pub min: f64,
    pub max: f64,
    /// Everything, to be added to that of another region.
    pub distribution: Box<Distribution>,
}

impl Interval {
    pub(super) fn of(distribution: Box<Distribution>) -> Self {
        match (distribution.quantiles(QUANTILES.map(|(share, _)| share)), distribution.min(), distribution.max()) {
            (Some(quantiles), Some(min), Some(max)) => {
                Self::Values(Box::new(IntervalValues { quantiles, min, max, distribution }))
            }
            _ => Self::Nothing,
        }
    }
}

impl Snapshot {
    /// Everything as samples, those of one series in order of time, handed over in groups of at most `group_max`.
    ///
    /// A counter (and a distribution's count and sum) that is new begins with a zero one interval earlier: a rate over
    /// it sees its first increase. What has ended, and the quantiles of an interval without values, get the
    /// staleness marker.
    pub fn samples(&self, group_max: usize, mut take: impl FnMut(&[Sample])) {
        let mut group = Vec::with_capacity(group_max.min(16_384));
        let at = self.at;
        let mut put = |labels: &SampleLabels, kind, at, value| {
            group.push(Sample { labels: labels.clone(), kind, at, value });
            if group.len() >= group_max {
                take(&group);
                group.clear();
            }
        };
        let begins = at - self.interval_ms;
        for SeriesValue { key, measure, is_new, .. } in &self.series {
            match measure {
                Measure::Counter { total, .. } => {
                    if *is_new {
                        put(&key.labels, SampleKind::Counter, begins, 0.0);
                    }
                    put(&key.labels, SampleKind::Counter, at, *total);
                }
                Measure::Gauge(value) => put(&key.labels, SampleKind::Gauge, at, *value),
                Measure::Set(count) => put(&key.labels, SampleKind::Gauge, at, *count as f64),
                Measure::Distribution { count, sum, interval } => {
                    let Some([count_labels, sum_labels, min_labels, max_labels]) = key.suffix_labels() else {
                        continue;
                    };
                    for (labels, value) in [(count_labels, *count), (sum_labels, *sum)] {
                        if *is_new {
                            put(labels, SampleKind::Summary, begins, 0.0);
                        }
                        put(labels, SampleKind::Summary, at, value);
                    }
                    let (quantiles, min, max) = match interval {
                        Interval::Nothing => continue,
                        Interval::Ended => ([STALE_NAN; QUANTILES.len()], STALE_NAN, STALE_NAN),
                        Interval::Values(values) => (values.quantiles, values.min, values.max),
                    };
                    for (labels, value) in key.quantile_labels().iter().zip(quantiles) {
                        put(labels, SampleKind::Summary, at, value);
                    }
                    put(min_labels, SampleKind::Gauge, at, min);
                    put(max_labels, SampleKind::Gauge, at, max);
                }
            }
        }
        for key in &self.ended {
            let derived = key.suffix_labels().into_iter().flatten().chain(key.quantile_labels());
            let own = key.suffix_labels().is_none().then_some(&key.labels);
            own.into_iter().chain(derived).for_each(|labels| put(labels, SampleKind::Gauge, at, STALE_NAN));
        }
        if !group.is_empty() {
            take(&group);
        }
    }
}
