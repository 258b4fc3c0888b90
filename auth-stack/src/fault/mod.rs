//! Faults: the switches that break the provider on purpose.
//!
//! A fault is of one [`FaultKind`], and holds for one node or all, and for one component or all that its kind
//! touches. Several hold at once. It hits every matching request, or a share of them: `ratio` is counted, not
//! random (0.5 is every second request, the first included), so that a test sees the same thing each time. It
//! stays until it is cleared, or for `for_ms`.
//!
//! [`order`] says what a person may ask for and why not; [`book`] keeps the faults in force and decides, for a
//! request, which of them hit it. Both are pure: the time is passed in.

mod book;
mod kind;
mod order;

pub use book::{Fault, FaultBook, Hits};
pub use kind::{FaultKind, Parameter};
pub use order::{FaultError, FaultOrder};
