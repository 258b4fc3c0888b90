use super::history::{History, Retention};
use crate::incident::IncidentReport;
use crate::journal::{Commit, Committed, Consumed, JournalError};
use crate::outbox::Folding;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Writes that may wait for the writer; more callers wait for room.
const QUEUE_DEPTH_MAX: usize = 1024;
/// Writes in one transaction.
const GROUP_MAX: usize = 256;

/// Runs a write inside the group's transaction, and returns how to tell its caller once the group is durable.
type Job = Box<dyn FnOnce(&mut Ledger) -> Done + Send>;

struct Done {
    /// The storage failed under it: the whole group is rolled back.
    broken: Option<String>,
    tell: Box<dyn FnOnce(Result<(), String>) + Send>,
}

/// The way to the writer's thread, which ends when this is dropped, after the writes that wait.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    group_max: Arc<AtomicU64>,
}

impl Writer {
    pub fn start(connection: Connection, retention: Retention, folding: Folding) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE_DEPTH_MAX);
        let group_max = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&group_max);
        let history = History::of(&connection).map_err(std::io::Error::other)?;
        let ledger = Ledger { connection, retention, folding, history };
        std::thread::Builder::new().name("journal-writer".to_owned()).spawn(move || run(ledger, queue, &seen))?;
        Ok(Self { jobs, group_max })
    }

    pub fn group_max(&self) -> u64 {
        self.group_max.load(Ordering::Relaxed)
    }

    /// Durable when it returns `Ok`.
    pub async fn write<R: Outcome + Send + 'static>(
        &self,
        work: impl FnOnce(&mut Ledger) -> R + Send + 'static,
    ) -> Result<R, JournalError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |ledger| {
            let result = work(ledger);
            let broken = result.storage_problem();
            let tell = Box::new(move |durable: Result<(), String>| {
                // A caller that has gone away loses its answer only: the write is done or undone all the same.
                let _ = answer.send(durable.map(|()| result));
            });
            Done { broken, tell }
        });
        self.jobs.send(job).await.map_err(|_| JournalError::Closed)?;
        answered.await.map_err(|_| JournalError::Closed)?.map_err(JournalError::Storage)
    }
}

/// A write's result, as far as its group cares: did the storage fail?
pub(super) trait Outcome {
    fn storage_problem(&self) -> Option<String>;
}

impl<T> Outcome for Result<T, JournalError> {
    fn storage_problem(&self) -> Option<String> {
        match self {
            Err(JournalError::Storage(problem)) => Some(problem.clone()),
            _ => None,
        }
    }
}

impl<T> Outcome for Vec<Result<T, JournalError>> {
    fn storage_problem(&self) -> Option<String> {
        self.iter().find_map(Outcome::storage_problem)
    }
}

fn run(mut ledger: Ledger, mut queue: mpsc::Receiver<Job>, group_max: &AtomicU64) {
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        group_max.fetch_max(group.len() as u64, Ordering::Relaxed);
        let (tells, durable) = transact(&mut ledger, group);
        for tell in tells {
            tell(durable.clone());
        }
    }
}

type Tell = Box<dyn FnOnce(Result<(), String>) + Send>;

fn transact(ledger: &mut Ledger, group: Vec<Job>) -> (Vec<Tell>, Result<(), String>) {
    let begun = ledger.connection.execute_batch("BEGIN IMMEDIATE").map_err(|e| e.to_string());
    let mut broken = begun.err();
    let mut tells = Vec::with_capacity(group.len());
    for job in group {
        let done = job(ledger);
        broken = broken.or(done.broken);
        tells.push(done.tell);
    }
    let durable = match broken {
        None => ledger.connection.execute_batch("COMMIT").map_err(|e| e.to_string()),
        Some(problem) => Err(problem),
    };
    if durable.is_err() && !ledger.connection.is_autocommit() {
        // Where even this fails, the next BEGIN does, and says so to whoever writes then.
        let _ = ledger.connection.execute_batch("ROLLBACK");
    }
    (tells, durable)
}

/// The database as its one writer sees it.
pub(super) struct Ledger {
    pub connection: Connection,
    pub(super) retention: Retention,
    pub folding: Folding,
    pub(super) history: History,
}

