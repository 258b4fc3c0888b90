//! Which rows of the outbox leave, and with which others.

use super::read::{natural, parse};
use super::write::{Ledger, integer};
use crate::incident::IncidentReport;
use crate::journal::{DUE_AHEAD_MAX_MS, JournalError, Lease, RowState, TAKEN_MAX};
use crate::notification::{ChannelKind, Notification, Role};
use crate::outbox::{Departures, Standing, Stream, Waiting, leaving};
use checks::UnixMs;
use rusqlite::{OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};

/// Places that are looked at in one go; the next look takes the others.
const PLACES_MAX: i64 = 200;
/// Rows of one place that are looked at, oldest first.
const ROWS_MAX: i64 = 5_000;

/// Rows that leave as one message, by their `seq`; the first gives it its name.
struct Group {
    rows: Vec<i64>,
    page: bool,
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
                "UPDATE outbox SET state = 'pending', due_at = ?1, due_set_at = ?1,
                     left_at = coalesce(left_at, lease_until)
                 WHERE state = 'leased' AND lease_until <= ?1",
            )?
            .execute([now.0])?;
        let mut groups = Vec::new();
        for lane in self.places(kind, now)? {
            let (seqs, rows) = self.waiting(&lane, kind, now)?;
            let departures = self.departures(&lane)?;
            for group in leaving(kind, &rows, &departures, &self.folding, now) {
                let page = group.iter().any(|&row| rows[row].page);
                groups.push(Group { rows: group.into_iter().map(|row| seqs[row]).collect(), page });
            }
        }
        groups.sort_by_key(|group| (!group.page, group.rows[0]));
        groups.truncate(rows_max);
        groups.iter().map(|group| self.lease_group(&group.rows, until)).collect()
    }

    /// The places for which something is due, those with pages first.
    fn places(&self, kind: ChannelKind, now: UnixMs) -> Result<Vec<String>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT lane FROM outbox
             WHERE kind = ?1 AND state = 'pending' AND (due_at <= ?2 OR due_set_at > ?2 OR due_at > ?4)
             GROUP BY lane ORDER BY max(page) DESC, min(seq) LIMIT ?3",
        )?;
        let lanes = statement
            .query_map(params![kind.as_str(), now.0, PLACES_MAX, (now + DUE_AHEAD_MAX_MS).0], |row| row.get(0))?;
        Ok(lanes.collect::<Result<_, _>>()?)
    }

    /// What waits for a place, in the order in which it was decided.
    fn waiting(&self, lane: &str, kind: ChannelKind, now: UnixMs) -> Result<(Vec<i64>, Vec<Waiting>), JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, incident, id, role, page, due_at <= ?2 OR due_set_at > ?2 OR due_at > ?3, state = 'leased',
                 uncertain, carrier, coalesce(left_at, due_set_at)
             FROM outbox WHERE lane = ?1 AND state IN ('pending', 'leased') ORDER BY seq LIMIT ?4",
        )?;
        let (mut seqs, mut rows) = (Vec::new(), Vec::new());
        let mut shared: BTreeMap<String, bool> = BTreeMap::new();
        let mut found = statement.query(params![lane, now.0, (now + DUE_AHEAD_MAX_MS).0, ROWS_MAX])?;
        while let Some(row) = found.next()? {
            let (seq, incident, role): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
            let role =
                Role::parse(&role).ok_or_else(|| JournalError::Malformed { what: "role", problem: role.clone() })?;
            let standing = match (row.get(6)?, row.get(7)?, row.get::<_, Option<String>>(8)?) {
                (true, ..) => Standing::Leased,
                (false, true, Some(carrier)) => Standing::Uncertain { carrier, left_at: UnixMs(row.get(9)?) },
                _ => Standing::Free,
            };
            let post = match role {
                Role::Post => None,
                _ if kind != ChannelKind::Slack => None,
                _ => self.post_of(incident, lane, seq)?.and_then(|(_, receipt)| receipt),
            };
            let shared_post = match post {
                Some(post) => {
                    let is_shared = match shared.get(&post) {
                        Some(known) => *known,
                        None => *shared.entry(post.clone()).or_insert(self.sharing(lane, &post)?.len() > 1),
                    };
                    is_shared.then_some(post)
                }
                None => None,
            };
            let (incident, page, is_due) = (natural(incident), row.get(4)?, row.get(5)?);
            rows.push(Waiting { id: row.get(2)?, incident, role, page, is_due, standing, shared_post });
            seqs.push(seq);
        }
        Ok((seqs, rows))
    }

    fn departures(&self, lane: &str) -> Result<Departures, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT stream, page, at FROM departures WHERE lane = ?1")?;
        let mut departures = Departures::new();
        let mut found = statement.query([lane])?;
        while let Some(row) = found.next()? {
            if let Some(stream) = Stream::parse(&row.get::<_, String>(0)?) {
                departures.insert((stream, row.get(1)?), UnixMs(row.get(2)?));
            }
        }
        Ok(departures)
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
            "SELECT DISTINCT incident FROM outbox WHERE lane = ?1 AND receipt = ?2 AND role = 'post' ORDER BY incident",
        )?;
        Ok(statement.query_map(params![lane, receipt], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    fn lease_group(&self, rows: &[i64], until: UnixMs) -> Result<Lease, JournalError> {
        type Found = (String, String, u32, bool, Option<i64>);
        let mut found = Vec::with_capacity(rows.len());
        for seq in rows {
            let row: Found = self
                .connection
                .prepare_cached("SELECT id, notification, attempts, uncertain, left_at FROM outbox WHERE seq = ?1")?
                .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
            found.push(row);
        }
        let (carrier, uncertain, left_at) = (found[0].0.clone(), found[0].3, found[0].4.map(UnixMs));
        // The attempts of rows that have joined differ; from now on they are counted together.
        let attempt = found.iter().map(|(_, _, attempts, ..)| *attempts).max().unwrap_or(0) + 1;
        for seq in rows {
            self.connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'leased', attempts = ?2, lease_until = ?3, carrier = ?4, uncertain = 1
                     WHERE seq = ?1",
                )?
                .execute(params![seq, attempt, until.0, carrier])?;
        }
        let mut carried: Vec<Notification> =
            found.iter().map(|(_, document, ..)| parse("notification", document)).collect::<Result<_, _>>()?;
        let newest_at = carried.iter().map(|n| n.created_at).max().unwrap_or(UnixMs(i64::MIN));
        let others = carried.split_off(1);
        let mut notification = carried.remove(0);
        notification.carry(others);
        let lane = notification.address.lane();
        let post = self.post_of(integer(notification.incident), &lane, rows[0])?;
        let post_failed = post.as_ref().is_some_and(|(state, _)| state == RowState::Failed.as_str());
        let post = post.and_then(|(_, receipt)| receipt);
        if let Some(receipt) = post.as_deref().filter(|_| notification.role != Role::Post) {
            notification.shared_with = self.shared_with(&lane, receipt, notification.incident)?;
        }
        let taken = if uncertain { self.taken(&lane)? } else { BTreeSet::new() };
        Ok(Lease { notification, attempt, uncertain, left_at, taken, newest_at, post, post_failed })
    }

    /// What the newest messages to a place are called.
    fn taken(&self, lane: &str) -> Result<BTreeSet<String>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT receipt FROM outbox WHERE lane = ?1 AND role = 'post' AND receipt IS NOT NULL
             ORDER BY seq DESC LIMIT ?2",
        )?;
        let taken_max = i64::try_from(TAKEN_MAX).unwrap_or(i64::MAX);
        Ok(statement.query_map(params![lane, taken_max], |row| row.get(0))?.collect::<Result<_, _>>()?)
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
}
