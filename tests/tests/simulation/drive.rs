//! One seed from its first result to its last delivery: the shipped engine, in a world that fails.

use crate::chance::Chance;
use crate::invariants;
use crate::model::Model;
use crate::provider::{LAG_MS, Provider};
use crate::store::Store;
use crate::time::SimClock;
use crate::world::{Life, Shared, Weather, World};
use alerting::act::Via;
use alerting::journal::{IncidentFilter, Journal as _};
use alerting::notification::ChannelKind;
use alerting::outbox::DeliverySettings;
use alerting::policy::{Counts, Destination, Directory, Ladder, Ladders, Member, Policy, Rung};
use alerting::silence::{Matcher, Silence};
use alerting::{Alerting, AlertingSettings, Channels, Clock as _, RunAgain, Watched};
use checks::{
    CheckDefinition, CheckId, Failure, FailureClass, Outcome, Prober, Region, RunKey, RunResult, ScriptSource, UnixMs,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

const SLOT_EVERY_MS: u64 = 5_000;
const FALLBACK_AFTER_MS: u64 = 20_000;
const REPEAT_EVERY_MS: u64 = 25_000;
/// The rung that is climbed by time, and when.
pub const CALL: &str = "call";
pub const CALL_AFTER_MS: u64 = 12_000;
const CONFIRM_AFTER_MS: u64 = 1_000;
const SILENCE_MS: u64 = 18_000;
const DELIVERY: DeliverySettings = DeliverySettings {
    retry_first_ms: 1_000,
    retry_max_ms: 8_000,
    lag_ms_max: LAG_MS,
    give_up_after_ms: 10 * 24 * 3_600_000,
    lease_ms: 12_000,
    in_flight_max: 4,
};
/// Passing rounds after which every incident must have ended, and rests after which the outbox must be empty.
const ROUNDS_MAX: u32 = 1_500;
/// Times that anything is tried again in one instant; rates are a few in a hundred.
const TRIES_MAX: u32 = 1_000;

/// What a seed sets up.
#[derive(Debug)]
pub struct Setup {
    pub regions: Vec<Region>,
    pub has_jumps: bool,
    pub ladder: Ladder,
    slots: u64,
    processes: usize,
}

struct Process {
    alerting: Alerting,
    life: Arc<Life>,
    reruns: mpsc::Receiver<RunAgain>,
}

struct Simulation {
    world: Shared,
    setup: Setup,
    chance: Chance,
    model: Model,
    watched: Vec<Watched>,
    processes: Vec<Process>,
    /// By how much the clock went back, all steps together.
    back_ms: u64,
}

/// A result on its way, which may be late or come a second time.
struct Travelling {
    result: RunResult,
    released_in: u64,
}

/// What is wrong, and what happened until then.
#[derive(Debug)]
pub struct Failed {
    pub problems: Vec<String>,
    pub log: Vec<String>,
}

/// Runs one seed to its end, and returns what happened.
pub fn simulate(seed: u64) -> Result<Vec<String>, Failed> {
    let clock = SimClock::default();
    let idle = clock.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().on_thread_park(move || idle.advance()).build();
    let runtime = runtime.expect("a runtime without drivers starts");
    runtime.block_on(async {
        let mut simulation = Simulation::new(seed, clock);
        let verdict = simulation.run().await;
        let (mut problems, log) = {
            let mut state = simulation.world.state();
            (std::mem::take(&mut state.violations), std::mem::take(&mut state.log))
        };
        problems.extend(verdict.err());
        if problems.is_empty() {
            problems =
                invariants::check(&simulation.world, &simulation.model, &simulation.setup, DELIVERY.lease_ms).await;
        }
        if problems.is_empty() { Ok(log) } else { Err(Failed { problems, log }) }
    })
}

fn ladder(chance: &mut Chance, recover_after: u32) -> Ladder {
    let member = |n: u64| Member {
        name: format!("member-{n}"),
        phone: format!("+49151000000{n:02}").parse().expect("a valid number"),
        email: None,
    };
    let members = chance.between(1, 3);
    let directory =
        Directory { teams: [("devops".to_owned(), (0..members).map(member).collect())].into(), ..Directory::default() };
    // Either the mission's ladder, or one whose members are only texted where Slack does not take the page.
    let texted = chance.hits(700).then_some("devops");
    // Or one that comes back to its channel.
    let p1_channel = if chance.hits(200) { "#p2" } else { "#p1" };
    let mut policy = Policy {
        recover_after,
        fallback_team: chance.hits(500).then(|| "devops".to_owned()),
        fallback_after_ms: FALLBACK_AFTER_MS,
        flapping: None,
        ..Policy::mission("#p2", p1_channel, texted)
    };
    // What somebody writes who leaves `counts` out.
    if chance.hits(150) {
        policy.rungs[0].counts = Counts::TargetFailures;
    }
    policy.confirm_after_ms = chance.hits(300).then_some(CONFIRM_AFTER_MS);
    policy.repeat_every_ms = chance.hits(300).then_some(REPEAT_EVERY_MS);
    if chance.hits(400) {
        policy.rungs.push(Rung {
            label: CALL.to_owned(),
            unacknowledged_after_ms: Some(CALL_AFTER_MS),
            destinations: vec![Destination::VoiceTeam("devops".to_owned())],
            ..policy.rungs[1].clone()
        });
    }
    policy.ladder("default", &directory).expect("a valid policy")
}

fn definition(id: &CheckId) -> CheckDefinition {
    CheckDefinition {
        id: id.clone(),
        description: String::new(),
        schedule: "every 5s".to_owned(),
        time_zone: None,
        timeout_ms: 1_000,
        regions: Vec::new(),
        tags: Vec::new(),
        secrets: Vec::new(),
        reach: checks::Reach::default(),
        policy: None,
        depends_on: Vec::new(),
        runbook_url: None,
        script: ScriptSource { path: format!("{id}.check.js"), hash: String::new() },
    }
}

fn result(check: &CheckId, region: &Region, slot: UnixMs, outcome: Outcome) -> RunResult {
    RunResult {
        key: RunKey { check: check.clone(), region: region.clone(), slot, attempt: 0 },
        started_at: slot,
        duration_us: 80_000,
        outcome,
        steps: Vec::new(),
        requests: Vec::new(),
        console: Vec::new(),
        metrics: Vec::new(),
        dropped: Default::default(),
        script_hash: String::new(),
        prober: Prober { version: String::new() },
    }
}

fn failure(class: FailureClass) -> Outcome {
    let message = format!("simulated {class}");
    Outcome::Failed(Failure { class, message, step: None, location: None, stack: String::new(), soft: Vec::new() })
}

impl Simulation {
    fn new(seed: u64, clock: SimClock) -> Self {
        let mut chance = Chance::new(seed);
        let weather = Weather::draw(&mut chance);
        let recover_after = if chance.hits(250) { 2 } else { 1 };
        let regions = ["eu-west-1", "us-east-1", "ap-southeast-2"].map(|name| name.parse().expect("a valid region"));
        let processes = if chance.hits(200) { 2 } else { 1 };
        let setup = Setup {
            regions: regions[..chance.between(1, 3) as usize].to_vec(),
            // A lease between two processes is as good as the clock that both go by.
            has_jumps: processes == 1 && chance.hits(400),
            ladder: ladder(&mut chance, recover_after),
            slots: chance.between(6, 14),
            processes,
        };
        let watched = (0..chance.between(1, 3))
            .map(|n| format!("check-{n}").parse().expect("a valid id"))
            .map(|id| Watched { definition: definition(&id), regions: setup.regions.clone() })
            .collect();
        let world = Arc::new(World::new(clock, Chance::new(chance.bits()), weather));
        let lanes = setup.ladder.rungs.iter().flat_map(|rung| &rung.addresses).chain(&setup.ladder.fallback);
        for address in lanes {
            if chance.hits(60) {
                world.state().dead.insert(address.lane());
            }
        }
        world.state().is_alone = processes == 1;
        let model = Model::new(recover_after, !setup.ladder.rungs[0].wakes());
        Self { world, setup, chance, model, watched, processes: Vec::new(), back_ms: 0 }
    }

    async fn run(&mut self) -> Result<(), String> {
        for _ in 0..self.setup.processes {
            let process = self.start().await?;
            self.processes.push(process);
        }
        let mut sick: BTreeMap<(CheckId, Region), FailureClass> = BTreeMap::new();
        let mut travelling: Vec<Travelling> = Vec::new();
        let mut dark: BTreeMap<(CheckId, Region), u64> = BTreeMap::new();
        let mut removed: Option<Watched> = None;
        let removed_in = self.chance.hits(150).then(|| self.chance.below(self.setup.slots));
        for slot in 0..self.setup.slots {
            if removed_in == Some(slot) {
                let gone = self.watched.swap_remove(0);
                self.model.removed(&gone.definition.id, self.world.clock.now());
                self.world.state().removed.insert(gone.definition.id.clone());
                self.configure().await?;
                // By a clock that was set, what it did before cannot be told from what it does when it is back.
                removed = (!self.setup.has_jumps && self.chance.hits(500)).then_some(gone);
            } else if let Some(back) = removed.take_if(|_| self.chance.hits(500)) {
                self.world.log(|| format!("{} is back", back.definition.id));
                self.world.state().removed.remove(&back.definition.id);
                self.watched.push(back);
                self.configure().await?;
            }
            self.observe(slot, &mut sick, &mut dark, &mut travelling);
            let (mut due, later) = travelling.into_iter().partition::<Vec<_>, _>(|t| t.released_in <= slot);
            travelling = later;
            for last in (1..due.len()).rev() {
                due.swap(last, self.chance.below(last as u64 + 1) as usize);
            }
            self.offer(due.into_iter().map(|t| t.result).collect()).await?;
            self.confirm(slot, &sick, &mut travelling).await?;
            self.people().await?;
            self.rest(SLOT_EVERY_MS).await?;
            if self.setup.has_jumps && self.chance.hits(200) {
                self.jump(&mut travelling);
            }
        }
        self.world.state().is_calm = true;
        self.world.log(|| "calm".to_owned());
        let mut rounds = 0;
        // A stream that went silent has an incident that the model does not know; it ends once the stream is heard.
        while self.model.has_open() || self.is_anything_silent().await {
            let now = self.world.clock.now();
            let streams = self.watched.iter().flat_map(|w| w.regions.iter().map(|region| (&w.definition.id, region)));
            let passes = streams.map(|(check, region)| result(check, region, now, Outcome::Passed)).collect();
            self.offer(passes).await?;
            self.rest(SLOT_EVERY_MS).await?;
            rounds += 1;
            if rounds > ROUNDS_MAX {
                return Err("an incident never ends, even in the model".to_owned());
            }
        }
        let mut rests = 0;
        while self.world.journal.outbox_depth().await.unwrap_or(u64::MAX) > 0 {
            self.rest(SLOT_EVERY_MS).await?;
            rests += 1;
            if rests > ROUNDS_MAX {
                return Err(format!("the outbox never empties: {:?}", self.world.journal.outbox_depth().await));
            }
        }
        Ok(())
    }

    async fn is_anything_silent(&self) -> bool {
        let open = IncidentFilter { open_only: true, ..IncidentFilter::default() };
        let open = self.world.journal.incidents(open).await.unwrap_or_default();
        open.iter().any(|incident| incident.report.signal.is_some())
    }

    /// The results of one slot: some never arrive, some late, some twice.
    fn observe(
        &mut self,
        slot: u64,
        sick: &mut BTreeMap<(CheckId, Region), FailureClass>,
        dark: &mut BTreeMap<(CheckId, Region), u64>,
        travelling: &mut Vec<Travelling>,
    ) {
        let at = self.world.clock.now();
        let chance = &mut self.chance;
        let dark_region = chance.hits(60).then(|| chance.below(self.setup.regions.len() as u64) as usize);
        let dark_region = dark_region.map(|index| self.setup.regions[index].clone());
        for watched in &self.watched {
            for region in &watched.regions {
                let check = &watched.definition.id;
                let stream = (check.clone(), region.clone());
                if chance.hits(350) {
                    match sick.remove(&stream) {
                        Some(_) => {}
                        None => {
                            let classes = [FailureClass::Http, FailureClass::Http, FailureClass::NetworkTimeout];
                            let class = if chance.hits(150) { FailureClass::Script } else { chance.pick(&classes) };
                            sick.insert(stream.clone(), class);
                        }
                    }
                }
                if dark_region.as_ref() == Some(region) || chance.hits(25) {
                    dark.insert(stream.clone(), slot + chance.between(1, 5));
                }
                let is_dark = dark.get(&stream).is_some_and(|until| slot <= *until);
                let outcome = match sick.get(&stream) {
                    _ if is_dark || chance.hits(50) => {
                        Outcome::Missed { reason: "simulated".to_owned(), still_running: false }
                    }
                    Some(class) => failure(*class),
                    None => Outcome::Passed,
                };
                if chance.hits(50) {
                    continue;
                }
                let result = result(check, region, at, outcome);
                if chance.hits(100) {
                    let released_in = slot + chance.below(4);
                    travelling.push(Travelling { result: result.clone(), released_in });
                }
                let released_in = if chance.hits(100) { slot + chance.between(1, 3) } else { slot };
                travelling.push(Travelling { result, released_in });
            }
        }
    }

    /// Offers the results in batches, each again until it is taken.
    async fn offer(&mut self, results: Vec<RunResult>) -> Result<(), String> {
        let mut rest = results.as_slice();
        while !rest.is_empty() {
            let count = (self.chance.between(1, 6) as usize).min(rest.len());
            let (batch, later) = rest.split_at(count);
            rest = later;
            let now = self.world.clock.now();
            for result in batch {
                let is_watched = self.watched.iter().any(|w| w.definition.id == result.key.check);
                let failed = match &result.outcome {
                    Outcome::Missed { .. } | Outcome::Skipped { .. } => continue,
                    Outcome::Failed(failure) => Some(failure.class),
                    Outcome::Passed => None,
                };
                if is_watched {
                    self.model.ran(&result.key, failed, now);
                }
            }
            self.until_taken("accept", async |process| process.alerting.accept(batch.to_vec()).await.is_ok()).await?;
        }
        Ok(())
    }

    /// Makes the runs that would confirm a failure: at once or late, and some never.
    async fn confirm(
        &mut self,
        slot: u64,
        sick: &BTreeMap<(CheckId, Region), FailureClass>,
        travelling: &mut Vec<Travelling>,
    ) -> Result<(), String> {
        let mut asked: Vec<RunAgain> = Vec::new();
        for process in &mut self.processes {
            asked.extend(std::iter::from_fn(|| process.reruns.try_recv().ok()));
        }
        let mut at_once = Vec::new();
        for RunAgain { check, region, slot: of_slot, attempt, .. } in asked {
            let class = sick.get(&(check.clone(), region.clone())).filter(|_| self.chance.hits(600));
            let mut result = result(&check, &region, of_slot, class.map_or(Outcome::Passed, |class| failure(*class)));
            result.key.attempt = attempt;
            match self.chance.below(5) {
                0 => {}
                1 => travelling.push(Travelling { result, released_in: slot + self.chance.between(1, 3) }),
                _ => at_once.push(result),
            }
        }
        if at_once.is_empty() {
            return Ok(());
        }
        self.rest(CONFIRM_AFTER_MS).await?;
        self.offer(at_once).await
    }

    /// Somebody acknowledges, or silences a check.
    async fn people(&mut self) -> Result<(), String> {
        if self.chance.hits(150) {
            let filter = IncidentFilter { open_only: true, ..IncidentFilter::default() };
            let open = self.world.journal.incidents(filter).await.unwrap_or_default();
            if !open.is_empty() {
                let number = open[self.chance.below(open.len() as u64) as usize].number;
                self.until_taken("acknowledge", async |process| {
                    process.alerting.acknowledge(number, "Ada", Via::Slack).await.is_ok()
                })
                .await?;
            }
        }
        if self.chance.hits(60) && !self.watched.is_empty() {
            let check = self.watched[self.chance.below(self.watched.len() as u64) as usize].definition.id.clone();
            let until = self.world.clock.now() + SILENCE_MS;
            let (by, why) = ("Ada".to_owned(), "simulated".to_owned());
            let silence = Silence { matcher: Matcher::Check(check), until, by, why, is_maintenance: false, from: None };
            self.until_taken("silence", async |process| process.alerting.silence(silence.clone()).await.is_ok())
                .await?;
        }
        Ok(())
    }

    async fn configure(&mut self) -> Result<(), String> {
        for index in 0..self.processes.len() {
            let checks = self.watched.clone();
            let taken = {
                let Process { alerting, life, .. } = &self.processes[index];
                tokio::select! {
                    biased;
                    () = life.ended() => false,
                    taken = alerting.set_checks(checks) => taken.is_ok(),
                }
            };
            if !taken {
                // A process that starts is told of the checks.
                self.processes[index].life.end();
                self.processes[index] = self.start().await?;
            }
        }
        Ok(())
    }

    async fn until_taken(&mut self, what: &str, try_it: impl AsyncFn(&Process) -> bool) -> Result<(), String> {
        for _ in 0..TRIES_MAX {
            let index = self.chance.below(self.processes.len() as u64) as usize;
            let (is_taken, has_ended) = {
                let process = &self.processes[index];
                tokio::select! {
                    biased;
                    () = process.life.ended() => (false, true),
                    taken = try_it(process) => (taken, false),
                }
            };
            if has_ended {
                self.processes[index] = self.start().await?;
            }
            if is_taken {
                return Ok(());
            }
        }
        Err(format!("{what} is never taken"))
    }

    async fn start(&mut self) -> Result<Process, String> {
        for _ in 0..TRIES_MAX {
            let life = Arc::new(Life::default());
            let (world, is_shared) = (&self.world, self.setup.processes > 1);
            let store = Store { world: Arc::clone(world), life: Arc::clone(&life), is_shared };
            let is_steady = !self.setup.has_jumps;
            let provider = Arc::new(Provider { world: Arc::clone(world), life: Arc::clone(&life), is_steady });
            let settings = AlertingSettings {
                ladders: Ladders { default: self.setup.ladder.clone(), named: BTreeMap::new() },
                delivery: DELIVERY,
            };
            let (channels, clock) = (
                Channels::new(provider.clone(), provider.clone()).with(ChannelKind::Voice, provider),
                Arc::new(world.clock.clone()),
            );
            let checks = self.watched.clone();
            let opened = async {
                let alerting = Alerting::open_with_clock(settings, channels, Arc::new(store), clock).await.ok()?;
                alerting.set_checks(checks).await.ok()?;
                Some(alerting)
            };
            let alerting = tokio::select! {
                biased;
                () = life.ended() => None,
                alerting = opened => alerting,
            };
            match alerting {
                Some(alerting) => {
                    let reruns = alerting.reruns().expect("this is the only one who makes runs");
                    return Ok(Process { alerting, life, reruns });
                }
                None => life.end(),
            }
        }
        Err("no process starts".to_owned())
    }

    /// Lets time pass. A process that dies meanwhile is started again a little later.
    async fn rest(&mut self, ms: u64) -> Result<(), String> {
        let until_ms = self.world.clock.passed_ms() + ms;
        loop {
            let left_ms = until_ms.saturating_sub(self.world.clock.passed_ms());
            if left_ms == 0 {
                return Ok(());
            }
            let dead = {
                let (first, last) = (&self.processes[0], &self.processes[self.processes.len() - 1]);
                tokio::select! {
                    biased;
                    () = first.life.ended() => Some(0),
                    () = last.life.ended(), if self.processes.len() > 1 => Some(1),
                    () = self.world.clock.after(left_ms) => None,
                }
            };
            if let Some(index) = dead {
                self.world.clock.after(self.chance.below(3_000)).await;
                self.processes[index] = self.start().await?;
            }
        }
    }

    fn jump(&mut self, travelling: &mut Vec<Travelling>) {
        let by_ms = match self.chance.below(4) {
            0 => i64::try_from(self.chance.between(1_000, 3_600_000)).expect("an hour fits"),
            1 => i64::try_from(self.chance.between(1_000, 30_000)).expect("half a minute fits"),
            2 => -i64::try_from(self.chance.between(1_000, 40_000)).expect("40 s fit"),
            _ => -i64::try_from(self.chance.between(61_000, 300_000)).expect("five minutes fit"),
        };
        self.back_ms += by_ms.min(0).unsigned_abs();
        if by_ms < 0 && self.back_ms > 60_000 {
            // Slots of a clock that was far ahead cannot be told from new ones, nor, after a second step, a run that was
            // late from one that was not heard; the schedule offers none of them again.
            travelling.clear();
        }
        self.world.log(|| format!("the clock jumps by {by_ms} ms"));
        self.world.clock.jump(by_ms);
    }
}
