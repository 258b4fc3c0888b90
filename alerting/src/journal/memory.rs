//! A journal in memory: for simulations, and for runs that leave nothing behind. It gives every guarantee of the port
//! but the one that survives the process.

use super::{
    Attempt, Commit, Committed, DUE_AHEAD_MAX_MS, IncidentFilter, IncidentRecord, IncidentSummary, Journal,
    JournalError, Lease, NotificationRecord, ResultSummary, RowState, Settled, Settlement, TAKEN_MAX, UndeliveredPage,
    Versioned,
};
use crate::heartbeat::Heard;
use crate::incident::{CheckState, IncidentReport, IncidentStatus, TrailEntry};
use crate::notification::{ChannelKind, HandsetReport, Notification, NotificationId, Role};
use crate::outbox::{Departures, Folding, Standing, Stream, Waiting, leaving};
use crate::silence::{KeptSilence, SILENCES_MAX, Silence};
use async_trait::async_trait;
use checks::{CheckId, Region, RunKey, UnixMs};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Results of one check in one region.
const RESULTS_PER_STREAM_MAX: usize = 200;

pub struct MemoryJournal {
    id: String,
    folding: Folding,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    incident_numbers: u64,
    states: BTreeMap<CheckId, Versioned<CheckState>>,
    results: BTreeMap<RunKey, (ResultSummary, Vec<u8>)>,
    incidents: BTreeMap<u64, IncidentReport>,
    trail: Vec<TrailEntry>,
    outbox: Vec<Row>,
    /// When something last went to each place.
    departures: BTreeMap<String, Departures>,
    silence_numbers: u64,
    silences: Vec<KeptSilence>,
    heartbeats: BTreeMap<String, Heard>,
}

struct Row {
    notification: Notification,
    state: RowState,
    attempts: u32,
    uncertain: bool,
    due_at: UnixMs,
    /// When `due_at` was decided on: a clock that shows less has been set back since.
    due_set_at: UnixMs,
    lease_until: UnixMs,
    receipt: Option<String>,
    problem: Option<String>,
    /// When an attempt ended that may have reached the provider.
    left_at: Option<UnixMs>,
    /// The row with whose message it leaves.
    carrier: Option<NotificationId>,
    log: Vec<Attempt>,
    reports: Vec<HandsetReport>,
}

impl Row {
    /// What the provider said of it where nobody got it.
    fn lost(&self) -> Option<String> {
        self.reports.iter().find(|report| report.fate.is_lost()).map(|report| report.text.clone())
    }

    fn is_in_lane_of(&self, other: &Self) -> bool {
        self.notification.incident == other.notification.incident
            && self.notification.address.lane() == other.notification.address.lane()
    }
}

