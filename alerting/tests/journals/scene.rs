//! What the contracts put into a journal: results as a decider commits them, and how their messages fared.

use alerting::incident::{CheckState, Context, Event, FailureBrief, Observation, Transition, Verdict, step};
use alerting::journal::{Commit, Consumed, Journal, Lease, ResultSummary, Settled, Settlement};
use alerting::policy::{Directory, Ladder, Member, Policy};
use checks::{CheckId, FailureClass, RunKey, UnixMs};

pub const START: UnixMs = UnixMs(1_795_466_400_000);
pub const NOW: UnixMs = UnixMs(START.0 + 600_000);
pub const LATER: UnixMs = UnixMs(NOW.0 + 60_000);

fn ladder() -> Ladder {
    let ada = Member { name: "Ada".to_owned(), phone: "+4915100000001".parse().unwrap(), email: None };
    let directory = Directory { teams: [("devops".to_owned(), vec![ada])].into(), ..Directory::default() };
    Policy::mission_default().ladder("default", &directory).unwrap()
}

pub fn check(name: &str) -> CheckId {
    name.parse().unwrap()
}

pub fn key(check: &CheckId, slot: u64) -> RunKey {
    RunKey { check: check.clone(), region: "eu".parse().unwrap(), slot: START + slot * 30_000, attempt: 0 }
}

/// Decides one result against the journal's own state, as the decider does, and returns what to commit.
pub async fn decide(journal: &dyn Journal, check: &CheckId, slot: u64, fails: bool) -> Commit {
    let known = journal.load(check).await.unwrap();
    let (revision, state) = known.map_or((0, CheckState::default()), |known| (known.revision, known.value));
    let key = key(check, slot);
    let brief = FailureBrief {
        class: FailureClass::Http,
        message: "503".to_owned(),
        step: None,
        location: None,
        at: key.slot,
        duration_us: 1,
        timings: vec![],
    };
    let verdict = if fails { Verdict::Failed(brief) } else { Verdict::Passed };
    let event =
        Event::Observed(Observation { region: key.region.clone(), slot: key.slot, attempt: 0, at: key.slot, verdict });
    let ladder = ladder();
    let context = Context {
        now: key.slot,
        check,
        watched: None,
        is_configured: false,
        ladder: &ladder,
        journal: journal.id(),
        next_incident: journal.next_incident().await.unwrap(),
        hold: None,
        parents: &[],
        is_known: false,
    };
    let Transition { state, notifications, trail, report, .. } = step(state, &event, &context);
    let summary = ResultSummary {
        key: key.clone(),
        started_at: key.slot,
        duration_us: 1500,
        verdict: if fails { alerting::journal::Verdict::Failed } else { alerting::journal::Verdict::Passed },
        class: fails.then_some(FailureClass::Http),
        message: "503".to_owned(),
        received_at: key.slot,
        late: false,
    };
    let consumed = vec![Consumed { summary, document: b"{}".to_vec() }];
    let reports = report.into_iter().collect();
    Commit { check: check.clone(), expected_revision: revision, state, consumed, notifications, trail, reports }
}

pub async fn put(journal: &dyn Journal, check: &CheckId, slot: u64, fails: bool) {
    let commit = decide(journal, check, slot, fails).await;
    journal.commit(vec![commit]).await.remove(0).unwrap();
}

pub fn settlement(lease: &Lease, settled: Settled) -> Settlement {
    settled_at(lease, settled, NOW)
}

pub fn settled_at(lease: &Lease, settled: Settled, at: UnixMs) -> Settlement {
    let n = &lease.notification;
    let carried = n.folded.iter().map(|other| other.id.clone()).collect();
    Settlement { notification: n.id.clone(), carried, attempt: lease.attempt, at, duration_ms: 5, settled }
}

pub fn delivered(receipt: &str) -> Settled {
    Settled::Delivered { receipt: receipt.to_owned(), reconciled: false }
}
