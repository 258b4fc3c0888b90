//! How long results are kept: the newest of a stream whole, older ones without their documents, and of those only what
//! deciding them again by another policy needs.
//!
//! A pass after many passes changes nothing, whatever the policy. So of the old passes only the first few of each row are
//! kept, which is what recoveries count, and one an hour, which shows that the check was run.

use super::write::{Ledger, integer};
use crate::journal::{JournalError, Verdict};
use checks::{CheckId, Region, UnixMs};
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Results of a check in one region with their documents; the newest stay.
    pub results_per_stream_max: usize,
    /// Older ones of a check in one region.
    pub history_per_stream_max: usize,
    pub history_ms: u64,
    /// Results of all streams. Past it the oldest go, whichever they are.
    pub results_max: u64,
    /// Ended incidents, with their trail and outbox.
    pub incidents_max: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            results_per_stream_max: 200,
            history_per_stream_max: 20_000,
            history_ms: 7 * 86_400_000,
            results_max: 2_000_000,
            incidents_max: 10_000,
        }
    }
}

/// Passes in a row that an old row keeps: no policy waits for more, so far as people write them.
const PASSES_KEPT: u32 = 20;
const HOUR_MS: i64 = 3_600_000;
/// The bounds of a stream's history are looked at every so many times that its newest results are.
const BOUNDS_EVERY: u32 = 8;
/// Results that go at once where there are too many.
const SURPLUS_ROWS: i64 = 2_000;

/// What is remembered of the streams, and of all.
#[derive(Debug, Default)]
pub(super) struct History {
    streams: HashMap<(CheckId, Region), Stream>,
    results: u64,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Stream {
    /// Results since the newest were last looked at.
    since_pruned: usize,
    /// How often they were.
    pruned: u32,
    /// The newest slot that is old.
    old_until: Option<i64>,
    passes_in_a_row: u32,
    hour: Option<i64>,
}

impl Stream {
    /// Whether a result that has become old stays, told in order of their slots.
    fn keeps(&mut self, slot: i64, verdict: Verdict) -> bool {
        if verdict != Verdict::Passed {
            self.passes_in_a_row = 0;
            return true;
        }
        self.passes_in_a_row = self.passes_in_a_row.saturating_add(1);
        let hour = slot.div_euclid(HOUR_MS);
        self.passes_in_a_row <= PASSES_KEPT || self.hour.replace(hour) != Some(hour)
    }
}

impl History {
    pub fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let results: i64 = connection.query_row("SELECT count(*) FROM results", [], |row| row.get(0))?;
        Ok(Self { streams: HashMap::new(), results: u64::try_from(results).unwrap_or(0) })
    }
}

impl Ledger {
    /// A result of a stream has been added. Now and then what has become old is thinned out: a stream holds at most an
    /// eighth more than its bound.
    pub fn added(&mut self, check: &CheckId, region: &Region, now: UnixMs) -> Result<(), JournalError> {
        self.history.results += 1;
        let keep = self.retention.results_per_stream_max;
        let fresh = Stream { since_pruned: keep, ..Stream::default() };
        let mut stream = self.history.streams.remove(&(check.clone(), region.clone())).unwrap_or(fresh);
        stream.since_pruned += 1;
        if stream.since_pruned > keep / 8 {
            stream.since_pruned = 0;
            self.thin_out(check, region, &mut stream)?;
            stream.pruned = stream.pruned.wrapping_add(1);
            if stream.pruned.is_multiple_of(BOUNDS_EVERY) {
                self.forget_old(check, region, now)?;
            }
        }
        self.history.streams.insert((check.clone(), region.clone()), stream);
        if self.history.results > self.retention.results_max {
            self.forget_surplus()?;
        }
        Ok(())
    }

