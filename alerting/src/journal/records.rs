use crate::incident::{CheckState, IncidentReport, IncidentStatus, TrailEntry, TrailKind};
use crate::notification::{Address, ChannelKind, HandsetReport, Notification, NotificationId, Role};
use checks::{CheckId, FailureClass, RunKey, UnixMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A value with the revision that a change of it has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    pub revision: u64,
    pub value: T,
}

/// What one check's decisions change, in one write.
#[derive(Debug, Clone)]
pub struct Commit {
    pub check: CheckId,
    /// The revision that was decided on; 0 where the check had no state.
    pub expected_revision: u64,
    pub state: CheckState,
    pub consumed: Vec<Consumed>,
    pub notifications: Vec<Notification>,
    pub trail: Vec<TrailEntry>,
    /// The incident as it stands after the write; of two in one write, both.
    pub reports: Vec<IncidentReport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Passed,
    Failed,
    Missed,
}

impl Verdict {
    pub const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Missed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Missed => "missed",
        }
    }

    pub fn parse(verdict: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.as_str() == verdict)
    }
}

/// A result that was decided on.
#[derive(Debug, Clone)]
pub struct Consumed {
    pub summary: ResultSummary,
    /// The wire format.
    pub document: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResultSummary {
    pub key: RunKey,
    pub started_at: UnixMs,
    pub duration_us: u64,
    pub verdict: Verdict,
    pub class: Option<FailureClass>,
    /// Of the failure, or why the slot was missed; shortened.
    pub message: String,
    pub received_at: UnixMs,
    /// Whether it came after a newer one of its region, and changed no counter.
    pub late: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub revision: u64,
    /// Which of the commit's results had been consumed before, by their place in it.
    pub duplicates: Vec<usize>,
}

/// A row that a worker may deliver now.
#[derive(Debug, Clone)]
pub struct Lease {
    pub notification: Notification,
    /// Counts from 1.
    pub attempt: u32,
    /// Whether an attempt before may have reached the provider without an answer.
    pub uncertain: bool,
    /// When the attempt ended that may have reached it.
    pub left_at: Option<UnixMs>,
    /// What the provider called the newest other messages to the same place; only where it has to be asked.
    pub taken: BTreeSet<String>,
    /// When the newest of what it carries was decided: it is given up when all of it is old.
    pub newest_at: UnixMs,
    /// What the provider called the lane's post, where it has one.
    pub post: Option<String>,
    /// Whether the lane's post was given up, so that there is nothing to edit or reply to.
    pub post_failed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub notification: NotificationId,
    /// What the same message carried.
    pub carried: Vec<NotificationId>,
    pub attempt: u32,
    pub at: UnixMs,
    pub duration_ms: u64,
    pub settled: Settled,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    Delivered {
        /// What the provider calls the message.
        receipt: String,
        /// Whether the provider had it already, from an attempt that ended without an answer.
        reconciled: bool,
    },
    Retry {
        at: UnixMs,
        uncertain: bool,
        reason: String,
    },
    /// The provider was asked, and does not have it: the attempt begins anew, with whatever waits by now.
    NotTaken,
    Failed {
        reason: String,
    },
}

impl Settled {
    /// The name of the outcome, and what there is to say about it.
    pub(super) fn told(&self) -> (&'static str, String) {
        match self {
            Self::Delivered { receipt, reconciled: false } => ("delivered", receipt.clone()),
            Self::Delivered { receipt, reconciled: true } => {
                ("delivered", format!("{receipt}: the provider had it already, nothing was sent again"))
            }
            Self::Retry { reason, .. } => ("retry", reason.clone()),
            Self::NotTaken => ("retry", "the provider does not have it".to_owned()),
            Self::Failed { reason } => ("failed", reason.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowState {
    Pending,
    Leased,
    Delivered,
    Failed,
    /// A newer edit of the same post went instead.
    Superseded,
}

impl RowState {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Leased, Self::Delivered, Self::Failed, Self::Superseded];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }

    pub fn parse(state: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == state)
    }

    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Pending | Self::Leased)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndeliveredPage {
    pub notification: NotificationId,
    pub check: CheckId,
    pub incident: u64,
    pub address: Address,
    pub created_at: UnixMs,
    pub because: String,
    /// Refused for good or lost on its way, rather than late.
    pub failed: bool,
}

impl UndeliveredPage {
    /// `lost` is what the provider said of it after it had taken it.
    pub(super) fn of(
        notification: &Notification,
        problem: Option<String>,
        state: RowState,
        lost: Option<String>,
    ) -> Self {
        Self {
            notification: notification.id.clone(),
            check: notification.check.clone(),
            incident: notification.incident,
            address: notification.address.clone(),
            created_at: notification.created_at,
            failed: state == RowState::Failed || lost.is_some(),
            because: lost.or(problem).unwrap_or_else(|| "no attempt has been answered".to_owned()),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    pub check: Option<CheckId>,
    pub open_only: bool,
    /// 0 means 100.
    pub rows_max: usize,
}

impl IncidentFilter {
    pub(super) fn limit(&self) -> usize {
        if self.rows_max == 0 { 100 } else { self.rows_max }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentSummary {
    pub number: u64,
    pub check: CheckId,
    pub status: IncidentStatus,
    pub report: IncidentReport,
}

impl IncidentSummary {
    pub(super) fn of(report: IncidentReport) -> Self {
        Self { number: report.number, check: report.check.clone(), status: report.status, report }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncidentRecord {
    pub report: IncidentReport,
    /// Decisions and deliveries together, in order of time.
    pub trail: Vec<TrailEntry>,
    pub notifications: Vec<NotificationRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotificationRecord {
    pub id: NotificationId,
    pub address: Address,
    pub kind: ChannelKind,
    pub role: Role,
    pub page: bool,
    pub text: String,
    pub state: RowState,
    pub created_at: UnixMs,
    pub attempts: Vec<Attempt>,
    /// What became of it after the provider had taken it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<HandsetReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    pub number: u32,
    pub at: UnixMs,
    pub duration_ms: u64,
    /// `delivered`, `retry` or `failed`.
    pub outcome: String,
    pub detail: String,
}

impl NotificationRecord {
    pub fn of(
        notification: Notification,
        state: RowState,
        attempts: Vec<Attempt>,
        reports: Vec<HandsetReport>,
    ) -> Self {
        Self {
            kind: notification.address.kind(),
            text: notification.saying.to_string(),
            id: notification.id,
            address: notification.address,
            role: notification.role,
            page: notification.page,
            state,
            created_at: notification.created_at,
            attempts,
            reports,
        }
    }

    /// Its attempts, and what became of it, as entries of the incident's trail.
    pub fn trail(&self, incident: u64) -> impl Iterator<Item = TrailEntry> + '_ {
        let reports = self.reports.iter().map(move |report| TrailEntry {
            incident,
            at: report.at,
            kind: TrailKind::Delivery,
            text: format!("{} {} {}: {}", self.address, self.role.as_str(), self.id, report.text),
        });
        let attempts = self.attempts.iter().map(move |attempt| TrailEntry {
            incident,
            at: attempt.at,
            kind: TrailKind::Delivery,
            text: format!(
                "{} {} {}, attempt {} after {} ms: {}: {}",
                self.address,
                self.role.as_str(),
                self.id,
                attempt.number,
                attempt.duration_ms,
                attempt.outcome,
                attempt.detail
            ),
        });
        attempts.chain(reports)
    }
}
