//! Prometheus rule files: what is recorded, and when an alert fires.
//!
//! [`file`] reads a rule file as it is and refuses what it does not know by name and line. [`template`] reads the
//! templates in labels and annotations, the part of Go's template language that rule files use. [`alert`] is the state
//! machine of one alerting rule, pure: `step(state, what is true now, time) -> state and events`. [`group`] puts them
//! together: it evaluates a group's rules in their order, each seeing what the rules before it recorded, and keeps
//! a state that can be saved and restored, so that a `for` that was half run when the process stopped goes on.
//! [`unit_test`] runs promtool's unit tests against the same code.
//!
//! States of an alert, one for each set of labels: *pending* since its expression became true; *firing* once that has
//! lasted for `for`; still firing for `keep_firing_for` after it stopped being true; *resolved*, and forgotten after a
//! quarter of an hour. An event is given for each change, with its reason.

pub mod alert;
pub mod file;
pub mod go_format;
pub mod group;
pub mod notation;
pub mod template;
pub mod unit_test;

pub use alert::{ActiveAlert, AlertEvent, AlertState, Change, RuleState};
pub use file::{AlertRule, RecordRule, Rule, RuleFile, RuleFileError, RuleGroup};
pub use group::{GroupSettings, GroupState, RuleProblem, RunningGroup, TickReport};