    fn thin_out(&mut self, check: &CheckId, region: &Region, stream: &mut Stream) -> Result<(), JournalError> {
        let (check, region) = (check.as_str(), region.as_str());
        let keep = integer(self.retention.results_per_stream_max as u64);
        let old: Vec<(i64, i64, String)> = self
            .connection
            .prepare_cached(
                "SELECT id, slot, verdict FROM results WHERE check_id = ?1 AND region = ?2 AND slot > ?3 AND slot <= (
                     SELECT slot FROM results WHERE check_id = ?1 AND region = ?2
                     ORDER BY slot DESC, attempt DESC LIMIT 1 OFFSET ?4)
                 AND id NOT IN (SELECT result FROM latest WHERE check_id = ?1 AND region = ?2)
                 ORDER BY slot, attempt",
            )?
            .query_map(params![check, region, stream.old_until.unwrap_or(i64::MIN), keep], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        let mut delete = self.connection.prepare_cached("DELETE FROM results WHERE id = ?1")?;
        let mut reduce =
            self.connection.prepare_cached("UPDATE results SET document = x'' WHERE id = ?1 AND document <> x''")?;
        for (id, slot, verdict) in old {
            // One that this version does not know is kept for the one that does.
            let verdict = Verdict::parse(&verdict).unwrap_or(Verdict::Failed);
            if stream.keeps(slot, verdict) {
                reduce.execute([id])?;
            } else {
                delete.execute([id])?;
                self.history.results = self.history.results.saturating_sub(1);
            }
            stream.old_until = stream.old_until.max(Some(slot));
        }
        Ok(())
    }

    fn forget_old(&mut self, check: &CheckId, region: &Region, now: UnixMs) -> Result<(), JournalError> {
        let (check, region) = (check.as_str(), region.as_str());
        let Retention { results_per_stream_max, history_per_stream_max, history_ms, .. } = self.retention;
        let keep = integer((results_per_stream_max + history_per_stream_max) as u64);
        let forgotten = self
            .connection
            .prepare_cached(
                "DELETE FROM results WHERE check_id = ?1 AND region = ?2 AND document = x'' AND slot <= max(?3, coalesce((
                     SELECT slot FROM results WHERE check_id = ?1 AND region = ?2
                     ORDER BY slot DESC, attempt DESC LIMIT 1 OFFSET ?4), ?3))
                 AND id NOT IN (SELECT result FROM latest WHERE check_id = ?1 AND region = ?2)",
            )?
            .execute(params![check, region, (now - history_ms).0, keep])?;
        self.history.results = self.history.results.saturating_sub(forgotten as u64);
        Ok(())
    }

    fn forget_surplus(&mut self) -> Result<(), JournalError> {
        let forgotten = self
            .connection
            .prepare_cached(
                "DELETE FROM results WHERE id IN (SELECT id FROM results ORDER BY id LIMIT ?1)
                 AND id NOT IN (SELECT result FROM latest)",
            )?
            .execute([SURPLUS_ROWS])?;
        // Where nothing but the newest of each stream is left, there is nothing more to forget.
        let counted = self.history.results.saturating_sub(forgotten as u64);
        self.history.results = if forgotten == 0 { 0 } else { counted };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_old_passes_the_first_of_a_row_and_one_an_hour_stay() {
        let mut stream = Stream::default();
        let mut kept = |slots: std::ops::Range<i64>, verdict: Verdict| {
            slots.filter(|slot| stream.keeps(slot * 30_000, verdict)).count()
        };
        let cases = [
            (0..120, Verdict::Passed, 20 + 1),
            (120..240, Verdict::Passed, 1),
            (240..250, Verdict::Failed, 10),
            (250..251, Verdict::Missed, 1),
            (251..360, Verdict::Passed, 20 + 1),
            (360..361, Verdict::Failed, 1),
            (361..370, Verdict::Passed, 9),
            (370..1_200, Verdict::Passed, 11 + 7),
        ];
        for (slots, verdict, expected) in cases {
            assert_eq!(kept(slots.clone(), verdict), expected, "{slots:?} {verdict:?}");
        }
    }
}
