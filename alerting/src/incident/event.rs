use crate::act::Via;
use crate::notification::{Address, NotificationId};
use crate::signal::Signal;
use checks::{FailureClass, Outcome, Region, RunResult, UnixMs};
use serde::{Deserialize, Serialize};

/// The longest text of an error that an incident's state keeps.
const MESSAGE_CHARS_MAX: usize = 1000;
/// The longest path of steps that it keeps.
const STEP_CHARS_MAX: usize = 200;
/// Timings of this many exchanges are kept with a failure.
const EXCHANGES_MAX: usize = 3;

/// What can happen to a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Observed(Observation),
    /// A page of an open incident stays undelivered: refused for good, or unanswered for too long.
    Undelivered {
        incident: u64,
        notification: NotificationId,
        address: Address,
        because: String,
    },
    /// A page that had fallen back has been delivered after all: its channel is back.
    DeliveredLate {
        incident: u64,
        notification: NotificationId,
        address: Address,
        late_ms: u64,
    },
    Signalled(Signal),
    Acknowledged {
        incident: u64,
        by: String,
        via: Via,
    },
    /// Somebody says that it is over.
    Resolved {
        incident: u64,
        by: String,
        via: Via,
        /// Empty where nobody says.
        because: String,
    },
    /// It is the time that [`super::due`] named.
    Due {
        at: UnixMs,
    },
    /// What holds the incident back may have begun or ended.
    Look,
    /// The regions that the check runs in from now on.
    Regions(Vec<Region>),
    /// The check, or the source of the signal, no longer exists.
    Removed,
}

/// A run's result, reduced to what deciding needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub region: Region,
    pub slot: UnixMs,
    pub attempt: u32,
    /// When the run ended.
    pub at: UnixMs,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed(FailureBrief),
    /// Nobody ran the slot.
    Missed,
    /// Nobody ran the slot, because the run of an earlier one was still going.
    StillRunning,
    /// The script itself had nothing to ask.
    Skipped,
}

/// What a page says about a failed run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureBrief {
    pub class: FailureClass,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    pub at: UnixMs,
    pub duration_us: u64,
    /// The last exchanges of the run with their phases, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timings: Vec<String>,
}

impl Observation {
    pub fn of(result: &RunResult) -> Self {
        let at = result.started_at + result.duration_us / 1000;
        let verdict = match &result.outcome {
            Outcome::Passed => Verdict::Passed,
            // A run that its script skipped has learnt nothing: it moves no counter and closes nothing.
            Outcome::Missed { still_running: true, .. } => Verdict::StillRunning,
            Outcome::Missed { still_running: false, .. } => Verdict::Missed,
            Outcome::Skipped { .. } => Verdict::Skipped,
            Outcome::Failed(failure) => Verdict::Failed(FailureBrief {
                class: failure.class,
                message: shorten(&failure.message, MESSAGE_CHARS_MAX),
                step: failure.step.as_ref().map(|step| shorten(step, STEP_CHARS_MAX)),
                location: failure.location.as_ref().map(|l| shorten(&l.to_string(), STEP_CHARS_MAX)),
                at,
                duration_us: result.duration_us,
                timings: timings(result),
            }),
        };
        let key = &result.key;
        Self { region: key.region.clone(), slot: key.slot, attempt: key.attempt, at, verdict }
    }
}

fn timings(result: &RunResult) -> Vec<String> {
    let first = result.requests.len().saturating_sub(EXCHANGES_MAX);
    result.requests[first..]
        .iter()
        .map(|request| {
            let mut line = format!("{} {}", request.method, shorten(&request.url, 120));
            match (request.status, &request.failure) {
                (Some(status), _) => line.push_str(&format!(" → {status}")),
                (None, Some(failure)) => line.push_str(&format!(" → {}", failure.class)),
                (None, None) => line.push_str(" → no answer"),
            }
            for (name, us) in request.phases.named() {
                line.push_str(&format!(", {name} {}", milliseconds(us)));
            }
            line
        })
        .collect()
}

/// Microseconds as milliseconds, with one decimal below 10 ms.
pub(crate) fn milliseconds(us: u64) -> String {
    if us < 10_000 { format!("{}.{} ms", us / 1000, us % 1000 / 100) } else { format!("{} ms", us / 1000) }
}

/// At most `chars_max` characters; says so where it cuts.
pub(crate) fn shorten(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
            format!("{kept}…")
        }
    }
}
