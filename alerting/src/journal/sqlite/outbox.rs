use super::write::{Ledger, integer};
use crate::journal::JournalError;
use crate::notification::{Notification, Role};
use checks::UnixMs;
use rusqlite::params;

/// Edits of one post that stay on its incident's trail.
const EDITS_KEPT_MAX: i64 = 200;

impl Ledger {
    /// Adds a row. An edit takes the place of those of the same post that still wait. One whose lease has ended without
    /// an answer stays: where the clock was set forward it is on its way yet, and must not overtake the newer one.
    pub fn enqueue(&mut self, notification: &Notification) -> Result<(), JournalError> {
        let (incident, lane) = (integer(notification.incident), notification.address.lane());
        if notification.role == Role::Edit {
            self.connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'superseded', problem = ?3
                     WHERE incident = ?1 AND lane = ?2 AND role = 'edit' AND state = 'pending'
                         AND lease_until IS NULL",
                )?
                .execute(params![incident, lane, format!("a newer edit, {}, went instead", notification.id)])?;
        }
        if notification.role == Role::Edit {
            self.prune_edits(incident, &lane)?;
        }
        let document = serde_json::to_string(notification)
            .map_err(|e| JournalError::Malformed { what: "notification", problem: e.to_string() })?;
        self.connection
            .prepare_cached(
                "INSERT INTO outbox (id, incident, check_id, kind, lane, role, page, notification, state, attempts,
                     uncertain, created_at, due_at, due_set_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'pending', 0, 0, ?9, ?10, ?9)",
            )?
            .execute(params![
                notification.id.0,
                incident,
                notification.check.as_str(),
                notification.address.kind().as_str(),
                lane,
                notification.role.as_str(),
                notification.page,
                document,
                notification.created_at.0,
                notification.not_before.0,
            ])?;
        Ok(())
    }

    /// Forgets the oldest edits of a post that is edited for days; the thread and the trail have what they said.
    fn prune_edits(&self, incident: i64, lane: &str) -> Result<(), JournalError> {
        let old: Vec<(i64, String)> = self
            .connection
            .prepare_cached(
                "SELECT seq, id FROM outbox WHERE incident = ?1 AND lane = ?2 AND role = 'edit'
                 AND state NOT IN ('pending', 'leased') ORDER BY seq DESC LIMIT 10 OFFSET ?3",
            )?
            .query_map(params![incident, lane, EDITS_KEPT_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (seq, id) in old {
            self.connection.prepare_cached("DELETE FROM attempts WHERE notification = ?1")?.execute([id])?;
            self.connection.prepare_cached("DELETE FROM outbox WHERE seq = ?1")?.execute([seq])?;
        }
        Ok(())
    }

    pub fn recover(&mut self, now: UnixMs) -> Result<u64, JournalError> {
        let uncertain = self
            .connection
            .prepare_cached(
                "UPDATE outbox SET state = 'pending', due_at = ?1, due_set_at = ?1, lease_until = NULL,
                     left_at = coalesce(left_at, ?1)
                 WHERE state = 'leased'",
            )?
            .execute([now.0])?;
        Ok(uncertain as u64)
    }
}
