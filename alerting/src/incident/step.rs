use super::act::{acknowledged, delivered_late, resolved};
use super::climb::{Parent, reached};
use super::due::on_due;
use super::report::report;
use super::signalled::signalled;
use super::tell::Telling;
use super::{
    CheckState, EndedIncident, Event, FailureBrief, HeldBack, Hold, IncidentReport, IncidentStatus, Observation,
    OpenIncident, RegionCondition, RegionState, ResolvedBy, TrailEntry, TrailKind, Verdict, Watermark,
};
use crate::notification::{Notification, PageReason, Saying};
use crate::policy::Ladder;
use checks::{CheckDefinition, CheckId, Region, UnixMs};

/// A watermark further ahead of the clock than this comes from a clock that has been set back since.
pub(super) const CLOCK_AHEAD_MAX_MS: u64 = 60_000;

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
    /// A silence or a maintenance.
    pub hold: Option<&'a Hold>,
    /// The checks that this one depends on, where they have a state.
    pub parents: &'a [Parent<'a>],
    /// Whether the run that is observed is in the history: only asked where its place in time does not tell.
    pub is_known: bool,
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
    /// An incident that nobody is told of yet: its trail says why.
    OpenedHeld,
    Climbed(PageReason),
    /// Nobody has acknowledged, and whoever was woken is told again.
    Repeated,
    Acknowledged,
    AlreadyAcknowledged {
        by: String,
    },
    /// Nobody ends by hand what Tocsin itself sees: it ends when that has.
    StillSeen,
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
    /// A run that would tell more, soon. Nothing waits for it.
    pub run_again: Option<RunAgain>,
}

/// An extra run that confirms a first failure, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAgain {
    pub check: CheckId,
    pub region: Region,
    /// That of the run it follows.
    pub slot: UnixMs,
    pub attempt: u32,
    pub after_ms: u64,
}

impl Context<'_> {
    fn is_watched(&self, region: &Region) -> bool {
        !self.is_configured || self.watched.is_some_and(|watched| watched.regions.contains(region))
    }
}

impl Transition {
    pub(super) fn quiet(state: CheckState, decision: Decision) -> Self {
        Self { state, decision, notifications: Vec::new(), trail: Vec::new(), report: None, run_again: None }
    }
}

/// Decides one event. Pure: the same arguments give the same transition.
pub fn step(mut state: CheckState, event: &Event, context: &Context<'_>) -> Transition {
    if let Some(open) = &mut state.incident {
        open.name_rungs(context.ladder);
    }
    match event {
        Event::Observed(observation) => observe(state, observation, context),
        Event::Signalled(signal) => signalled(state, signal, context),
        Event::Acknowledged { incident, by, via } => acknowledged(state, *incident, by, *via, context),
        Event::Resolved { incident, by, via, because } => {
            let person = ResolvedBy { by: by.clone(), via: *via, because: because.clone() };
            resolved(state, *incident, person, context)
        }
        Event::Due { at } => on_due(state, *at, context),
        Event::Look => look(state, context),
        Event::Undelivered { incident, notification, because, .. } => match &state.incident {
            Some(open) if open.number == *incident => {
                let mut telling = Telling::new(context, open.number);
                let took = telling.fall_back(&mut state, notification, because);
                if took { telling.done(state, Decision::FellBack) } else { Transition::quiet(state, Decision::Nothing) }
            }
            _ => Transition::quiet(state, Decision::Nothing),
        },
        Event::DeliveredLate { incident, notification, address, late_ms } => {
            delivered_late(state, *incident, notification, address, *late_ms, context)
        }
        Event::Regions(regions) => keep_regions(state, regions, context),
        Event::Removed => removed(state, context),
    }
}

