//! The life of an incident with everything that people, time and other checks do to it, against a reference model that
//! knows no trail, no outbox and no ladder as data.

use alerting::act::Via;
use alerting::incident::{
    CheckState, Context, Decision, Event, FailureBrief, Hold, Observation, Parent, TrailKind, Verdict, due, step,
};
use alerting::policy::{Destination, Directory, Ladder, Member, Policy, Rung};
use checks::{CheckId, FailureClass, UnixMs};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

const SLOT_MS: u64 = 30_000;
const START: UnixMs = UnixMs(1_795_466_400_000);
const REGIONS: [&str; 2] = ["eu", "us"];
/// In slots.
const CALL_AFTER: u64 = 20;
const REPEAT_EVERY: u64 = 30;

#[derive(Debug, Clone)]
enum Act {
    Run {
        region: usize,
        outcome: Outcome,
    },
    /// The slot of the newest run is run once more.
    Confirm {
        region: usize,
        outcome: Outcome,
    },
    Acknowledge,
    SilenceBegins,
    SilenceEnds,
    ParentFails,
    ParentPasses,
    /// Nothing happens for so many slots.
    Wait(u64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Pass,
    Fail,
    ScriptFails,
    Skipped,
}

/// What people hear of, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Heard {
    P2,
    P1,
    Call,
    Again,
    End,
}

#[derive(Debug, Clone, Default)]
struct Stream {
    fails: bool,
    target_failures: u32,
    slot: u64,
    is_confirmed: bool,
}

#[derive(Debug, Clone, Default)]
struct Open {
    is_told: bool,
    paged_at: Option<u64>,
    has_called: bool,
    waits_from: u64,
    newest_page_at: u64,
    is_acknowledged: bool,
}

/// The reference.
#[derive(Debug, Clone, Default)]
struct Model {
    slot: u64,
    streams: [Stream; REGIONS.len()],
    open: Option<Open>,
    is_silenced: bool,
    parent_fails: bool,
    parent_passes_since: Option<u64>,
    heard: Vec<Heard>,
}

impl Model {
    fn explains(&self, stream: &Stream) -> bool {
        self.parent_fails || self.parent_passes_since.is_some_and(|since| stream.slot <= since)
    }

    /// What is reached is told, unless it is silenced or explained. Returns whether anything was.
    fn climb(&mut self) -> bool {
        let is_p1 = self.streams.iter().any(|s| s.target_failures >= 2 && !self.explains(s));
        let (slot, is_silenced) = (self.slot, self.is_silenced);
        let Some(open) = &mut self.open else { return false };
        let before = self.heard.len();
        if !is_silenced && !open.is_told {
            open.is_told = true;
            self.heard.push(Heard::P2);
        }
        if !is_silenced && is_p1 && open.paged_at.is_none() {
            (open.paged_at, open.newest_page_at, open.waits_from) = (Some(slot), slot, open.waits_from.max(slot));
            self.heard.push(Heard::P1);
        }
        self.heard.len() > before
    }

    fn ran(&mut self, region: usize, outcome: Outcome) {
        self.slot += 1;
        let stream = &mut self.streams[region];
        if outcome != Outcome::Skipped {
            (stream.slot, stream.is_confirmed) = (self.slot, false);
            self.counts(region, outcome);
        }
    }

    /// A run that confirms a failure counts where it fails, and proves nothing where it passes.
    fn confirmed(&mut self, region: usize, outcome: Outcome) {
        let stream = &mut self.streams[region];
        if stream.slot == 0 || std::mem::replace(&mut stream.is_confirmed, true) || outcome == Outcome::Pass {
            return;
        }
        self.counts(region, outcome);
    }

    fn counts(&mut self, region: usize, outcome: Outcome) {
        let stream = &mut self.streams[region];
        if outcome == Outcome::Pass {
            (stream.fails, stream.target_failures) = (false, 0);
        } else {
            stream.fails = true;
            stream.target_failures += u32::from(outcome == Outcome::Fail);
        }
        if outcome != Outcome::Pass {
            self.open.get_or_insert_default();
            self.climb();
        } else if self.streams.iter().all(|stream| !stream.fails) && self.open.take().is_some() {
            self.heard.push(Heard::End);
        }
    }

    fn resume(&mut self) {
        self.is_silenced = false;
        let slot = self.slot;
        if let Some(open) = &mut self.open {
            open.waits_from = slot;
        }
        let has_climbed = self.climb();
        let Some(open) = self.open.as_mut().filter(|open| !has_climbed && open.paged_at.is_some()) else { return };
        if !open.is_acknowledged {
            open.newest_page_at = slot;
            self.heard.push(Heard::Again);
        }
    }