impl MemoryJournal {
    pub fn new() -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
        Self { id, folding: Folding::default(), tables: Mutex::new(Tables::default()) }
    }

    #[must_use]
    pub fn with_folding(self, folding: Folding) -> Self {
        Self { folding, ..self }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl Tables {
    fn commit(&mut self, commit: Commit) -> Result<Committed, JournalError> {
        let known = self.states.get(&commit.check).map_or(0, |state| state.revision);
        if known != commit.expected_revision {
            return Err(JournalError::Conflict { check: commit.check, expected: commit.expected_revision });
        }
        let revision = known + 1;
        self.states.insert(commit.check.clone(), Versioned { revision, value: commit.state });
        let mut duplicates = Vec::new();
        for (place, consumed) in commit.consumed.into_iter().enumerate() {
            let key = consumed.summary.key.clone();
            if self.results.contains_key(&key) {
                duplicates.push(place);
                continue;
            }
            self.results.insert(key.clone(), (consumed.summary, consumed.document));
            let stream = |k: &&RunKey| k.check == key.check && k.region == key.region;
            let oldest = self.results.keys().find(stream).cloned();
            if self.results.keys().filter(stream).count() > RESULTS_PER_STREAM_MAX
                && let Some(oldest) = oldest
            {
                self.results.remove(&oldest);
            }
        }
        for report in commit.reports {
            self.incidents.insert(report.number, report);
        }
        self.trail.extend(commit.trail);
        for notification in commit.notifications {
            self.enqueue(notification);
        }
        Ok(Committed { revision, duplicates })
    }

    fn enqueue(&mut self, notification: Notification) {
        let row = Row {
            due_at: notification.not_before,
            due_set_at: notification.created_at,
            state: RowState::Pending,
            attempts: 0,
            uncertain: false,
            lease_until: UnixMs(0),
            receipt: None,
            problem: None,
            left_at: None,
            carrier: None,
            log: Vec::new(),
            reports: Vec::new(),
            notification,
        };
        if row.notification.role == Role::Edit {
            for other in self.outbox.iter_mut().filter(|other| {
                // One whose lease has ended without an answer may be on its way yet.
                other.state == RowState::Pending
                    && other.lease_until == UnixMs(0)
                    && other.notification.role == Role::Edit
                    && other.is_in_lane_of(&row)
            }) {
                other.state = RowState::Superseded;
            }
        }
        self.outbox.push(row);
    }

    /// Whether no earlier row of its lane waits.
    fn is_first(&self, index: usize) -> bool {
        let row = &self.outbox[index];
        !self.outbox[..index].iter().any(|earlier| earlier.state.is_waiting() && earlier.is_in_lane_of(row))
    }

    /// What the provider called the lane's post, and whether it was given up.
    fn post_of(&self, index: usize) -> (Option<String>, bool) {
        let row = &self.outbox[index];
        let post = self.outbox[..index]
            .iter()
            .find(|earlier| earlier.notification.role == Role::Post && earlier.is_in_lane_of(row));
        post.map_or((None, false), |post| (post.receipt.clone(), post.state == RowState::Failed))
    }

    /// The incidents whose post in `lane` is this one.
    fn sharing<'a>(&'a self, lane: &'a str, receipt: &'a str) -> impl Iterator<Item = u64> + 'a {
        let is_post = move |row: &&Row| {
            row.notification.role == Role::Post
                && row.receipt.as_deref() == Some(receipt)
                && row.notification.address.lane() == lane
        };
        self.outbox.iter().filter(is_post).map(|row| row.notification.incident)
    }

    fn waiting(&self, index: usize, now: UnixMs) -> Waiting {
        let row = &self.outbox[index];
        let n = &row.notification;
        let standing = match (row.state, &row.carrier) {
            (RowState::Leased, _) => Standing::Leased,
            (_, Some(carrier)) if row.uncertain => {
                Standing::Uncertain { carrier: carrier.0.clone(), left_at: row.left_at.unwrap_or(row.due_set_at) }
            }
            _ => Standing::Free,
        };
        let post = (n.role != Role::Post).then(|| self.post_of(index).0).flatten();
        Waiting {
            id: n.id.0.clone(),
            incident: n.incident,
            role: n.role,
            page: n.page,
            is_due: row.due_at <= now || row.due_set_at > now || row.due_at > now + DUE_AHEAD_MAX_MS,
            standing,
            shared_post: post.filter(|post| self.sharing(&n.address.lane(), post).nth(1).is_some()),
        }
    }

    fn lease(
        &mut self,
        kind: ChannelKind,
        rows_max: usize,
        now: UnixMs,
        until: UnixMs,
        folding: &Folding,
    ) -> Vec<Lease> {
        for row in &mut self.outbox {
            if row.state == RowState::Leased && row.lease_until <= now {
                row.state = RowState::Pending;
                row.left_at.get_or_insert(row.lease_until);
                (row.due_at, row.due_set_at) = (now, now);
            }
        }
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, row) in self.outbox.iter().enumerate() {
            if row.state.is_waiting() && row.notification.address.kind() == kind {
                places.entry(row.notification.address.lane()).or_default().push(index);
            }
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (lane, indices) in &places {
            let rows: Vec<Waiting> = indices.iter().map(|&index| self.waiting(index, now)).collect();
            let none = Departures::new();
            let departures = self.departures.get(lane).unwrap_or(&none);
            let leaving = leaving(kind, &rows, departures, folding, now);
            groups.extend(leaving.into_iter().map(|group| group.into_iter().map(|row| indices[row]).collect()));
        }
        let is_page = |group: &Vec<usize>| group.iter().any(|&index| self.outbox[index].notification.page);
        groups.sort_by_key(|group| (!is_page(group), group[0]));
        groups.truncate(rows_max);
        groups.into_iter().map(|rows| self.lease_group(&rows, until)).collect()
    }

    fn lease_group(&mut self, rows: &[usize], until: UnixMs) -> Lease {
        let carrier = self.outbox[rows[0]].notification.id.clone();
        let (post, post_failed) = self.post_of(rows[0]);
        let uncertain = self.outbox[rows[0]].uncertain;
        let attempt = rows.iter().map(|&index| self.outbox[index].attempts).max().unwrap_or(0) + 1;
        for &index in rows {
            let row = &mut self.outbox[index];
            row.state = RowState::Leased;
            row.attempts = attempt;
            row.uncertain = true;
            row.lease_until = until;
            row.carrier = Some(carrier.clone());
        }
        let mut notification = self.outbox[rows[0]].notification.clone();
        notification.carry(rows[1..].iter().map(|&index| self.outbox[index].notification.clone()));
        if let Some(receipt) = post.as_deref().filter(|_| notification.role != Role::Post) {
            let lane = notification.address.lane();
            let others: BTreeSet<u64> = self.sharing(&lane, receipt).collect();
            let others = others.into_iter().filter(|number| *number != notification.incident);
            notification.shared_with = others.filter_map(|number| self.incidents.get(&number).cloned()).collect();
        }
        let created = rows.iter().map(|&index| self.outbox[index].notification.created_at);
        let newest_at = created.max().unwrap_or(notification.created_at);
        let left_at = self.outbox[rows[0]].left_at;
        let taken = if uncertain { self.taken(&notification.address.lane()) } else { BTreeSet::new() };
        Lease { notification, attempt, uncertain, left_at, taken, newest_at, post, post_failed }
    }

    /// What the newest messages to a place are called.
    fn taken(&self, lane: &str) -> BTreeSet<String> {
        let of_lane = self.outbox.iter().rev().filter(|row| row.notification.address.lane() == lane);
        of_lane.filter_map(|row| row.receipt.clone()).take(TAKEN_MAX).collect()
    }

    fn settle(&mut self, settlement: &Settlement) {
        // By name, and not by carrier: where the clock was set forward, others may have joined the next lease of the same
        // carrier while this attempt was under way.
        let is_of_it = |row: &Row| {
            let id = &row.notification.id;
            *id == settlement.notification || settlement.carried.contains(id)
        };
        let rows: Vec<usize> = (0..self.outbox.len()).filter(|&index| is_of_it(&self.outbox[index])).collect();
        for index in rows {
            self.settle_row(index, settlement);
        }
    }

    fn settle_row(&mut self, index: usize, settlement: &Settlement) {
        let row = &mut self.outbox[index];
        let (outcome, detail) = settlement.settled.told();
        let counts = match settlement.settled {
            Settled::Retry { .. } | Settled::NotTaken => {
                row.state == RowState::Leased && row.attempts == settlement.attempt
            }
            Settled::Delivered { .. } | Settled::Failed { .. } => row.state.is_waiting(),
        };
        if !counts {
            return;
        }
        match &settlement.settled {
            Settled::Delivered { receipt, reconciled } => {
                row.state = RowState::Delivered;
                row.uncertain = false;
                row.receipt = Some(receipt.clone());
                let n = &row.notification;
                let at = row.left_at.filter(|_| *reconciled).unwrap_or(settlement.at);
                let departures = self.departures.entry(n.address.lane()).or_default();
                let last = departures.entry((Stream::of(n.role), n.page)).or_insert(at);
                // A clock that was ahead and went back must hold nothing up.
                *last = if *last > settlement.at { at } else { at.max(*last) };
            }
            Settled::Retry { at, uncertain, reason } => {
                row.state = RowState::Pending;
                (row.due_at, row.due_set_at) = (*at, settlement.at);
                row.uncertain = *uncertain;
                row.lease_until = UnixMs(0);
                row.problem = Some(reason.clone());
                row.left_at = uncertain.then(|| row.left_at.unwrap_or(settlement.at));
            }
            Settled::NotTaken => {
                row.state = RowState::Pending;
                (row.due_at, row.due_set_at) = (settlement.at, settlement.at);
                (row.uncertain, row.left_at) = (false, None);
                row.lease_until = UnixMs(0);
                row.attempts -= 1;
                return;
            }
            Settled::Failed { reason } => {
                row.state = RowState::Failed;
                row.problem = Some(reason.clone());
            }
        }
        let detail = match settlement.notification != row.notification.id {
            true => format!("{detail}, in one message with {}", settlement.notification),
            false => detail,
        };
        row.log.push(Attempt {
            number: settlement.attempt,
            at: settlement.at,
            duration_ms: settlement.duration_ms,
            outcome: outcome.to_owned(),
            detail,
        });
    }

    fn incident(&self, number: u64) -> Option<IncidentRecord> {
        let report = self.incidents.get(&number)?.clone();
        let notifications: Vec<_> = self
            .outbox
            .iter()
            .filter(|row| row.notification.incident == number)
            .map(|row| {
                NotificationRecord::of(row.notification.clone(), row.state, row.log.clone(), row.reports.clone())
            })
            .collect();
        let mut trail: Vec<_> = self.trail.iter().filter(|entry| entry.incident == number).cloned().collect();
        trail.extend(notifications.iter().flat_map(|n| n.trail(number)));
        trail.sort_by_key(|entry| entry.at);
        Some(IncidentRecord { report, trail, notifications })
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    fn id(&self) -> &str {
        &self.id
    }

    async fn load(&self, check: &CheckId) -> Result<Option<Versioned<CheckState>>, JournalError> {
        Ok(self.tables().states.get(check).cloned())
    }

    async fn next_incident(&self) -> Result<u64, JournalError> {
        let mut tables = self.tables();
        tables.incident_numbers += 1;
        Ok(tables.incident_numbers)
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, JournalError>> {
        let mut tables = self.tables();
        commits.into_iter().map(|commit| tables.commit(commit)).collect()
    }

    async fn open_checks(&self) -> Result<Vec<CheckId>, JournalError> {
        let tables = self.tables();
        Ok(tables.states.iter().filter(|(_, s)| s.value.incident.is_some()).map(|(check, _)| check.clone()).collect())
    }

    async fn lease(
        &self,
        kind: ChannelKind,
        rows_max: usize,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Vec<Lease>, JournalError> {
        Ok(self.tables().lease(kind, rows_max, now, until, &self.folding))
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), JournalError> {
        self.tables().settle(&settlement);
        Ok(())
    }

    async fn report(&self, report: HandsetReport) -> Result<bool, JournalError> {
        let mut tables = self.tables();
        let id = &report.notification;
        let of_it = |row: &&mut Row| row.notification.id == *id || row.carrier.as_ref() == Some(id);
        let mut is_known = false;
        for row in tables.outbox.iter_mut().filter(of_it) {
            is_known = true;
            if row.reports.iter().all(|known| known.fate != report.fate) {
                let notification = row.notification.id.clone();
                row.reports.push(HandsetReport { notification, ..report.clone() });
            }
        }
        Ok(is_known)
    }

    async fn recover(&self, now: UnixMs) -> Result<u64, JournalError> {
        let mut tables = self.tables();
        let leased = tables.outbox.iter_mut().filter(|row| row.state == RowState::Leased);
        let mut count = 0;
        for row in leased {
            row.state = RowState::Pending;
            row.left_at.get_or_insert(now);
            (row.due_at, row.due_set_at) = (now, now);
            row.lease_until = UnixMs(0);
            count += 1;
        }
        Ok(count)
    }

    async fn next_due(&self) -> Result<Option<UnixMs>, JournalError> {
        let tables = self.tables();
        let due = tables.outbox.iter().enumerate().filter(|(_, row)| row.state.is_waiting());
        Ok(due
            .filter(|(index, _)| tables.is_first(*index))
            .map(|(_, row)| if row.state == RowState::Leased { row.lease_until } else { row.due_at })
            .min())
    }

    async fn undelivered_pages(&self, created_before: UnixMs) -> Result<Vec<UndeliveredPage>, JournalError> {
        let tables = self.tables();
        let is_open = |number: u64| tables.incidents.get(&number).is_some_and(|r| r.status == IncidentStatus::Open);
        Ok(tables
            .outbox
            .iter()
            .filter(|row| row.notification.page && is_open(row.notification.incident))
            .filter(|row| {
                // What waits for the messages before it is not late yet.
                let kind = row.notification.address.kind();
                let wait_ms = if row.attempts == 0 { self.folding.between_ms(kind) } else { 0 };
                let late = row.state.is_waiting() && row.notification.created_at + wait_ms <= created_before;
                late || row.state == RowState::Failed || row.lost().is_some()
            })
            .map(|row| UndeliveredPage::of(&row.notification, row.problem.clone(), row.state, row.lost()))
            .collect())
    }

    async fn incidents(&self, filter: IncidentFilter) -> Result<Vec<IncidentSummary>, JournalError> {
        let tables = self.tables();
        Ok(tables
            .incidents
            .values()
            .rev()
            .filter(|report| filter.check.as_ref().is_none_or(|check| *check == report.check))
            .filter(|report| !filter.open_only || report.status == IncidentStatus::Open)
            .take(filter.limit())
            .map(|report| IncidentSummary::of(report.clone()))
            .collect())
    }

    async fn incident(&self, number: u64) -> Result<Option<IncidentRecord>, JournalError> {
        Ok(self.tables().incident(number))
    }

    async fn latest_results(&self) -> Result<Vec<ResultSummary>, JournalError> {
        let mut latest: BTreeMap<(CheckId, Region), ResultSummary> = BTreeMap::new();
        for (key, (summary, _)) in &self.tables().results {
            if !summary.late {
                latest.insert((key.check.clone(), key.region.clone()), summary.clone());
            }
        }
        Ok(latest.into_values().collect())
    }

    async fn checks_with_results(&self) -> Result<Vec<CheckId>, JournalError> {
        let tables = self.tables();
        let mut checks: Vec<CheckId> = Vec::new();
        // A check's keys stand side by side.
        for key in tables.results.keys() {
            if checks.last() != Some(&key.check) {
                checks.push(key.check.clone());
            }
        }
        Ok(checks)
    }

    async fn recent_results(
        &self,
        check: &CheckId,
        region: Option<&Region>,
        rows_max: usize,
    ) -> Result<Vec<ResultSummary>, JournalError> {
        let tables = self.tables();
        let of_check = tables.results.iter().filter(|(key, _)| key.check == *check);
        let mut rows: Vec<_> = of_check
            .filter(|(key, _)| region.is_none_or(|region| key.region == *region))
            .map(|(_, (summary, _))| summary.clone())
            .collect();
        rows.sort_by(|a, b| {
            let order = |s: &ResultSummary| (std::cmp::Reverse(s.key.slot), s.key.region.clone());
            order(a).cmp(&order(b)).then(b.key.attempt.cmp(&a.key.attempt))
        });
        rows.truncate(rows_max);
        Ok(rows)
    }

    async fn result(&self, key: &RunKey) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.tables().results.get(key).map(|(_, document)| document.clone()))
    }

    async fn put_silence(&self, silence: Silence, now: UnixMs) -> Result<Option<u64>, JournalError> {
        let mut tables = self.tables();
        tables.silences.retain(|kept| now < kept.silence.until);
        if tables.silences.len() >= SILENCES_MAX {
            return Ok(None);
        }
        tables.silence_numbers += 1;
        let id = tables.silence_numbers;
        tables.silences.push(KeptSilence { id, created_at: now, silence });
        Ok(Some(id))
    }

    async fn drop_silence(&self, id: u64) -> Result<Option<KeptSilence>, JournalError> {
        let mut tables = self.tables();
        let place = tables.silences.iter().position(|kept| kept.id == id);
        Ok(place.map(|place| tables.silences.remove(place)))
    }

    async fn silences(&self, now: UnixMs) -> Result<Vec<KeptSilence>, JournalError> {
        Ok(self.tables().silences.iter().filter(|kept| now < kept.silence.until).cloned().collect())
    }

    async fn put_heartbeat(&self, name: &str, heard: Option<Heard>) -> Result<(), JournalError> {
        let heartbeats = &mut self.tables().heartbeats;
        match heard {
            Some(heard) => heartbeats.insert(name.to_owned(), heard),
            None => heartbeats.remove(name),
        };
        Ok(())
    }

    async fn heartbeats(&self) -> Result<BTreeMap<String, Heard>, JournalError> {
        Ok(self.tables().heartbeats.clone())
    }

    async fn outbox_depth(&self) -> Result<u64, JournalError> {
        Ok(self.tables().outbox.iter().filter(|row| row.state.is_waiting()).count() as u64)
    }
}
