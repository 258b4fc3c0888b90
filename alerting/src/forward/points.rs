//! A snapshot as Graphite and Librato think of it: by the name that the program sends, each interval on its own.
//!
//! | kind | points |
//! | --- | --- |
//! | counter | `name.count` (the interval's increase), `name.rate` (a second) |
//! | gauge | `name` |
//! | set | `name.count` |
//! | distribution | `name.count`, `.sum`, `.min`, `.max`, `.p50`, `.p90`, `.p95`, `.p99`; timers in seconds |
//!
//! An interval without values gives no points for distributions, and zeros for counters and sets.

use crate::statsd::aggregate::{Interval, Measure, SeriesValue, Snapshot};
use std::fmt::Write;

/// What the names of [`crate::statsd::aggregate::QUANTILES`] are here.
const PERCENTILES: [&str; 4] = [".p50", ".p90", ".p95", ".p99"];

/// Calls `take(series, name, value)` for each point. The name is that which was written, with the point's suffix.
pub(super) fn for_each(snapshot: &Snapshot, mut take: impl FnMut(&SeriesValue, &str, f64)) {
    let seconds = snapshot.interval_ms.max(1) as f64 / 1000.0;
    let mut name = String::new();
    for series in &snapshot.series {
        let mut put = |suffix: &str, value: f64| {
            name.clear();
            // Writing to a string does not fail.
            let _ = write!(name, "{}{suffix}", series.key.written_name);
            take(series, &name, value);
        };
        match &series.measure {
            Measure::Counter { increase, .. } => {
                put(".count", *increase);
                put(".rate", increase / seconds);
            }
            Measure::Gauge(value) => put("", *value),
            Measure::Set(count) => put(".count", *count as f64),
            Measure::Distribution { interval: Interval::Values(values), .. } => {
                put(".count", values.distribution.count());
                put(".sum", values.distribution.sum());
                put(".min", values.min);
                put(".max", values.max);
                PERCENTILES.iter().zip(values.quantiles).for_each(|(suffix, value)| put(suffix, value));
            }
            Measure::Distribution { interval: Interval::Nothing | Interval::Ended, .. } => {}
        }
    }
}

/// The text with every character that is not allowed as `_`.
pub(super) fn push_sanitised(out: &mut String, text: &str, allowed: impl Fn(char) -> bool) {
    out.extend(text.chars().map(|c| if allowed(c) { c } else { '_' }));
}
