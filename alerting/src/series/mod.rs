//! The series store: every number that arrived by statsd, by a check's run or from a recording rule, kept in memory,
//! compressed, and found again by its labels.
//!
//! A *series* is a sorted set of labels (the metric's name is the label `__name__`) and the samples that were
//! appended to it, in order of time. Its newest samples are in an open chunk that grows bit by bit ([`open_chunk`]);
//! a full chunk is sealed into the smallest of a few encodings ([`sealed_chunk`]), about one byte a sample for what statsd
//! sends. A label index ([`postings`]) answers matchers.
//!
//! Guarantees:
//! - Samples of a series are strictly increasing in time. A sample that is not newer than the last one is refused,
//!   with its reason, and counted ([`Rejection`], [`Counters`]).
//! - The number of series, of series for each metric, and of bytes in a label set is bounded ([`StoreSettings`]); what
//!   a bound refuses is counted. The store never evicts a living series to make room for a new one.
//! - A series that has ended is told so by a staleness marker ([`STALE_NAN`]), bit for bit Prometheus's own, and
//!   readers see the end of the series at that instant rather than five minutes later.
//! - The store has no clock and touches no file: time is passed in, and what goes to disk are bytes that
//!   [`crate::series::log`] and [`crate::series::block`] encode, and a shell writes.

mod archive;
pub mod bits;
pub mod block;
pub mod downsample;
pub mod labels;
pub mod log;

pub mod matcher;
pub mod open_chunk;
pub mod postings;
pub mod rice;
pub mod sealed_chunk;
pub mod settings;
pub mod store;
pub mod wire;

pub use labels::{LabelError, Labels, METRIC_NAME};
pub use matcher::{MatchKind, Matcher, MatcherError};
pub use settings::{SettingsError, StoreSettings};
pub use store::{Counters, MetricType, Rejection, SeriesId, Store};

/// One measured value and its instant, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub at_ms: i64,
    pub value: f64,
}

/// The bits of the NaN that says "this series has ended"; Prometheus's `value.StaleNaN`. An ordinary NaN is a value.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The staleness marker as a sample's value.
pub const STALE_NAN: f64 = f64::from_bits(STALE_NAN_BITS);

/// Whether the value is the staleness marker, by its bits.
#[inline]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}
