//! The state machine as a table: every state times every event, none left out. `tests/ladder.table` has a line for each,
//! `state | event | decision | what is sent`; where the behaviour is meant to change, the test prints the table to put
//! there.

use alerting::act::Via;
use alerting::incident::{
    CheckState, Context, Decision, Event, FailureBrief, Hold, Observation, Parent, Transition, Verdict, due, step,
};
use alerting::notification::{Address, NotificationId, Role};
use alerting::policy::{Destination, Directory, Ladder, Member, Policy, Rung, Severity};
use alerting::signal::{Signal, SignalKey, SignalSource, SignalState};
use checks::{CheckId, FailureClass, Region, UnixMs};
use std::collections::BTreeSet;

const SLOT_MS: u64 = 30_000;
const START: UnixMs = UnixMs(1_795_466_400_000);

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

const CALL_AFTER_MS: u64 = 600_000;
const REPEAT_EVERY_MS: u64 = 900_000;

fn ladder(rung_1: u32, recover_after: u32) -> Ladder {
    let member = |name: &str, phone: &str| Member { name: name.to_owned(), phone: phone.parse().unwrap(), email: None };
    let devops = vec![member("Ada", "+4915100000001"), member("Bob", "+4915100000002")];
    let directory = Directory { teams: [("devops".to_owned(), devops)].into(), ..Directory::default() };
    let mut policy = Policy { recover_after, ..Policy::mission_default() };
    policy.rungs[0].failures_in_a_row = rung_1;
    policy.rungs[1].failures_in_a_row = rung_1 + 1;
    policy.rungs.push(Rung {
        label: "call".to_owned(),
        unacknowledged_after_ms: Some(CALL_AFTER_MS),
        destinations: vec![Destination::VoiceTeam("devops".to_owned())],
        ..policy.rungs[1].clone()
    });
    policy.repeat_every_ms = Some(REPEAT_EVERY_MS);
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
    hold: Option<Hold>,
    /// What it depends on.
    parent: Option<CheckState>,
}

impl Life {
    fn new(ladder: Ladder) -> Self {
        let state = CheckState::default();
        let check = "login".parse().unwrap();
        Self { check, ladder, state, slot: 10, next_incident: 1, hold: None, parent: None }
    }

    fn now(&self) -> UnixMs {
        START + self.slot * SLOT_MS + 1000
    }

