use crate::life::*;
use alerting::act::Via;
use alerting::incident::*;
use alerting::notification::{Address, NotificationId};
use alerting::policy::{Ladder, Severity};
use alerting::signal::{Signal, SignalKey, SignalSource, SignalState};
use checks::FailureClass;
use std::collections::BTreeSet;

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
pub fn states() -> Vec<(&'static str, Life)> {
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
    let confirming = |verdict| match life.at_slot("eu", counted, verdict) {
        Event::Observed(observation) => Event::Observed(Observation { attempt: 1, ..observation }),
        other => other,
    };
    let resolved = |incident| Event::Resolved {
        incident,
        by: "Bob".to_owned(),
        via: Via::CommandLine,
        because: "the alarm was deleted".to_owned(),
    };
    let acknowledged = |incident| Event::Acknowledged { incident, by: "Bob".to_owned(), via: Via::Sms };
    let at = due(&life.state, &life.ladder).map_or(START, |due| due.at);
    let plain = vec![
        ("pass", life.at_slot("eu", next, Verdict::Passed)),
        ("target failure", life.at_slot("eu", next, failed(HTTP))),
        ("script failure", life.at_slot("eu", next, script)),
        ("prober failure", life.at_slot("eu", next, prober)),
        ("missed slot", life.at_slot("eu", next, Verdict::Missed)),
        ("missed, for a run still goes on", life.at_slot("eu", next, Verdict::StillRunning)),
        ("a confirming run passes", confirming(Verdict::Passed)),
        ("a confirming run fails", confirming(failed(HTTP))),
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
        ("check or source removed", Event::Removed),
        ("resolved by hand", resolved(number)),
        ("resolved by hand, of an older incident", resolved(number + 7)),
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
            Verdict::StillRunning => "still running",
            Verdict::Skipped => "skipped",
        },
        Event::Undelivered { .. } => "undelivered",
        Event::DeliveredLate { .. } => "delivered late",
        Event::Signalled(signal) => match signal.state {
            SignalState::Firing => "firing",
            SignalState::Resolved => "resolved",
        },
        Event::Acknowledged { .. } => "acknowledged",
        Event::Resolved { .. } => "resolved by hand",
        Event::Due { .. } => "due",
        Event::Look => "look",
        Event::Regions(_) => "regions",
        Event::Removed => "removed",
    }
}

const KINDS: [&str; 15] = [
    "passed",
    "failed",
    "missed",
    "still running",
    "skipped",
    "undelivered",
    "delivered late",
    "firing",
    "resolved",
    "acknowledged",
    "resolved by hand",
    "due",
    "look",
    "regions",
    "removed",
];

/// Signals and results never come to the same subject.
fn can_come(life: &Life, event: &Event) -> bool {
    let is_signal = matches!(event, Event::Signalled(_));
    let is_of_check = matches!(event, Event::Observed(_) | Event::Regions(_));
    match (&life.state.signal, life.state.regions.is_empty()) {
        (Some(_), _) => !is_of_check,
        (None, false) => !is_signal,
        (None, true) => true,
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
        let of_checks = ["passed", "failed", "missed", "still running", "skipped", "regions"];
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
    if table != expected {
        let written = concat!(env!("CARGO_TARGET_TMPDIR"), "/ladder.table");
        std::fs::write(written, &table).unwrap();
        let differs = table.lines().zip(expected.lines()).find(|(got, wanted)| got != wanted);
        panic!(
            "the table differs, first {differs:?}; read {written}, and put it in this one's place where it is meant"
        );
    }
}
