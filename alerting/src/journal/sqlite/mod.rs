//! The journal of one machine: one SQLite file in WAL mode with `synchronous=FULL`, written by one thread.
//!
//! Writes queue up for that thread; whatever waits when it looks becomes one transaction and one `fsync`. Nobody
//! waits for a group to fill: a write that comes alone is committed at once. Readers have connections of their own
//! and never wait for the writer.

mod heartbeats;
mod history;
mod lease;
mod outbox;
mod read;
mod schema;
mod settle;
mod silences;
mod write;

pub use history::Retention;
pub use read::SqliteReader;

use super::{
    Commit, Committed, IncidentFilter, IncidentRecord, IncidentSummary, Journal, JournalError, Lease, ResultSummary,
    Settlement, UndeliveredPage, Versioned,
};
use crate::heartbeat::Heard;
use crate::incident::CheckState;
use crate::notification::{ChannelKind, HandsetReport};
use crate::outbox::Folding;
use crate::silence::{KeptSilence, Silence};
use async_trait::async_trait;
use checks::{CheckId, Region, RunKey, UnixMs};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use write::Writer;

/// How long a reader waits for SQLite's own short locks.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub struct SqliteSettings {
    /// The database file; its folder is created.
    pub path: PathBuf,
    pub retention: Retention,
    pub folding: Folding,
}

impl SqliteSettings {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), retention: Retention::default(), folding: Folding::default() }
    }
}

pub struct SqliteJournal {
    id: String,
    writer: Writer,
    reader: Arc<SqliteReader>,
    newest_incident: AtomicU64,
    folding: Folding,
    /// Held while the journal is open: two processes that deliver from one outbox would send twice.
    _lock: File,
}

impl SqliteJournal {
    /// Opens the database, creating or migrating it.
    pub fn open(settings: SqliteSettings) -> Result<Self, JournalError> {
        let shown = settings.path.display().to_string();
        let problem = |problem: String| JournalError::Open { path: shown.clone(), problem };
        if let Some(folder) = settings.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| problem(format!("its folder cannot be created: {e}")))?;
        }
        let lock = lock(&settings.path).map_err(&problem)?;
        let connection = Connection::open(&settings.path).map_err(|e| problem(e.to_string()))?;
        configure(&connection).map_err(|e| problem(e.to_string()))?;
        schema::migrate(&connection, &shown)?;
        let id = identity(&connection)?;
        let newest: i64 = connection.query_row("SELECT coalesce(max(number), 0) FROM incidents", [], |r| r.get(0))?;
        let reader = SqliteReader::open(&settings.path)?;
        let writer = Writer::start(connection, settings.retention, settings.folding)
            .map_err(|e| problem(format!("the writer thread does not start: {e}")))?;
        let newest_incident = AtomicU64::new(u64::try_from(newest).unwrap_or(0));
        Ok(Self { id, writer, reader: Arc::new(reader), newest_incident, folding: settings.folding, _lock: lock })
    }

    /// The largest number of writes that one transaction has taken so far.
    pub fn group_max(&self) -> u64 {
        self.writer.group_max()
    }

    async fn read<R: Send + 'static>(
        &self,
        query: impl FnOnce(&SqliteReader) -> Result<R, JournalError> + Send + 'static,
    ) -> Result<R, JournalError> {
        let reader = Arc::clone(&self.reader);
        tokio::task::spawn_blocking(move || query(&reader)).await.map_err(|_| JournalError::Closed)?
    }
}

