use super::report::report;
use super::tell::Telling;
use super::{
    CheckState, EndedIncident, Event, FailureBrief, IncidentReport, IncidentStatus, Observation, OpenIncident,
    RegionCondition, RegionState, TrailEntry, TrailKind, Verdict, Watermark,
};
use crate::notification::{Notification, PageReason, Saying};
use crate::policy::{Counts, Ladder, LadderRung};
use checks::{CheckDefinition, CheckId, Region, UnixMs};
use std::collections::BTreeSet;

/// A watermark further ahead of the clock than this comes from a clock that has been set back since.
const CLOCK_AHEAD_MAX_MS: u64 = 60_000;

/// A check as it is configured: what it is, and the regions that it runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    pub definition: CheckDefinition,
    pub regions: Vec<Region>,
}

/// What a decision may look at beside the state: all of it given, nothing fetched.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub now: UnixMs,
    pub check: &'a CheckId,
    /// Absent where the check is not configured.
    pub watched: Option<&'a Watched>,
    /// Whether it is known which checks there are. Where it is, a result of any other check, or from any other region,
    /// is the last breath of one that was removed: nobody would ever see it recover.
    pub is_configured: bool,
    pub ladder: &'a Ladder,
    /// The journal's own id, for the names of notifications.
    pub journal: &'a str,
    /// The number of the incident, should one open.
    pub next_incident: u64,
}

/// What was decided, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Counted; nothing to tell.
    Counted,
    /// This run was counted before.
    Duplicate,
    /// A newer run was counted before: it enters the history only.
    Late,
    /// Its check was removed, or no longer runs in this region: it enters the history only.
    NotWatched,
    /// Nobody ran the slot: neither a failure nor a recovery.
    Missed,
    Opened(PageReason),
    Climbed(PageReason),
    /// The incident goes on and its posts change, or a region without an incident is forgotten.
    Updated,
    FellBack,
    Recovered,
    Closed,
    /// The event is about something that is over, or changes nothing.
    Nothing,
}

/// Everything that follows from one event, for one atomic write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    pub state: CheckState,
    pub decision: Decision,
    pub notifications: Vec<Notification>,
    pub trail: Vec<TrailEntry>,
    /// The incident as it stands now, where there is one or one has just ended.
    pub report: Option<IncidentReport>,
}

impl Context<'_> {
    fn is_watched(&self, region: &Region) -> bool {
        !self.is_configured || self.watched.is_some_and(|watched| watched.regions.contains(region))
    }
}

impl Transition {
    fn quiet(state: CheckState, decision: Decision) -> Self {
        Self { state, decision, notifications: Vec::new(), trail: Vec::new(), report: None }
    }
}

/// Decides one event. Pure: the same arguments give the same transition.
pub fn step(state: CheckState, event: &Event, context: &Context<'_>) -> Transition {
    match event {
        Event::Observed(observation) => observe(state, observation, context),
        Event::Undelivered { incident, notification, address, because } => match &state.incident {
            Some(open) if open.number == *incident => {
                let because = because.clone();
                let mut telling = Telling::new(context, open.number);
                let mut state = state;
                let reason = PageReason::Undelivered { address: address.to_string(), because };
                let took = telling.fall_back(&mut state, notification, reason);
                if took { telling.done(state, Decision::FellBack) } else { Transition::quiet(state, Decision::Nothing) }
            }
            _ => Transition::quiet(state, Decision::Nothing),
        },
        Event::Regions(regions) => keep_regions(state, regions, context),
        Event::Removed => {
            let mut state = state;
            state.regions.clear();
            match state.incident.take() {
                None => Transition::quiet(state, Decision::Nothing),
                Some(open) => {
                    let after_ms = context.now.since_ms(open.failing_since);
                    end(state, open, Saying::CheckRemoved { after_ms }, context)
                }
            }
        }
    }
}

