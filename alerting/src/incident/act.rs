//! What people and providers do to an open incident.

use super::step::end;
use super::tell::Telling;
use super::{Acknowledged, CheckState, Context, Decision, ResolvedBy, Told, Transition};
use crate::act::Via;
use crate::notification::{Address, NotificationId, Saying};

/// Somebody takes care of it: repeats and rungs that wait for an acknowledgement end. A rung that counts failures is still
/// climbed: whoever acknowledged the first failure has not been told of the second.
pub(super) fn acknowledged(
    mut state: CheckState,
    incident: u64,
    by: &str,
    via: Via,
    context: &Context<'_>,
) -> Transition {
    let Some(open) = state.incident.as_mut().filter(|open| open.number == incident) else {
        return Transition::quiet(state, Decision::Nothing);
    };
    if let Some(earlier) = &open.acknowledged {
        let by = earlier.by.clone();
        return Transition::quiet(state, Decision::AlreadyAcknowledged { by });
    }
    open.acknowledged = Some(Acknowledged { at: context.now, by: by.to_owned(), via });
    let mut telling = Telling::new(context, incident);
    telling.update(&mut state, Saying::Acknowledged { by: by.to_owned(), via });
    telling.done(state, Decision::Acknowledged)
}

/// Somebody says that it is over: of what only its source could say so, and of a flapping check that fails no more. What
/// Tocsin sees for itself would open again with the next result, or never be told again.
pub(super) fn resolved(mut state: CheckState, incident: u64, person: ResolvedBy, context: &Context<'_>) -> Transition {
    if state.incident.as_ref().is_none_or(|open| open.number != incident) {
        return Transition::quiet(state, Decision::Nothing);
    }
    let is_seen = match &state.signal {
        Some(signal) => signal.key.source.is_silence(),
        None => state.is_unwell(),
    };
    let Some(open) = state.incident.take_if(|_| !is_seen) else {
        return Transition::quiet(state, Decision::StillSeen);
    };
    if let Some(signal) = &mut state.signal {
        signal.firing = false;
    }
    let after_ms = context.now.since_ms(open.failing_since);
    end(state, open, Saying::Resolved { after_ms, person }, context)
}

/// A channel that was down is back: where its page fell back, it says who was told instead.
pub(super) fn delivered_late(
    mut state: CheckState,
    incident: u64,
    notification: &NotificationId,
    address: &Address,
    late_ms: u64,
    context: &Context<'_>,
) -> Transition {
    let Some(open) = state.incident.as_mut().filter(|open| open.number == incident) else {
        return Transition::quiet(state, Decision::Nothing);
    };
    // A repeat may have taken the place of the page that fell back.
    let is_it = |told: &&mut Told| told.page == *notification || told.address.lane() == address.lane();
    let Some(told) = open.told.iter_mut().find(is_it).filter(|told| told.is_down) else {
        return Transition::quiet(state, Decision::Nothing);
    };
    told.is_down = false;
    let others = open.told.iter().filter(|told| told.address.lane() != address.lane() && !told.address.is_editable());
    let instead = others.map(|told| told.address.to_string()).collect();
    let mut telling = Telling::new(context, incident);
    telling.update(&mut state, Saying::DeliveredLate { address: address.to_string(), late_ms, instead });
    telling.done(state, Decision::Updated)
}
