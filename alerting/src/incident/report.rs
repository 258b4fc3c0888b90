use super::{Acknowledged, CheckState, Context, FailureBrief, Hold, OpenIncident, RegionCondition, RegionState};
use crate::act::Via;
use crate::signal::SignalFacts;
use checks::{CheckId, Region, UnixMs};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Regions listed in a report; AWS has fewer.
const REGIONS_MAX: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentStatus {
    Open,
    Recovered,
    /// Its check or its source was removed while it was open, or somebody said that it is over.
    Closed,
}

/// Who said that it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedBy {
    pub by: String,
    pub via: Via,
    /// Empty where nobody says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
}

impl fmt::Display for ResolvedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resolved by {} over {}", self.by, self.via)?;
        if self.because.is_empty() { Ok(()) } else { write!(f, ": {}", self.because) }
    }
}

impl IncidentStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Recovered => "recovered",
            Self::Closed => "closed",
        }
    }
}

/// All that a page, a post or a status page shows of an incident, at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentReport {
    pub number: u64,
    pub check: CheckId,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook_url: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub script_path: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    pub status: IncidentStatus,
    /// Of the highest rung climbed: `P1`.
    pub label: String,
    /// Why that rung was climbed.
    pub reason: String,
    pub opened_at: UnixMs,
    pub failing_since: UnixMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UnixMs>,
    /// The last time that the region which opened it had passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<UnixMs>,
    pub failures_total: u64,
    /// Where and how it failed most recently.
    pub failed_in: Region,
    pub failure: FailureBrief,
    pub regions: Vec<RegionLine>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub regions_left_out: usize,
    /// The incident of this check before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
    /// Who ended it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<ResolvedBy>,
    /// Why nobody is told of what it has reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_flapping: bool,
    /// What stands behind it instead of a check. Its `failure` then holds the summary, and there is no region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<SignalFacts>,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// A line of the region grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionLine {
    pub region: Region,
    pub condition: RegionCondition,
    pub failures_in_a_row: u32,
    pub missed_in_a_row: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_result_at: Option<UnixMs>,
}

impl IncidentReport {
    /// Regions that fail or recover.
    pub fn unwell(&self) -> impl Iterator<Item = &RegionLine> {
        self.regions.iter().filter(|line| line.condition.is_unwell())
    }

    /// What people call it: the check's id, or the signal's title.
    pub fn title(&self) -> &str {
        self.signal.as_ref().map_or(self.check.as_str(), |signal| &signal.title)
    }

    /// What a person should know of its state beyond open and ended, in words.
    pub fn standing(&self) -> Option<String> {
        let acknowledged = self.acknowledged.as_ref().map(|a| format!("acknowledged by {} over {}", a.by, a.via));
        let held = self.held.as_ref().map(Hold::to_string);
        let flapping = self.is_flapping.then(|| "flapping".to_owned());
        let all: Vec<String> = [acknowledged, held, flapping].into_iter().flatten().collect();
        (!all.is_empty() && self.status == IncidentStatus::Open).then(|| all.join("; "))
    }

    /// Why a closed one is, in words that follow what it is called.
    pub fn closed_as(&self) -> String {
        match (&self.resolved, &self.signal) {
            (Some(resolved), _) => format!("was {resolved}"),
            (None, Some(_)) => "has no source any more".to_owned(),
            (None, None) => "is no longer checked".to_owned(),
        }
    }

    /// From the first failure to the end, or to `now` while it lasts.
    pub fn lasted_ms(&self, now: UnixMs) -> u64 {
        self.ended_at.unwrap_or(now).since_ms(self.failing_since)
    }
}

/// The report of `incident` as `state` stands.
pub(super) fn report(
    incident: &OpenIncident,
    status: IncidentStatus,
    state: &CheckState,
    context: &Context<'_>,
) -> IncidentReport {
    let definition = context.watched.map(|watched| &watched.definition);
    let line = |(region, r): (&Region, &RegionState)| RegionLine {
        region: region.clone(),
        condition: r.condition,
        failures_in_a_row: r.failures_in_a_row,
        missed_in_a_row: r.missed_in_a_row,
        last_result_at: r.last_result_at,
    };
    IncidentReport {
        number: incident.number,
        check: context.check.clone(),
        description: definition.map(|d| d.description.clone()).unwrap_or_default(),
        runbook_url: definition.and_then(|d| d.runbook_url.clone()),
        script_path: definition.map(|d| d.script.path.clone()).unwrap_or_default(),
        tags: definition.map(|d| d.tags.clone()).unwrap_or_default(),
        status,
        label: incident.label(context.ladder),
        reason: incident.reason.clone(),
        opened_at: incident.opened_at,
        failing_since: incident.failing_since,
        ended_at: (status != IncidentStatus::Open).then_some(context.now),
        last_success: incident.last_success,
        failures_total: incident.failures_total,
        failed_in: incident.failed_in.clone(),
        failure: incident.failure.clone(),
        regions: state.regions.iter().take(REGIONS_MAX).map(line).collect(),
        regions_left_out: state.regions.len().saturating_sub(REGIONS_MAX),
        previous: incident.previous,
        acknowledged: incident.acknowledged.clone(),
        resolved: None,
        held: incident.held.as_ref().map(|held| held.hold.clone()),
        is_flapping: incident.is_flapping,
        signal: state.signal.clone(),
    }
}
