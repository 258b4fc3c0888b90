//! How an attempt went, and what becomes of the rows that it carried.

use super::write::{Ledger, integer};
use crate::journal::{JournalError, Settled, Settlement};
use rusqlite::params;

impl Ledger {
    pub fn settle(&mut self, settlement: &Settlement) -> Result<(), JournalError> {
        let carrier = &settlement.notification.0;
        let carried = self.rows_of(carrier)?;
        self.settle_row(carrier, settlement, None)?;
        for id in carried {
            self.settle_row(&id, settlement, Some(carrier))?;
        }
        Ok(())
    }

    fn settle_row(&mut self, id: &str, settlement: &Settlement, carrier: Option<&str>) -> Result<(), JournalError> {
        let (outcome, detail) = settlement.settled.told();
        let changed = match &settlement.settled {
            Settled::Delivered { receipt, .. } => self
                .connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'delivered', uncertain = 0, lease_until = NULL,
                         receipt = coalesce(joins, ?2)
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
        if changed == 0 {
            return Ok(());
        }
        if let Settled::Delivered { receipt, .. } = &settlement.settled {
            let (lane, role, joins): (String, String, Option<String>) = self
                .connection
                .prepare_cached("SELECT lane, role, joins FROM outbox WHERE id = ?1")?
                .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            self.note_sent(&lane, &role, receipt, joins.is_some(), settlement.at)?;
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
}
