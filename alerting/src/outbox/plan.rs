use super::{DeliveryOutcome, DeliverySettings, Reconciled};
use crate::journal::Settled;
use crate::notification::{Role, Span};
use checks::UnixMs;

/// A provider that wants more patience than this is asked again all the same.
pub(super) const RETRY_AFTER_MAX_MS: u64 = 3_600_000;

/// What comes first for a row that was leased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    Send,
    AskProvider,
    Settle(Settled),
}

/// `has_post`: the lane's post was delivered; `post_failed`: it was given up.
pub fn before_attempt(role: Role, uncertain: bool, has_post: bool, post_failed: bool) -> First {
    match role {
        Role::Post if uncertain => First::AskProvider,
        Role::Post => First::Send,
        Role::Edit | Role::Reply | Role::Broadcast if post_failed || !has_post => {
            First::Settle(Settled::Failed { reason: "the post that it belongs to was not delivered".to_owned() })
        }
        // To edit twice is to edit once.
        Role::Edit => First::Send,
        Role::Reply | Role::Broadcast if uncertain => First::AskProvider,
        Role::Reply | Role::Broadcast => First::Send,
    }
}

/// What follows from the provider's answer; `None`: send it. `left_ms`: how long ago the attempt ended that may have
/// reached it.
pub fn after_asking(
    answer: &Reconciled,
    attempt: u32,
    age_ms: u64,
    left_ms: u64,
    now: UnixMs,
    jitter: f64,
    settings: &DeliverySettings,
) -> Option<Settled> {
    match answer {
        Reconciled::Has { receipt } => Some(Settled::Delivered { receipt: receipt.clone(), reconciled: true }),
        Reconciled::HasNot | Reconciled::HasEarlier { .. } => {
            match (answer, settings.lag_ms_max.min(settings.retry_max_ms).saturating_sub(left_ms)) {
                (Reconciled::HasEarlier { receipt }, 0) => {
                    Some(Settled::Delivered { receipt: receipt.clone(), reconciled: true })
                }
                (_, 0) => Some(Settled::NotTaken),
                (_, wait_ms) => {
                    let reason =
                        "the provider does not have it yet, and is asked again before it is sent again".to_owned();
                    Some(Settled::Retry { at: now + wait_ms, uncertain: true, reason })
                }
            }
        }
        // A page that comes twice is better than one that does not come.
        Reconciled::CannotBeAsked { .. } => None,
        Reconciled::Unknown { retry_after_ms, reason } => {
            let reason = format!("the provider could not be asked whether it has the message already: {reason}");
            Some(retry(attempt, age_ms, now, jitter, *retry_after_ms, true, reason, settings))
        }
    }
}

/// What becomes of the rows that a message carries where that is not what becomes of its own.
pub fn cargo_after_asking(answer: &Reconciled, own: &Settled) -> Option<Settled> {
    let is_left_behind = matches!((answer, own), (Reconciled::HasEarlier { .. }, Settled::Delivered { .. }));
    is_left_behind.then_some(Settled::NotTaken)
}

