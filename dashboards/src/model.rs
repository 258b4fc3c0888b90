//! The view models: what a page shows, and what `/api/v1/status` answers with.
//!
//! Lists are newest first, and bounded by whoever fills them.

use checks::{CheckId, FailureClass, Outcome, Region, RunResult, UnixMs};
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything on the status page.
#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    /// When this snapshot was taken.
    pub now: UnixMs,
    pub started_at: UnixMs,
    pub version: String,
    pub regions: Vec<Region>,
    pub checks: Vec<CheckRow>,
    pub incidents_open: Vec<IncidentRow>,
    pub incidents_closed: Vec<IncidentRow>,
    pub notifications: Vec<NotificationRow>,
    /// Alert rules, what fires first.
    pub rules: Vec<RuleRow>,
    /// What nobody is told of for now, the first to end first.
    pub silences: Vec<SilenceRow>,
    pub scripts_broken: Vec<BrokenScript>,
    /// What the person who runs Tocsin should know, such as a missing token.
    pub notices: Vec<String>,
    /// When the newest result arrived. It tells a quiet system from a dead one.
    pub newest_result_at: Option<UnixMs>,
    /// What was counted since the start, by name: results, deliveries, and whatever was dropped.
    pub counters: BTreeMap<String, u64>,
}

/// A silence that somebody has set.
#[derive(Debug, Clone, Serialize)]
pub struct SilenceRow {
    pub id: u64,
    /// `check login`, `tag cdn`, `everything`.
    pub about: String,
    /// When it begins, where it did not begin at once.
    pub from: Option<UnixMs>,
    pub until: UnixMs,
    pub by: String,
    pub why: String,
    pub is_maintenance: bool,
}

/// An alert of a rule, or a rule that has none.
#[derive(Debug, Clone, Serialize)]
pub struct RuleRow {
    pub name: String,
    pub group: String,
    pub state: RuleState,
    /// `node=eu-west-1 severity=p1`; empty where there is no alert.
    pub labels: String,
    /// As the expression gave it.
    pub value: String,
    pub since: Option<UnixMs>,
    /// What the rule says, or why it cannot be evaluated.
    pub detail: String,
}

/// In the order in which a person wants to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleState {
    Quiet,
    /// It cannot be evaluated, so nobody knows.
    Failing,
    Pending,
    Firing,
}

/// One row of the grid.
#[derive(Debug, Clone, Serialize)]
pub struct CheckRow {
    pub id: CheckId,
    pub description: String,
    pub schedule: String,
    /// Roughly the time between two slots.
    pub period_ms: u64,
    pub timeout_ms: u64,
    pub tags: Vec<String>,
    /// One for each region that the check runs in.
    pub cells: Vec<Cell>,
    /// The open incident of this check.
    pub incident: Option<u64>,
}

/// One check in one region.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    pub region: Region,
    pub failures_in_a_row: u32,
    pub recent: Vec<RunBrief>,
}

/// A run, as far as the grid shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunBrief {
    pub slot: UnixMs,
    pub started_at: UnixMs,
    pub duration_us: u64,
    #[serde(flatten)]
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    Passed,
    Failed {
        class: FailureClass,
        message: String,
    },
    Missed {
        reason: String,
    },
    /// Made, and ended by the script itself before it could say anything about the target.
    Skipped {
        reason: String,
    },
}

impl From<&RunResult> for RunBrief {
    fn from(result: &RunResult) -> Self {
        let verdict = match &result.outcome {
            Outcome::Passed => Verdict::Passed,
            Outcome::Failed(failure) => Verdict::Failed { class: failure.class, message: failure.message.clone() },
            Outcome::Missed { reason, .. } => Verdict::Missed { reason: reason.clone() },
            Outcome::Skipped { reason } => Verdict::Skipped { reason: reason.clone() },
        };
        Self { slot: result.key.slot, started_at: result.started_at, duration_us: result.duration_us, verdict }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct IncidentRow {
    pub number: u64,
    pub check: CheckId,
    pub status: IncidentStatus,
    pub severity: Severity,
    pub opened_at: UnixMs,
    pub closed_at: Option<UnixMs>,
    /// Why it is where it is, in a sentence.
    pub reason: String,
    /// Beyond open and closed: who acknowledged it, until when it is silenced, what holds it back, whether it flaps.
    pub standing: Option<String>,
    pub regions: Vec<FailingRegion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentStatus {
    Open,
    Recovered,
    /// Its check was removed while it was open.
    Closed,
}

#[derive(Debug, Clone, Serialize)]
pub struct FailingRegion {
    pub region: Region,
    pub failures_in_a_row: u32,
}

/// How far up the ladder an incident has climbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    P2,
    P1,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
        }
    }
}

/// A message to somebody, and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct NotificationRow {
    pub at: UnixMs,
    pub incident: Option<u64>,
    /// `Slack #p1`, `SMS to Ada`.
    pub recipient: String,
    pub text: String,
    pub delivery: Delivery,
    /// The outcome in words, with the provider's answer where there is one.
    pub outcome: String,
    pub attempts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    Pending,
    Delivered,
    /// Shown in the terminal, since the provider's token is not set.
    Printed,
    Failed,
}

/// A script that was refused; the other checks go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenScript {
    /// `checks/login.check.ts:3:14`, or the path alone.
    pub place: String,
    pub message: String,
    pub help: Option<String>,
}

/// The page of one check.
#[derive(Debug, Clone, Serialize)]
pub struct CheckDetail {
    pub now: UnixMs,
    pub row: CheckRow,
    pub script: String,
    pub time_zone: Option<String>,
    pub runbook_url: Option<String>,
    pub regions: Vec<RegionResults>,
    pub incidents: Vec<IncidentRow>,
}

#[derive(Debug, Clone, Serialize)]
pub struct RegionResults {
    pub region: Region,
    pub results: Vec<RunResult>,
}

/// The page of one incident.
#[derive(Debug, Clone, Serialize)]
pub struct IncidentDetail {
    pub now: UnixMs,
    pub row: IncidentRow,
    /// The newest failed run of each region, the one that failed last first; none where a rule or somebody else's alert
    /// is behind it.
    pub failures: Vec<RunResult>,
    /// Oldest first: it is read as a story.
    pub trail: Vec<TrailRow>,
    pub notifications: Vec<NotificationRow>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TrailRow {
    pub at: UnixMs,
    pub text: String,
}

/// What is wrong with the metrics that programs send.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MetricProblems {
    /// Where statsd listens; empty where it is off.
    pub listening: String,
    /// Values that came, those that were refused included.
    pub values: u64,
    pub problems: Vec<MetricProblem>,
    /// What was lost or taken away without a line to show, by name, since the start. Zeros are left out.
    pub dropped: BTreeMap<String, u64>,
}

/// Lines that were not taken for one reason.
#[derive(Debug, Clone, Serialize)]
pub struct MetricProblem {
    /// What is wrong and what to write instead.
    pub reason: String,
    pub count: u64,
    /// A few of them, the newest last; shortened.
    pub lines: Vec<String>,
}