    fn time(&mut self) {
        let slot = self.slot;
        let Some(open) = self.open.as_mut().filter(|open| !open.is_acknowledged && !self.is_silenced) else { return };
        if open.paged_at.is_none() {
            return;
        }
        if !open.has_called && slot >= open.waits_from + CALL_AFTER {
            (open.has_called, open.newest_page_at) = (true, slot);
            self.heard.push(Heard::Call);
        } else if slot >= open.newest_page_at + REPEAT_EVERY {
            open.newest_page_at = slot;
            self.heard.push(Heard::Again);
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { slot: 10, ..Self::default() }).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Act> {
        let outcome = prop_oneof![
            3 => Just(Outcome::Pass),
            6 => Just(Outcome::Fail),
            1 => Just(Outcome::ScriptFails),
            1 => Just(Outcome::Skipped),
        ];
        prop_oneof![
            12 => (0..REGIONS.len(), outcome).prop_map(|(region, outcome)| Act::Run { region, outcome }),
            2 => (0..REGIONS.len(), prop_oneof![Just(Outcome::Pass), Just(Outcome::Fail)])
                .prop_map(|(region, outcome)| Act::Confirm { region, outcome }),
            1 => Just(Act::Acknowledge),
            1 => Just(Act::SilenceBegins),
            2 => Just(Act::SilenceEnds),
            1 => Just(Act::ParentFails),
            1 => Just(Act::ParentPasses),
            3 => (1..40u64).prop_map(Act::Wait),
        ]
        .boxed()
    }

    fn apply(mut model: Self, act: &Act) -> Self {
        model.heard.clear();
        match act {
            Act::Run { region, outcome } => model.ran(*region, *outcome),
            Act::Confirm { region, outcome } => model.confirmed(*region, *outcome),
            Act::Acknowledge => {
                if let Some(open) = &mut model.open {
                    open.is_acknowledged = true;
                }
            }
            Act::SilenceBegins => model.is_silenced = true,
            Act::SilenceEnds if model.is_silenced => model.resume(),
            Act::SilenceEnds => {}
            Act::ParentFails => {
                model.slot += 1;
                model.parent_fails = true;
            }
            Act::ParentPasses => {
                model.slot += 1;
                if std::mem::take(&mut model.parent_fails) {
                    model.parent_passes_since = Some(model.slot);
                }
            }
            Act::Wait(slots) => {
                for _ in 0..*slots {
                    model.slot += 1;
                    model.time();
                }
            }
        }
        model.time();
        model
    }
}

/// The shipped state machine, driven as the decider drives it.
struct Real {
    ladder: Ladder,
    state: CheckState,
    parent: CheckState,
    hold: Option<Hold>,
    slot: u64,
    numbers: u64,
    heard: Vec<Heard>,
}

fn ladder() -> Ladder {
    let ada = Member { name: "Ada".to_owned(), phone: "+4915100000001".parse().unwrap(), email: None };
    let directory = Directory { teams: [("devops".to_owned(), vec![ada])].into(), ..Directory::default() };
    let mut policy = Policy::mission_default();
    policy.flapping = None;
    policy.repeat_every_ms = Some(REPEAT_EVERY * SLOT_MS);
    policy.rungs.push(Rung {
        label: "call".to_owned(),
        unacknowledged_after_ms: Some(CALL_AFTER * SLOT_MS),
        destinations: vec![Destination::VoiceTeam("devops".to_owned())],
        ..policy.rungs[1].clone()
    });
    policy.ladder("default", &directory).unwrap()
}

fn observed(region: usize, slot: u64, outcome: Outcome) -> Event {
    let at = START + slot * SLOT_MS;
    let failed = |class| {
        let (message, step, location, timings) = ("m".to_owned(), None, None, vec![]);
        Verdict::Failed(FailureBrief { class, message, step, location, at, duration_us: 1, timings })
    };
    let verdict = match outcome {
        Outcome::Pass => Verdict::Passed,
        Outcome::Fail => failed(FailureClass::Http),
        Outcome::ScriptFails => failed(FailureClass::Script),
        Outcome::Skipped => Verdict::Skipped,
    };
    Event::Observed(Observation { region: REGIONS[region].parse().unwrap(), slot: at, attempt: 0, at, verdict })
}

impl Real {
    fn now(&self) -> UnixMs {
        START + self.slot * SLOT_MS
    }

