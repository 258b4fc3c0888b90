use super::write::{Ledger, integer};
use crate::journal::{DUE_AHEAD_MAX_MS, JournalError, Lease, RowState, Settled, Settlement};
use crate::notification::{ChannelKind, Notification, Role};
use checks::UnixMs;
use rusqlite::{OptionalExtension, Row, params};

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

    pub fn lease(
        &mut self,
        kind: ChannelKind,
        rows_max: usize,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Vec<Lease>, JournalError> {
        self.connection
            .prepare_cached(
                "UPDATE outbox SET state = 'pending', due_at = ?1, due_set_at = ?1 WHERE state = 'leased' AND lease_until <= ?1",
            )?
            .execute([now.0])?;
        // The inner query keeps a lane in order: no row goes before the ones that were decided earlier.
        let rows: Vec<(i64, Lease)> = self
            .connection
            .prepare_cached(
                "SELECT seq, notification, attempts, uncertain, incident, lane FROM outbox AS o
                 WHERE kind = ?1 AND state = 'pending' AND (due_at <= ?2 OR due_set_at > ?2 OR due_at > ?4) AND NOT EXISTS (
                     SELECT 1 FROM outbox AS earlier WHERE earlier.incident = o.incident AND earlier.lane = o.lane
                     AND earlier.seq < o.seq AND earlier.state IN ('pending', 'leased'))
                 ORDER BY page DESC, seq LIMIT ?3",
            )?
            .query_map(params![kind.as_str(), now.0, integer(rows_max as u64), (now + DUE_AHEAD_MAX_MS).0], |row| {
                self.leased(row)
            })?
            .collect::<Result<_, _>>()?;
        for (seq, _) in &rows {
            self.connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'leased', attempts = attempts + 1, uncertain = 1, lease_until = ?2
                     WHERE seq = ?1",
                )?
                .execute(params![seq, until.0])?;
        }
        Ok(rows.into_iter().map(|(_, lease)| lease).collect())
    }

    fn leased(&self, row: &Row<'_>) -> rusqlite::Result<(i64, Lease)> {
        let document: String = row.get(1)?;
        let notification: Notification = serde_json::from_str(&document)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(e)))?;
        let (incident, lane): (i64, String) = (row.get(4)?, row.get(5)?);
        let post: Option<(String, Option<String>)> = self
            .connection
            .prepare_cached(
                "SELECT state, receipt FROM outbox WHERE incident = ?1 AND lane = ?2 AND role = 'post' AND seq < ?3
                 ORDER BY seq LIMIT 1",
            )?
            .query_row(params![incident, lane, row.get::<_, i64>(0)?], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let post_failed = post.as_ref().is_some_and(|(state, _)| state == RowState::Failed.as_str());
        let lease = Lease {
            notification,
            attempt: row.get::<_, u32>(2)?.saturating_add(1),
            uncertain: row.get(3)?,
            post: post.and_then(|(_, receipt)| receipt),
            post_failed,
        };
        Ok((row.get(0)?, lease))
    }

    pub fn settle(&mut self, settlement: &Settlement) -> Result<(), JournalError> {
        let (outcome, detail) = settlement.settled.told();
        let id = &settlement.notification.0;
        let changed = match &settlement.settled {
            Settled::Delivered { receipt, .. } => self
                .connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'delivered', uncertain = 0, lease_until = NULL, receipt = ?2
                     WHERE id = ?1 AND state IN ('leased', 'pending')",
                )?
                .execute(params![id, receipt])?,
            Settled::Retry { at, uncertain, reason } => self
                .connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'pending', due_at = ?2, uncertain = ?3, lease_until = NULL, problem = ?4,
                         due_set_at = ?6
                     WHERE id = ?1 AND state = 'leased' AND attempts = ?5",
                )?
                .execute(params![id, at.0, uncertain, reason, settlement.attempt, settlement.at.0])?,
            Settled::Failed { reason } => self
                .connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'failed', lease_until = NULL, problem = ?2
                     WHERE id = ?1 AND state IN ('leased', 'pending')",
                )?
                .execute(params![id, reason])?,
        };
        if changed > 0 {
            self.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO attempts (notification, number, at, duration_ms, outcome, detail)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    id,
                    settlement.attempt,
                    settlement.at.0,
                    integer(settlement.duration_ms),
                    outcome,
                    detail
                ])?;
        }
        Ok(())
    }

    pub fn recover(&mut self, now: UnixMs) -> Result<u64, JournalError> {
        let uncertain = self
            .connection
            .prepare_cached(
                "UPDATE outbox SET state = 'pending', due_at = ?1, due_set_at = ?1, lease_until = NULL
                 WHERE state = 'leased'",
            )?
            .execute([now.0])?;
        Ok(uncertain as u64)
    }
}
