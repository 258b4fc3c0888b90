use crate::{Failure, FailureClass, RunKey, Transcript, UnixMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that one run found out. Durations are microseconds, offsets count from the start of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    pub key: RunKey,
    pub started_at: UnixMs,
    pub duration_us: u64,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Request>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console: Vec<ConsoleLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    #[serde(default, skip_serializing_if = "Dropped::is_nothing")]
    pub dropped: Dropped,
    /// The version of the script that ran; see [`crate::ScriptSource::hash`]. Empty where none could be loaded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub script_hash: String,
    pub prober: Prober,
}

impl RunResult {
    pub fn failure(&self) -> Option<&Failure> {
        match &self.outcome {
            Outcome::Failed(failure) => Some(failure),
            Outcome::Passed | Outcome::Missed { .. } | Outcome::Skipped { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WireOutcome", into = "WireOutcome")]
pub enum Outcome {
    Passed,
    Failed(Failure),
    /// The slot passed without a run: neither a success nor a failure of the target.
    Missed {
        reason: String,
        /// Because the run of an earlier slot had not ended, within the time that it has: somebody is there who runs.
        still_running: bool,
    },
    /// The script called `skip(reason)`: it ran, and says that there was nothing to learn. Neither a success nor a
    /// failure of the target, so that an incident neither opens nor closes by it; and no silence of the prober either.
    Skipped {
        reason: String,
    },
}

/// An outcome on the wire. A skipped run is written as a missed slot that says more: a reader from before `skip`
/// then takes it for what is nearest, neither a success nor a failure.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireOutcome {
    Passed,
    Failed(Failure),
    Missed {
        reason: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        skipped: bool,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        still_running: bool,
    },
}

impl From<WireOutcome> for Outcome {
    fn from(outcome: WireOutcome) -> Self {
        match outcome {
            WireOutcome::Passed => Self::Passed,
            WireOutcome::Failed(failure) => Self::Failed(failure),
            WireOutcome::Missed { reason, skipped: true, .. } => Self::Skipped { reason },
            WireOutcome::Missed { reason, skipped: false, still_running } => Self::Missed { reason, still_running },
        }
    }
}

impl From<Outcome> for WireOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Passed,
            Outcome::Failed(failure) => Self::Failed(failure),
            Outcome::Missed { reason, still_running } => Self::Missed { reason, skipped: false, still_running },
            Outcome::Skipped { reason } => Self::Missed { reason, skipped: true, still_running: false },
        }
    }
}

/// A number that a script measured by itself: `metric(name, value, { unit, tags })`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub name: String,
    /// Finite.
    pub value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Names are those of Prometheus labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Index into the run's steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    pub at_us: u64,
}

/// A `step(name, fn)`. Steps nest; `parent` is an index into the run's steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    pub start_us: u64,
    /// Absent where the run ended inside the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// What was thrown out of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One HTTP exchange, redirects each on their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub method: String,
    /// Secrets redacted, user information and fragment removed.
    pub url: String,
    /// Index into the run's steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    pub start_us: u64,
    pub phases: Phases,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `HTTP/1.1` or `HTTP/2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_version: Option<String>,
    /// Address and port that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_addr: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    pub sent_body_bytes: u64,
    /// As received, before content decoding.
    pub received_body_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<RequestFailure>,
    /// Only for the few exchanges that explain a failed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Box<Transcript>>,
}

/// Why an exchange did not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFailure {
    pub class: FailureClass,
    pub message: String,
}

/// How long each phase of an exchange took, in microseconds; absent where it was not reached or not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Phases {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<u64>,
    /// From the end of the connection's set-up to the response's head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_us: Option<u64>,
}

impl Phases {
    /// The phases that happened, in order, with their names.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("dns", self.dns_us),
            ("connect", self.connect_us),
            ("tls", self.tls_us),
            ("first byte", self.first_byte_us),
            ("download", self.download_us),
        ]
        .into_iter()
        .filter_map(|(name, us)| us.map(|us| (name, us)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// `TLSv1.3`.
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// Leaf first, as the server sent them.
    pub certificates: Vec<Certificate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    pub not_before: UnixMs,
    pub not_after: UnixMs,
    /// Whole days from the run to `not_after`, negative once expired.
    pub days_left: i64,
    /// DNS names and addresses that it is valid for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Hex SHA-256 of the DER.
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleLine {
    pub at_us: u64,
    pub level: ConsoleLevel,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsoleLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// What did not fit into the result's bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dropped {
    pub console_lines: u64,
    pub steps: u64,
    pub requests: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub metrics: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub soft_failures: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Dropped {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Who made the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prober {
    /// Version of Tocsin.
    pub version: String,
}
