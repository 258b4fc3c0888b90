use super::{FailureBrief, Hold};
use crate::act::Via;
use crate::notification::{Address, NotificationId};
use crate::policy::{Flapping, Ladder};
use crate::signal::SignalFacts;
use checks::{Region, UnixMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// What stands behind it instead of a check's results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<SignalFacts>,
    /// When the check was last removed. Runs for slots until then are of the check that it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<UnixMs>,
    /// When its newest incidents opened: as many as tell whether it flaps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub openings: Vec<UnixMs>,
}

impl CheckState {
    /// Whether anything fails or recovers: what keeps an incident open.
    pub fn is_unwell(&self) -> bool {
        self.signal.as_ref().is_some_and(|signal| signal.firing)
            || self.regions.values().any(|region| region.condition.is_unwell())
    }

    /// Writes down that an incident opens, and says whether it is one too many.
    pub(super) fn note_opening(&mut self, now: UnixMs, rule: Option<Flapping>) -> bool {
        let Some(rule) = rule else { return false };
        self.openings.retain(|at| *at <= now && now.since_ms(*at) < rule.window_ms);
        self.openings.push(now);
        let kept = usize::try_from(rule.openings).unwrap_or(usize::MAX).min(OPENINGS_MAX);
        let surplus = self.openings.len().saturating_sub(kept);
        self.openings.drain(..surplus);
        self.openings.len() >= kept
    }
}

/// Openings that are remembered, whatever a policy asks for.
const OPENINGS_MAX: usize = 100;

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
    /// The first slot of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<UnixMs>,
    pub failing_since: Option<UnixMs>,
    pub last_success: Option<UnixMs>,
    pub last_result_at: Option<UnixMs>,
    /// When it last came back from failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passing_since: Option<UnixMs>,
}

impl RegionState {
    /// A run was made: it is not silent.
    pub(super) fn heard(&mut self) {
        self.missed_in_a_row = 0;
        self.missing_since = None;
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIncident {
    pub number: u64,
    pub opened_at: UnixMs,
    /// The rungs that it has climbed, in that order. None is ever taken back.
    #[serde(default)]
    pub rungs: Vec<ClimbedRung>,
    /// The same as journals of the first version have it, by place in the ladder; named at the next event.
    #[serde(default, rename = "rungs_climbed", skip_serializing_if = "Vec::is_empty")]
    pub rungs_by_place: Vec<usize>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
    /// Why rungs that were reached are not climbed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldBack>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_flapping: bool,
    /// Since when nothing has failed in a flapping incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calm_since: Option<UnixMs>,
    /// When it last woke people: what repeats count from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paged_at: Option<UnixMs>,
    /// When it was last let go: nobody could have acknowledged before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_at: Option<UnixMs>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeats: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClimbedRung {
    pub label: String,
    pub at: UnixMs,
    /// Whether it woke people.
    pub wakes: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    pub at: UnixMs,
    pub by: String,
    pub via: Via,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    pub hold: Hold,
    pub since: UnixMs,
    /// The labels of the rungs that were reached meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rungs: Vec<String>,
}

impl OpenIncident {
    /// What people call its highest rung: of those it has climbed, otherwise of those that are held back.
    pub fn label(&self, ladder: &Ladder) -> String {
        let place = |label: &str| ladder.rungs.iter().position(|rung| rung.label == label);
        let climbed = self.rungs.iter().enumerate().max_by_key(|(order, rung)| (place(&rung.label), *order));
        let held = || self.held.as_ref().and_then(|held| held.rungs.last().cloned());
        climbed.map(|(_, rung)| rung.label.clone()).or_else(held).unwrap_or_else(|| "held".to_owned())
    }

    pub fn has_climbed(&self, label: &str) -> bool {
        self.rungs.iter().any(|rung| rung.label == label)
    }

    /// Gives the rungs of an older journal their names.
    pub(super) fn name_rungs(&mut self, ladder: &Ladder) {
        for place in std::mem::take(&mut self.rungs_by_place) {
            let (label, wakes) = match ladder.rungs.get(place) {
                Some(rung) => (rung.label.clone(), rung.wakes()),
                None => (format!("rung {}", place + 1), true),
            };
            if !self.has_climbed(&label) {
                self.rungs.push(ClimbedRung { label, at: self.opened_at, wakes });
            }
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
    /// Whether a page to it fell back, and none has come late since.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_down: bool,
    /// Whether it was told in place of another one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub instead: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedIncident {
    pub number: u64,
    pub ended_at: UnixMs,
}
