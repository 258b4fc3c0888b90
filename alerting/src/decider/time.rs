//! What time and the configuration do: instants that have come, silences that have begun or ended, checks that are new or
//! gone.

use super::{Decider, Item, STATES_CACHED_MAX, depths, policy};
use crate::incident::{CheckState, Decision, Event, Hold, RunAgain, Verdict, Watched, due};
use crate::journal::{Commit, JournalError};
use crate::signal::{Signal, SignalSource};
use checks::CheckId;
use std::collections::{BTreeMap, BTreeSet};

impl Decider {
    /// What is due. Before the checks are known nothing is: their ladders are not, either.
    pub(super) async fn time(&mut self) -> Result<(BTreeMap<CheckId, Vec<Item>>, Vec<Signal>), JournalError> {
        let mut items: BTreeMap<CheckId, Vec<Item>> = BTreeMap::new();
        let steady_ms = self.clock.steady_ms();
        let is_time_to_look = self.waiting.is_time_to_look(steady_ms);
        if !self.is_configured {
            return Ok((items, Vec::new()));
        }
        if self.waiting.is_time_to_refresh(steady_ms)
            && let Err(error) = self.refresh().await
        {
            self.waiting.refresh_at_once();
            return Err(error);
        }
        let mut add = |check: CheckId, event| {
            items.entry(check).or_default().push(Item { event, consumed: None, place: None });
        };
        for (check, at) in self.waiting.due(steady_ms) {
            add(check, Event::Due { at });
        }
        if is_time_to_look {
            let now = self.clock.now();
            for check in self.waiting.open() {
                let Some(known) = self.states.get(check) else { continue };
                let Some(open) = &known.value.incident else { continue };
                let hold = self.hold(check, self.watched.get(check), known.value.signal.as_ref(), &known.value, now);
                let was = open.held.as_ref().map(|held| &held.hold);
                // What a dependency holds back is let go by what happens to another check.
                if hold.as_ref() != was || matches!(was, Some(Hold::DependsOn { .. })) {
                    add(check.clone(), Event::Look);
                }
            }
        }
        let mut silent = self.no_data.take();
        for signal in &mut silent {
            // Whoever is told that a check fails is told that it is not known whether it does.
            if signal.key.source == SignalSource::NoData {
                let watched = CheckId::new(&signal.key.id).ok().and_then(|check| self.watched.get(&check));
                signal.policy = watched.and_then(|watched| watched.definition.policy.clone());
            }
            let item = Item { event: Event::Signalled(signal.clone()), consumed: None, place: None };
            items.entry(signal.key.subject()).or_default().push(item);
        }
        Ok((items, silent))
    }

    /// Tells whoever watches over silent streams what came and what was missed.
    pub(super) fn note_data(&mut self, commit: &Commit, items: &[Item], decisions: &[Decision]) {
        if !self.is_configured {
            return;
        }
        let now = self.clock.now();
        for (item, decision) in items.iter().zip(decisions) {
            let Event::Observed(observation) = &item.event else { continue };
            if matches!(decision, Decision::NotWatched | Decision::Duplicate | Decision::Late) {
                continue;
            }
            let (region, slot) = (&observation.region, observation.slot);
            match observation.verdict {
                Verdict::Missed => self.no_data.missed(&commit.check, region, slot, &commit.state, now),
                Verdict::StillRunning => self.no_data.alive(region, slot),
                Verdict::Passed | Verdict::Failed(_) | Verdict::Skipped => {
                    self.no_data.heard(&commit.check, region, slot, &commit.state, now);
                }
            }
        }
    }

    /// Takes up the open incidents that it does not know: after a start, and those of another decider.
    async fn refresh(&mut self) -> Result<(), JournalError> {
        self.silences = self.journal.silences(self.clock.now()).await?;
        for check in self.journal.open_checks().await? {
            if !self.waiting.knows(&check) {
                let known = self.state(&check).await?;
                if let Some(signal) = &known.value.signal {
                    self.no_data.remember(signal);
                }
                self.follow(&check, &known.value);
                self.states.insert(check, known);
            }
        }
        Ok(())
    }

    pub(super) async fn read_silences(&mut self) -> Result<(), JournalError> {
        self.silences = self.journal.silences(self.clock.now()).await?;
        self.waiting.look_at_once();
        Ok(())
    }

    /// Keeps what waits in step with a state.
    pub(super) fn follow(&mut self, check: &CheckId, state: &CheckState) {
        if state.incident.is_none() {
            self.waiting.ended(check);
            return;
        }
        let ladder = self.ladders.of(policy(self.watched.get(check), state.signal.as_ref()));
        self.waiting.follow(check, due(state, ladder), self.clock.now(), self.clock.steady_ms());
    }

    /// Asks for runs that confirm a failure. Where nobody takes them, they are not made: the next slot tells as well.
    pub(super) fn ask_for(&self, reruns: Vec<RunAgain>) {
        for rerun in reruns {
            if self.reruns.try_send(rerun).is_err() {
                self.tally.reruns_dropped.add(1);
            }
        }
    }

    /// Takes the new set of checks, and returns what it means for those that have a state with an open incident.
    pub(super) async fn configure(&mut self, checks: Vec<Watched>) -> Result<Vec<(CheckId, Event)>, JournalError> {
        let mut known: BTreeSet<CheckId> = self.journal.open_checks().await?.into_iter().collect();
        // Those that never failed, too: what was counted before they were removed must not count when they come back.
        known.extend(self.journal.checks_with_results().await?);
        let mut events = Vec::new();
        let mut next: BTreeMap<CheckId, Watched> = checks.into_iter().map(|w| (w.definition.id.clone(), w)).collect();
        for check in known.iter().filter(|check| !next.contains_key(check)) {
            // What a signal opened, no check can be removed from; but the silence of a check that is gone ends here, also
            // where a process before this one raised it.
            let state = self.state(check).await?.value;
            match state.signal {
                Some(signal) if state.incident.is_some() => self.no_data.remember(&signal),
                Some(_) => {}
                None if state.incident.is_none() && state.regions.is_empty() => {}
                None => events.push((check.clone(), Event::Removed)),
            }
        }
        self.no_data.keep(&next, self.clock.now());
        for (check, watched) in &next {
            let known = self.state(check).await?;
            self.no_data.take_up(check, &known.value);
            if self.states.len() < STATES_CACHED_MAX {
                self.states.insert(check.clone(), known);
            }
            events.push((check.clone(), Event::Regions(watched.regions.clone())));
        }
        self.depths = depths::order(&mut next);
        self.watched = next;
        self.is_configured = true;
        self.waiting.clear();
        Ok(events)
    }
}
