//! Programs that say that they live: a cron job or a service calls a URL of its own, and its absence is an incident.
//!
//! A [`Heartbeat`] says how often a program calls and how late it may be. [`Heard`] is what it said last, which is durable
//! before its caller has an answer. From both and the time follows whether it is missed ([`Heard::missed`]), and from that
//! and what has been told already follow the signals ([`Heartbeats::look`]). All of it is pure: time is passed in.
//!
//! # What is missed
//! - A program that has not called `grace` after its time has missed it once; after another whole period twice, and so on.
//! - A program that says that it failed has missed it too. Each failure in a row counts.
//! - One that says that it begins has `grace` to say that it has ended.
//! - One that was never heard is due a period and its grace after it was first configured.
//!
//! As with the runs of checks, the first is a P2 and the second in a row a P1, unless the heartbeat has a severity.
//!
//! # What is not blamed on a program
//! Calls that came while Tocsin was not there are lost. Callers try again for a while ([`RETRIED_MS`]), so that after a short
//! absence each gets its grace from the return on, and after a long one, in which a call may have been lost, a whole period
//! with its grace ([`Heard::excused`]). A clock that is set takes what was heard along ([`Heard::shifted`]).

mod heard;
mod signals;
mod token;

pub use heard::{Call, FailedCall, Heard, Missed, Why};
pub use signals::Heartbeats;
pub use token::Tokens;

use crate::policy::Severity;

/// How long a caller tries again whose call is not answered: `curl --retry 5` does for about a minute.
pub const RETRIED_MS: u64 = 60_000;
/// Under this name the journal keeps when Tocsin itself was there last. No heartbeat can be called so.
pub const OWN_NAME: &str = ".tocsin";

/// A program that is expected to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Letters, digits, `-`, `.` and `_`, as the id of a check.
    pub name: String,
    pub every_ms: u64,
    /// How late it may be, and how long it may take where it says when it begins.
    pub grace_ms: u64,
    /// `None` is P2 at the first time it is missed, and P1 at the second in a row.
    pub severity: Option<Severity>,
    /// The policy by name.
    pub policy: Option<String>,
    pub description: String,
    pub runbook_url: Option<String>,
}
