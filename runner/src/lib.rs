//! The PROCESS: the `tocsin` binary, where the parts are put together. Nothing is decided here that could be decided
//! in a part.
//!
//! - [`config`] reads `tocsin.toml` and refuses what is wrong with it, all of it at once.
//! - [`catalogue`] finds the check scripts, has them described, and holds them against the configuration.
//! - [`ladders`] turns the policies into ladders that can be climbed.
//! - [`cli`] is the command line: `up`, `test`, `mutate`, `validate`, `incidents`, `ack`, `silence`, `policy`.
//! - [`up`] is the long-running process: planner, runs, alerting and pages.
//! - [`sandboxing`] turns settings into a sandbox and into orders for runs.

pub mod catalogue;
pub mod cli;
pub mod config;
pub mod ladders;
mod recordings;
mod rule_files;
mod running;
pub mod sandboxing;
pub mod up;
