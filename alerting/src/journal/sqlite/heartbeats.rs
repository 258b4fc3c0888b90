use super::read::{SqliteReader, parse};
use super::write::Ledger;
use crate::heartbeat::Heard;
use crate::journal::JournalError;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

impl Ledger {
    pub fn put_heartbeat(&mut self, name: &str, heard: Option<&Heard>) -> Result<(), JournalError> {
        let Some(heard) = heard else {
            self.connection.prepare_cached("DELETE FROM heartbeats WHERE name = ?1")?.execute([name])?;
            return Ok(());
        };
        let document = serde_json::to_string(heard)
            .map_err(|e| JournalError::Malformed { what: "heartbeat", problem: e.to_string() })?;
        self.connection
            .prepare_cached(
                "INSERT INTO heartbeats (name, heard) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET heard = ?2",
            )?
            .execute(params![name, document])?;
        Ok(())
    }
}

impl SqliteReader {
    /// What was heard last, by name.
    pub fn heartbeats(&self) -> Result<BTreeMap<String, Heard>, JournalError> {
        self.with(|connection: &Connection| {
            let mut statement = connection.prepare_cached("SELECT name, heard FROM heartbeats ORDER BY name")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let rows = rows.collect::<Result<Vec<(String, String)>, _>>()?;
            rows.into_iter().map(|(name, heard)| Ok((name, parse("heartbeat", &heard)?))).collect()
        })
    }
}
