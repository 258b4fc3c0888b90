//! The state machine as a table: every state times every event, none left out. `tests/ladder.table` has a line for each,
//! `state | event | decision | what is sent`; where the behaviour is meant to change, the test prints the table to put
//! there.

use alerting::incident::{CheckState, Context, Decision, Event, FailureBrief, Observation, Transition, Verdict, step};
use alerting::notification::{Address, NotificationId, Role};
use alerting::policy::{Directory, Ladder, Member, Policy};
use checks::{CheckId, FailureClass, Region, UnixMs};

const SLOT_MS: u64 = 30_000;
const START: UnixMs = UnixMs(1_795_466_400_000);

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn ladder(rung_1: u32, recover_after: u32) -> Ladder {
    let member = |name: &str, phone: &str| Member { name: name.to_owned(), phone: phone.parse().unwrap(), email: None };
    let devops = vec![member("Ada", "+4915100000001"), member("Bob", "+4915100000002")];
    let directory = Directory { teams: [("devops".to_owned(), devops)].into(), ..Directory::default() };
    let mut policy = Policy { recover_after, ..Policy::mission_default() };
    policy.rungs[0].failures_in_a_row = rung_1;
    policy.rungs[1].failures_in_a_row = rung_1 + 1;
    policy.ladder("default", &directory).unwrap()
}

/// A check as it goes through its life.
#[derive(Clone)]
struct Life {
    check: CheckId,
    ladder: Ladder,
    state: CheckState,
    slot: u64,
    next_incident: u64,
}

impl Life {
    fn new(ladder: Ladder) -> Self {
        let state = CheckState::default();
        Self { check: "login".parse().unwrap(), ladder, state, slot: 10, next_incident: 1 }
    }

    fn now(&self) -> UnixMs {
        START + self.slot * SLOT_MS + 1000
    }

    fn apply(&mut self, event: &Event) -> Transition {
        let context = Context {
            now: self.now(),
            check: &self.check,
            watched: None,
            is_configured: false,
            ladder: &self.ladder,
            journal: "j",
            next_incident: self.next_incident,
            hold: None,
            parents: &[],
            is_known: false,
        };
        let transition = step(std::mem::take(&mut self.state), event, &context);
        self.state = transition.state.clone();
        if matches!(transition.decision, Decision::Opened(_)) {
            self.next_incident += 1;
        }
        transition
    }

    fn at_slot(&self, place: &str, slot: u64, verdict: Verdict) -> Event {
        let slot = START + slot * SLOT_MS;
        Event::Observed(Observation { region: region(place), slot, attempt: 0, at: slot + 1000, verdict })
    }

    fn next(&mut self, place: &str, verdict: Verdict) -> Transition {
        self.slot += 1;
        let event = self.at_slot(place, self.slot, verdict);
        self.apply(&event)
    }
}

fn failed(class: FailureClass) -> Verdict {
    Verdict::Failed(FailureBrief {
        class,
        message: "expected 200, got 503".to_owned(),
        step: None,
        location: None,
        at: START,
        duration_us: 1000,
        timings: vec![],
    })
}

const HTTP: FailureClass = FailureClass::Http;

/// The states, by how one comes into them.
fn states() -> Vec<(&'static str, Life)> {
    let mission = || Life::new(ladder(1, 1));
    let after = |mut life: Life, steps: &[(&str, Verdict)]| {
        for (place, verdict) in steps {
            life.next(place, verdict.clone());
        }
        life
    };
    let pass = || ("eu", Verdict::Passed);
    let fail = || ("eu", failed(HTTP));
    vec![
        ("new", mission()),
        ("passing", after(mission(), &[pass()])),
        ("failing below the ladder", after(Life::new(ladder(2, 1)), &[pass(), fail()])),
        ("open at P2", after(mission(), &[pass(), fail()])),
        ("open at P2, script to blame", after(mission(), &[pass(), ("eu", failed(FailureClass::Script))])),
        ("open at P1", after(mission(), &[pass(), fail(), fail()])),
        ("open at P1, two regions", after(mission(), &[pass(), fail(), fail(), ("us", failed(HTTP))])),
        ("recovering", after(Life::new(ladder(1, 2)), &[pass(), fail(), fail(), pass()])),
        ("recovered", after(mission(), &[fail(), fail(), pass()])),
    ]
}