fn observe(mut state: CheckState, observation: &Observation, context: &Context<'_>) -> Transition {
    if !context.is_watched(&observation.region) {
        return Transition::quiet(state, Decision::NotWatched);
    }
    let mark = Watermark { slot: observation.slot, attempt: observation.attempt };
    if context.is_known {
        return Transition::quiet(state, Decision::Duplicate);
    }
    let is_trusted = |at: &UnixMs| *at <= context.now + CLOCK_AHEAD_MAX_MS;
    if state.removed_at.filter(is_trusted).is_some_and(|removed_at| observation.slot <= removed_at) {
        return Transition::quiet(state, Decision::Late);
    }
    let region = state.regions.entry(observation.region.clone()).or_default();
    if let Some(decision) = is_old(region, mark, &observation.verdict, context.now) {
        return Transition::quiet(state, decision);
    }
    let was = region.condition;
    match &observation.verdict {
        Verdict::Missed => {
            region.missed = Some(mark);
            region.missed_in_a_row = region.missed_in_a_row.saturating_add(1);
            region.missing_since.get_or_insert(observation.slot);
            return Transition::quiet(state, Decision::Missed);
        }
        // Somebody runs it, and its result is still to come: no silence, and no end of one.
        Verdict::StillRunning => {
            region.missed = Some(mark);
            return Transition::quiet(state, Decision::Missed);
        }
        // It was run, and says neither that the target works nor that it does not.
        Verdict::Skipped => {
            region.missed = Some(mark);
            region.heard();
            return Transition::quiet(state, Decision::Missed);
        }
        // Without it the slot's own failure would stand: a target that fails now and then must not page later for having
        // been asked twice.
        Verdict::Passed if is_extra(observation.attempt) => {
            region.watermark = Some(mark);
            region.last_result_at = Some(observation.at);
            region.heard();
            return not_confirmed(state, &observation.region, context);
        }
        Verdict::Passed => pass(region, mark, observation.at, context.ladder.recover_after),
        Verdict::Failed(brief) => fail(region, mark, observation.at, brief),
    }
    match &observation.verdict {
        Verdict::Failed(brief) => {
            let again = run_again(&state, observation, brief, was, context);
            Transition { run_again: again, ..after_failure(state, &observation.region, brief, was, context) }
        }
        Verdict::Passed | Verdict::Missed | Verdict::StillRunning | Verdict::Skipped => {
            after_pass(state, &observation.region, was, context)
        }
    }
}

/// Whether the run was made beside the schedule, to confirm a failure: its attempt is odd, and those of the schedule are
/// even, so that none is taken for another.
fn is_extra(attempt: u32) -> bool {
    !attempt.is_multiple_of(2)
}

/// The run that was to confirm a failure passed. It is evidence for whoever reads, and neither the row nor the incident
/// ends with it.
fn not_confirmed(mut state: CheckState, region: &Region, context: &Context<'_>) -> Transition {
    let is_failing = state.regions.get(region).is_some_and(|own| own.condition == RegionCondition::Failing);
    let Some(open) = state.incident.as_ref().filter(|_| is_failing) else {
        return Transition::quiet(state, Decision::Counted);
    };
    let mut telling = Telling::new(context, open.number);
    telling.update(&mut state, Saying::NotConfirmed { region: region.clone() });
    telling.done(state, Decision::Updated)
}

