//! The pages' view models, filled from the board and the journal.

use super::board::Board;
use super::heartbeat_out::HeartbeatOut;
use super::numbers::Private;
use super::ruling::Ruling;
use alerting::incident::{IncidentReport, IncidentStatus as Standing, RegionLine};
use alerting::journal::{IncidentFilter, IncidentRecord, IncidentSummary, NotificationRecord, RowState};
use alerting::notification::{Address, ChannelKind, Role};
use alerting::silence::KeptSilence;
use alerting::{Alerting, AlertingError};
use checks::{CheckId, RunResult, UnixMs};
use dashboards::model::*;
use dashboards::{SourceError, StatusSource};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

const OPEN_INCIDENTS_MAX: usize = 100;
const CLOSED_INCIDENTS_MAX: usize = 10;
/// Incidents whose notifications the front page lists.
const NOTIFIED_INCIDENTS_MAX: usize = 5;
const NOTIFICATIONS_MAX: usize = 15;
const RESULTS_MAX: usize = 12;
/// Regions whose failed run an incident's page shows.
const FAILED_REGIONS_MAX: usize = 6;
/// How far back it is looked for.
const SEARCHED_RESULTS_MAX: usize = 200;
const SILENCES_MAX: usize = 50;

pub(super) struct Status {
    alerting: Arc<Alerting>,
    board: Arc<Board>,
    ruling: Arc<Ruling>,
    /// What is printed, since nothing is configured that delivers it.
    printed: BTreeSet<ChannelKind>,
    heartbeat_out: OnceLock<Arc<HeartbeatOut>>,
}

impl Status {
    pub(super) fn new(
        alerting: Arc<Alerting>,
        board: Arc<Board>,
        ruling: Arc<Ruling>,
        printed: BTreeSet<ChannelKind>,
    ) -> Self {
        Self { alerting, board, ruling, printed, heartbeat_out: OnceLock::new() }
    }

    /// It asks for the status itself, and is there only afterwards.
    pub(super) fn show(&self, heartbeat_out: Option<Arc<HeartbeatOut>>) {
        if let Some(heartbeat_out) = heartbeat_out {
            let _ = self.heartbeat_out.set(heartbeat_out);
        }
    }

    async fn incidents(
        &self,
        check: Option<&CheckId>,
        open_only: bool,
        rows_max: usize,
    ) -> Result<Vec<IncidentSummary>, SourceError> {
        let filter = IncidentFilter { check: check.cloned(), open_only, rows_max };
        self.alerting.incidents(filter).await.map_err(|error| unavailable(&error))
    }

    async fn record(&self, number: u64) -> Result<Option<IncidentRecord>, SourceError> {
        self.alerting.incident(number).await.map_err(|error| unavailable(&error))
    }

    fn notification(&self, incident: u64, record: &NotificationRecord) -> NotificationRow {
        let printed = self.printed.contains(&record.kind);
        let last = record.attempts.last();
        let delivery = match record.state {
            RowState::Pending | RowState::Leased => Delivery::Pending,
            RowState::Delivered if printed => Delivery::Printed,
            RowState::Delivered | RowState::Superseded => Delivery::Delivered,
            RowState::Failed => Delivery::Failed,
        };
        let outcome = match (record.state, last) {
            (RowState::Superseded, _) => "a newer edit went instead".to_owned(),
            (RowState::Delivered, _) if printed => "printed in the terminal".to_owned(),
            (_, Some(attempt)) => attempt.detail.clone(),
            (_, None) => "waits for its first attempt".to_owned(),
        };
        // What the handset says comes after what the provider said.
        let (delivery, outcome) = match record.reports.last() {
            Some(report) if report.fate.is_lost() => (Delivery::Failed, report.text.clone()),
            Some(report) => (delivery, report.text.clone()),
            None => (delivery, outcome),
        };
        NotificationRow {
            at: record.created_at,
            incident: Some(incident),
            recipient: recipient(record),
            text: record.text.clone(),
            delivery,
            outcome,
            attempts: last.map_or(0, |attempt| attempt.number),
        }
    }

