//! What time alone does to an open incident: rungs that wait for an acknowledgement, repeats, and the end of a flapping
//! one.
//!
//! An instant is computed from the state, so that it survives whatever the state survives. Whoever waits for it goes by a
//! clock that nobody sets ([`Due::within_ms`] bounds the wait after a restart), and hands back the very instant that was
//! named: a second decider, or a wait that was overtaken, finds another one and does nothing.

use super::step::{end, look};
use super::tell::Telling;
use super::{CheckState, Context, Decision, Transition};
use crate::notification::{PageReason, Saying};
use crate::policy::{Ladder, LadderRung};
use checks::UnixMs;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub at: UnixMs,
    /// The whole wait: a clock that was set back never makes it longer.
    pub within_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Calm,
    Rung(usize),
    Repeat,
}

/// When the open incident is due next, `None` where nothing waits for time.
pub fn due(state: &CheckState, ladder: &Ladder) -> Option<Due> {
    next(state, ladder).map(|(due, _)| due)
}

fn next(state: &CheckState, ladder: &Ladder) -> Option<(Due, What)> {
    let open = state.incident.as_ref()?;
    let due = |from: UnixMs, after_ms: u64| Due { at: from + after_ms, within_ms: after_ms };
    if let Some(since) = open.calm_since {
        let calm_after_ms = ladder.flapping.unwrap_or_default().calm_after_ms;
        return Some((due(since, calm_after_ms), What::Calm));
    }
    let is_held = open.held.as_ref().is_some_and(|held| held.hold.is_asked_for());
    if open.acknowledged.is_some() || is_held || !state.is_unwell() {
        return None;
    }
    let rungs = ladder.rungs.iter().enumerate().filter_map(|(place, rung)| {
        let after_ms = rung.unacknowledged_after_ms.filter(|_| !open.has_climbed(&rung.label))?;
        let before = ladder.rungs[..place].iter().rfind(|rung| rung.wakes())?;
        let climbed = open.rungs.iter().find(|climbed| climbed.label == before.label)?;
        Some((due(climbed.at.max(open.resumed_at.unwrap_or(climbed.at)), after_ms), What::Rung(place)))
    });
    let repeat = ladder.repeat_every_ms.zip(open.paged_at).map(|(every_ms, at)| (due(at, every_ms), What::Repeat));
    // A rung of the same instant pages more people, and begins the repeats anew.
    rungs.chain(repeat).min_by_key(|(due, what)| (due.at, *what == What::Repeat))
}

pub(super) fn on_due(mut state: CheckState, at: UnixMs, context: &Context<'_>) -> Transition {
    let Some((due, what)) = next(&state, context.ladder).filter(|(due, _)| due.at == at) else {
        return Transition::quiet(state, Decision::Nothing);
    };
    if what == What::Calm {
        let open = state.incident.take().expect("what is due has an open incident");
        let after_ms = context.now.since_ms(open.failing_since);
        return end(state, open, Saying::Recovered { after_ms }, context);
    }
    if context.hold.is_some() {
        return look(state, context);
    }
    let number = state.incident.as_ref().map_or(0, |open| open.number);
    let mut telling = Telling::new(context, number);
    match what {
        What::Rung(place) => {
            let reason = PageReason::Unacknowledged { after_ms: due.within_ms };
            telling.climb(&mut state, place, reason.clone());
            telling.done(state, Decision::Climbed(reason))
        }
        What::Repeat | What::Calm => {
            let times = state.incident.as_ref().map_or(0, |open| open.repeats).saturating_add(1);
            telling.page_again(&mut state, PageReason::Repeated { times, every_ms: due.within_ms });
            telling.done(state, Decision::Repeated)
        }
    }
}

/// The highest climbed rung that wakes people: whom a repeat goes to.
pub(super) fn highest_waking<'a>(state: &CheckState, ladder: &'a Ladder) -> Option<&'a LadderRung> {
    let open = state.incident.as_ref()?;
    ladder.rungs.iter().rfind(|rung| rung.wakes() && open.has_climbed(&rung.label))
}
