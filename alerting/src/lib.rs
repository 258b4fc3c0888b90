//! WHEN to wake someone: from a check's results to a page on somebody's phone.
//!
//! # The flow
//! `results → decide (incident, ladder) → one commit with outbox rows → deliver → Slack | SMS | call | e-mail | webhook | terminal`.
//!
//! # The actors
//! - The **decider** ([`Alerting`]) is one task. It takes whatever results have arrived, decides them with
//!   [`incident::step`], a pure function, and commits the outcome. It never sends anything.
//! - The **journal** ([`journal::Journal`]) makes a decision durable in one write: the check's state, the consumed
//!   results, the trail and the notifications.
//! - A **worker** for each kind of channel leases rows of the outbox and delivers them ([`outbox`]).
//! - The **channels** speak to the providers: [`slack`], [`sms`], [`voice`], [`email`], [`webhook`], and [`terminal`] where
//!   there are no tokens.
//!
//! # Metrics
//! `programs → statsd server → snapshot → recorder, /metrics, forwarding`, and each run's own numbers beside them. [`statsd`]
//! receives and adds up, [`run_series`] turns a run into [`sample`]s, [`forward`] encodes and delivers.
//!
//! [`series`] stores samples, [`recorder`] keeps them over restarts, [`promql`] answers queries over them, [`rules`] reads,
//! evaluates and tests rule files, and [`ruler`] runs them: what fires becomes a [`signal`], and an incident.
//!
//! # Alerts of others
//! [`inbound`] verifies and reads what Alertmanager, Pingdom, New Relic and CloudWatch send; each alert is a [`signal`].
//!
//! # Heartbeats
//! [`heartbeat`] decides which program that is expected to call is missed; that is a [`signal`] too.
//!
//! # Guarantees
//! - When [`Alerting::accept`] returns, everything that follows from the results is durable. What was accepted survives
//!   `SIGKILL`; what was not is the caller's to offer again, and a result that is offered twice counts once.
//! - A notification enters the outbox exactly once and reaches its provider at least once. After an answer that leaves
//!   it open, and after a crash, the provider is asked whether it has the message before it is sent again.
//! - The messages of one incident to one place arrive in order. A post is edited, not repeated, and only its newest
//!   state is sent.
//! - A page that stays undelivered falls back: to an SMS to whoever has not been told, otherwise to the other ways to the
//!   same person, otherwise to every place that is left.
//! - Every decision has a reason, and every attempt its outcome, on the incident's trail.
//!
//! # Invariants
//! [`incident`], [`policy`], [`outbox::after_attempt`] and the texts of messages are pure: they take values and the
//! time, and return values. Nothing is sent before it is committed, and nothing is sent under a lock.

pub mod act;
mod clock;
mod counters;
mod decider;
pub mod email;
mod engine;
pub mod forward;
pub mod heartbeat;
pub mod inbound;
pub mod incident;
pub mod journal;
pub mod noticed;
pub mod notification;
pub mod outbox;
pub mod policy;
pub mod promql;
pub mod recorder;
pub mod replay;
pub mod ruler;
pub mod rules;
pub mod run_series;
pub mod sample;
pub mod series;
pub mod signal;
pub mod silence;
pub mod slack;
pub mod sms;
pub mod statsd;
pub mod terminal;
pub mod twilio;
pub mod voice;
pub mod webhook;

pub use clock::{Clock, SystemClock};
pub use counters::Counters;
pub use engine::{Alerting, AlertingError, AlertingSettings};
pub use incident::{Decision, RunAgain, Watched};
pub use outbox::{Channel, Channels, DeliveryOutcome, Reconciled};
