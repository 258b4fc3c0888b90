//! statsd: metrics that programs send, as they have sent them since 2011.
//!
//! `packet -> parser -> aggregate -> snapshot -> series store, /metrics, forwarding`. The [`parser`] reads Etsy's and
//! DogStatsD's lines in place; [`aggregate`] adds the values up, bounded, by thread; [`names`] says what a metric and its
//! tags are called as a series; [`server`] is the sockets and threads around them. Parser and aggregation are pure.
//!
//! Guarantees: a line that is wrong never stops the rest of its packet, and is counted by reason with a few of the lines
//! kept; every number of series is bounded, and what a bound took away is counted; packets that the kernel had no room for
//! are counted; nothing is allocated for a value of a series that is known.

pub mod aggregate;
pub mod names;
mod notice;
pub mod parser;
pub mod server;

pub use aggregate::{AggregateSettings, Problem, Problems, Refusals, Snapshot};
pub use notice::Notice;
pub use server::{Handlers, ServerCounters, StatsdError, StatsdServer, StatsdSettings};