/// Whether the run is one that the region has counted, or older than one that it has.
fn is_old(region: &RegionState, mark: Watermark, verdict: &Verdict, now: UnixMs) -> Option<Decision> {
    let trusted = |known: &Watermark| known.slot <= now + CLOCK_AHEAD_MAX_MS;
    let mut known = vec![region.watermark];
    if matches!(verdict, Verdict::Missed | Verdict::StillRunning | Verdict::Skipped) {
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
    region.heard();
    region.failures_in_a_row = 0;
    region.target_failures_in_a_row = 0;
    region.passes_in_a_row = region.passes_in_a_row.saturating_add(1);
    region.condition = match region.condition.is_unwell() && region.passes_in_a_row < recover_after {
        true => RegionCondition::Recovering,
        false => RegionCondition::Passing,
    };
    if region.condition == RegionCondition::Passing && region.failing_since.take().is_some() {
        region.passing_since = Some(at);
    }
}

fn fail(region: &mut RegionState, mark: Watermark, at: UnixMs, brief: &FailureBrief) {
    region.watermark = Some(mark);
    region.last_result_at = Some(at);
    region.heard();
    region.passes_in_a_row = 0;
    region.failures_in_a_row = region.failures_in_a_row.saturating_add(1);
    if brief.class.blames_target() {
        region.target_failures_in_a_row = region.target_failures_in_a_row.saturating_add(1);
    }
    region.condition = RegionCondition::Failing;
    region.failing_since.get_or_insert(at);
}

/// The run that confirms a region's first failure, where a rung waits for the next one.
fn run_again(
    state: &CheckState,
    observation: &Observation,
    brief: &FailureBrief,
    was: RegionCondition,
    context: &Context<'_>,
) -> Option<RunAgain> {
    let after_ms = context.ladder.confirm_after_ms?;
    let waits = context.ladder.rungs.iter().any(|rung| {
        !rung.is_by_time()
            && rung.failures_in_a_row > 1
            && state.incident.as_ref().is_none_or(|open| !open.has_climbed(&rung.label))
    });
    let is_first = !was.is_unwell() && brief.class.blames_target() && !is_extra(observation.attempt);
    (waits && is_first).then(|| RunAgain {
        check: context.check.clone(),
        region: observation.region.clone(),
        slot: observation.slot,
        attempt: observation.attempt + 1,
        after_ms,
    })
}

fn after_failure(
    mut state: CheckState,
    region: &Region,
    brief: &FailureBrief,
    was: RegionCondition,
    context: &Context<'_>,
) -> Transition {
    let is_new = state.incident.is_none();
    if is_new && reached(&state, context).is_empty() {
        return Transition::quiet(state, Decision::Counted);
    }
    let own = &state.regions[region];
    let failures_in_a_row = own.failures_in_a_row;
    let (failing_since, last_success) = (own.failing_since.unwrap_or(context.now), own.last_success);
    let open = open_incident(&mut state, region, brief, failing_since, last_success, context);
    let before = if is_new { u64::from(failures_in_a_row) - 1 } else { open.failures_total };
    open.failures_total = before.saturating_add(1);
    let mut telling = Telling::new(context, open.number);
    if is_new {
        telling.opened(&mut state, format!("opened: {}: {}", brief.class, brief.message));
    }
    match settle_rungs(&mut telling, &mut state, context) {
        Some(reason) if is_new => return telling.done(state, Decision::Opened(reason)),
        Some(reason) => return telling.done(state, Decision::Climbed(reason)),
        None if is_new => return telling.done(state, Decision::OpenedHeld),
        None => {}
    }
    let saying = if was.is_unwell() {
        Saying::StillFailing { region: region.clone(), failures_in_a_row }
    } else {
        Saying::RegionFails { region: region.clone(), class: brief.class, message: brief.message.clone() }
    };
    telling.update(&mut state, saying);
    telling.done(state, Decision::Updated)
}

/// The open incident, which is opened where there is none, with its newest failure.
pub(super) fn open_incident<'a>(
    state: &'a mut CheckState,
    region: &Region,
    brief: &FailureBrief,
    failing_since: UnixMs,
    last_success: Option<UnixMs>,
    context: &Context<'_>,
) -> &'a mut OpenIncident {
    let is_flapping = state.incident.is_none() && state.note_opening(context.now, context.ladder.flapping);
    let previous = state.ended.as_ref().map(|ended| ended.number);
    let open = state.incident.get_or_insert_with(|| OpenIncident {
        number: context.next_incident,
        opened_at: context.now,
        rungs: Vec::new(),
        rungs_by_place: Vec::new(),
        reason: String::new(),
        told: Vec::new(),
        next_notification: 1,
        failing_since,
        last_success,
        failed_in: region.clone(),
        failure: brief.clone(),
        edit_due_at: context.now,
        failures_total: 0,
        trail_entries: 0,
        previous,
        acknowledged: None,
        held: None,
        is_flapping,
        calm_since: None,
        paged_at: None,
        resumed_at: None,
        repeats: 0,
    });
    open.failed_in = region.clone();
    open.failure = brief.clone();
    open.calm_since = None;
    open
}

/// Climbs what is reached, and writes down what is held back. Returns why the last rung was climbed.
pub(super) fn settle_rungs(
    telling: &mut Telling<'_>,
    state: &mut CheckState,
    context: &Context<'_>,
) -> Option<PageReason> {
    let (mut climbed, mut held) = (None, Vec::new());
    for rung in reached(state, context) {
        match rung.held {
            None => {
                telling.climb(state, rung.place, rung.reason.clone());
                climbed = Some(rung.reason);
            }
            Some(hold) => held.push((rung.place, rung.reason, hold)),
        }
    }
    telling.hold_back(state, held);
    climbed
}

