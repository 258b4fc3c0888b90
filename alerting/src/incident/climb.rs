//! Which rungs an incident has reached, and what holds them back.

use super::{CheckState, Context, Hold, RegionState};
use crate::notification::PageReason;
use crate::policy::{Counts, LadderRung};
use crate::signal::SignalFacts;
use checks::{CheckId, Region, UnixMs};

/// A check that this one depends on.
#[derive(Debug, Clone, Copy)]
pub struct Parent<'a> {
    pub check: &'a CheckId,
    pub state: &'a CheckState,
}

impl Parent<'_> {
    /// Whether a failure in `region`, in a run for `slot`, says nothing that the parent's own failure does not say.
    fn explains(&self, region: &Region, slot: Option<UnixMs>) -> bool {
        let Some(own) = self.state.regions.get(region) else { return false };
        let fails = own.condition.is_unwell() && own.target_failures_in_a_row > 0;
        // A run for a slot before the parent's recovery met the world as it was then.
        let has_failed_then = own.passing_since.zip(slot).is_some_and(|(since, slot)| slot <= since);
        fails || has_failed_then
    }

    fn hold(&self) -> Hold {
        let open = self.state.incident.as_ref().map(|open| open.number);
        let incident = open.or(self.state.ended.as_ref().map(|ended| ended.number)).unwrap_or(0);
        Hold::DependsOn { parent: self.check.clone(), incident }
    }
}

pub(super) struct Reached {
    /// The rung's place in the ladder.
    pub place: usize,
    pub reason: PageReason,
    pub held: Option<Hold>,
}

/// The rungs that count failures, are reached and are not climbed yet. Each is looked at, whether or not the one below it
/// was reached: many failures in one region may reach a rung that waits for no second region.
pub(super) fn reached(state: &CheckState, context: &Context<'_>) -> Vec<Reached> {
    let unclimbed = context.ladder.rungs.iter().enumerate().filter(|(_, rung)| {
        !rung.is_by_time() && state.incident.as_ref().is_none_or(|open| !open.has_climbed(&rung.label))
    });
    let reached = |(place, rung): (usize, &LadderRung)| {
        let (reason, explained) = match &state.signal {
            Some(signal) => (by_signal(signal, place, context)?, None),
            None => by_failures(state, rung, context)?,
        };
        let held = context.hold.cloned().or(explained).filter(|hold| hold.holds(rung));
        Some(Reached { place, reason, held })
    };
    unclimbed.filter_map(reached).collect()
}

fn by_signal(signal: &SignalFacts, place: usize, context: &Context<'_>) -> Option<PageReason> {
    let is_reached = signal.firing && context.ladder.is_reached_by(signal.severity, place);
    is_reached.then_some(PageReason::Fired { source: signal.key.source, severity: signal.severity })
}

fn by_failures(state: &CheckState, rung: &LadderRung, context: &Context<'_>) -> Option<(PageReason, Option<Hold>)> {
    let count = |r: &RegionState| match rung.counts {
        Counts::EveryFailure => r.failures_in_a_row,
        Counts::TargetFailures => r.target_failures_in_a_row,
    };
    let is_enough = |regions: &[Region]| u32::try_from(regions.len()).unwrap_or(u32::MAX) >= rung.min_regions;
    let all: Vec<Region> = state
        .regions
        .iter()
        .filter(|(_, r)| count(r) >= rung.failures_in_a_row)
        .map(|(name, _)| name.clone())
        .collect();
    if all.is_empty() || !is_enough(&all) {
        return None;
    }
    if context.parents.is_empty() {
        return Some((PageReason::of(&all, rung.failures_in_a_row), None));
    }
    let explains = |region: &Region| {
        let slot = state.regions[region].watermark.map(|mark| mark.slot);
        context.parents.iter().find(|parent| parent.explains(region, slot))
    };
    let own: Vec<Region> = all.iter().filter(|region| explains(region).is_none()).cloned().collect();
    if !own.is_empty() && is_enough(&own) {
        return Some((PageReason::of(&own, rung.failures_in_a_row), None));
    }
    let hold = all.iter().find_map(explains).map(Parent::hold);
    Some((PageReason::of(&all, rung.failures_in_a_row), hold))
}