fn observe(mut state: CheckState, observation: &Observation, context: &Context<'_>) -> Transition {
    if !context.is_watched(&observation.region) {
        return Transition::quiet(state, Decision::NotWatched);
    }
    let mark = Watermark { slot: observation.slot, attempt: observation.attempt };
    let region = state.regions.entry(observation.region.clone()).or_default();
    if let Some(decision) = is_old(region, mark, &observation.verdict, context.now) {
        return Transition::quiet(state, decision);
    }
    let was = region.condition;
    match &observation.verdict {
        Verdict::Missed => {
            region.missed = Some(mark);
            region.missed_in_a_row = region.missed_in_a_row.saturating_add(1);
            return Transition::quiet(state, Decision::Missed);
        }
        Verdict::Passed => pass(region, mark, observation.at, context.ladder.recover_after),
        Verdict::Failed(brief) => fail(region, mark, observation.at, brief),
    }
    match &observation.verdict {
        Verdict::Failed(brief) => after_failure(state, &observation.region, brief, was, context),
        Verdict::Passed | Verdict::Missed => after_pass(state, &observation.region, was, context),
    }
}

/// Whether the run is one that the region has counted, or older than one that it has.
fn is_old(region: &RegionState, mark: Watermark, verdict: &Verdict, now: UnixMs) -> Option<Decision> {
    let trusted = |known: &Watermark| known.slot <= now + CLOCK_AHEAD_MAX_MS;
    let mut known = vec![region.watermark];
    if *verdict == Verdict::Missed {
        known.push(region.missed);
    }
    for known in known.into_iter().flatten() {
        if known == mark {
            return Some(Decision::Duplicate);
        }
        if mark < known && trusted(&known) {
            return Some(Decision::Late);
        }
    }
    None
}

fn pass(region: &mut RegionState, mark: Watermark, at: UnixMs, recover_after: u32) {
    region.watermark = Some(mark);
    region.last_result_at = Some(at);
    region.last_success = Some(at);
    region.missed_in_a_row = 0;
    region.failures_in_a_row = 0;
    region.target_failures_in_a_row = 0;
    region.passes_in_a_row = region.passes_in_a_row.saturating_add(1);
    region.condition = match region.condition.is_unwell() && region.passes_in_a_row < recover_after {
        true => RegionCondition::Recovering,
        false => RegionCondition::Passing,
    };
    if region.condition == RegionCondition::Passing {
        region.failing_since = None;
    }
}

fn fail(region: &mut RegionState, mark: Watermark, at: UnixMs, brief: &FailureBrief) {
    region.watermark = Some(mark);
    region.last_result_at = Some(at);
    region.missed_in_a_row = 0;
    region.passes_in_a_row = 0;
    region.failures_in_a_row = region.failures_in_a_row.saturating_add(1);
    if brief.class.blames_target() {
        region.target_failures_in_a_row = region.target_failures_in_a_row.saturating_add(1);
    }
    region.condition = RegionCondition::Failing;
    region.failing_since.get_or_insert(at);
}

/// The regions that have reached a rung.
fn reached(state: &CheckState, rung: &LadderRung) -> Vec<Region> {
    let count = |r: &RegionState| match rung.counts {
        Counts::EveryFailure => r.failures_in_a_row,
        Counts::TargetFailures => r.target_failures_in_a_row,
    };
    state.regions.iter().filter(|(_, r)| count(r) >= rung.failures_in_a_row).map(|(name, _)| name.clone()).collect()
}