    fn apply(&mut self, event: &Event) -> Transition {
        let name = "discovery".parse().unwrap();
        let parents: Vec<Parent<'_>> = self.parent.iter().map(|state| Parent { check: &name, state }).collect();
        let context = Context {
            now: self.now(),
            check: &self.check,
            watched: None,
            is_configured: false,
            ladder: &self.ladder,
            journal: "j",
            next_incident: self.next_incident,
            hold: self.hold.as_ref(),
            parents: &parents,
            is_known: false,
        };
        let transition = step(std::mem::take(&mut self.state), event, &context);
        self.state = transition.state.clone();
        if matches!(transition.decision, Decision::Opened(_) | Decision::OpenedHeld) {
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

fn silence() -> Hold {
    let (by, why) = ("Ada".to_owned(), "known".to_owned());
    Hold::Silenced { by, why, until: START + 100 * SLOT_MS }
}

fn maintenance() -> Hold {
    Hold::Maintenance { name: "upgrade".to_owned(), until: START + 100 * SLOT_MS }
}

fn signal(state: SignalState, severity: Severity, summary: &str) -> Event {
    Event::Signalled(Signal {
        key: SignalKey { source: SignalSource::Rule, id: "HighErrorRate".to_owned() },
        state,
        severity,
        title: "HighErrorRate".to_owned(),
        summary: summary.to_owned(),
        labels: Default::default(),
        links: Vec::new(),
        policy: None,
        at: START,
    })
}

/// The states that an incident's life has. Each has at least one line of the table for each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    New,
    Quiet,
    Recovered,
    Climbing,
    Open,
    Acknowledged,
    Silenced,
    InMaintenance,
    Explained,
    Flapping,
    Calming,
    Reopened,
    Signalled,
}

impl Standing {
    const ALL: [Self; 13] = [
        Self::New,
        Self::Quiet,
        Self::Recovered,
        Self::Climbing,
        Self::Open,
        Self::Acknowledged,
        Self::Silenced,
        Self::InMaintenance,
        Self::Explained,
        Self::Flapping,
        Self::Calming,
        Self::Reopened,
        Self::Signalled,
    ];

    fn of(state: &CheckState, ladder: &Ladder) -> Self {
        let Some(open) = &state.incident else {
            return match (&state.ended, state.regions.is_empty()) {
                (Some(_), _) => Self::Recovered,
                (None, true) => Self::New,
                (None, false) => Self::Quiet,
            };
        };
        match open.held.as_ref().map(|held| &held.hold) {
            _ if state.signal.is_some() => Self::Signalled,
            _ if open.acknowledged.is_some() => Self::Acknowledged,
            Some(Hold::Silenced { .. }) => Self::Silenced,
            Some(Hold::Maintenance { .. }) => Self::InMaintenance,
            Some(Hold::DependsOn { .. }) => Self::Explained,
            None if open.calm_since.is_some() => Self::Calming,
            None if open.is_flapping => Self::Flapping,
            None if open.previous.is_some() => Self::Reopened,
            None if ladder.rungs.iter().all(|rung| rung.is_by_time() || open.has_climbed(&rung.label)) => Self::Open,
            None => Self::Climbing,
        }
    }
}

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
    let held = |hold: Hold, steps: &[(&str, Verdict)]| {
        let mut life = after(Life { hold: Some(hold), ..mission() }, steps);
        life.apply(&Event::Look);
        life
    };
    let p1 = || after(mission(), &[pass(), fail(), fail()]);
    let mut acknowledged = p1();
    acknowledged.apply(&Event::Acknowledged { incident: 1, by: "Ada".to_owned(), via: Via::Slack });
    let mut silenced_later = p1();
    silenced_later.hold = Some(silence());
    silenced_later.apply(&Event::Look);
    let parent = after(mission(), &[fail(), fail()]).state;
    let explained = after(Life { parent: Some(parent), ..mission() }, &[pass(), fail(), fail()]);
    let mut flapping = mission();
    for _ in 0..4 {
        flapping = after(flapping, &[fail(), pass()]);
    }
    let flapping = after(flapping, &[fail(), fail()]);
    let calming = after(flapping.clone(), &[pass()]);
    let fired = |severity| {
        let mut life = mission();
        life.apply(&signal(SignalState::Firing, severity, "5 % of logins fail"));
        life
    };
    vec![
        ("new", mission()),
        ("passing", after(mission(), &[pass()])),
        ("failing below the ladder", after(Life::new(ladder(2, 1)), &[pass(), fail()])),
        ("open at P2", after(mission(), &[pass(), fail()])),
        ("open at P2, script to blame", after(mission(), &[pass(), ("eu", failed(FailureClass::Script))])),
        ("open at P1", p1()),
        ("open at P1, two regions", after(mission(), &[pass(), fail(), fail(), ("us", failed(HTTP))])),
        ("recovering", after(Life::new(ladder(1, 2)), &[pass(), fail(), fail(), pass()])),
        ("recovered", after(mission(), &[fail(), fail(), pass()])),
        ("reopened", after(mission(), &[fail(), pass(), fail()])),
        ("acknowledged", acknowledged),
        ("silenced from the start", held(silence(), &[pass(), fail(), fail()])),
        ("silenced at P1", silenced_later),
        ("in maintenance", held(maintenance(), &[pass(), fail(), fail()])),
        ("explained by what it depends on", explained),
        ("flapping", flapping),
        ("flapping, calm", calming),
        ("signalled P2", fired(Severity::P2)),
        ("signalled P1", fired(Severity::P1)),
    ]
}

/// What comes to a life: an event, or one with what holds it back from then on.
type Coming = (&'static str, Option<Option<Hold>>, Event);

/// The events, as they would come to a life.
fn events(life: &Life) -> Vec<Coming> {
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
    let late = Event::DeliveredLate {
        incident: number,
        notification: known.clone(),
        address: Address::Slack { channel: "#p1".to_owned() },
        late_ms: 400_000,
    };
    let acknowledged = |incident| Event::Acknowledged { incident, by: "Bob".to_owned(), via: Via::Sms };
    let at = due(&life.state, &life.ladder).map_or(START, |due| due.at);
    let plain = vec![
        ("pass", life.at_slot("eu", next, Verdict::Passed)),
        ("target failure", life.at_slot("eu", next, failed(HTTP))),
        ("script failure", life.at_slot("eu", next, script)),
        ("prober failure", life.at_slot("eu", next, prober)),
        ("missed slot", life.at_slot("eu", next, Verdict::Missed)),
        ("skipped", life.at_slot("eu", next, Verdict::Skipped)),
        ("same run, passed", life.at_slot("eu", counted, Verdict::Passed)),
        ("same run, failed", life.at_slot("eu", counted, failed(HTTP))),
        ("late pass", life.at_slot("eu", 1, Verdict::Passed)),
        ("late failure", life.at_slot("eu", 1, failed(HTTP))),
        ("late missed slot", life.at_slot("eu", 1, Verdict::Missed)),
        ("pass elsewhere", life.at_slot("us", next, Verdict::Passed)),
        ("failure elsewhere", life.at_slot("us", next, failed(HTTP))),
        ("#p1 undelivered", undelivered(number, known.clone())),
        ("undelivered, of an older incident", undelivered(number + 7, known)),
        ("#p1 delivered late", late),
        ("the same regions", Event::Regions(vec![region("eu"), region("us")])),
        ("eu no longer checked", Event::Regions(vec![region("us")])),
        ("check removed", Event::Removed),
        ("acknowledged", acknowledged(number)),
        ("acknowledged, of an older incident", acknowledged(number + 7)),
        ("what is due", Event::Due { at }),
        ("an instant that was due before", Event::Due { at: at - 1 }),
        ("a look", Event::Look),
        ("P1 fires", signal(SignalState::Firing, Severity::P1, "10 % of logins fail")),
        ("P2 fires", signal(SignalState::Firing, Severity::P2, "5 % of logins fail")),
        ("the signal is resolved", signal(SignalState::Resolved, Severity::P2, "")),
    ];
    let mut all: Vec<Coming> = plain.into_iter().map(|(name, event)| (name, None, event)).collect();
    all.push(("a silence begins", Some(Some(silence())), Event::Look));
    all.push(("a maintenance begins", Some(Some(maintenance())), Event::Look));
    all.push(("what held it is over", Some(None), Event::Look));
    all
}

/// Every kind of event: a new one does not compile until it has a name here, and then fails until the table has it.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::Observed(observation) => match observation.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed(_) => "failed",
            Verdict::Missed => "missed",
            Verdict::Skipped => "skipped",
        },
        Event::Undelivered { .. } => "undelivered",
        Event::DeliveredLate { .. } => "delivered late",
        Event::Signalled(signal) => match signal.state {
            SignalState::Firing => "firing",
            SignalState::Resolved => "resolved",
        },
        Event::Acknowledged { .. } => "acknowledged",
        Event::Due { .. } => "due",
        Event::Look => "look",
        Event::Regions(_) => "regions",
        Event::Removed => "removed",
    }
}

