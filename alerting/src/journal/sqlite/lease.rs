//! Which rows of the outbox leave, and with which others.

use super::read::{natural, parse};
use super::write::{Ledger, integer};
use crate::incident::IncidentReport;
use crate::journal::{DUE_AHEAD_MAX_MS, JournalError, Lease, RowState};
use crate::notification::{ChannelKind, Notification, Role};
use crate::outbox::{Before, Candidate, Group, groups};
use checks::UnixMs;
use rusqlite::{OptionalExtension, params};
use std::collections::BTreeMap;

/// Rows that are looked at in one go; a larger storm takes several.
const CANDIDATES_MAX: i64 = 500;

/// A row that may leave.
struct Row {
    seq: i64,
    incident: i64,
}

impl Ledger {
    pub fn lease(
        &mut self,
        kind: ChannelKind,
        rows_max: usize,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Vec<Lease>, JournalError> {
        self.connection
            .prepare_cached(
                "UPDATE outbox SET state = 'pending', due_at = ?1, due_set_at = ?1
                 WHERE state = 'leased' AND lease_until <= ?1",
            )?
            .execute([now.0])?;
        let (rows, candidates) = self.candidates(kind, now)?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let before = self.before(kind, &candidates)?;
        let mut groups = groups(kind, &candidates, &before, &self.folding, now);
        groups.truncate(rows_max);
        groups.iter().map(|group| self.lease_group(group, &rows, &candidates, until)).collect()
    }

    /// The rows that are due and first in their lane: no row goes before the ones that were decided earlier.
    fn candidates(&self, kind: ChannelKind, now: UnixMs) -> Result<(Vec<Row>, Vec<Candidate>), JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, incident, id, lane, role, carrier FROM outbox AS o
             WHERE kind = ?1 AND state = 'pending' AND (due_at <= ?2 OR due_set_at > ?2 OR due_at > ?4) AND NOT EXISTS (
                 SELECT 1 FROM outbox AS earlier WHERE earlier.incident = o.incident AND earlier.lane = o.lane
                 AND earlier.seq < o.seq AND earlier.state IN ('pending', 'leased'))
             ORDER BY page DESC, seq LIMIT ?3",
        )?;
        let (mut rows, mut candidates) = (Vec::new(), Vec::new());
        let mut found = statement.query(params![kind.as_str(), now.0, CANDIDATES_MAX, (now + DUE_AHEAD_MAX_MS).0])?;
        while let Some(row) = found.next()? {
            let (seq, incident, role): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(4)?);
            let lane: String = row.get(3)?;
            let role =
                Role::parse(&role).ok_or_else(|| JournalError::Malformed { what: "role", problem: role.clone() })?;
            let post = match role {
                Role::Post => None,
                _ => self.post_of(incident, &lane, seq)?.and_then(|(_, receipt)| receipt),
            };
            let is_shared = match &post {
                Some(receipt) if kind == ChannelKind::Slack => self.sharing(&lane, receipt)?.len() > 1,
                _ => false,
            };
            candidates.push(Candidate { id: row.get(2)?, lane, role, carrier: row.get(5)?, post, is_shared });
            rows.push(Row { seq, incident });
        }
        Ok((rows, candidates))
    }

    /// State and receipt of the post of a lane that was decided before `seq`.
    fn post_of(&self, incident: i64, lane: &str, seq: i64) -> Result<Option<(String, Option<String>)>, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT state, receipt FROM outbox WHERE incident = ?1 AND lane = ?2 AND role = 'post' AND seq < ?3
                 ORDER BY seq LIMIT 1",
            )?
            .query_row(params![incident, lane, seq], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    /// The incidents whose post in `lane` is this one.
    fn sharing(&self, lane: &str, receipt: &str) -> Result<Vec<i64>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT incident FROM outbox WHERE lane = ?1 AND receipt = ?2 AND role = 'post' ORDER BY seq",
        )?;
        Ok(statement.query_map(params![lane, receipt], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    fn before(&self, kind: ChannelKind, candidates: &[Candidate]) -> Result<BTreeMap<String, Before>, JournalError> {
        let mut before: BTreeMap<String, Before> = BTreeMap::new();
        let mut statement = self
            .connection
            .prepare_cached("SELECT sent_at, post, post_at, post_before_at FROM lanes WHERE lane = ?1")?;
        let instant = |at: Option<i64>| at.map(UnixMs);
        for candidate in candidates {
            if before.contains_key(&candidate.lane) {
                continue;
            }
            let found = statement
                .query_row([&candidate.lane], |row| {
                    Ok(Before {
                        is_under_way: false,
                        sent_at: instant(row.get(0)?),
                        post: row.get(1)?,
                        post_at: instant(row.get(2)?),
                        post_before_at: instant(row.get(3)?),
                    })
                })
                .optional()?;
            before.insert(candidate.lane.clone(), found.unwrap_or_default());
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT lane FROM outbox WHERE state = 'leased' AND kind = ?1 AND (?1 <> 'slack' OR role = 'post')",
        )?;
        let lanes = statement.query_map([kind.as_str()], |row| row.get::<_, String>(0))?;
        for lane in lanes {
            before.entry(lane?).or_default().is_under_way = true;
        }
        Ok(before)
    }

    fn lease_group(
        &self,
        group: &Group,
        rows: &[Row],
        candidates: &[Candidate],
        until: UnixMs,
    ) -> Result<Lease, JournalError> {
        let (head, candidate) = (&rows[group.rows[0]], &candidates[group.rows[0]]);
        for &place in &group.rows {
            self.connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'leased', attempts = attempts + 1, lease_until = ?2, carrier = ?3,
                         joins = coalesce(joins, ?4)
                     WHERE seq = ?1",
                )?
                .execute(params![rows[place].seq, until.0, candidate.id, group.joins])?;
        }
        let (document, attempt, uncertain, joins): (String, u32, bool, Option<String>) = self
            .connection
            .prepare_cached("SELECT notification, attempts, uncertain, joins FROM outbox WHERE seq = ?1")?
            .query_row([head.seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let mut notification: Notification = parse("notification", &document)?;
        for &place in &group.rows {
            self.connection
                .prepare_cached("UPDATE outbox SET uncertain = 1 WHERE seq = ?1")?
                .execute([rows[place].seq])?;
        }
        let mut others = Vec::with_capacity(group.rows.len() - 1);
        for &place in &group.rows[1..] {
            let document: String = self
                .connection
                .prepare_cached("SELECT notification FROM outbox WHERE seq = ?1")?
                .query_row([rows[place].seq], |row| row.get(0))?;
            others.push(parse("notification", &document)?);
        }
        notification.carry(others);
        let post = self.post_of(head.incident, &candidate.lane, head.seq)?;
        let post_failed = post.as_ref().is_some_and(|(state, _)| state == RowState::Failed.as_str());
        let receipt = joins.clone().or(post.and_then(|(_, receipt)| receipt));
        if joins.is_some() {
            notification.role = Role::Broadcast;
        }
        if let Some(receipt) = receipt.as_deref().filter(|_| notification.role != Role::Post) {
            notification.shared_with = self.shared_with(&candidate.lane, receipt, notification.incident)?;
        }
        Ok(Lease { notification, attempt, uncertain, post: receipt, post_failed: post_failed && joins.is_none() })
    }

    /// The other incidents of a post, as they stand.
    fn shared_with(&self, lane: &str, receipt: &str, own: u64) -> Result<Vec<IncidentReport>, JournalError> {
        let mut reports = Vec::new();
        for number in self.sharing(lane, receipt)?.into_iter().filter(|number| natural(*number) != own) {
            let report: Option<String> = self
                .connection
                .prepare_cached("SELECT report FROM incidents WHERE number = ?1")?
                .query_row([number], |row| row.get(0))
                .optional()?;
            if let Some(report) = report {
                reports.push(parse("incident", &report)?);
            }
        }
        Ok(reports)
    }

    /// Notes what went to a place: it is held against what wants to go there next.
    pub(super) fn note_sent(
        &self,
        lane: &str,
        role: &str,
        receipt: &str,
        joined: bool,
        at: UnixMs,
    ) -> Result<(), JournalError> {
        self.connection
            .prepare_cached(
                "INSERT INTO lanes (lane, sent_at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET sent_at = excluded.sent_at",
            )?
            .execute(params![lane, at.0])?;
        if joined {
            self.connection
                .prepare_cached("UPDATE lanes SET post_at = ?2, post_before_at = ?2 WHERE lane = ?1")?
                .execute(params![lane, at.0])?;
        } else if role == Role::Post.as_str() {
            self.connection
                .prepare_cached(
                    "UPDATE lanes SET post_before_at = post_at, post_at = ?2, post = ?3
                     WHERE lane = ?1 AND post IS NOT ?3",
                )?
                .execute(params![lane, at.0, receipt])?;
        }
        Ok(())
    }

    pub(super) fn rows_of(&self, carrier: &str) -> Result<Vec<String>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM outbox WHERE carrier = ?1 AND id <> ?1 AND state IN ('pending', 'leased') ORDER BY seq
             LIMIT ?2",
        )?;
        let rows = statement.query_map(params![carrier, integer(1000)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