pub(super) fn integer(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Ledger {
    pub fn commit(&mut self, commit: &Commit) -> Result<Committed, JournalError> {
        let state = serde_json::to_string(&commit.state)
            .map_err(|e| JournalError::Malformed { what: "state", problem: e.to_string() })?;
        let (check, is_open) = (commit.check.as_str(), commit.state.incident.is_some());
        let revision = commit.expected_revision + 1;
        let changed = if commit.expected_revision == 0 {
            self.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO checks (check_id, revision, is_open, state) VALUES (?1, 1, ?2, ?3)",
                )?
                .execute(params![check, is_open, state])?
        } else {
            self.connection
                .prepare_cached(
                    "UPDATE checks SET revision = ?2, is_open = ?3, state = ?4 WHERE check_id = ?1 AND revision = ?5",
                )?
                .execute(params![check, integer(revision), is_open, state, integer(commit.expected_revision)])?
        };
        if changed == 0 {
            let expected = commit.expected_revision;
            return Err(JournalError::Conflict { check: commit.check.clone(), expected });
        }
        let mut duplicates = Vec::new();
        for (place, consumed) in commit.consumed.iter().enumerate() {
            if !self.consume(consumed)? {
                duplicates.push(place);
            }
        }
        for report in &commit.reports {
            self.put_report(report)?;
        }
        for entry in &commit.trail {
            self.connection
                .prepare_cached("INSERT INTO trail (incident, at, kind, text) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![integer(entry.incident), entry.at.0, entry.kind.as_str(), entry.text])?;
        }
        for notification in &commit.notifications {
            self.enqueue(notification)?;
        }
        Ok(Committed { revision, duplicates })
    }

    /// Whether the result is new.
    fn consume(&mut self, consumed: &Consumed) -> Result<bool, JournalError> {
        let (summary, key) = (&consumed.summary, &consumed.summary.key);
        let (check, region) = (key.check.as_str(), key.region.as_str());
        let class = summary.class.map(|class| class.as_str());
        let inserted = self
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO results (check_id, region, slot, attempt, started_at, duration_us, verdict, class,
                     message, received_at, late, document)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                check,
                region,
                key.slot.0,
                key.attempt,
                summary.started_at.0,
                integer(summary.duration_us),
                summary.verdict.as_str(),
                class,
                summary.message,
                summary.received_at.0,
                summary.late,
                consumed.document,
            ])?;
        if inserted == 0 {
            return Ok(false);
        }
        let id = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached(
                "INSERT INTO latest (check_id, region, slot, result) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET slot = excluded.slot, result = excluded.result WHERE NOT ?5",
            )?
            .execute(params![check, region, key.slot.0, id, summary.late])?;
        self.added(&key.check, &key.region, summary.received_at)?;
        Ok(true)
    }

    fn put_report(&mut self, report: &IncidentReport) -> Result<(), JournalError> {
        let document = serde_json::to_string(report)
            .map_err(|e| JournalError::Malformed { what: "incident", problem: e.to_string() })?;
        let number = integer(report.number);
        let known: Option<i64> = self
            .connection
            .prepare_cached("SELECT number FROM incidents WHERE number = ?1")?
            .query_row([number], |row| row.get(0))
            .optional()?;
        self.connection
            .prepare_cached(
                "INSERT INTO incidents (number, check_id, status, opened_at, ended_at, report)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET status = excluded.status, ended_at = excluded.ended_at, report = excluded.report",
            )?
            .execute(params![
                number,
                report.check.as_str(),
                report.status.as_str(),
                report.opened_at.0,
                report.ended_at.map(|at| at.0),
                document,
            ])?;
        if known.is_none() {
            self.prune_incidents(report.number.saturating_sub(self.retention.incidents_max))?;
        }
        Ok(())
    }

    /// Forgets the ended incidents up to `number`, with all that belongs to them.
    fn prune_incidents(&mut self, number: u64) -> Result<(), JournalError> {
        let old: Vec<i64> = self
            .connection
            .prepare_cached("SELECT number FROM incidents WHERE number <= ?1 AND status <> 'open' LIMIT 10")?
            .query_map([integer(number)], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for number in old {
            for statement in [
                "DELETE FROM attempts WHERE notification IN (SELECT id FROM outbox WHERE incident = ?1)",
                "DELETE FROM handset_reports WHERE notification IN (SELECT id FROM outbox WHERE incident = ?1)",
                "DELETE FROM outbox WHERE incident = ?1",
                "DELETE FROM trail WHERE incident = ?1",
                // A signal whose last incident is forgotten leaves nothing behind: there may be any number of them.
                "DELETE FROM checks WHERE is_open = 0 AND json_extract(state, '$.signal') IS NOT NULL
                     AND check_id = (SELECT check_id FROM incidents WHERE number = ?1)
                     AND NOT EXISTS (SELECT 1 FROM incidents AS newer
                         WHERE newer.check_id = checks.check_id AND newer.number > ?1)",
                "DELETE FROM incidents WHERE number = ?1",
            ] {
                self.connection.prepare_cached(statement)?.execute([number])?;
            }
        }
        Ok(())
    }
}
