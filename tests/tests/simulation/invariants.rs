//! What must hold when everything has calmed down.

use crate::drive::{CALL, CALL_AFTER_MS, Setup};
use crate::model::{End, Expected, Model};
use crate::world::{Accepted, World};
use alerting::incident::{IncidentStatus, TrailEntry, TrailKind};
use alerting::journal::{IncidentFilter, IncidentRecord, Journal as _, RowState};
use alerting::notification::{Address, PageReason, Role, Saying};
use alerting::policy::LadderRung;
use std::collections::{BTreeMap, BTreeSet};

/// A fallback comes this long after the page failed, at the latest: a sweep, a downtime, and a few failed commits.
const FALLBACK_WITHIN_MS: u64 = 40_000;
/// A rung that waits for time is climbed this long after its instant at the latest: a downtime and a few failed commits.
const CALL_WITHIN_MS: u64 = 30_000;

pub async fn check(world: &World, model: &Model, setup: &Setup, lease_ms: u64) -> Vec<String> {
    let mut records: BTreeMap<_, Vec<IncidentRecord>> = BTreeMap::new();
    let filter = IncidentFilter { rows_max: usize::MAX, ..IncidentFilter::default() };
    let summaries = world.journal.incidents(filter).await.unwrap_or_default();
    for summary in summaries {
        let record = world.journal.incident(summary.number).await.ok().flatten();
        records.entry(summary.check).or_default().extend(record);
    }
    let mut eye = Eye { world, setup, lease_ms, problems: Vec::new() };
    for (check, expected) in &model.incidents {
        let found = in_order(records.remove(check).unwrap_or_default());
        if found.len() != expected.len() {
            let shown: Vec<_> = found.iter().map(|record| &record.report.reason).collect();
            eye.wrong(format!("{check}: {} incidents, not {}: {shown:?} {expected:?}", found.len(), expected.len()));
        }
        for (record, expected) in found.iter().zip(expected) {
            eye.incident(record, expected);
        }
    }
    for (check, unexpected) in records {
        // Streams and regions that went silent have incidents of their own, which end when they are heard again.
        if unexpected.iter().all(|record| record.report.signal.is_some()) {
            for record in &unexpected {
                let is_p1 = record.trail.iter().any(|e| e.kind == TrailKind::Climbed && e.text.starts_with("P1"));
                eye.incident(record, &Expected { is_p1, end: Some(End::Recovered) });
            }
            continue;
        }
        eye.wrong(format!("{check}: {} incidents out of nothing", unexpected.len()));
    }
    eye.problems
}

/// Two deciders take their numbers as they need them, so that only the chain of incidents tells their order. What is not
/// in the chain is left out, and missed by whoever counts.
fn in_order(mut records: Vec<IncidentRecord>) -> Vec<IncidentRecord> {
    let mut ordered: Vec<IncidentRecord> = Vec::with_capacity(records.len());
    let mut previous = None;
    while let Some(next) = records.iter().position(|record| record.report.previous == previous) {
        let record = records.swap_remove(next);
        previous = Some(record.report.number);
        ordered.push(record);
    }
    ordered
}

struct Eye<'a> {
    world: &'a World,
    setup: &'a Setup,
    lease_ms: u64,
    problems: Vec<String>,
}

