//! When somebody is woken, decided as a pure function: [`step`] takes the state of one check and one event, and
//! returns the next state with everything that follows from it, for the shell to commit in one write.
//!
//! # States
//! Each region of a check is *unknown*, *passing*, *failing* or *recovering* (passed, but not yet `recover_after`
//! times). A check is *quiet* or has one *open* incident, which has climbed one or more rungs of its ladder. An
//! incident ends *recovered*, when no region fails or recovers any more, or *closed*, when its check is removed or somebody
//! says that it is over. What fails after that is a new incident with a new number, which names the one before.
//!
//! # Guarantees
//! - Failures in a row are counted per region. Failures that are not the target's fault open an incident on a rung
//!   that counts every failure, and never reach a rung that counts the target's.
//! - A result that comes twice, late or out of order is recognised by `(slot, attempt)` and changes no counter.
//!   A missed slot is neither a failure nor a recovery. A run that was to confirm a failure counts where it fails; where
//!   it passes, it ends neither the row nor the incident, so that no page waits for having asked again.
//! - An incident climbs each rung once. Whatever else fails updates the posts.
//! - Everybody who was told that it began is told that it ended, in the same place.
//! - A clock that was ahead and went back does not make the check deaf: a watermark from the future is not trusted.

mod act;
mod climb;
mod due;
mod event;
mod fallback;
mod hold;
mod report;
#[cfg(test)]
pub(crate) mod sample;
mod signalled;
mod state;
mod step;
mod tell;
mod trail;

pub use climb::Parent;
pub use due::{Due, due};
pub use event::{Event, FailureBrief, Observation, Verdict};
pub(crate) use event::{milliseconds, shorten};
pub use hold::Hold;
pub use report::{IncidentReport, IncidentStatus, RegionLine, ResolvedBy};
pub use state::{
    Acknowledged, CheckState, ClimbedRung, EndedIncident, HeldBack, OpenIncident, RegionCondition, RegionState, Told,
    Watermark,
};
pub use step::{Context, Decision, RunAgain, Transition, Watched, step};
pub use trail::{TrailEntry, TrailKind};
