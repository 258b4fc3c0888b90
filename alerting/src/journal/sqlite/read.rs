use super::{BUSY_TIMEOUT, schema};
use crate::incident::{CheckState, TrailEntry, TrailKind};
use crate::journal::{
    Attempt, IncidentFilter, IncidentRecord, IncidentSummary, JournalError, NotificationRecord, ResultSummary,
    RowState, UndeliveredPage, Verdict, Versioned,
};
use crate::notification::{Fate, HandsetReport, Notification};
use crate::outbox::Folding;
use checks::{CheckId, FailureClass, Region, RunKey, UnixMs};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Connections that are kept for the next reader.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// Reads a journal, beside the process that writes it or without one.
pub struct SqliteReader {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl SqliteReader {
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let reader = Self { path: path.to_owned(), idle: Mutex::new(Vec::new()) };
        reader.with(|connection| schema::check(connection, &path.display().to_string()))?;
        Ok(reader)
    }

    pub(super) fn with<R>(
        &self,
        query: impl FnOnce(&Connection) -> Result<R, JournalError>,
    ) -> Result<R, JournalError> {
        let kept = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let opened = Connection::open_with_flags(&self.path, flags).map_err(|e| JournalError::Open {
                    path: self.path.display().to_string(),
                    problem: e.to_string(),
                })?;
                opened.busy_timeout(BUSY_TIMEOUT)?;
                opened
            }
        };
        let answer = query(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
        answer
    }

    pub fn load(&self, check: &CheckId) -> Result<Option<Versioned<CheckState>>, JournalError> {
        self.with(|connection| {
            let row: Option<(i64, String)> = connection
                .prepare_cached("SELECT revision, state FROM checks WHERE check_id = ?1")?
                .query_row([check.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            row.map(|(revision, state)| Ok(Versioned { revision: natural(revision), value: parse("state", &state)? }))
                .transpose()
        })
    }

    pub fn open_checks(&self) -> Result<Vec<CheckId>, JournalError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT check_id FROM checks WHERE is_open = 1")?;
            let ids = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            ids.iter().map(|id| check_id(id)).collect()
        })
    }

    pub fn next_due(&self) -> Result<Option<UnixMs>, JournalError> {
        self.with(|connection| {
            // A row behind an earlier one of its lane is due when that one is settled, which wakes the worker.
            let due: Option<i64> = connection
                .prepare_cached(
                    "SELECT min(CASE state WHEN 'leased' THEN lease_until ELSE due_at END) FROM outbox AS o
                     WHERE state IN ('pending', 'leased') AND NOT EXISTS (
                         SELECT 1 FROM outbox AS earlier WHERE earlier.incident = o.incident AND earlier.lane = o.lane
                         AND earlier.seq < o.seq AND earlier.state IN ('pending', 'leased'))",
                )?
                .query_row([], |row| row.get(0))?;
            Ok(due.map(UnixMs))
        })
    }

    pub fn undelivered_pages(
        &self,
        created_before: UnixMs,
        folding: &Folding,
    ) -> Result<Vec<UndeliveredPage>, JournalError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT o.notification, o.state, o.problem,
                     (SELECT text FROM handset_reports WHERE notification = o.id AND lost = 1 ORDER BY at LIMIT 1)
                     AS loss
                 FROM incidents AS i JOIN outbox AS o ON o.incident = i.number
                 WHERE i.status = 'open' AND o.page = 1 AND (o.state = 'failed' OR loss IS NOT NULL
                     OR (o.state IN ('pending', 'leased')
                         AND o.created_at <= iif(o.attempts > 0, ?1, iif(o.kind IN ('sms', 'voice'), ?2, ?3))))
                 ORDER BY o.seq",
            )?;
            let rows: Vec<(String, String, Option<String>, Option<String>)> = statement
                .query_map([0, folding.every_ms, folding.post_ms].map(|wait_ms| (created_before - wait_ms).0), |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?
                .collect::<Result<_, _>>()?;
            rows.into_iter()
                .map(|(document, state, problem, lost)| {
                    let n: Notification = parse("notification", &document)?;
                    let state = RowState::parse(&state).ok_or_else(|| malformed("row state", &state))?;
                    Ok(UndeliveredPage::of(&n, problem, state, lost))
                })
                .collect()
        })
    }

    pub fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<IncidentSummary>, JournalError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT report FROM incidents WHERE (?1 IS NULL OR check_id = ?1) AND (NOT ?2 OR status = 'open')
                 ORDER BY number DESC LIMIT ?3",
            )?;
            let limit = i64::try_from(filter.limit()).unwrap_or(i64::MAX);
            let check = filter.check.as_ref().map(CheckId::as_str);
            let rows = statement
                .query_map(params![check, filter.open_only, limit], |row| row.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            rows.iter().map(|row| Ok(IncidentSummary::of(parse("incident", row)?))).collect()
        })
    }

    pub fn incident(&self, number: u64) -> Result<Option<IncidentRecord>, JournalError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.with(|connection| {
            let report: Option<String> = connection
                .prepare_cached("SELECT report FROM incidents WHERE number = ?1")?
                .query_row([number], |row| row.get(0))
                .optional()?;
            let Some(report) = report else { return Ok(None) };
            let mut trail = trail(connection, number)?;
            let notifications = notifications(connection, number)?;
            trail.extend(deliveries(number, &notifications));
            trail.sort_by_key(|entry| entry.at);
            Ok(Some(IncidentRecord { report: parse("incident", &report)?, trail, notifications }))
        })
    }

    pub fn latest_results(&self) -> Result<Vec<ResultSummary>, JournalError> {
        self.summaries(
            "SELECT r.check_id, r.region, r.slot, r.attempt, r.started_at, r.duration_us, r.verdict, r.class, r.message,
                 r.received_at, r.late
             FROM latest AS l JOIN results AS r ON r.id = l.result ORDER BY l.check_id, l.region",
            &[],
        )
    }

    pub fn checks_with_results(&self) -> Result<Vec<CheckId>, JournalError> {
        self.with(|connection| {
            // From name to name over the primary key, which has a row for each region too.
            let mut next = connection
                .prepare_cached("SELECT check_id FROM latest WHERE check_id > ?1 ORDER BY check_id LIMIT 1")?;
            let mut checks: Vec<CheckId> = Vec::new();
            loop {
                let last = checks.last().map_or("", |check| check.as_str());
                let id: Option<String> = next.query_row([last], |row| row.get(0)).optional()?;
                let Some(id) = id else { return Ok(checks) };
                checks.push(check_id(&id)?);
            }
        })
    }

    pub fn recent_results(
        &self,
        check: &CheckId,
        region: Option<&Region>,
        rows_max: usize,
    ) -> Result<Vec<ResultSummary>, JournalError> {
        let limit = i64::try_from(rows_max).unwrap_or(i64::MAX);
        self.summaries(
            "SELECT check_id, region, slot, attempt, started_at, duration_us, verdict, class, message, received_at, late
             FROM results WHERE check_id = ?1 AND (?2 IS NULL OR region = ?2)
             ORDER BY slot DESC, region, attempt DESC LIMIT ?3",
            &[&check.as_str(), &region.map(Region::as_str), &limit],
        )
    }

    fn summaries(&self, sql: &str, with: &[&dyn rusqlite::ToSql]) -> Result<Vec<ResultSummary>, JournalError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(with)?;
            let mut summaries = Vec::new();
            while let Some(row) = rows.next()? {
                summaries.push(summary(row)?);
            }
            Ok(summaries)
        })
    }

    pub fn result(&self, key: &RunKey) -> Result<Option<Vec<u8>>, JournalError> {
        self.with(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT document FROM results WHERE check_id = ?1 AND region = ?2 AND slot = ?3 AND attempt = ?4
                         AND document <> x''",
                )?
                .query_row(params![key.check.as_str(), key.region.as_str(), key.slot.0, key.attempt], |row| row.get(0))
                .optional()?)
        })
    }

    pub fn outbox_depth(&self) -> Result<u64, JournalError> {
        self.with(|connection| {
            let rows: i64 = connection
                .prepare_cached("SELECT count(*) FROM outbox WHERE state IN ('pending', 'leased')")?
                .query_row([], |row| row.get(0))?;
            Ok(natural(rows))
        })
    }
}

