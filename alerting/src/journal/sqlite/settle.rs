//! How an attempt went, what becomes of the rows that it carried, and what became of the message later.

use super::write::{Ledger, integer};
use crate::journal::{JournalError, Settled, Settlement};
use crate::notification::{HandsetReport, Role};
use crate::outbox::Stream;
use checks::UnixMs;
use rusqlite::params;

impl Ledger {
    pub fn settle(&mut self, settlement: &Settlement) -> Result<(), JournalError> {
        let carrier = &settlement.notification.0;
        self.settle_row(carrier, settlement, None)?;
        // By name, and not by carrier: where the clock was set forward, others may have joined the next lease of the same
        // carrier while this attempt was under way.
        for id in &settlement.carried {
            self.settle_row(&id.0, settlement, Some(carrier))?;
        }
        Ok(())
    }

    fn settle_row(&mut self, id: &str, settlement: &Settlement, carrier: Option<&str>) -> Result<(), JournalError> {
        let (outcome, detail) = settlement.settled.told();
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
                         due_set_at = ?6, left_at = iif(?3, coalesce(left_at, ?6), NULL)
                     WHERE id = ?1 AND state = 'leased' AND attempts = ?5",
                )?
                .execute(params![id, at.0, uncertain, reason, settlement.attempt, settlement.at.0])?,
            // No attempt of its own: what follows is the rest of this one.
            Settled::NotTaken => {
                self.connection
                    .prepare_cached(
                        "UPDATE outbox SET state = 'pending', due_at = ?2, due_set_at = ?2, uncertain = 0,
                             lease_until = NULL, left_at = NULL, attempts = attempts - 1
                         WHERE id = ?1 AND state = 'leased' AND attempts = ?3",
                    )?
                    .execute(params![id, settlement.at.0, settlement.attempt])?;
                return Ok(());
            }
            Settled::Failed { reason } => self
                .connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'failed', lease_until = NULL, problem = ?2
                     WHERE id = ?1 AND state IN ('leased', 'pending')",
                )?
                .execute(params![id, reason])?,
        };
        if changed == 0 {
            return Ok(());
        }
        if let Settled::Delivered { reconciled, .. } = &settlement.settled {
            self.note_departure(id, *reconciled, settlement.at)?;
        }
        let detail = match carrier {
            Some(carrier) => format!("{detail}, in one message with {carrier}"),
            None => detail,
        };
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
        Ok(())
    }

    /// Notes when something went to a place: it is held against what wants to go there next. What a provider that was
    /// asked had already went when the attempt before ended.
    fn note_departure(&self, id: &str, reconciled: bool, now: UnixMs) -> Result<(), JournalError> {
        let (lane, role, page, left_at): (String, String, bool, Option<i64>) = self
            .connection
            .prepare_cached("SELECT lane, role, page, left_at FROM outbox WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let stream = Role::parse(&role).map(Stream::of).map_or("", Stream::as_str);
        let at = left_at.filter(|_| reconciled).unwrap_or(now.0);
        // One that is ahead of the clock was noted before the clock went back, and must hold nothing up.
        self.connection
            .prepare_cached(
                "INSERT INTO departures (lane, stream, page, at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET at = excluded.at WHERE at > ?5 OR excluded.at > at",
            )?
            .execute(params![lane, stream, page, at, now.0])?;
        Ok(())
    }

    /// Whatever the row's state: a report may come before the delivery is written down.
    pub fn report(&mut self, report: &HandsetReport) -> Result<bool, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id FROM outbox WHERE id = ?1 OR carrier = ?1 ORDER BY seq")?;
        let rows = statement.query_map([&report.notification.0], |row| row.get::<_, String>(0))?;
        let rows: Vec<String> = rows.collect::<Result<_, _>>()?;
        for id in &rows {
            self.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO handset_reports (notification, fate, at, lost, text)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![id, report.fate.as_str(), report.at.0, report.fate.is_lost(), report.text])?;
        }
        Ok(!rows.is_empty())
    }
}