const KINDS: [&str; 13] = [
    "passed",
    "failed",
    "missed",
    "skipped",
    "undelivered",
    "delivered late",
    "firing",
    "resolved",
    "acknowledged",
    "due",
    "look",
    "regions",
    "removed",
];

/// Signals and results never come to the same subject.
fn can_come(life: &Life, event: &Event) -> bool {
    let is_signal = matches!(event, Event::Signalled(_));
    let is_of_check = matches!(event, Event::Observed(_) | Event::Regions(_) | Event::Removed);
    match (&life.state.signal, life.state.regions.is_empty()) {
        (Some(_), _) => !is_of_check,
        (None, false) => !is_signal,
        (None, true) => true,
    }
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
    policy.rungs.truncate(2);
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
    let mut due = BTreeSet::new();
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
        assert!(json.len() < 3072, "{name}: {} bytes", json.len());
    }
}

#[test]
fn every_state_times_every_event() {
    let (mut table, mut met) = (String::new(), BTreeSet::new());
    for (state, life) in states() {
        let standing = Standing::of(&life.state, &life.ladder);
        for (event, hold, value) in events(&life) {
            if !can_come(&life, &value) {
                continue;
            }
            met.insert((standing, kind(&value)));
            let mut life = life.clone();
            life.slot += 1;
            if let Some(hold) = hold {
                life.hold = hold;
            }
            let transition = life.apply(&value);
            table.push_str(&format!("{state} | {event} | {}\n", tell(&transition).trim_end()));
        }
    }
    for standing in Standing::ALL {
        let of_signals = ["firing", "resolved"];
        let of_checks = ["passed", "failed", "missed", "skipped", "regions", "removed"];
        for kind in KINDS {
            let can_meet = match standing {
                Standing::New => true,
                Standing::Signalled => !of_checks.contains(&kind),
                _ => !of_signals.contains(&kind),
            };
            assert_eq!(met.contains(&(standing, kind)), can_meet, "{standing:?} times {kind}");
        }
    }
    let expected = include_str!("ladder.table");
    for (got, wanted) in table.lines().zip(expected.lines()) {
        assert_eq!(got, wanted, "the whole table as it is now:\n{table}");
    }
    assert_eq!(table.lines().count(), expected.lines().count(), "the whole table as it is now:\n{table}");
}

#[test]
fn time_pages_until_somebody_acknowledges() {
    let mut life = Life::new(ladder(1, 1));
    play(&mut life, &[("eu", failed(HTTP)), ("eu", failed(HTTP))]);
    let mut decisions = Vec::new();
    for _ in 0..4 {
        let at = due(&life.state, &life.ladder).unwrap().at;
        life.slot = at.since_ms(START) / SLOT_MS;
        let transition = life.apply(&Event::Due { at });
        decisions.push(tell(&transition).split(" | ").next().unwrap().to_owned());
        // The same instant again, as a second decider would hand it over, does nothing.
        assert_eq!(life.apply(&Event::Due { at }).decision, Decision::Nothing);
    }
    let wanted = ["climbed: nobody has acknowledged it for 10 min", "repeated", "repeated", "repeated"];
    assert_eq!(decisions, wanted);
    life.apply(&Event::Acknowledged { incident: 1, by: "Ada".to_owned(), via: Via::Voice });
    assert_eq!(due(&life.state, &life.ladder), None);
}