/// The events, as they would come to a life.
fn events(life: &Life) -> Vec<(&'static str, Event)> {
    let next = life.slot + 1;
    let watermark = life.state.regions.get(&region("eu")).and_then(|eu| eu.watermark);
    let counted = watermark.map_or(life.slot, |mark| mark.slot.since_ms(START) / SLOT_MS);
    let script = failed(FailureClass::Script);
    let prober = failed(FailureClass::Prober);
    let told = life.state.incident.as_ref().map(|open| open.told.clone()).unwrap_or_default();
    let page = told.iter().find(|t| matches!(&t.address, Address::Slack { channel } if channel == "#p1"));
    let undelivered = |incident, notification: NotificationId| Event::Undelivered {
        incident,
        notification,
        address: Address::Slack { channel: "#p1".to_owned() },
        because: "is_archived".to_owned(),
    };
    let number = life.state.incident.as_ref().map_or(0, |open| open.number);
    let known = page.map_or_else(|| NotificationId::new("j", number, 99), |told| told.page.clone());
    vec![
        ("pass", life.at_slot("eu", next, Verdict::Passed)),
        ("target failure", life.at_slot("eu", next, failed(HTTP))),
        ("script failure", life.at_slot("eu", next, script)),
        ("prober failure", life.at_slot("eu", next, prober)),
        ("missed slot", life.at_slot("eu", next, Verdict::Missed)),
        ("same run, passed", life.at_slot("eu", counted, Verdict::Passed)),
        ("same run, failed", life.at_slot("eu", counted, failed(HTTP))),
        ("late pass", life.at_slot("eu", 1, Verdict::Passed)),
        ("late failure", life.at_slot("eu", 1, failed(HTTP))),
        ("late missed slot", life.at_slot("eu", 1, Verdict::Missed)),
        ("pass elsewhere", life.at_slot("us", next, Verdict::Passed)),
        ("failure elsewhere", life.at_slot("us", next, failed(HTTP))),
        ("#p1 undelivered", undelivered(number, known.clone())),
        ("undelivered, of an older incident", undelivered(number + 7, known)),
        ("the same regions", Event::Regions(vec![region("eu"), region("us")])),
        ("eu no longer checked", Event::Regions(vec![region("us")])),
        ("check removed", Event::Removed),
    ]
}

fn tell(transition: &Transition) -> String {
    let decision = match &transition.decision {
        Decision::Opened(reason) => format!("opened: {reason}"),
        Decision::Climbed(reason) => format!("climbed: {reason}"),
        other => format!("{other:?}").to_lowercase(),
    };
    let sent: Vec<String> = transition
        .notifications
        .iter()
        .map(|n| {
            let place = match &n.address {
                Address::Slack { channel } => channel.clone(),
                Address::Sms { member, .. } => member.clone(),
                other => other.to_string(),
            };
            let page = if n.page { "!" } else { "" };
            let wait = if n.not_before > n.created_at { " later" } else { "" };
            match n.role {
                Role::Edit => format!("{place} edit{wait}"),
                role => format!("{place} {}{page} \"{}\"", role.as_str(), n.saying),
            }
        })
        .collect();
    format!("{decision} | {}", sent.join(", "))
}

/// Applies the steps and returns every decision in short.
fn play(life: &mut Life, steps: &[(&str, Verdict)]) -> Vec<Decision> {
    steps.iter().map(|(place, verdict)| life.next(place, verdict.clone()).decision).collect()
}

fn pages(transition: &Transition) -> usize {
    transition.notifications.iter().filter(|n| n.page).count()
}

#[test]
fn failures_that_are_not_the_targets_never_page() {
    let mut life = Life::new(ladder(1, 1));
    for index in 0..50 {
        let class = if index % 2 == 0 { FailureClass::Script } else { FailureClass::Prober };
        let transition = life.next("eu", failed(class));
        assert_eq!(pages(&transition), 0);
        let sms = transition.notifications.iter().any(|n| !n.address.is_editable());
        assert!(!sms, "no SMS for a failure of class {class}");
    }
    assert_eq!(life.state.incident.unwrap().rungs.len(), 1);
}

#[test]
fn a_starved_prober_in_between_does_not_save_the_target() {
    let mut life = Life::new(ladder(1, 1));
    let steps = [("eu", failed(HTTP)), ("eu", failed(FailureClass::Prober)), ("eu", failed(HTTP))];
    let decisions = play(&mut life, &steps);
    assert!(matches!(decisions[2], Decision::Climbed(_)), "{decisions:?}");
}

#[test]
fn a_long_outage_pages_each_rung_once() {
    let mut life = Life::new(ladder(1, 1));
    let mut pages_sent = 0;
    for _ in 0..100 {
        for place in ["eu", "us", "ap"] {
            pages_sent += pages(&life.next(place, failed(HTTP)));
        }
    }
    assert_eq!(pages_sent, 3, "#p1 and two members");
}