/// A silence, a maintenance or the failure of another check may have begun or ended.
pub(super) fn look(mut state: CheckState, context: &Context<'_>) -> Transition {
    let Some(open) = &mut state.incident else { return Transition::quiet(state, Decision::Nothing) };
    let mut telling = Telling::new(context, open.number);
    let before = open.held.as_ref().map(|held| held.hold.clone());
    if let Some(hold) = context.hold {
        if before.as_ref() == Some(hold) {
            return Transition::quiet(state, Decision::Nothing);
        }
        let rungs = open.held.take().map(|held| held.rungs).unwrap_or_default();
        open.held = Some(HeldBack { hold: hold.clone(), since: context.now, rungs });
        telling.update(&mut state, Saying::HeldBack { because: hold.to_string() });
        return telling.done(state, Decision::Updated);
    }
    let was_asked_for = before.as_ref().is_some_and(Hold::is_asked_for);
    if was_asked_for {
        open.held = None;
        open.resumed_at = Some(context.now);
    }
    let is_acknowledged = open.acknowledged.is_some();
    let climbed = settle_rungs(&mut telling, &mut state, context);
    if let Some(reason) = climbed {
        return telling.done(state, Decision::Climbed(reason));
    }
    let Some(before) = before.filter(|_| was_asked_for) else {
        return Transition::quiet(state, Decision::Nothing);
    };
    let what = before.name().to_owned();
    if state.is_unwell()
        && !is_acknowledged
        && telling.page_again(&mut state, PageReason::HoldEnded { what: what.clone() })
    {
        return telling.done(state, Decision::Repeated);
    }
    telling.update(&mut state, Saying::Resumed { what });
    telling.done(state, Decision::Updated)
}

fn after_pass(mut state: CheckState, region: &Region, was: RegionCondition, context: &Context<'_>) -> Transition {
    let Some(open) = state.incident.take() else { return Transition::quiet(state, Decision::Counted) };
    let still_failing: Vec<_> =
        state.regions.iter().filter(|(_, r)| r.condition.is_unwell()).map(|(name, _)| name.clone()).collect();
    let recovered = was.is_unwell() && !state.regions[region].condition.is_unwell();
    if still_failing.is_empty() {
        return match recovered || !open.is_flapping {
            true => end_or_calm(state, open, context),
            // It waits for calm already.
            false => Transition::quiet(CheckState { incident: Some(open), ..state }, Decision::Counted),
        };
    }
    let number = open.number;
    state.incident = Some(open);
    if !recovered {
        return Transition::quiet(state, Decision::Counted);
    }
    let mut telling = Telling::new(context, number);
    telling.update(&mut state, Saying::RegionPassed { region: region.clone(), still_failing });
    telling.done(state, Decision::Updated)
}

/// Nothing fails any more: it is over, unless it flaps and has not been calm for long enough.
pub(super) fn end_or_calm(mut state: CheckState, mut open: OpenIncident, context: &Context<'_>) -> Transition {
    if let Some(rule) = context.ladder.flapping.filter(|_| open.is_flapping) {
        open.calm_since = Some(context.now);
        let mut telling = Telling::new(context, open.number);
        state.incident = Some(open);
        telling.update(&mut state, Saying::Calming { for_ms: rule.calm_after_ms });
        return telling.done(state, Decision::Updated);
    }
    let after_ms = context.now.since_ms(open.failing_since);
    end(state, open, Saying::Recovered { after_ms }, context)
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

/// Nothing of it is kept that would count, should it come back; its incident ends.
fn removed(mut state: CheckState, context: &Context<'_>) -> Transition {
    state.regions.clear();
    let source = state.signal.as_mut().map(|signal| {
        signal.firing = false;
        signal.key.source
    });
    if source.is_none() {
        state.removed_at = Some(context.now);
    }
    let Some(open) = state.incident.take() else { return Transition::quiet(state, Decision::Nothing) };
    let after_ms = context.now.since_ms(open.failing_since);
    let saying = match source {
        Some(source) => Saying::SourceRemoved { after_ms, source },
        None => Saying::CheckRemoved { after_ms },
    };
    end(state, open, saying, context)
}

pub(super) fn end(mut state: CheckState, mut open: OpenIncident, saying: Saying, context: &Context<'_>) -> Transition {
    let (status, decision) = match &saying {
        Saying::Recovered { .. } => (IncidentStatus::Recovered, Decision::Recovered),
        _ => (IncidentStatus::Closed, Decision::Closed),
    };
    state.ended = Some(EndedIncident { number: open.number, ended_at: context.now });
    let mut report = report(&open, status, &state, context);
    if let Saying::Resolved { person, .. } = &saying {
        report.resolved = Some(person.clone());
    }
    let mut telling = Telling::new(context, open.number);
    telling.trail(&mut open, TrailKind::Ended, saying.to_string());
    telling.say_to_all(&mut open, saying, &report);
    telling.ended(state, decision, report)
}
