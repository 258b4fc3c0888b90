//! How notifications leave: every row of the outbox reaches its provider, once as far as the provider can tell.
//!
//! [`plan`] is pure: it says what to do with a row before an attempt and after it. [`Worker`] does it. An attempt ends
//! *delivered*, *refused* (certainly not accepted: tried again), *blocked* (nobody is let in: a page falls back at once, and
//! is tried again), *ambiguous* (a time-out, a connection that closed, a 5xx: the provider is asked whether it has the
//! message before it is sent again), or *permanent* (recorded, and given up). The rows of a lane go in order; pages go before everything else.
//!
//! A worker is woken by signal when rows are committed and when an attempt ends, and by timer as a backstop.

mod channel;
mod endpoint;
mod fault;
mod fold;
pub(crate) mod http;
mod plan;
mod settings;
mod under_way;
mod worker;

pub use channel::{Channel, Channels, DeliveryOutcome, Reconciled};
pub use endpoint::is_loopback;
pub(crate) use endpoint::require_secure;
pub(crate) use fault::Fault;
pub use fold::Folding;
pub(crate) use fold::{Departures, Standing, Stream, Waiting, leaving};
pub use plan::{First, after_asking, after_attempt, before_attempt, cargo_after_asking};
pub use settings::DeliverySettings;
pub(crate) use worker::{Wakeups, Worker};