    fn apply(&mut self, event: &Event) {
        let (check, name): (CheckId, CheckId) = ("login".parse().unwrap(), "discovery".parse().unwrap());
        let parents = [Parent { check: &name, state: &self.parent }];
        let context = Context {
            now: self.now(),
            check: &check,
            watched: None,
            is_configured: false,
            ladder: &self.ladder,
            journal: "j",
            next_incident: self.numbers,
            hold: self.hold.as_ref(),
            parents: &parents,
            is_known: false,
        };
        let transition = step(std::mem::take(&mut self.state), event, &context);
        self.numbers += u64::from(matches!(transition.decision, Decision::Opened(_) | Decision::OpenedHeld));
        self.state = transition.state;
        let before = self.heard.len();
        for entry in &transition.trail {
            let heard = match entry.kind {
                TrailKind::Climbed if entry.text.starts_with("P2") => Heard::P2,
                TrailKind::Climbed if entry.text.starts_with("P1") => Heard::P1,
                TrailKind::Climbed => Heard::Call,
                TrailKind::Repeated => Heard::Again,
                TrailKind::Ended => Heard::End,
                _ => continue,
            };
            self.heard.push(heard);
        }
        let wakes = |heard: &Heard| matches!(heard, Heard::P1 | Heard::Call | Heard::Again);
        let has_page = transition.notifications.iter().any(|n| n.page);
        assert_eq!(has_page, self.heard[before..].iter().any(wakes), "{:?}", transition.notifications);
    }

    fn parent(&mut self, outcome: Outcome) {
        self.slot += 1;
        let (ladder, check) = (ladder(), "discovery".parse().unwrap());
        for region in 0..REGIONS.len() {
            let context = Context {
                now: self.now(),
                check: &check,
                watched: None,
                is_configured: false,
                ladder: &ladder,
                journal: "p",
                next_incident: 1,
                hold: None,
                parents: &[],
                is_known: false,
            };
            let event = observed(region, self.slot, outcome);
            self.parent = step(std::mem::take(&mut self.parent), &event, &context).state;
        }
    }

    fn time(&mut self) {
        while let Some(due) = due(&self.state, &self.ladder).filter(|due| due.at <= self.now()) {
            let before = self.heard.len();
            self.apply(&Event::Due { at: due.at });
            assert!(self.heard.len() > before, "what is due happens");
        }
    }
}

impl StateMachineTest for Real {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        Self {
            ladder: ladder(),
            state: CheckState::default(),
            parent: CheckState::default(),
            hold: None,
            slot: model.slot,
            numbers: 1,
            heard: Vec::new(),
        }
    }

    fn apply(mut real: Self, model: &Model, act: Act) -> Self {
        real.heard.clear();
        match act {
            Act::Run { region, outcome } => {
                real.slot += 1;
                let event = observed(region, real.slot, outcome);
                real.apply(&event);
            }
            Act::Confirm { region, outcome } => {
                let own = real.state.regions.get(&REGIONS[region].parse().unwrap());
                if let Some(mark) = own.and_then(|own| own.watermark) {
                    let slot = mark.slot.since_ms(START) / SLOT_MS;
                    let Event::Observed(observation) = observed(region, slot, outcome) else { unreachable!() };
                    real.apply(&Event::Observed(Observation { attempt: 1, ..observation }));
                }
            }
            Act::Acknowledge => {
                let incident = real.state.incident.as_ref().map_or(0, |open| open.number);
                real.apply(&Event::Acknowledged { incident, by: "Ada".to_owned(), via: Via::Api });
            }
            Act::SilenceBegins => {
                let (by, why) = ("Ada".to_owned(), String::new());
                real.hold = Some(Hold::Silenced { by, why, until: START + 1_000_000 * SLOT_MS });
                real.apply(&Event::Look);
            }
            Act::SilenceEnds => {
                real.hold = None;
                real.apply(&Event::Look);
            }
            Act::ParentFails => real.parent(Outcome::Fail),
            Act::ParentPasses => real.parent(Outcome::Pass),
            Act::Wait(slots) => {
                for _ in 0..slots {
                    real.slot += 1;
                    real.time();
                }
            }
        }
        real.time();
        // A silence that began before the incident is noticed by the next look, which changes nothing else.
        real.apply(&Event::Look);
        assert_eq!(real.heard, model.heard, "{:?}", real.state);
        assert_eq!(real.state.incident.is_some(), model.open.is_some());
        real
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_incident_lives_as_the_model_says(sequential 1..80 => Real);
}
