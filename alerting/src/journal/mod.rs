//! What survives: the state of every check, the results that were consumed, incidents with their trail, and the
//! outbox. [`Journal`] is the port; one contract suite runs against every backend of it.
//!
//! # Guarantees that every backend gives
//! - A [`Commit`] is atomic: state, consumed results, trail, incident and outbox rows become durable together or not
//!   at all, and they are durable when `commit` returns.
//! - A commit names the revision of the state that it was decided on, and is refused with
//!   [`JournalError::Conflict`] where that is no longer the newest. Two deciders cannot page twice.
//! - A result is consumed once: its second delivery is stored nowhere, and reported as a duplicate.
//! - A row of the outbox is leased to one worker at a time, the rows of a lane in order. A lease that ends without an
//!   answer leaves the row *uncertain*: whoever leases it next asks the provider first.

mod memory;
mod records;
mod sqlite;

pub use memory::MemoryJournal;
pub use records::{
    Attempt, Commit, Committed, Consumed, IncidentFilter, IncidentRecord, IncidentSummary, Lease, NotificationRecord,
    ResultSummary, RowState, Settled, Settlement, UndeliveredPage, Verdict, Versioned,
};
pub use sqlite::{Retention, SqliteJournal, SqliteReader, SqliteSettings};

use crate::heartbeat::Heard;
use crate::incident::CheckState;
use crate::notification::{ChannelKind, HandsetReport};
use crate::silence::{KeptSilence, Silence};
use async_trait::async_trait;
use checks::{CheckId, Region, RunKey, UnixMs};
use std::collections::BTreeMap;

/// Messages to a place whose names are handed over with a question. A provider's list is searched as far back as some
/// minutes, in which no place gets so many.
const TAKEN_MAX: usize = 500;

/// A row that is due later than this is due now: the clock was ahead when it was written. Nothing is put off so long.
const DUE_AHEAD_MAX_MS: u64 = 2 * 3_600_000;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody else has decided on this check since the state was read: read it again, decide again.
    #[error("the state of check `{check}` has moved on from revision {expected}")]
    Conflict { check: CheckId, expected: u64 },
    #[error(
        "`{path}` was written by a newer version of Tocsin (schema {found}, this build knows {known}): start that version, or another data folder"
    )]
    NewerSchema { path: String, found: i64, known: i64 },
    #[error("`{path}`: {problem}")]
    Open { path: String, problem: String },
    #[error("{0}")]
    Storage(String),
    #[error("a record of the journal cannot be read ({what}): {problem}")]
    Malformed { what: &'static str, problem: String },
    #[error("the journal is closed")]
    Closed,
}

#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// The journal's own id: chosen at its creation, never again.
    fn id(&self) -> &str;

    /// The newest state of a check, `None` where it has none yet.
    async fn load(&self, check: &CheckId) -> Result<Option<Versioned<CheckState>>, JournalError>;

    /// A number that no incident had before. Numbers that are not used leave gaps.
    async fn next_incident(&self) -> Result<u64, JournalError>;

    /// Commits each of `commits` in itself atomically, all of them with one write where the backend can. One answer
    /// for each, in order; a check appears at most once.
    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, JournalError>>;

    /// Checks that have an open incident.
    async fn open_checks(&self) -> Result<Vec<CheckId>, JournalError>;

    /// Leases up to `rows_max` messages that are due, pages first. They are this worker's until `until`. Rows that leave
    /// together ([`crate::outbox::Folding`]) are one lease, and are settled by the one that carries them.
    async fn lease(
        &self,
        kind: ChannelKind,
        rows_max: usize,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Vec<Lease>, JournalError>;

    /// Writes down how an attempt went, and what becomes of the row.
    async fn settle(&self, settlement: Settlement) -> Result<(), JournalError>;

    /// Writes down what became of a message after its provider had taken it, each fate once, for all that the message
    /// carried. Returns whether there is such a notification.
    async fn report(&self, report: HandsetReport) -> Result<bool, JournalError>;

    /// Ends the leases of workers that are gone: at start, before the first lease. Returns how many rows are uncertain.
    async fn recover(&self, now: UnixMs) -> Result<u64, JournalError>;

    /// When the next row is due, `None` where nothing waits.
    async fn next_due(&self) -> Result<Option<UnixMs>, JournalError>;

    /// Pages of open incidents that were refused for good or lost on their way, or have waited since before
    /// `created_before`.
    async fn undelivered_pages(&self, created_before: UnixMs) -> Result<Vec<UndeliveredPage>, JournalError>;

    /// Newest first.
    async fn incidents(&self, filter: IncidentFilter) -> Result<Vec<IncidentSummary>, JournalError>;

    /// One incident with its trail and every notification with its attempts.
    async fn incident(&self, number: u64) -> Result<Option<IncidentRecord>, JournalError>;

    /// The newest result of every check and region.
    async fn latest_results(&self) -> Result<Vec<ResultSummary>, JournalError>;

    /// The checks that results are known of, in order of their names.
    async fn checks_with_results(&self) -> Result<Vec<CheckId>, JournalError>;

    /// Newest slot first.
    async fn recent_results(
        &self,
        check: &CheckId,
        region: Option<&Region>,
        rows_max: usize,
    ) -> Result<Vec<ResultSummary>, JournalError>;

    /// The document of a result in the wire format, where it is still kept.
    async fn result(&self, key: &RunKey) -> Result<Option<Vec<u8>>, JournalError>;

    /// Keeps a silence, and forgets those that are over; its number, or `None` where there are too many.
    async fn put_silence(&self, silence: Silence, now: UnixMs) -> Result<Option<u64>, JournalError>;

    async fn drop_silence(&self, id: u64) -> Result<Option<KeptSilence>, JournalError>;

    /// Those that are not over, oldest first.
    async fn silences(&self, now: UnixMs) -> Result<Vec<KeptSilence>, JournalError>;

    /// Keeps what was heard of a heartbeat, in place of what was heard before; `None` forgets it. Durable when it returns.
    async fn put_heartbeat(&self, name: &str, heard: Option<Heard>) -> Result<(), JournalError>;

    async fn heartbeats(&self) -> Result<BTreeMap<String, Heard>, JournalError>;

    /// Rows that wait or are being delivered.
    async fn outbox_depth(&self) -> Result<u64, JournalError>;
}