pub(super) fn natural(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn check_id(id: &str) -> Result<CheckId, JournalError> {
    CheckId::new(id).map_err(|e| malformed("check id", &e))
}

fn malformed(what: &'static str, problem: &dyn std::fmt::Display) -> JournalError {
    JournalError::Malformed { what, problem: problem.to_string() }
}

pub(super) fn parse<T: DeserializeOwned>(what: &'static str, document: &str) -> Result<T, JournalError> {
    serde_json::from_str(document).map_err(|e| malformed(what, &e))
}

fn summary(row: &Row<'_>) -> Result<ResultSummary, JournalError> {
    let (check, region, verdict): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(6)?);
    let class: Option<String> = row.get(7)?;
    Ok(ResultSummary {
        key: RunKey {
            check: check_id(&check)?,
            region: Region::new(&region).map_err(|e| malformed("region", &e))?,
            slot: UnixMs(row.get(2)?),
            attempt: row.get(3)?,
        },
        started_at: UnixMs(row.get(4)?),
        duration_us: natural(row.get(5)?),
        verdict: Verdict::parse(&verdict).ok_or_else(|| malformed("verdict", &verdict))?,
        class: class.and_then(|name| FailureClass::ALL.into_iter().find(|c| c.as_str() == name)),
        message: row.get(8)?,
        received_at: UnixMs(row.get(9)?),
        late: row.get(10)?,
    })
}

