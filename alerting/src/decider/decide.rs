//! What the events of one check come to.

use super::{Decider, Item, policy};
use crate::incident::{
    CheckState, Context, Decision, Event, Hold, Parent, RunAgain, Transition, Verdict, Watched, step,
};
use crate::journal::{Commit, JournalError, Versioned};
use crate::signal::SignalFacts;
use crate::silence::{Subject, hold};
use checks::{CheckId, RunKey, UnixMs};

pub(super) struct Outcome {
    /// `None` where nothing changes.
    pub commit: Option<Commit>,
    pub decisions: Vec<Decision>,
    pub reruns: Vec<RunAgain>,
}

impl Decider {
    pub(super) async fn decide_check(&mut self, check: &CheckId, items: &[Item]) -> Result<Outcome, JournalError> {
        let known = self.state(check).await?;
        let parents = self.read_parents(check, items).await?;
        let mut commit = Commit {
            check: check.clone(),
            expected_revision: known.revision,
            state: known.value.clone(),
            consumed: Vec::new(),
            notifications: Vec::new(),
            trail: Vec::new(),
            reports: Vec::new(),
        };
        let (mut decisions, mut reruns) = (Vec::with_capacity(items.len()), Vec::new());
        for item in items {
            let number = match self.spare_number {
                Some(number) => number,
                None => *self.spare_number.insert(self.journal.next_incident().await?),
            };
            let is_known = self.is_known(item, &commit).await?;
            let watched = self.watched.get(check);
            let signalled = match &item.event {
                Event::Signalled(signal) => Some(SignalFacts::of(signal)),
                _ => None,
            };
            let signal = signalled.as_ref().or(commit.state.signal.as_ref());
            let now = self.clock.now();
            let hold = self.hold(check, watched, signal, &commit.state, now);
            let parents: Vec<Parent<'_>> = parents
                .iter()
                .filter_map(|parent| self.states.get_key_value(parent))
                .map(|(check, known)| Parent { check, state: &known.value })
                .collect();
            let ladder = self.ladders.of(policy(watched, signal));
            let context = Context {
                now,
                check,
                watched,
                is_configured: self.is_configured,
                ladder,
                journal: self.journal.id(),
                next_incident: number,
                hold: hold.as_ref(),
                parents: &parents,
                is_known,
            };
            let Transition { state, decision, notifications, trail, report, run_again } =
                step(std::mem::take(&mut commit.state), &item.event, &context);
            if matches!(decision, Decision::Opened(_) | Decision::OpenedHeld) {
                self.spare_number = None;
            }
            commit.state = state;
            commit.notifications.extend(notifications);
            commit.trail.extend(trail);
            reruns.extend(run_again);
            if let Some(report) = report {
                commit.reports.retain(|earlier| earlier.number != report.number);
                commit.reports.push(report);
            }
            if let Some(consumed) = &item.consumed {
                let mut consumed = consumed.clone();
                consumed.summary.late = matches!(decision, Decision::Late | Decision::Duplicate | Decision::NotWatched);
                commit.consumed.push(consumed);
            }
            decisions.push(decision);
        }
        let changes = !commit.consumed.is_empty() || commit.state != known.value || !commit.trail.is_empty();
        Ok(Outcome { commit: changes.then_some(commit), decisions, reruns })
    }

    /// The newest state that is known: the one in memory, or the journal's.
    pub(super) async fn state(&self, check: &CheckId) -> Result<Versioned<CheckState>, JournalError> {
        match self.states.get(check) {
            Some(known) => Ok(known.clone()),
            None => {
                let none = Versioned { revision: 0, value: CheckState::default() };
                Ok(self.journal.load(check).await?.unwrap_or(none))
            }
        }
    }

    /// The checks that this one depends on, where any of its events may climb; their states are in memory then.
    async fn read_parents(&mut self, check: &CheckId, items: &[Item]) -> Result<Vec<CheckId>, JournalError> {
        let climbs = |item: &Item| match &item.event {
            Event::Observed(observation) => matches!(observation.verdict, Verdict::Failed(_)),
            Event::Look => true,
            _ => false,
        };
        let parents = self.watched.get(check).map(|w| w.definition.depends_on.clone()).unwrap_or_default();
        if parents.is_empty() || !items.iter().any(climbs) {
            return Ok(Vec::new());
        }
        for parent in &parents {
            if !self.states.contains_key(parent) {
                let known = self.state(parent).await?;
                self.states.insert(parent.clone(), known);
            }
        }
        Ok(parents)
    }

    /// Whether a run is in the history. Asked only where its place in time does not tell: after the clock was set back a
    /// long way, a run that is offered again looks like a new one.
    async fn is_known(&self, item: &Item, commit: &Commit) -> Result<bool, JournalError> {
        let Event::Observed(observation) = &item.event else { return Ok(false) };
        let watermark = commit.state.regions.get(&observation.region).and_then(|region| region.watermark);
        if watermark.is_none_or(|mark| (mark.slot, mark.attempt) <= (observation.slot, observation.attempt)) {
            return Ok(false);
        }
        let (region, slot, attempt) = (observation.region.clone(), observation.slot, observation.attempt);
        let key = RunKey { check: commit.check.clone(), region, slot, attempt };
        let is_in_group = commit.consumed.iter().any(|consumed| consumed.summary.key == key);
        Ok(is_in_group || self.journal.result(&key).await?.is_some())
    }

    pub(super) fn hold(
        &self,
        check: &CheckId,
        watched: Option<&Watched>,
        signal: Option<&SignalFacts>,
        state: &CheckState,
        now: UnixMs,
    ) -> Option<Hold> {
        if self.silences.is_empty() && self.windows.is_empty() {
            return None;
        }
        let subject = Subject {
            check,
            tags: watched.map_or(&[], |w| &w.definition.tags),
            labels: signal.map(|signal| &signal.labels),
            incident: state.incident.as_ref().map(|open| open.number),
        };
        hold(&self.silences, &self.windows, &subject, now)
    }
}
