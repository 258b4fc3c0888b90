//! A check as the tests lead it through its life.

use alerting::incident::*;
use alerting::notification::{Address, Role};
use alerting::policy::{Destination, Directory, Ladder, Member, Policy, Rung};
use checks::{CheckId, FailureClass, Region, UnixMs};

pub const SLOT_MS: u64 = 30_000;
pub const START: UnixMs = UnixMs(1_795_466_400_000);

pub fn region(name: &str) -> Region {
    name.parse().unwrap()
}

pub const CALL_AFTER_MS: u64 = 600_000;
pub const REPEAT_EVERY_MS: u64 = 900_000;

pub fn ladder(rung_1: u32, recover_after: u32) -> Ladder {
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
pub struct Life {
    pub check: CheckId,
    pub ladder: Ladder,
    pub state: CheckState,
    pub slot: u64,
    pub next_incident: u64,
    pub hold: Option<Hold>,
    /// What it depends on.
    pub parent: Option<CheckState>,
}

impl Life {
    pub fn new(ladder: Ladder) -> Self {
        let state = CheckState::default();
        let check: CheckId = "login".parse().unwrap();
        Self { check, ladder, state, slot: 10, next_incident: 1, hold: None, parent: None }
    }

    pub fn now(&self) -> UnixMs {
        START + self.slot * SLOT_MS + 1000
    }

    pub fn apply(&mut self, event: &Event) -> Transition {
        let name: CheckId = "discovery".parse().unwrap();
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

    pub fn at_slot(&self, place: &str, slot: u64, verdict: Verdict) -> Event {
        let slot = START + slot * SLOT_MS;
        Event::Observed(Observation { region: region(place), slot, attempt: 0, at: slot + 1000, verdict })
    }

    pub fn next(&mut self, place: &str, verdict: Verdict) -> Transition {
        self.slot += 1;
        let event = self.at_slot(place, self.slot, verdict);
        self.apply(&event)
    }
}

pub fn failed(class: FailureClass) -> Verdict {
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

pub const HTTP: FailureClass = FailureClass::Http;

pub fn silence() -> Hold {
    let (by, why) = ("Ada".to_owned(), "known".to_owned());
    Hold::Silenced { by, why, until: START + 100 * SLOT_MS }
}

/// Applies the steps and returns every decision in short.
pub fn play(life: &mut Life, steps: &[(&str, Verdict)]) -> Vec<Decision> {
    steps.iter().map(|(place, verdict)| life.next(place, verdict.clone()).decision).collect()
}

pub fn pages(transition: &Transition) -> usize {
    transition.notifications.iter().filter(|n| n.page).count()
}

pub fn tell(transition: &Transition) -> String {
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