#[test]
fn what_a_parent_explains_wakes_nobody_and_what_it_does_not_does() {
    let fail = || ("eu", failed(HTTP));
    let mut parent = Life::new(ladder(1, 1));
    let mut child = Life::new(ladder(1, 1));
    play(&mut parent, &[fail(), fail()]);
    child.parent = Some(parent.state.clone());
    let mut transitions = vec![child.next("eu", failed(HTTP)), child.next("eu", failed(HTTP))];
    assert!(transitions.iter().all(|transition| pages(transition) == 0));
    let trail: Vec<_> = transitions.iter().flat_map(|t| t.trail.iter().map(|entry| entry.text.clone())).collect();
    assert!(
        trail.iter().any(|text| text.contains("it depends on discovery, which fails too (incident #1)")),
        "{trail:?}"
    );
    // Elsewhere the parent passes, so that nothing explains the child's failure.
    transitions = vec![child.next("us", failed(HTTP)), child.next("us", failed(HTTP))];
    assert_eq!(pages(&transitions[1]), 3, "#p1 and two members");
    // The parent recovers: a run for a slot before that proves nothing, the next failure does.
    let mut child = Life::new(ladder(1, 1));
    child.parent = Some(parent.state.clone());
    play(&mut child, &[fail(), fail()]);
    parent.slot = child.slot;
    parent.next("eu", Verdict::Passed);
    child.parent = Some(parent.state);
    assert_eq!(child.apply(&Event::Look).decision, Decision::Nothing);
    assert_eq!(pages(&child.next("eu", failed(HTTP))), 0, "the parent's slot of recovery");
    assert_eq!(pages(&child.next("eu", failed(HTTP))), 3);
}

#[test]
fn a_silence_that_ends_pages_what_still_fails() {
    let mut life = Life { hold: Some(silence()), ..Life::new(ladder(1, 1)) };
    let fail = || ("eu", failed(HTTP));
    let decisions = play(&mut life, &[fail(), fail(), fail()]);
    assert_eq!(decisions, [Decision::OpenedHeld, Decision::Updated, Decision::Updated]);
    life.hold = None;
    let transition = life.apply(&Event::Look);
    assert_eq!(pages(&transition), 3, "{transition:?}");
    // One that was paged before is paged again, since nobody could have been told meanwhile.
    life.hold = Some(silence());
    life.apply(&Event::Look);
    life.hold = None;
    let transition = life.apply(&Event::Look);
    assert_eq!(
        (transition.decision, transition.notifications.iter().filter(|n| n.page).count()),
        (Decision::Repeated, 2)
    );
}

#[test]
fn a_first_failure_is_confirmed_once() {
    let mut rungs = ladder(1, 1);
    rungs.confirm_after_ms = Some(2_000);
    let mut life = Life::new(rungs);
    let first = life.next("eu", failed(HTTP)).run_again.expect("a first failure is confirmed");
    assert_eq!((first.attempt, first.after_ms), (1, 2_000));
    let event = match life.at_slot("eu", life.slot, failed(HTTP)) {
        Event::Observed(observation) => Event::Observed(Observation { attempt: first.attempt, ..observation }),
        other => other,
    };
    let confirmed = life.apply(&event);
    assert!(matches!(confirmed.decision, Decision::Climbed(_)), "the run counts: {confirmed:?}");
    assert_eq!(confirmed.run_again, None);
    assert_eq!(life.next("us", failed(FailureClass::Script)).run_again, None, "nothing is learnt about the target");
}

#[test]
fn rungs_of_an_older_journal_get_their_names() {
    let mut life = Life::new(ladder(1, 1));
    play(&mut life, &[("eu", failed(HTTP)), ("eu", failed(HTTP))]);
    let mut json = serde_json::to_value(&life.state).unwrap();
    json["incident"]["rungs_climbed"] = serde_json::json!([0, 1]);
    json["incident"].as_object_mut().unwrap().remove("rungs");
    life.state = serde_json::from_value(json).unwrap();
    assert_eq!(pages(&life.next("eu", failed(HTTP))), 0, "what was climbed is not climbed again");
    let labels: Vec<_> = life.state.incident.unwrap().rungs.into_iter().map(|rung| rung.label).collect();
    assert_eq!(labels, ["P2", "P1"]);
}
