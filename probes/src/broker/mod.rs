//! The network of runs, from outside of their processes.
//!
//! A run's process makes no socket and asks no resolver. It asks the broker, in the daemon, which decides, connects, and
//! hands the connected descriptor over:
//!
//! ```text
//! run ── gate: ticket, target, one end of a new socket pair ──> broker
//! run <── on the pair: progress, and the descriptor or the error ── broker
//! ```
//!
//! - The *gate* is one packet socket between the daemon and each zygote, inherited by its runs. Nothing ever comes out
//!   of a run's end, so that runs learn nothing of one another. A run that makes no connection costs the broker
//!   nothing but a line in a table.
//! - The *ticket* is a number nobody guesses, given to one run with its order. It stands for that run's network
//!   settings, its check's `hosts`, and how many connections it has left.
//! - The judgement is on the addresses that the broker itself resolved and is about to connect to. What a name meant
//!   before, or what it will mean to whoever asks next, is of no interest.

mod daemon;
mod descriptors;
mod messages;
mod run;
mod stand_in;

pub(crate) use daemon::Broker;
pub(crate) use descriptors::{gate_pair, receive_descriptor, send_descriptor};
pub(crate) use messages::{DialKind, Ticket};
pub(crate) use run::ask;
pub(crate) use stand_in::{answer_one, stand_in_gate};