fn after_failure(
    mut state: CheckState,
    region: &Region,
    brief: &FailureBrief,
    was: RegionCondition,
    context: &Context<'_>,
) -> Transition {
    // Every rung is looked at, whether or not the one below it was reached: many failures in one region may reach a
    // rung that waits for no second region.
    let climbed = state.incident.as_ref().map(|open| open.rungs_climbed.clone()).unwrap_or_default();
    let climbing: Vec<(usize, PageReason)> = context
        .ladder
        .rungs
        .iter()
        .enumerate()
        .filter(|(index, _)| !climbed.contains(index))
        .filter_map(|(index, rung)| {
            let regions = reached(&state, rung);
            let enough = u32::try_from(regions.len()).unwrap_or(u32::MAX) >= rung.min_regions;
            enough.then(|| (index, PageReason::of(&regions, rung.failures_in_a_row)))
        })
        .collect();
    let is_new = state.incident.is_none();
    if is_new && climbing.is_empty() {
        return Transition::quiet(state, Decision::Counted);
    }
    let own = &state.regions[region];
    let failures_in_a_row = own.failures_in_a_row;
    let open = state.incident.get_or_insert_with(|| OpenIncident {
        number: context.next_incident,
        opened_at: context.now,
        rungs_climbed: BTreeSet::new(),
        reason: String::new(),
        told: Vec::new(),
        next_notification: 1,
        failing_since: own.failing_since.unwrap_or(context.now),
        last_success: own.last_success,
        failed_in: region.clone(),
        failure: brief.clone(),
        edit_due_at: context.now,
        failures_total: u64::from(failures_in_a_row) - 1,
        trail_entries: 0,
        previous: state.ended.as_ref().map(|ended| ended.number),
    });
    open.failures_total = open.failures_total.saturating_add(1);
    open.failed_in = region.clone();
    open.failure = brief.clone();
    let mut telling = Telling::new(context, open.number);
    if is_new {
        telling.trail(open, TrailKind::Opened, format!("opened: {}: {}", brief.class, brief.message));
    }
    if !climbing.is_empty() {
        let mut decision = Decision::Updated;
        for (index, reason) in climbing {
            telling.climb(&mut state, index, reason.clone());
            decision = if is_new { Decision::Opened(reason) } else { Decision::Climbed(reason) };
        }
        return telling.done(state, decision);
    }
    let saying = if was.is_unwell() {
        Saying::StillFailing { region: region.clone(), failures_in_a_row }
    } else {
        Saying::RegionFails { region: region.clone(), class: brief.class, message: brief.message.clone() }
    };
    telling.update(&mut state, saying);
    telling.done(state, Decision::Updated)
}

fn after_pass(mut state: CheckState, region: &Region, was: RegionCondition, context: &Context<'_>) -> Transition {
    let Some(open) = state.incident.take() else { return Transition::quiet(state, Decision::Counted) };
    let still_failing: Vec<_> =
        state.regions.iter().filter(|(_, r)| r.condition.is_unwell()).map(|(name, _)| name.clone()).collect();
    if still_failing.is_empty() {
        let after_ms = context.now.since_ms(open.failing_since);
        return end(state, open, Saying::Recovered { after_ms }, context);
    }
    let number = open.number;
    state.incident = Some(open);
    let recovered = was.is_unwell() && !state.regions[region].condition.is_unwell();
    if !recovered {
        return Transition::quiet(state, Decision::Counted);
    }
    let mut telling = Telling::new(context, number);
    telling.update(&mut state, Saying::RegionPassed { region: region.clone(), still_failing });
    telling.done(state, Decision::Updated)
}

fn keep_regions(mut state: CheckState, regions: &[Region], context: &Context<'_>) -> Transition {
    let (mut dropped_unwell, before) = (Vec::new(), state.regions.len());
    state.regions.retain(|name, r| {
        let keep = regions.contains(name);
        if !keep && r.condition.is_unwell() {
            dropped_unwell.push(name.clone());
        }
        keep
    });
    let decision = if state.regions.len() == before { Decision::Nothing } else { Decision::Updated };
    let Some(open) = state.incident.take_if(|_| !dropped_unwell.is_empty()) else {
        return Transition::quiet(state, decision);
    };
    if !state.regions.values().any(|r| r.condition.is_unwell()) {
        let after_ms = context.now.since_ms(open.failing_since);
        return end(state, open, Saying::RegionsRemoved { after_ms }, context);
    }
    let mut telling = Telling::new(context, open.number);
    state.incident = Some(open);
    for region in dropped_unwell {
        telling.update(&mut state, Saying::RegionDropped { region });
    }
    telling.done(state, Decision::Updated)
}

fn end(mut state: CheckState, mut open: OpenIncident, saying: Saying, context: &Context<'_>) -> Transition {
    let (status, decision) = match &saying {
        Saying::Recovered { .. } => (IncidentStatus::Recovered, Decision::Recovered),
        _ => (IncidentStatus::Closed, Decision::Closed),
    };
    state.ended = Some(EndedIncident { number: open.number, ended_at: context.now });
    let report = report(&open, status, &state, context);
    let mut telling = Telling::new(context, open.number);
    telling.trail(&mut open, TrailKind::Ended, saying.to_string());
    telling.say_to_all(&mut open, saying, &report);
    telling.ended(state, decision, report)
}
