//! The vocabulary of Tocsin: WHAT is asked, and what was answered.
//!
//! A *check* is a script with a definition ([`CheckDefinition`]). It runs in a *region* for a *slot*, the
//! instant it was scheduled for; check, region, slot and attempt together name one *run* ([`RunKey`]), so that
//! a result which arrives twice, late or out of order is recognised wherever it turns up. A run ends in one
//! [`RunResult`], whose failure carries a [`FailureClass`]: the difference between "the login is broken" and
//! "the prober is", and therefore between waking somebody and not.
//!
//! The crate is pure: values, their validation, and their wire format ([`wire`]), which is versioned and kept
//! readable by golden files. It holds only what two of `probes`, `alerting` and `dashboards` exchange.

mod definition;
mod failure;
mod id;
mod reach;
mod result;
mod time;
mod transcript;
pub mod wire;

pub use definition::{CheckDefinition, ScriptSource};
pub use failure::{Failure, FailureClass, Location, SoftFailure};
pub use id::{CheckId, IdError, Region, RunKey};
pub use reach::{HostPattern, HostPatternError, Reach};
pub use result::{
    Certificate, ConsoleLevel, ConsoleLine, Dropped, Metric, Outcome, Phases, Prober, Request, RequestFailure,
    RunResult, Step, Tls,
};
pub use time::UnixMs;
pub use transcript::{BodyExcerpt, Header, Message, Transcript};