fn lock(database: &Path) -> Result<File, String> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let file = File::create(&path).map_err(|e| format!("its lock file cannot be created: {e}"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err("another Tocsin is running on it: stop that one, or set another `data` folder".to_owned())
        }
        Err(TryLockError::Error(e)) => Err(format!("it cannot be locked: {e}")),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// The journal's id, made up at its creation.
fn identity(connection: &Connection) -> Result<String, JournalError> {
    let fresh = uuid::Uuid::new_v4().simple().to_string();
    connection.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('journal', ?1)", [&fresh[..12]])?;
    Ok(connection.query_row("SELECT value FROM meta WHERE key = 'journal'", [], |row| row.get(0))?)
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    fn id(&self) -> &str {
        &self.id
    }

    async fn load(&self, check: &CheckId) -> Result<Option<Versioned<CheckState>>, JournalError> {
        let check = check.clone();
        self.read(move |reader| reader.load(&check)).await
    }

    async fn next_incident(&self) -> Result<u64, JournalError> {
        Ok(self.newest_incident.fetch_add(1, Ordering::Relaxed) + 1)
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, JournalError>> {
        let count = commits.len();
        let written = self.writer.write(move |ledger| commits.iter().map(|commit| ledger.commit(commit)).collect());
        match written.await {
            Ok(answers) => answers,
            Err(error) => (0..count).map(|_| Err(JournalError::Storage(error.to_string()))).collect(),
        }
    }

    async fn open_checks(&self) -> Result<Vec<CheckId>, JournalError> {
        self.read(|reader| reader.open_checks()).await
    }

    async fn lease(
        &self,
        kind: ChannelKind,
        rows_max: usize,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Vec<Lease>, JournalError> {
        self.writer.write(move |ledger| ledger.lease(kind, rows_max, now, until)).await?
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), JournalError> {
        self.writer.write(move |ledger| ledger.settle(&settlement)).await?
    }

    async fn report(&self, report: HandsetReport) -> Result<bool, JournalError> {
        self.writer.write(move |ledger| ledger.report(&report)).await?
    }

    async fn recover(&self, now: UnixMs) -> Result<u64, JournalError> {
        self.writer.write(move |ledger| ledger.recover(now)).await?
    }

    async fn next_due(&self) -> Result<Option<UnixMs>, JournalError> {
        self.read(|reader| reader.next_due()).await
    }

    async fn undelivered_pages(&self, created_before: UnixMs) -> Result<Vec<UndeliveredPage>, JournalError> {
        // What waits for the messages before it is not late yet.
        let folding = self.folding;
        self.read(move |reader| reader.undelivered_pages(created_before, &folding)).await
    }

    async fn incidents(&self, filter: IncidentFilter) -> Result<Vec<IncidentSummary>, JournalError> {
        self.read(move |reader| reader.incidents(&filter)).await
    }

    async fn incident(&self, number: u64) -> Result<Option<IncidentRecord>, JournalError> {
        self.read(move |reader| reader.incident(number)).await
    }

    async fn latest_results(&self) -> Result<Vec<ResultSummary>, JournalError> {
        self.read(|reader| reader.latest_results()).await
    }

    async fn checks_with_results(&self) -> Result<Vec<CheckId>, JournalError> {
        self.read(|reader| reader.checks_with_results()).await
    }

    async fn recent_results(
        &self,
        check: &CheckId,
        region: Option<&Region>,
        rows_max: usize,
    ) -> Result<Vec<ResultSummary>, JournalError> {
        let (check, region) = (check.clone(), region.cloned());
        self.read(move |reader| reader.recent_results(&check, region.as_ref(), rows_max)).await
    }

    async fn result(&self, key: &RunKey) -> Result<Option<Vec<u8>>, JournalError> {
        let key = key.clone();
        self.read(move |reader| reader.result(&key)).await
    }

    async fn put_silence(&self, silence: Silence, now: UnixMs) -> Result<Option<u64>, JournalError> {
        self.writer.write(move |ledger| ledger.put_silence(silence, now)).await?
    }

    async fn drop_silence(&self, id: u64) -> Result<Option<KeptSilence>, JournalError> {
        self.writer.write(move |ledger| ledger.drop_silence(id)).await?
    }

    async fn silences(&self, now: UnixMs) -> Result<Vec<KeptSilence>, JournalError> {
        self.read(move |reader| reader.silences(now)).await
    }

    async fn put_heartbeat(&self, name: &str, heard: Option<Heard>) -> Result<(), JournalError> {
        let name = name.to_owned();
        self.writer.write(move |ledger| ledger.put_heartbeat(&name, heard.as_ref())).await?
    }

    async fn heartbeats(&self) -> Result<BTreeMap<String, Heard>, JournalError> {
        self.read(|reader| reader.heartbeats()).await
    }

    async fn outbox_depth(&self) -> Result<u64, JournalError> {
        self.read(|reader| reader.outbox_depth()).await
    }
}
