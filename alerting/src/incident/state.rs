use super::FailureBrief;
use crate::notification::{Address, NotificationId};
use crate::policy::Ladder;
use checks::{Region, UnixMs};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that deciding remembers of one check. It is the value that the journal keeps under the check's id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CheckState {
    #[serde(default)]
    pub regions: BTreeMap<Region, RegionState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<OpenIncident>,
    /// The incident before, so that the next one can name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndedIncident>,
}

/// The newest run that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Watermark {
    pub slot: UnixMs,
    pub attempt: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionCondition {
    #[default]
    Unknown,
    Passing,
    Failing,
    /// Has passed since it failed, but not `recover_after` times in a row.
    Recovering,
}

impl RegionCondition {
    /// Whether it keeps an incident open.
    pub fn is_unwell(self) -> bool {
        matches!(self, Self::Failing | Self::Recovering)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RegionState {
    pub condition: RegionCondition,
    pub watermark: Option<Watermark>,
    /// The newest slot that nobody ran.
    pub missed: Option<Watermark>,
    /// Of any class.
    pub failures_in_a_row: u32,
    /// Those that blame the target; the others in between neither count nor break the row.
    pub target_failures_in_a_row: u32,
    pub passes_in_a_row: u32,
    pub missed_in_a_row: u32,
    pub failing_since: Option<UnixMs>,
    pub last_success: Option<UnixMs>,
    pub last_result_at: Option<UnixMs>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIncident {
    pub number: u64,
    pub opened_at: UnixMs,
    /// The rungs that it has climbed, counted from 0. None is ever taken back.
    pub rungs_climbed: BTreeSet<usize>,
    /// Why the newest rung was climbed, in words.
    pub reason: String,
    pub told: Vec<Told>,
    pub next_notification: u32,
    pub failing_since: UnixMs,
    /// The last time that the region which opened it had passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<UnixMs>,
    /// Where and how it failed most recently.
    pub failed_in: Region,
    pub failure: FailureBrief,
    /// When the newest edit of its posts is, or was, due.
    pub edit_due_at: UnixMs,
    pub failures_total: u64,
    /// How many it has written; bounds the trail of an incident that flaps for days.
    pub trail_entries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<u64>,
}

impl OpenIncident {
    /// What people call its highest rung.
    pub fn label(&self, ladder: &Ladder) -> String {
        let highest = self.rungs_climbed.last().copied().unwrap_or(0);
        match ladder.rungs.get(highest) {
            Some(rung) => rung.label.clone(),
            None => format!("rung {}", highest + 1),
        }
    }
}

/// Somebody who knows about an open incident, and has to hear how it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub address: Address,
    pub page: NotificationId,
    /// Whether this page's fallback has been taken.
    #[serde(default)]
    pub fell_back: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedIncident {
    pub number: u64,
    pub ended_at: UnixMs,
}
