//! WHEN a check runs: schedules, and the plan of many checks in many regions.
//!
//! A [`Schedule`] names *slots*: the instants a check is scheduled for. `every 5m` has its slots at the multiples of
//! five minutes since the epoch, so every region and every restart means the same instants; a cron expression has
//! them where the wall clock of its time zone says so.
//!
//! The [`Planner`] turns slots into runs. It is pure: time is passed in, and what it decides is returned.
//!
//! - Each stream (a check in a region) starts its run a fixed offset after the slot ([`spread_offset_ms`]), so a
//!   thousand checks with one period are not one burst.
//! - A slot is decided once, and never again: it is started, or it is missed with a reason ([`MissedReason`]). A
//!   clock that is set back by less than a minute repeats no slot. One that is set back further is followed at once,
//!   since waiting for it would be silence: slots that come again are run as further attempts.
//! - A stream has one run at a time. A run that is still going when its next slot comes costs that slot, of that
//!   stream only. An extra run ([`Planner::run_again`]) waits for the run that it follows, and costs no slot: the slot
//!   waits for it within its grace.
//! - No more than `concurrency_max` runs go on at once. What has to wait starts in the order in which it became due.
//! - A slot that could not start within its grace is missed. Any number of slots that passed in one gap (the machine
//!   was asleep) become one record that says how many they are.

mod cron;
mod error;
mod every;
mod missed;
mod planner;
mod spread;
mod time_zone;

#[cfg(test)]
mod planner_model;

pub use error::ScheduleError;
pub use missed::MissedReason;
pub use planner::{FirstRun, Planned, Planner, PlannerSettings};
pub use spread::spread_offset_ms;

use checks::UnixMs;
use cron::Cron;

/// When a check runs; parsed from what its author wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Every { period_ms: u64 },
    Cron(Box<Cron>),
}

impl Schedule {
    /// Reads `every 30s`, or a cron expression of five fields, or of six with seconds in front.
    ///
    /// `time_zone` is an IANA name and says how a cron expression is read; absent, it is UTC. Weekdays are POSIX's:
    /// 0 and 7 are Sunday. A schedule that never comes is refused.
    pub fn parse(text: &str, time_zone: Option<&str>) -> Result<Self, ScheduleError> {
        let zone = time_zone.map(time_zone::parse).transpose()?;
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(ScheduleError::Empty);
        }
        let first_word = trimmed.split_whitespace().next().unwrap_or_default();
        let kind = if first_word.eq_ignore_ascii_case("every") || every::looks_like_duration(trimmed) {
            Kind::Every { period_ms: every::parse(trimmed)? }
        } else {
            Kind::Cron(Box::new(Cron::parse(trimmed, zone.unwrap_or(chrono_tz::UTC))?))
        };
        Ok(Self { kind })
    }

    /// The first slot after `now`; `None` only past the end of the calendar.
    pub fn next_after(&self, now: UnixMs) -> Option<UnixMs> {
        match &self.kind {
            Kind::Every { period_ms } => every::next_after(*period_ms, now),
            Kind::Cron(cron) => cron.next_after(now),
        }
    }

    /// The time between two slots: exact for `every`, the shortest of a sample for cron.
    pub fn period_hint_ms(&self) -> u64 {
        match &self.kind {
            Kind::Every { period_ms } => *period_ms,
            Kind::Cron(cron) => cron.period_hint_ms(),
        }
    }

    /// The longest that the start of a run may lie behind its slot.
    ///
    /// Always under the period. A period has no instant that anybody waits for, so its runs use up to 30 s of it; a
    /// cron expression names an instant, and is kept to within 5 s.
    pub fn spread_max_ms(&self) -> u64 {
        let bound_ms = match &self.kind {
            Kind::Every { .. } => 30_000,
            Kind::Cron(_) => 5_000,
        };
        self.period_hint_ms().min(bound_ms)
    }

    /// The slot that `now` lies in, where the schedule is a plain period.
    fn current_slot(&self, now: UnixMs) -> Option<UnixMs> {
        match &self.kind {
            Kind::Every { period_ms } => every::current(*period_ms, now),
            Kind::Cron(_) => None,
        }
    }

    /// How many slots lie in `first..=last`, and the last of them. Counting stops at `count_max`.
    fn slots_between(&self, first: UnixMs, last: UnixMs, count_max: u64) -> (u64, UnixMs) {
        match &self.kind {
            Kind::Every { period_ms } => {
                let more = last.since_ms(first) / period_ms;
                (more + 1, first + more * period_ms)
            }
            Kind::Cron(cron) => cron.slots_between(first, last, count_max),
        }
    }
}