    /// What the incident is about: the newest failed run of each region while it was open.
    async fn failures(&self, report: &IncidentReport) -> Result<Vec<RunResult>, SourceError> {
        if report.signal.is_some() {
            return Ok(Vec::new());
        }
        let during = |at: UnixMs| report.ended_at.is_none_or(|ended_at| at <= ended_at);
        let mut failures = Vec::new();
        for line in report.regions.iter().take(FAILED_REGIONS_MAX) {
            let region = Some(&line.region);
            let recent = self.alerting.recent_results(&report.check, region, SEARCHED_RESULTS_MAX).await;
            let recent = recent.map_err(|error| unavailable(&error))?;
            let failed = recent.iter().find(|summary| summary.class.is_some() && during(summary.started_at));
            if let Some(failed) = failed {
                // A document that is no longer kept is left out.
                failures.extend(self.alerting.result(&failed.key).await.map_err(|error| unavailable(&error))?);
            }
        }
        failures.sort_by_key(|result: &RunResult| std::cmp::Reverse(result.started_at));
        Ok(failures)
    }

    /// Those that are set, the first to end first.
    async fn silences(&self) -> Result<Vec<SilenceRow>, SourceError> {
        let mut silences = self.alerting.silences().await.map_err(|error| unavailable(&error))?;
        silences.sort_by_key(|kept| kept.silence.until);
        let row = |KeptSilence { id, silence, .. }: KeptSilence| SilenceRow {
            id,
            about: silence.matcher.to_string(),
            from: silence.from,
            until: silence.until,
            by: silence.by,
            why: silence.why,
            is_maintenance: silence.is_maintenance,
        };
        Ok(silences.into_iter().take(SILENCES_MAX).map(row).collect())
    }

    fn outside(&self) -> Vec<String> {
        self.heartbeat_out.get().and_then(|out| out.notice()).into_iter().collect()
    }

    fn counters(&self) -> BTreeMap<String, u64> {
        let counted = serde_json::to_value(self.alerting.counters()).and_then(serde_json::from_value);
        counted.expect("counters are named whole numbers")
    }

    /// The newest notifications, of the newest incidents.
    async fn notifications(&self, incidents: &[IncidentSummary]) -> Result<Vec<NotificationRow>, SourceError> {
        let mut rows = Vec::new();
        for incident in incidents.iter().take(NOTIFIED_INCIDENTS_MAX) {
            let Some(record) = self.record(incident.number).await? else { continue };
            let told = record.notifications.iter().filter(|notification| notification.role != Role::Edit);
            rows.extend(told.map(|notification| self.notification(incident.number, notification)));
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        rows.truncate(NOTIFICATIONS_MAX);
        Ok(rows)
    }
}

impl StatusSource for Status {
    async fn overview(&self) -> Result<Overview, SourceError> {
        let mut checks = self.board.rows();
        let open = self.incidents(None, true, OPEN_INCIDENTS_MAX).await?;
        let recent = self.incidents(None, false, OPEN_INCIDENTS_MAX + CLOSED_INCIDENTS_MAX).await?;
        mark(&mut checks, &open);
        let closed = recent.iter().filter(|incident| incident.status != Standing::Open).take(CLOSED_INCIDENTS_MAX);
        Ok(Overview {
            now: UnixMs::now(),
            started_at: self.board.started_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            regions: self.board.regions.clone(),
            checks,
            incidents_open: open.iter().map(|incident| row(&incident.report)).collect(),
            incidents_closed: closed.map(|incident| row(&incident.report)).collect(),
            notifications: self.notifications(&recent).await?,
            scripts_broken: self.board.refused(),
            silences: self.silences().await?,
            notices: [self.board.notices.clone(), self.ruling.notices(), self.outside()].concat(),
            rules: self.ruling.rows(),
            newest_result_at: self.board.newest_result_at(),
            counters: self.counters(),
        })
    }