fn trail(connection: &Connection, incident: i64) -> Result<Vec<TrailEntry>, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT at, kind, text FROM trail WHERE incident = ?1 ORDER BY id")?;
    let rows: Vec<(i64, String, String)> = statement
        .query_map([incident], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    rows.into_iter()
        .map(|(at, kind, text)| {
            let kind = TrailKind::parse(&kind).ok_or_else(|| malformed("trail kind", &kind))?;
            Ok(TrailEntry { incident: natural(incident), at: UnixMs(at), kind, text })
        })
        .collect()
}

fn notifications(connection: &Connection, incident: i64) -> Result<Vec<NotificationRecord>, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT notification, state FROM outbox WHERE incident = ?1 ORDER BY seq")?;
    let rows: Vec<(String, String)> =
        statement.query_map([incident], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut attempts = connection.prepare_cached(
        "SELECT number, at, duration_ms, outcome, detail FROM attempts WHERE notification = ?1 ORDER BY number",
    )?;
    let mut reports = connection
        .prepare_cached("SELECT fate, at, text FROM handset_reports WHERE notification = ?1 ORDER BY at, fate")?;
    let mut records = Vec::with_capacity(rows.len());
    for (document, state) in rows {
        let n: Notification = parse("notification", &document)?;
        let attempts = attempts
            .query_map([&n.id.0], |row| {
                Ok(Attempt {
                    number: row.get(0)?,
                    at: UnixMs(row.get(1)?),
                    duration_ms: natural(row.get(2)?),
                    outcome: row.get(3)?,
                    detail: row.get(4)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        let state = RowState::parse(&state).ok_or_else(|| malformed("row state", &state))?;
        let told: Vec<(String, i64, String)> = reports
            .query_map([&n.id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        let told = told.into_iter().map(|(fate, at, text)| {
            let fate = Fate::parse(&fate).ok_or_else(|| malformed("fate", &fate))?;
            Ok(HandsetReport { notification: n.id.clone(), at: UnixMs(at), fate, text })
        });
        let told = told.collect::<Result<_, JournalError>>()?;
        records.push(NotificationRecord::of(n, state, attempts, told));
    }
    Ok(records)
}

/// What happened to the notifications, as entries of the trail.
fn deliveries(incident: i64, notifications: &[NotificationRecord]) -> Vec<TrailEntry> {
    notifications.iter().flat_map(|n| n.trail(natural(incident))).collect()
}
