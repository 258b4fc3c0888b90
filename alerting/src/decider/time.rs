//! What time and the configuration do: instants that have come, silences that have begun or ended, checks that are new or
//! gone.

use super::{Decider, Item, depths, policy};
use crate::incident::{CheckState, Decision, Event, Hold, RunAgain, Verdict, Watched, due};
use crate::journal::{Commit, JournalError};
use crate::signal::Signal;
use checks::{CheckId, Region};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
        let silent = self.no_data.take();
        for signal in &silent {
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
                Verdict::Missed => {
                    let in_a_row = commit.state.regions.get(region).map_or(0, |region| region.missed_in_a_row);
                    self.no_data.missed(&commit.check, region, slot, in_a_row, now);
                }
                _ => self.no_data.heard(&commit.check, region, slot, now),
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
        let open = self.journal.open_checks().await?;
        let mut events = Vec::new();
        let mut next: HashMap<CheckId, Watched> = checks.into_iter().map(|w| (w.definition.id.clone(), w)).collect();
        for check in open.iter().filter(|check| !next.contains_key(check)) {
            // What a signal opened, no check can be removed from; but the silence of a check that is gone ends here, also
            // where a process before this one raised it.
            match self.state(check).await?.value.signal {
                None => events.push((check.clone(), Event::Removed)),
                Some(signal) => self.no_data.remember(&signal),
            }
        }
        for (check, watched) in &next {
            events.push((check.clone(), Event::Regions(watched.regions.clone())));
        }
        self.depths = depths::order(&mut next);
        self.watched = next;
        self.is_configured = true;
        self.waiting.clear();
        let checks: BTreeSet<CheckId> = self.watched.keys().cloned().collect();
        let regions = self.watched.values().flat_map(|watched| watched.regions.iter().cloned()).collect();
        let watched = &self.watched;
        let is_watched =
            |check: &CheckId, region: &Region| watched.get(check).is_some_and(|w| w.regions.contains(region));
        self.no_data.keep(is_watched, &checks, &regions, self.clock.now());
        Ok(events)
    }
}
