use checks::UnixMs;
use std::fmt;

/// Why a slot passed without a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissedReason {
    /// The run of an earlier slot had not ended.
    StillRunning { slot: UnixMs, going_ms: u64, timeout_ms: u64 },
    /// As many runs as allowed were going on, until the slot's grace was over.
    NoCapacity { waited_ms: u64, concurrency_max: usize },
    /// Nobody asked for what is due until the slot's grace was over: the machine slept, or the process was starved.
    /// The record stands for `slots` slots in a row, and names the last of them, or where too many
    /// to count them all have passed, the last that was counted.
    Overdue { late_ms: u64, slots: u64, counted_all: bool },
}

/// A run that goes on for so much longer than its timeout is stuck, and nobody is there.
const STUCK_AFTER_MS: u64 = 30_000;

impl MissedReason {
    /// Whether a run of the same check in the same region goes on, within the time that it has: its result comes, so that
    /// the slot is no sign of silence.
    pub fn is_run_going_on(&self) -> bool {
        matches!(self, Self::StillRunning { going_ms, timeout_ms, .. }
            if *going_ms <= timeout_ms.saturating_add(STUCK_AFTER_MS))
    }
}

/// A line for a person: what happened, and what to change where something can be.
impl fmt::Display for MissedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StillRunning { slot, going_ms, timeout_ms } => write!(
                f,
                "the run of slot {slot} was still going after {} (its timeout is {}): lengthen the schedule, or shorten the timeout",
                seconds(*going_ms),
                seconds(*timeout_ms)
            ),
            Self::NoCapacity { waited_ms, concurrency_max } => write!(
                f,
                "waited {} while {concurrency_max} runs, the most allowed at once, were going on",
                seconds(*waited_ms)
            ),
            Self::Overdue { late_ms, slots: 1, .. } => {
                write!(f, "the prober was {} late: its machine slept, or is overloaded", seconds(*late_ms))
            }
            Self::Overdue { late_ms, slots, counted_all } => write!(
                f,
                "{}{slots} slots in a row passed while the prober's machine slept or was overloaded; the first was {} late",
                if *counted_all { "" } else { "at least " },
                seconds(*late_ms)
            ),
        }
    }
}

fn seconds(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..600_000 => format!("{} s", ms / 1_000),
        600_000..7_200_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_until_it_is_stuck() {
        let still = |going_ms| MissedReason::StillRunning { slot: UnixMs(0), going_ms, timeout_ms: 40_000 };
        let cases = [
            (still(1), true),
            (still(70_000), true),
            (still(70_001), false),
            (MissedReason::NoCapacity { waited_ms: 9_950, concurrency_max: 64 }, false),
            (MissedReason::Overdue { late_ms: 12_000, slots: 1, counted_all: true }, false),
        ];
        for (reason, goes_on) in cases {
            assert_eq!(reason.is_run_going_on(), goes_on, "{reason}");
        }
    }

    #[test]
    fn reasons_read_as_sentences() {
        let cases: &[(MissedReason, &str)] = &[
            (
                MissedReason::StillRunning { slot: UnixMs(0), going_ms: 31_500, timeout_ms: 40_000 },
                "the run of slot 1970-01-01T00:00:00Z was still going after 31 s (its timeout is 40 s): lengthen the schedule, or shorten the timeout",
            ),
            (
                MissedReason::NoCapacity { waited_ms: 9_950, concurrency_max: 64 },
                "waited 9.9 s while 64 runs, the most allowed at once, were going on",
            ),
            (
                MissedReason::Overdue { late_ms: 12_000, slots: 1, counted_all: true },
                "the prober was 12 s late: its machine slept, or is overloaded",
            ),
            (
                MissedReason::Overdue { late_ms: 8 * 3_600_000, slots: 960, counted_all: true },
                "960 slots in a row passed while the prober's machine slept or was overloaded; the first was 8 h late",
            ),
        ];
        for (reason, expected) in cases {
            assert_eq!(reason.to_string(), *expected);
        }
    }
}