impl Eye<'_> {
    fn wrong(&mut self, problem: String) {
        self.problems.push(problem);
    }

    fn incident(&mut self, record: &IncidentRecord, expected: &Expected) {
        let number = record.report.number;
        let status = match expected.end {
            None => IncidentStatus::Open,
            Some(End::Recovered) => IncidentStatus::Recovered,
            Some(End::Closed) => IncidentStatus::Closed,
        };
        if record.report.status != status {
            self.wrong(format!("incident {number} is {:?}, not {status:?}", record.report.status));
        }
        for (kind, count) in [(TrailKind::Opened, 1), (TrailKind::Ended, usize::from(expected.end.is_some()))] {
            let found = record.trail.iter().filter(|entry| entry.kind == kind).count();
            if found != count {
                self.wrong(format!("incident {number}: {found} entries of {kind:?} on its trail, not {count}"));
            }
        }
        let climbed = |label: &str| {
            let is_of = |entry: &&TrailEntry| entry.kind == TrailKind::Climbed && entry.text.starts_with(label);
            record.trail.iter().filter(is_of).count()
        };
        let held = |label: &str| record.trail.iter().any(|e| e.kind == TrailKind::Held && e.text.starts_with(label));
        for (label, is_expected) in [("P2", true), ("P1", expected.is_p1)] {
            let count = climbed(label);
            let is_right = match is_expected {
                // What is not climbed is held back, and says why.
                true => count == 1 || (count == 0 && held(label)),
                false => count == 0,
            };
            if !is_right {
                self.wrong(format!("incident {number}: {label} climbed {count} times; expected: {is_expected}"));
            }
        }
        self.by_time(record, climbed(CALL));
        let accepted: Vec<_> = self.world.state().accepted.iter().filter(|a| a.incident == number).cloned().collect();
        let rungs: Vec<LadderRung> =
            self.setup.ladder.rungs.iter().filter(|rung| climbed(&rung.label) > 0).cloned().collect();
        let told: Vec<Address> = rungs.iter().flat_map(|rung| rung.addresses.clone()).collect();
        for rung in &rungs {
            for address in &rung.addresses {
                self.paged(number, address, &accepted, |a| is_page_of(a, &rung.label));
            }
            self.repeats(record, rung, &accepted);
        }
        self.fallback(record, &told, &accepted);
        self.ends(number, expected, &accepted);
        self.rows(record, &accepted);
    }

    /// The rung that waits for an acknowledgement: climbed when nobody came, and only then.
    fn by_time(&mut self, record: &IncidentRecord, climbed: usize) {
        let number = record.report.number;
        let at = |kind: TrailKind, start: &str| {
            let mut of_kind = record.trail.iter().filter(|entry| entry.kind == kind && entry.text.starts_with(start));
            of_kind.next().map(|entry| entry.at)
        };
        let has_call = self.setup.ladder.rungs.iter().any(|rung| rung.label == CALL);
        let paged = at(TrailKind::Climbed, "P1");
        let until = [at(TrailKind::Acted, "acknowledged"), record.report.ended_at].into_iter().flatten().min();
        let waited_ms = paged.zip(until).map(|(from, until)| until.since_ms(from));
        let is_simple = !self.setup.has_jumps && !record.trail.iter().any(|entry| entry.kind == TrailKind::Held);
        let is_due = has_call && waited_ms.is_some_and(|ms| ms > CALL_AFTER_MS + CALL_WITHIN_MS);
        let is_early = waited_ms.is_none_or(|ms| ms < CALL_AFTER_MS);
        if climbed > 1 || (is_simple && ((is_due && climbed == 0) || (is_early && climbed > 0))) {
            self.wrong(format!(
                "incident {number}: the call came {climbed} times, after {waited_ms:?} ms unacknowledged"
            ));
        }
    }

    /// Whether the provider refused a message of this lane for good: whoever is behind it could not be reached.
    fn is_out_of_reach(&self, number: u64, lane: &str) -> bool {
        self.world.state().refused.contains(&(number, lane.to_owned()))
    }

    fn paged(&mut self, number: u64, address: &Address, accepted: &[Accepted], is_it: impl Fn(&Accepted) -> bool) {
        let lane = address.lane();
        let pages: BTreeSet<_> = accepted.iter().filter(|a| a.lane == lane && is_it(a)).map(|a| &a.id).collect();
        let is_out_of_reach = self.is_out_of_reach(number, &lane);
        match pages.len() {
            0 if is_out_of_reach => {}
            1 => {}
            count => self.wrong(format!("incident {number}: {count} pages reached {address}")),
        }
    }

    /// Each repeat of a rung reached everybody of it, as a message of its own.
    fn repeats(&mut self, record: &IncidentRecord, rung: &LadderRung, accepted: &[Accepted]) {
        let number = record.report.number;
        let is_of = |entry: &&TrailEntry| {
            entry.kind == TrailKind::Repeated && entry.text.starts_with(&format!("{}: ", rung.label))
        };
        let times = record.trail.iter().filter(is_of).count();
        for address in &rung.addresses {
            let lane = address.lane();
            let is_it = |a: &&Accepted| {
                let is_again = matches!(&a.saying, Saying::Again { label, .. } if *label == rung.label);
                a.lane == lane && is_again && a.role != Role::Edit
            };
            let came: BTreeSet<_> = accepted.iter().filter(is_it).map(|a| &a.id).collect();
            if came.len() != times && !(came.len() < times && self.is_out_of_reach(number, &lane)) {
                self.wrong(format!("incident {number}: {address} was told {} of {times} repeats", came.len()));
            }
        }
    }

    /// A page that Slack refuses for good reaches the members all the same.
    fn fallback(&mut self, record: &IncidentRecord, told: &[Address], accepted: &[Accepted]) {
        let number = record.report.number;
        let took = record.trail.iter().any(|entry| entry.kind == TrailKind::Fallback);
        let failed = record.notifications.iter().filter(|n| n.page && n.state == RowState::Failed);
        let failed_at = failed.filter_map(|n| n.attempts.last()).map(|attempt| attempt.at).min();
        let ended_at = record.report.ended_at;
        let is_due = failed_at.is_some_and(|failed| {
            ended_at.is_none_or(|ended| ended.since_ms(failed) > FALLBACK_WITHIN_MS + self.lease_ms)
        });
        if is_due && !took && !self.setup.has_jumps {
            self.wrong(format!("incident {number}: a page failed at {failed_at:?}, and nothing fell back"));
        }
        if took {
            for address in self.setup.ladder.fallback.iter().filter(|address| !told.contains(address)) {
                let is_instead =
                    |a: &Accepted| matches!(&a.saying, Saying::Page { reason: PageReason::Undelivered { .. }, .. });
                self.paged(number, address, accepted, is_instead);
            }
        }
    }

    /// Everybody who was told that it began is told that it ended.
    fn ends(&mut self, number: u64, expected: &Expected, accepted: &[Accepted]) {
        let lanes: BTreeSet<String> = accepted.iter().filter(|a| is_page(&a.saying)).map(|a| a.lane.clone()).collect();
        for lane in lanes {
            // Nobody is called to be told that all is well: the text of the same number says it.
            if self.is_out_of_reach(number, &lane) || lane.starts_with("voice:") {
                continue;
            }
            let of_lane = || accepted.iter().filter(|a| a.lane == lane);
            let ends: BTreeSet<_> =
                of_lane().filter(|a| a.saying.ends() && a.role != Role::Edit).map(|a| &a.id).collect();
            if ends.len() != usize::from(expected.end.is_some()) {
                self.wrong(format!("incident {number}: {lane} was told of {} ends", ends.len()));
            }
            let last_state = of_lane().rfind(|a| matches!(a.role, Role::Post | Role::Edit)).map(|a| a.is_over);
            if last_state != Some(expected.end.is_some()) {
                self.wrong(format!("incident {number}: the last thing that {lane} shows is not its end"));
            }
        }
    }

    /// Every row has come to an end that agrees with what the providers have, and its attempts say so.
    fn rows(&mut self, record: &IncidentRecord, accepted: &[Accepted]) {
        let number = record.report.number;
        for n in &record.notifications {
            let has = accepted.iter().any(|a| a.id == n.id);
            let last = n.attempts.last().map(|attempt| attempt.outcome.as_str());
            let is_right = match n.state {
                RowState::Delivered => has && last == Some("delivered"),
                RowState::Failed => !has && last == Some("failed") && self.is_out_of_reach(number, &n.address.lane()),
                RowState::Superseded => n.role == Role::Edit,
                RowState::Pending | RowState::Leased => false,
            };
            if !is_right {
                self.wrong(format!(
                    "{} {} to {} is {:?}; the provider has it: {has}; attempts: {:?}",
                    n.id,
                    n.role.as_str(),
                    n.address,
                    n.state,
                    n.attempts
                ));
            }
        }
        for a in accepted.iter().filter(|a| record.notifications.iter().all(|n| n.id != a.id)) {
            self.wrong(format!("{} was sent and is not in the journal", a.id));
        }
    }
}

fn is_page(saying: &Saying) -> bool {
    matches!(saying, Saying::Page { .. })
}

/// Whether it is the page of a rung: a message of its own, or an entry that the channel sees where it had one.
fn is_page_of(accepted: &Accepted, rung: &str) -> bool {
    match &accepted.saying {
        Saying::Page { reason: PageReason::Undelivered { .. }, .. } => false,
        Saying::Page { label, .. } => label == rung,
        Saying::Climbed { label, .. } => label == rung && accepted.role == Role::Broadcast,
        _ => false,
    }
}
