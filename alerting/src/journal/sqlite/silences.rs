use super::read::{SqliteReader, natural, parse};
use super::write::{Ledger, integer};
use crate::journal::JournalError;
use crate::silence::{KeptSilence, SILENCES_MAX, Silence};
use checks::UnixMs;
use rusqlite::{Connection, OptionalExtension, Row, params};

impl Ledger {
    pub fn put_silence(&mut self, silence: Silence, now: UnixMs) -> Result<Option<u64>, JournalError> {
        self.connection.prepare_cached("DELETE FROM silences WHERE until <= ?1")?.execute([now.0])?;
        let kept: i64 = self.connection.query_row("SELECT count(*) FROM silences", [], |row| row.get(0))?;
        if natural(kept) >= SILENCES_MAX as u64 {
            return Ok(None);
        }
        let document = serde_json::to_string(&silence)
            .map_err(|e| JournalError::Malformed { what: "silence", problem: e.to_string() })?;
        self.connection
            .prepare_cached("INSERT INTO silences (until, created_at, silence) VALUES (?1, ?2, ?3)")?
            .execute(params![silence.until.0, now.0, document])?;
        Ok(Some(natural(self.connection.last_insert_rowid())))
    }

    pub fn drop_silence(&mut self, id: u64) -> Result<Option<KeptSilence>, JournalError> {
        let row = self
            .connection
            .prepare_cached("SELECT id, created_at, silence FROM silences WHERE id = ?1")?
            .query_row([integer(id)], columns)
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        self.connection.prepare_cached("DELETE FROM silences WHERE id = ?1")?.execute([integer(id)])?;
        kept(row).map(Some)
    }
}

impl SqliteReader {
    /// Those that are not over, oldest first.
    pub fn silences(&self, now: UnixMs) -> Result<Vec<KeptSilence>, JournalError> {
        self.with(|connection: &Connection| {
            let mut statement = connection
                .prepare_cached("SELECT id, created_at, silence FROM silences WHERE until > ?1 ORDER BY id")?;
            let rows = statement.query_map([now.0], columns)?.collect::<Result<Vec<_>, _>>()?;
            rows.into_iter().map(kept).collect()
        })
    }
}

type Columns = (i64, i64, String);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn kept((id, created_at, document): Columns) -> Result<KeptSilence, JournalError> {
    Ok(KeptSilence { id: natural(id), created_at: UnixMs(created_at), silence: parse("silence", &document)? })
}
