//! One living series, and what it has summed up since it began.

use super::cell::Cell;
use super::key::SeriesKey;
use super::snapshot::{Interval, Measure};
use checks::UnixMs;
use std::sync::Arc;

/// What a series has come to.
pub(super) enum Total {
    /// Opened, but its first value is not flushed yet.
    Nothing,
    Counter(f64),
    Gauge(f64),
    /// A set starts anew with each flush.
    Set,
    Distribution {
        count: f64,
        sum: f64,
    },
}

impl Total {
    /// Adds what came since the last flush, and shows the result; `None` while nothing ever came.
    pub fn add(&mut self, pending: Cell, active_before: bool) -> Option<Measure> {
        match (pending, &mut *self) {
            (Cell::Empty, Self::Nothing) => None,
            (Cell::Empty, Self::Counter(total)) => Some(Measure::Counter { total: *total, increase: 0.0 }),
            (Cell::Empty, Self::Gauge(value)) => Some(Measure::Gauge(*value)),
            (Cell::Empty, Self::Set) => Some(Measure::Set(0)),
            (Cell::Empty, Self::Distribution { count, sum }) => Some(Measure::Distribution {
                count: *count,
                sum: *sum,
                interval: if active_before { Interval::Ended } else { Interval::Nothing },
            }),
            (Cell::Counter(increase), total) => {
                let before = if let Self::Counter(before) = total { *before } else { 0.0 };
                *total = Self::Counter(before + increase);
                Some(Measure::Counter { total: before + increase, increase })
            }
            (Cell::Gauge(doings), total) => {
                let value = doings.apply(if let Self::Gauge(before) = total { *before } else { 0.0 });
                *total = Self::Gauge(value);
                Some(Measure::Gauge(value))
            }
            (Cell::Set(set), total) => {
                *total = Self::Set;
                Some(Measure::Set(set.count() as u64))
            }
            (Cell::Distribution(values), total) => {
                let (count, sum) =
                    if let Self::Distribution { count, sum } = total { (*count, *sum) } else { (0.0, 0.0) };
                let (count, sum) = (count + values.count(), sum + values.sum());
                *total = Self::Distribution { count, sum };
                Some(Measure::Distribution { count, sum, interval: Interval::of(values) })
            }
        }
    }
}

pub(super) struct Series {
    pub key: Arc<SeriesKey>,
    pub total: Total,
    /// The flush that brought its newest value, or the one before it was opened.
    pub active_at: UnixMs,
    pub active_before: bool,
    /// What came since the last flush.
    pub pending: Cell,
    /// Whether it was given out yet.
    pub shown: bool,
}
