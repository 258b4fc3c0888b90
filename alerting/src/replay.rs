//! What a policy would have sent: the stored history of a check, decided again by another ladder. Pure, and the same
//! [`step`] that decides for real, with what time does to it. Deliveries are not replayed, so that no fallback is; nobody
//! acknowledges or silences, and other checks explain nothing.

use crate::incident::{CheckState, Context, Decision, Event, FailureBrief, Observation, Verdict, Watched, due, step};
use crate::journal::{self, ResultSummary};
use crate::notification::{Address, Role, Saying};
use crate::policy::Ladder;
use checks::{CheckId, FailureClass, Region, UnixMs};
use std::collections::BTreeMap;

/// A message that is no edit and no entry of a thread, with everybody who would have had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedMessage {
    pub at: UnixMs,
    /// Counted from 1 in this replay: it is none of the incidents that there were.
    pub incident: u64,
    pub to: Vec<Address>,
    /// Whether it wakes people.
    pub page: bool,
    pub saying: Saying,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    pub messages: Vec<ReplayedMessage>,
    pub incidents: u64,
    pub is_open: bool,
    pub seen: Seen,
}

/// What a replay could see, and what it left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// When the first and the last of the results came that were decided.
    pub span: Option<(UnixMs, UnixMs)>,
    pub results: usize,
    /// Runs that another policy asked for to confirm a failure: the one that is replayed would not have.
    pub confirming: usize,
    /// Results of regions that the check does not run in any more, which nothing would ever end.
    pub of_gone_regions: BTreeMap<Region, usize>,
}

impl Seen {
    /// Whether a result counts, which is written down.
    fn counts(&mut self, result: &ResultSummary, watched: Option<&Watched>, ladder: &Ladder) -> bool {
        // The schedule's own attempts are even.
        if ladder.confirm_after_ms.is_none() && !result.key.attempt.is_multiple_of(2) {
            self.confirming += 1;
            return false;
        }
        let region = &result.key.region;
        if watched.is_some_and(|watched| !watched.regions.contains(region)) {
            *self.of_gone_regions.entry(region.clone()).or_default() += 1;
            return false;
        }
        let (first, _) = self.span.unwrap_or((result.received_at, result.received_at));
        self.span = Some((first, result.received_at));
        self.results += 1;
        true
    }
}

/// Decides `history`, in whichever order it is given, as it had arrived.
pub fn replay(
    check: &CheckId,
    watched: Option<&Watched>,
    ladder: &Ladder,
    mut history: Vec<ResultSummary>,
) -> Replayed {
    history.sort_by(|a, b| {
        (a.received_at, a.key.slot, a.key.attempt, &a.key.region).cmp(&(
            b.received_at,
            b.key.slot,
            b.key.attempt,
            &b.key.region,
        ))
    });
    let mut replayed = Replayed::default();
    let mut state = CheckState::default();
    for result in &history {
        if !replayed.seen.counts(result, watched, ladder) {
            continue;
        }
        // Nobody acknowledges in a replay: what time would have done until this result is done.
        while let Some(at) = due(&state, ladder).map(|due| due.at).filter(|at| *at <= result.received_at) {
            state = replayed.decide(state, &Event::Due { at }, at, check, watched, ladder);
        }
        let event = Event::Observed(observation(result));
        state = replayed.decide(state, &event, result.received_at, check, watched, ladder);
    }
    replayed.is_open = state.incident.is_some();
    replayed
}

impl Replayed {
    fn decide(
        &mut self,
        state: CheckState,
        event: &Event,
        now: UnixMs,
        check: &CheckId,
        watched: Option<&Watched>,
        ladder: &Ladder,
    ) -> CheckState {
        let context = Context {
            now,
            check,
            watched,
            is_configured: watched.is_some(),
            ladder,
            journal: "replay",
            next_incident: self.incidents + 1,
            hold: None,
            parents: &[],
            is_known: false,
        };
        let transition = step(state, event, &context);
        self.incidents += u64::from(matches!(transition.decision, Decision::Opened(_) | Decision::OpenedHeld));
        let mut messages: Vec<ReplayedMessage> = Vec::new();
        // What ends an incident edits the posts: the entry that the channel sees is its message.
        let is_message = |role| matches!(role, Role::Post | Role::Broadcast);
        for n in transition.notifications.into_iter().filter(|n| is_message(n.role)) {
            match messages.iter_mut().find(|message| message.saying == n.saying && message.page == n.page) {
                Some(message) => message.to.push(n.address),
                None => messages.push(ReplayedMessage {
                    at: n.created_at,
                    incident: n.incident,
                    to: vec![n.address],
                    page: n.page,
                    saying: n.saying,
                }),
            }
        }
        self.messages.extend(messages);
        transition.state
    }
}