/// What becomes of a row after an attempt to send it. `jitter` is from 0 to 1.
pub fn after_attempt(
    outcome: &DeliveryOutcome,
    attempt: u32,
    age_ms: u64,
    now: UnixMs,
    jitter: f64,
    settings: &DeliverySettings,
) -> Settled {
    match outcome {
        DeliveryOutcome::Delivered { receipt } => Settled::Delivered { receipt: receipt.clone(), reconciled: false },
        DeliveryOutcome::Permanent { reason } => Settled::Failed { reason: reason.clone() },
        DeliveryOutcome::Refused { retry_after_ms, reason } => {
            retry(attempt, age_ms, now, jitter, *retry_after_ms, false, reason.clone(), settings)
        }
        DeliveryOutcome::Blocked { reason } => {
            retry(attempt, age_ms, now, jitter, None, false, reason.clone(), settings)
        }
        DeliveryOutcome::Ambiguous { reason } => {
            retry(attempt, age_ms, now, jitter, None, true, reason.clone(), settings)
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is one fact that the decision needs, and nothing else is passed around"
)]
fn retry(
    attempt: u32,
    age_ms: u64,
    now: UnixMs,
    jitter: f64,
    retry_after_ms: Option<u64>,
    uncertain: bool,
    reason: String,
    settings: &DeliverySettings,
) -> Settled {
    if age_ms >= settings.give_up_after_ms {
        return Settled::Failed { reason: format!("given up after {}: {reason}", Span(age_ms)) };
    }
    let wait_ms = backoff_ms(attempt, jitter, settings);
    let wait_ms = match retry_after_ms {
        // The jitter stays on top, so that everybody who was told the same instant does not come back at it.
        Some(told) => told.min(RETRY_AFTER_MAX_MS) + wait_ms.min(settings.retry_first_ms) / 4,
        None => wait_ms,
    };
    Settled::Retry { at: now + wait_ms, uncertain, reason }
}

/// Doubles with each attempt up to the bound; half of it is fixed, half is jitter.
fn backoff_ms(attempt: u32, jitter: f64, settings: &DeliverySettings) -> u64 {
    let doublings = attempt.saturating_sub(1).min(32);
    let full = settings.retry_first_ms.saturating_mul(1u64 << doublings).min(settings.retry_max_ms);
    let half = full / 2;
    half + ((full - half) as f64 * jitter.clamp(0.0, 1.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000_000);

    #[test]
    fn what_comes_first() {
        let failed =
            First::Settle(Settled::Failed { reason: "the post that it belongs to was not delivered".to_owned() });
        let cases = [
            (Role::Post, false, false, false, First::Send),
            (Role::Post, true, false, false, First::AskProvider),
            (Role::Edit, false, true, false, First::Send),
            (Role::Edit, true, true, false, First::Send),
            (Role::Edit, false, false, true, failed.clone()),
            (Role::Reply, false, true, false, First::Send),
            (Role::Reply, true, true, false, First::AskProvider),
            (Role::Reply, true, false, true, failed.clone()),
            (Role::Broadcast, true, true, false, First::AskProvider),
            (Role::Broadcast, false, false, false, failed),
        ];
        for (role, uncertain, has_post, post_failed, expected) in cases {
            assert_eq!(before_attempt(role, uncertain, has_post, post_failed), expected, "{role:?} {uncertain}");
        }
    }

    #[test]
    fn attempts_are_followed_by() {
        let settings = DeliverySettings { retry_first_ms: 1000, retry_max_ms: 8000, ..DeliverySettings::default() };
        let refused = |ms| DeliveryOutcome::Refused { retry_after_ms: ms, reason: "r".to_owned() };
        let ambiguous = DeliveryOutcome::Ambiguous { reason: "r".to_owned() };
        // outcome, attempt, jitter, wait, uncertain
        let cases = [
            (refused(None), 1, 1.0, 1000, false),
            (refused(None), 1, 0.0, 500, false),
            (refused(None), 3, 1.0, 4000, false),
            (refused(None), 40, 1.0, 8000, false),
            (refused(Some(30_000)), 1, 1.0, 30_250, false),
            (refused(Some(u64::MAX)), 1, 0.0, 3_600_125, false),
            (ambiguous.clone(), 2, 1.0, 2000, true),
            (DeliveryOutcome::Blocked { reason: "r".to_owned() }, 1, 1.0, 1000, false),
        ];
        for (outcome, attempt, jitter, wait_ms, expected) in cases {
            let settled = after_attempt(&outcome, attempt, 0, NOW, jitter, &settings);
            let wanted = Settled::Retry { at: NOW + wait_ms, uncertain: expected, reason: "r".to_owned() };
            assert_eq!(settled, wanted, "{outcome:?} {attempt} {jitter}");
        }
        let late = after_attempt(&ambiguous, 2, settings.give_up_after_ms, NOW, 0.5, &settings);
        assert_eq!(late, Settled::Failed { reason: "given up after 1 d 0 h: r".to_owned() });
        let permanent = DeliveryOutcome::Permanent { reason: "no such number".to_owned() };
        let settled = after_attempt(&permanent, 1, 0, NOW, 0.5, &settings);
        assert_eq!(settled, Settled::Failed { reason: "no such number".to_owned() });
    }

    #[test]
    fn answers_of_the_provider_are_followed_by() {
        let settings = DeliverySettings::default();
        let ask = |answer| after_asking(&answer, 1, 0, 5_000, NOW, 0.0, &settings);
        let has = Reconciled::Has { receipt: "x".to_owned() };
        assert_eq!(ask(has), Some(Settled::Delivered { receipt: "x".to_owned(), reconciled: true }));
        assert_eq!(ask(Reconciled::HasNot), Some(Settled::NotTaken));
        let earlier = Reconciled::HasEarlier { receipt: "w".to_owned() };
        let own = ask(earlier.clone()).unwrap();
        assert_eq!(own, Settled::Delivered { receipt: "w".to_owned(), reconciled: true });
        assert_eq!(
            cargo_after_asking(&earlier, &own),
            Some(Settled::NotTaken),
            "what an earlier one cannot have carried"
        );
        let whole = Reconciled::Has { receipt: "x".to_owned() };
        assert_eq!(cargo_after_asking(&whole, &ask(whole.clone()).unwrap()), None);
        assert_eq!(ask(Reconciled::CannotBeAsked { reason: "missing_scope".to_owned() }), None);
        let unknown = ask(Reconciled::Unknown { retry_after_ms: None, reason: "down".to_owned() });
        assert!(matches!(unknown, Some(Settled::Retry { uncertain: true, .. })), "{unknown:?}");
    }

    #[test]
    fn it_is_not_believed_too_early_that_a_provider_does_not_have_it() {
        let usual = DeliverySettings::default();
        let hasty = DeliverySettings { retry_max_ms: 200, ..usual };
        // settings, how long ago the attempt ended, how long until it is asked again
        let cases = [(usual, 0, 5_000), (usual, 4_999, 1), (usual, 5_000, 0), (hasty, 0, 200), (hasty, 200, 0)];
        for (settings, left_ms, wait_ms) in cases {
            let settled = after_asking(&Reconciled::HasNot, 1, 0, left_ms, NOW, 0.5, &settings);
            match (settled, wait_ms) {
                (Some(Settled::NotTaken), 0) => {}
                (Some(Settled::Retry { at, uncertain: true, .. }), 1..) => assert_eq!(at, NOW + wait_ms, "{left_ms}"),
                (settled, _) => panic!("{left_ms}: {settled:?}"),
            }
        }
        let earlier = Reconciled::HasEarlier { receipt: "w".to_owned() };
        let settled = after_asking(&earlier, 1, 0, 0, NOW, 0.5, &usual);
        assert!(
            matches!(settled, Some(Settled::Retry { uncertain: true, .. })),
            "the last one may be coming: {settled:?}"
        );
        let has = Reconciled::Has { receipt: "x".to_owned() };
        let settled = after_asking(&has, 1, 0, 0, NOW, 0.5, &usual);
        assert!(matches!(settled, Some(Settled::Delivered { .. })), "what it has is believed at once: {settled:?}");
    }
}
