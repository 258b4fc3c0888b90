//! What people and providers do to an open incident.

use super::tell::Telling;
use super::{Acknowledged, CheckState, Context, Decision, Told, Transition};
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