fn observation(result: &ResultSummary) -> Observation {
    let at = result.started_at + result.duration_us / 1000;
    let verdict = match result.verdict {
        journal::Verdict::Passed => Verdict::Passed,
        journal::Verdict::Missed => Verdict::Missed,
        journal::Verdict::Failed => Verdict::Failed(FailureBrief {
            // A class that this version does not know is taken for one that pages.
            class: result.class.unwrap_or(FailureClass::Assertion),
            message: result.message.clone(),
            step: None,
            location: None,
            at,
            duration_us: result.duration_us,
            timings: Vec::new(),
        }),
    };
    let key = &result.key;
    Observation { region: key.region.clone(), slot: key.slot, attempt: key.attempt, at, verdict }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Directory, Policy};
    use checks::RunKey;

    fn result(slot: i64, verdict: journal::Verdict) -> ResultSummary {
        let at = UnixMs(1_795_466_400_000 + slot * 30_000);
        let region = "eu".parse().unwrap();
        ResultSummary {
            key: RunKey { check: "login".parse().unwrap(), region, slot: at, attempt: 0 },
            started_at: at,
            duration_us: 1000,
            verdict,
            class: (verdict == journal::Verdict::Failed).then_some(FailureClass::Http),
            message: String::new(),
            received_at: at + 5,
            late: false,
        }
    }

    #[test]
    fn history_is_decided_again_by_another_ladder() {
        use journal::Verdict::{Failed, Passed};
        let verdicts = (0..).zip([Passed, Failed, Failed, Failed, Passed, Failed]);
        let mut history: Vec<_> = verdicts.map(|(slot, verdict)| result(slot, verdict)).collect();
        history.reverse();
        let check = "login".parse().unwrap();
        let mut ladder = Policy::mission("#p2", "#p1", None).ladder("default", &Directory::default()).unwrap();
        let said = |replayed: &Replayed| -> Vec<String> {
            replayed
                .messages
                .iter()
                .map(|m| {
                    let to: Vec<_> = m.to.iter().map(Address::lane).collect();
                    format!("#{} {}{} {}", m.incident, to.join(" "), if m.page { "!" } else { "" }, m.saying)
                })
                .collect()
        };
        let mission = replay(&check, None, &ladder, history.clone());
        let wanted = [
            "#1 slack:#p2 P2: first failure in eu",
            "#1 slack:#p1! P1: second failure in a row in eu",
            "#1 slack:#p2 slack:#p1 recovered after 1 min 30 s",
            "#2 slack:#p2 P2: first failure in eu",
        ];
        assert_eq!(said(&mission), wanted);
        assert!(mission.is_open && mission.incidents == 2);
        ladder.repeat_every_ms = Some(20_000);
        let repeated = replay(&check, None, &ladder, history.clone());
        let again = said(&repeated).into_iter().filter(|line| line.contains("P1 again")).count();
        assert_eq!(again, 3, "the page at the third slot, said again until the fifth: {repeated:?}");
        ladder.repeat_every_ms = None;
        ladder.rungs.remove(0);
        ladder.rungs[0].failures_in_a_row = 4;
        let none = replay(&check, None, &ladder, history);
        assert!(none.messages.is_empty() && none.incidents == 0 && !none.is_open, "{none:?}");
    }

    #[test]
    fn what_another_policy_asked_for_and_what_is_gone_is_left_out_and_told() {
        use journal::Verdict::{Failed, Passed};
        let of = |slot, verdict, region: &str, attempt| {
            let mut result = result(slot, verdict);
            (result.key.region, result.key.attempt) = (region.parse().unwrap(), attempt);
            result.received_at = result.received_at + u64::from(attempt);
            result
        };
        let history = vec![
            of(0, Passed, "eu", 0),
            of(1, Failed, "gone", 0),
            of(2, Failed, "gone", 0),
            of(2, Failed, "eu", 0),
            of(2, Failed, "eu", 1),
            of(3, Passed, "eu", 2),
        ];
        let check: CheckId = "login".parse().unwrap();
        let mut watched = crate::incident::sample::watched(&check);
        watched.regions = vec!["eu".parse().unwrap()];
        let mut ladder = Policy::mission("#p2", "#p1", None).ladder("default", &Directory::default()).unwrap();
        let pages = |replayed: &Replayed| replayed.messages.iter().filter(|message| message.page).count();
        let plain = replay(&check, Some(&watched), &ladder, history.clone());
        assert_eq!((plain.incidents, pages(&plain)), (1, 0), "{plain:?}");
        assert_eq!((plain.seen.results, plain.seen.confirming), (3, 1));
        assert_eq!(plain.seen.span, Some((history[0].received_at, history[5].received_at)));
        assert_eq!(plain.seen.of_gone_regions, [("gone".parse().unwrap(), 2)].into());
        ladder.confirm_after_ms = Some(0);
        let confirmed = replay(&check, Some(&watched), &ladder, history);
        assert_eq!((confirmed.incidents, pages(&confirmed), confirmed.seen.results), (1, 1, 4), "{confirmed:?}");
    }
}
