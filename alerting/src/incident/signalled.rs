//! Incidents of signals: the same ladder without counting.

use super::step::{CLOCK_AHEAD_MAX_MS, end_or_calm, open_incident, settle_rungs};
use super::tell::Telling;
use super::{CheckState, Context, Decision, FailureBrief, Transition};
use crate::notification::Saying;
use crate::signal::{Signal, SignalFacts};
use checks::{FailureClass, Region};

pub(super) fn signalled(mut state: CheckState, signal: &Signal, context: &Context<'_>) -> Transition {
    let facts = SignalFacts::of(signal);
    if let Some(known) = &state.signal {
        // What comes from outside may come late; a time from a clock that was ahead is not trusted.
        let is_trusted = known.at <= context.now + CLOCK_AHEAD_MAX_MS;
        if facts.key.source.is_outside() && facts.at < known.at && is_trusted {
            return Transition::quiet(state, Decision::Late);
        }
    }
    if !facts.firing {
        return resolved(state, facts, context);
    }
    let before = state.signal.replace(facts.clone());
    let text = if facts.summary.is_empty() { &facts.title } else { &facts.summary };
    let brief = FailureBrief {
        class: FailureClass::Assertion,
        message: text.clone(),
        step: None,
        location: None,
        at: facts.at,
        duration_us: 0,
        timings: Vec::new(),
    };
    let is_new = state.incident.is_none();
    let source = Region::new(facts.key.source.as_str()).expect("a source's name is an id");
    let open = open_incident(&mut state, &source, &brief, facts.at, None, context);
    let number = open.number;
    let mut telling = Telling::new(context, number);
    if is_new {
        open.failures_total = 1;
        telling.opened(&mut state, format!("opened by a {}: {}", facts.key.source, facts.title));
    }
    let climbed = settle_rungs(&mut telling, &mut state, context);
    let has_news = before
        .is_none_or(|before| (&before.title, &before.summary, before.firing) != (&facts.title, &facts.summary, true));
    match climbed {
        Some(reason) if is_new => telling.done(state, Decision::Opened(reason)),
        Some(reason) => telling.done(state, Decision::Climbed(reason)),
        None if is_new => telling.done(state, Decision::OpenedHeld),
        None if has_news => {
            telling.update(&mut state, Saying::SignalChanged { summary: brief.message });
            telling.done(state, Decision::Updated)
        }
        None => Transition::quiet(state, Decision::Nothing),
    }
}

fn resolved(mut state: CheckState, facts: SignalFacts, context: &Context<'_>) -> Transition {
    // The end of what never began: nothing is kept of it.
    if state.signal.is_none() {
        return Transition::quiet(state, Decision::Nothing);
    }
    let was_firing = state.signal.replace(facts).is_some_and(|before| before.firing);
    match state.incident.take_if(|_| was_firing) {
        Some(open) => end_or_calm(state, open, context),
        None => Transition::quiet(state, Decision::Nothing),
    }
}