#[test]
fn a_missed_slot_is_no_recovery_and_no_failure() {
    let mut life = Life::new(ladder(1, 1));
    let steps = [("eu", failed(HTTP)), ("eu", Verdict::Missed), ("eu", Verdict::Missed), ("eu", failed(HTTP))];
    let decisions = play(&mut life, &steps);
    assert_eq!(decisions[1..3], [Decision::Missed, Decision::Missed]);
    assert!(matches!(decisions[3], Decision::Climbed(_)), "the row goes on over missed slots: {decisions:?}");
}

#[test]
fn an_incident_that_comes_back_has_a_new_number_and_names_the_one_before() {
    let mut life = Life::new(ladder(1, 1));
    play(&mut life, &[("eu", failed(HTTP)), ("eu", Verdict::Passed)]);
    let again = life.next("eu", failed(HTTP));
    let report = again.report.unwrap();
    assert_eq!((report.number, report.previous), (2, Some(1)));
    assert_ne!(again.notifications[0].id, NotificationId::new("j", 1, 1));
}

#[test]
fn a_second_attempt_of_a_slot_counts_and_the_first_after_it_does_not() {
    let mut life = Life::new(ladder(1, 1));
    life.next("eu", failed(HTTP));
    let attempt = |life: &Life, attempt, verdict| match life.at_slot("eu", life.slot, verdict) {
        Event::Observed(observation) => Event::Observed(Observation { attempt, ..observation }),
        other => other,
    };
    let second = attempt(&life, 2, failed(HTTP));
    assert!(matches!(life.apply(&second).decision, Decision::Climbed(_)));
    let first = attempt(&life, 1, Verdict::Passed);
    assert_eq!(life.apply(&first).decision, Decision::Late);
}

#[test]
fn a_clock_that_went_back_does_not_make_a_check_deaf() {
    let mut life = Life::new(ladder(1, 1));
    life.slot = 1_000_000;
    life.next("eu", Verdict::Passed);
    life.slot = 100;
    let decisions = play(&mut life, &[("eu", failed(HTTP)), ("eu", failed(HTTP))]);
    assert!(matches!(decisions[..], [Decision::Opened(_), Decision::Climbed(_)]), "{decisions:?}");
}

#[test]
fn a_rung_may_wait_for_several_regions_and_a_later_one_not() {
    let mut policy = ladder(1, 1);
    policy.rungs[0].min_regions = 2;
    policy.rungs[1].failures_in_a_row = 3;
    let mut life = Life::new(policy);
    let eu = || ("eu", failed(HTTP));
    let alone = play(&mut life, &[eu(), eu(), eu()]);
    assert_eq!(alone[..2], [Decision::Counted, Decision::Counted]);
    assert!(matches!(&alone[2], Decision::Opened(reason) if reason.to_string() == "3 failures in a row in eu"));
    let both = play(&mut life, &[("us", failed(HTTP))]);
    let wanted = "a failure in each of eu, us";
    assert!(matches!(&both[0], Decision::Climbed(reason) if reason.to_string() == wanted), "{both:?}");
}

#[test]
fn edits_of_little_news_grow_fewer() {
    let mut life = Life::new(ladder(1, 1));
    let mut due = std::collections::BTreeSet::new();
    let slots_of_a_day = 24 * 3600 / 30;
    for _ in 0..slots_of_a_day {
        let transition = life.next("eu", failed(HTTP));
        due.extend(transition.notifications.iter().filter(|n| n.role == Role::Edit).map(|n| n.not_before));
    }
    assert!((100..250).contains(&due.len()), "{} edits in a day", due.len());
}

#[test]
fn the_state_survives_its_own_serialisation() {
    for (name, life) in states() {
        let json = serde_json::to_string(&life.state).unwrap();
        assert_eq!(serde_json::from_str::<CheckState>(&json).unwrap(), life.state, "{name}");
        assert!(json.len() < 2048, "{name}: {} bytes", json.len());
    }
}

#[test]
fn every_state_times_every_event() {
    let mut table = String::new();
    for (state, life) in states() {
        for (event, value) in events(&life) {
            let mut life = life.clone();
            life.slot += 1;
            let transition = life.apply(&value);
            table.push_str(&format!("{state} | {event} | {}\n", tell(&transition).trim_end()));
        }
    }
    let expected = include_str!("ladder.table");
    for (got, wanted) in table.lines().zip(expected.lines()) {
        assert_eq!(got, wanted, "the whole table as it is now:\n{table}");
    }
    assert_eq!(table.lines().count(), expected.lines().count(), "the whole table as it is now:\n{table}");
}
