//! Random lives of a check, against a reference model that is as small as the mission's own words.

use alerting::incident::{CheckState, Context, Event, FailureBrief, Observation, Verdict, step};
use alerting::notification::Address;
use alerting::policy::{Directory, Ladder, Member, Policy};
use checks::{CheckId, FailureClass, UnixMs};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const START: UnixMs = UnixMs(1_795_466_400_000);
const REGIONS: [&str; 3] = ["ap", "eu", "us"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Pass,
    Fail(FailureClass),
    Missed,
}

/// A run that is delivered: `step_back` slots before the newest of its region, so that 0 goes on, and more is late or
/// comes twice.
#[derive(Debug, Clone)]
struct Delivery {
    region: usize,
    step_back: Option<u64>,
    outcome: Outcome,
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Pass),
        4 => Just(Outcome::Fail(FailureClass::Http)),
        1 => Just(Outcome::Fail(FailureClass::Script)),
        1 => Just(Outcome::Fail(FailureClass::Prober)),
        1 => Just(Outcome::Missed),
    ];
    let step_back = prop_oneof![5 => Just(None), 1 => (0u64..4).prop_map(Some)];
    (0..REGIONS.len(), step_back, outcome).prop_map(|(region, step_back, outcome)| Delivery {
        region,
        step_back,
        outcome,
    })
}

/// The reference: counts over the newest runs of each region, and who was told.
#[derive(Default)]
struct Model {
    newest: BTreeMap<usize, u64>,
    newest_missed: BTreeMap<usize, u64>,
    failing: BTreeSet<usize>,
    failures: BTreeMap<usize, u32>,
    open: bool,
    paged: bool,
}

/// What a delivery should do: posts to `#p2` and `#p1`, SMS, and whether the incident ends.
#[derive(Debug, Default, PartialEq)]
struct Effects {
    p2_posts: usize,
    p1_posts: usize,
    sms: usize,
    ended: bool,
}

impl Model {
    fn apply(&mut self, region: usize, slot: u64, outcome: Outcome) -> Effects {
        let mut effects = Effects::default();
        let counted = self.newest.get(&region).copied().unwrap_or(0);
        if outcome == Outcome::Missed {
            let newest = self.newest_missed.entry(region).or_default();
            *newest = (*newest).max(slot);
            return effects;
        }
        if slot <= counted {
            return effects;
        }
        self.newest.insert(region, slot);
        match outcome {
            Outcome::Missed => {}
            Outcome::Fail(class) => {
                self.failing.insert(region);
                let failures = self.failures.entry(region).or_default();
                *failures += u32::from(class.blames_target());
                if !self.open {
                    self.open = true;
                    effects.p2_posts = 1;
                }
                if *failures >= 2 && !self.paged {
                    self.paged = true;
                    effects.p1_posts = 1;
                    effects.sms = 2;
                }
            }
            Outcome::Pass => {
                self.failing.remove(&region);
                self.failures.insert(region, 0);
                if self.open && self.failing.is_empty() {
                    effects.ended = true;
                    effects.sms = if self.paged { 2 } else { 0 };
                    self.open = false;
                    self.paged = false;
                }
            }
        }
        effects
    }
}

fn ladder() -> Ladder {
    let member = |name: &str, phone: &str| Member { name: name.to_owned(), phone: phone.parse().unwrap(), email: None };
    let devops = vec![member("Ada", "+4915100000001"), member("Bob", "+4915100000002")];
    let directory = Directory { teams: [("devops".to_owned(), devops)].into(), ..Directory::default() };
    Policy { flapping: None, ..Policy::mission_default() }.ladder("default", &directory).unwrap()
}

fn event(delivery: &Delivery, slot: u64) -> Event {
    let at = START + slot * 30_000;
    let verdict = match delivery.outcome {
        Outcome::Pass => Verdict::Passed,
        Outcome::Missed => Verdict::Missed,
        Outcome::Fail(class) => Verdict::Failed(FailureBrief {
            class,
            message: "m".to_owned(),
            step: None,
            location: None,
            at,
            duration_us: 1,
            timings: vec![],
        }),
    };
    let region = REGIONS[delivery.region].parse().unwrap();
    Event::Observed(Observation { region, slot: at, attempt: 0, at, verdict })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_life_goes_as_the_model_says(deliveries in prop::collection::vec(delivery(), 1..60)) {
        let (ladder, check): (Ladder, CheckId) = (ladder(), "login".parse().unwrap());
        let (mut state, mut model) = (CheckState::default(), Model::default());
        let (mut slots, mut numbers, mut ids) = ([10u64; REGIONS.len()], 1, BTreeSet::new());
        for delivery in &deliveries {
            let newest = &mut slots[delivery.region];
            let slot = match delivery.step_back {
                None => {
                    *newest += 1;
                    *newest
                }
                Some(back) => newest.saturating_sub(back),
            };
            let now = START + slots.iter().max().unwrap() * 30_000 + 1000;
            let context = Context {
                now,
                check: &check,
                watched: None,
                is_configured: false,
                ladder: &ladder,
                journal: "j",
                next_incident: numbers,
                hold: None,
                parents: &[],
                is_known: false,
            };
            let was_open = state.incident.as_ref().map(|open| open.number);
            let transition = step(state, &event(delivery, slot), &context);
            state = transition.state;
            let wanted = model.apply(delivery.region, slot, delivery.outcome);
            let posts = |name: &str| {
                let address = Address::Slack { channel: name.to_owned() };
                let of = |n: &&alerting::notification::Notification| n.role.as_str() == "post" && n.address == address;
                transition.notifications.iter().filter(of).count()
            };
            let got = Effects {
                p2_posts: posts("#p2"),
                p1_posts: posts("#p1"),
                sms: transition.notifications.iter().filter(|n| !n.address.is_editable()).count(),
                ended: was_open.is_some() && state.incident.is_none(),
            };
            prop_assert_eq!(&got, &wanted, "at {:?} of slot {}", delivery, slot);
            prop_assert_eq!(state.incident.is_some(), model.open);
            for notification in &transition.notifications {
                prop_assert!(ids.insert(notification.id.clone()), "{} is used twice", notification.id);
                if got.ended {
                    prop_assert!(notification.saying.ends());
                }
            }
            if let Some(open) = &state.incident {
                prop_assert!(open.number <= numbers);
                numbers = numbers.max(open.number + 1);
            }
        }
    }
}