    async fn check(&self, id: &CheckId) -> Result<Option<CheckDetail>, SourceError> {
        let Some((check, row)) = self.board.check(id) else { return Ok(None) };
        let mut rows = [row];
        let incidents = self.incidents(Some(id), false, CLOSED_INCIDENTS_MAX).await?;
        mark(&mut rows, &incidents);
        let [row] = rows;
        let mut regions = Vec::new();
        for region in &check.regions {
            let summaries = self.alerting.recent_results(id, Some(region), RESULTS_MAX).await;
            let mut results = Vec::new();
            for summary in summaries.map_err(|error| unavailable(&error))? {
                // A document that is no longer kept is left out.
                results.extend(self.alerting.result(&summary.key).await.map_err(|error| unavailable(&error))?);
            }
            regions.push(RegionResults { region: region.clone(), results });
        }
        Ok(Some(CheckDetail {
            now: UnixMs::now(),
            row,
            script: check.definition.script.path.clone(),
            time_zone: check.definition.time_zone.clone(),
            runbook_url: check.definition.runbook_url.clone(),
            regions,
            incidents: incidents.iter().map(|incident| self::row(&incident.report)).collect(),
        }))
    }

    async fn incident(&self, number: u64) -> Result<Option<IncidentDetail>, SourceError> {
        let Some(record) = self.record(number).await? else { return Ok(None) };
        let private = Private::of(&record);
        let trail = record.trail.iter().map(|entry| TrailRow { at: entry.at, text: private.taken_out_of(&entry.text) });
        Ok(Some(IncidentDetail {
            now: UnixMs::now(),
            row: row(&record.report),
            failures: self.failures(&record.report).await?,
            trail: trail.collect(),
            notifications: record.notifications.iter().map(|row| self.notification(number, row)).collect(),
        }))
    }

    async fn metric_problems(&self) -> Result<MetricProblems, SourceError> {
        Ok(self.board.metric_problems())
    }
}

fn unavailable(error: &AlertingError) -> SourceError {
    SourceError(error.to_string())
}

/// A check with an open incident names it, with its failures in a row.
fn mark(rows: &mut [CheckRow], incidents: &[IncidentSummary]) {
    let open = incidents.iter().filter(|incident| incident.status == Standing::Open);
    let open: BTreeMap<&CheckId, &IncidentSummary> = open.map(|incident| (&incident.check, incident)).collect();
    for row in rows {
        let Some(incident) = open.get(&row.id) else { continue };
        row.incident = Some(incident.number);
        for cell in &mut row.cells {
            let line = incident.report.regions.iter().find(|line: &&RegionLine| line.region == cell.region);
            cell.failures_in_a_row = line.map_or(0, |line| line.failures_in_a_row);
        }
    }
}

fn row(report: &IncidentReport) -> IncidentRow {
    let failing =
        |line: &RegionLine| FailingRegion { region: line.region.clone(), failures_in_a_row: line.failures_in_a_row };
    IncidentRow {
        number: report.number,
        check: report.check.clone(),
        status: match report.status {
            Standing::Open => IncidentStatus::Open,
            Standing::Recovered => IncidentStatus::Recovered,
            Standing::Closed => IncidentStatus::Closed,
        },
        severity: if report.label == "P2" { Severity::P2 } else { Severity::P1 },
        opened_at: report.opened_at,
        closed_at: report.ended_at,
        reason: match &report.signal {
            Some(signal) => format!("{}. {}: {}", report.reason, signal.title, report.failure.message),
            None => format!("{}. {}: {}", report.reason, report.failure.class, report.failure.message),
        },
        standing: report.standing(),
        regions: report.unwell().map(failing).collect(),
    }
}

/// A telephone number is not for everybody who can read the page.
fn recipient(record: &NotificationRecord) -> String {
    let place = match &record.address {
        Address::Slack { channel } => format!("Slack {channel}"),
        Address::Sms { member, .. } => format!("SMS to {member}"),
        Address::Voice { member, .. } => format!("call to {member}"),
        Address::Email { member: Some(member), .. } => format!("e-mail to {member}"),
        Address::Email { member: None, .. } => "e-mail".to_owned(),
        Address::Webhook { name } => format!("webhook {name}"),
    };
    match record.role {
        Role::Post => place,
        Role::Edit => format!("{place}, edited"),
        Role::Reply => format!("{place}, in its thread"),
        Role::Broadcast => format!("{place}, in its thread and the channel"),
    }
}
