//! The loop that runs checks: the planner decides what is due, this starts it.

use super::attribution::Attribution;
use super::board::Board;
use super::remembered::Remembered;
use super::unloadable;
use crate::catalogue::{self, Catalogue, Check};
use crate::config::Settings;
use crate::sandboxing::Regions;
use alerting::{Alerting, Decision, RunAgain, Watched};
use checks::{CheckId, Dropped, Failure, FailureClass, Outcome, Prober, RunKey, RunResult, UnixMs};
use probes::sandbox::Sandbox;
use probes::schedule::{Planned, Planner, PlannerSettings};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};

/// The clock is looked at this often at least, so that a step of it is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// How long runs may go on after a signal.
const RUNS_DRAIN_MAX: Duration = Duration::from_secs(15);
/// A clock that goes back by more is worth a word.
const CLOCK_BEHIND_MS: u64 = 2_000;
/// How long between two offers of a result that the journal did not take.
const OFFER_AGAIN_FIRST: Duration = Duration::from_millis(100);
const OFFER_AGAIN_MAX: Duration = Duration::from_secs(5);

pub(super) struct Watch {
    planner: Planner,
    checks: BTreeMap<CheckId, Arc<Check>>,
    regions: Regions,
    sandbox: Arc<Sandbox>,
    attribution: Arc<Attribution>,
    alerting: Arc<Alerting>,
    board: Arc<Board>,
    remembered: Remembered,
    /// Each ends when its result is durable.
    runs: JoinSet<()>,
    keys: HashMap<Id, RunKey>,
    /// Runs that would confirm a failure.
    reruns: mpsc::Receiver<RunAgain>,
    clock_was_behind: bool,
}

impl Watch {
    pub(super) fn new(
        sandbox: Arc<Sandbox>,
        attribution: Arc<Attribution>,
        alerting: Arc<Alerting>,
        board: Arc<Board>,
        settings: &Settings,
    ) -> Self {
        let concurrency_max = settings.sandbox.runs_in_flight_max;
        let reruns = alerting.reruns().expect("this is the only one who makes runs");
        Self {
            reruns,
            planner: Planner::new(PlannerSettings { concurrency_max, ..PlannerSettings::default() }),
            checks: BTreeMap::new(),
            regions: Regions::new(settings),
            sandbox,
            attribution,
            alerting,
            board,
            remembered: Remembered::open(&settings.data_dir),
            runs: JoinSet::new(),
            keys: HashMap::new(),
            clock_was_behind: false,
        }
    }

    /// Watches these checks from now on. Where they name each other, or are named, in a way that cannot be, the former
    /// ones go on.
    pub(super) async fn follow(&mut self, settings: &Settings, mut catalogue: Catalogue) -> anyhow::Result<()> {
        let scripts_unread = self.keep_former(&mut catalogue);
        let misnamed = catalogue::misnamed(settings, &catalogue.checks);
        if let Some(refusal) = catalogue::refusal(&misnamed, scripts_unread) {
            self.board.refuse(&catalogue.refused, &misnamed);
            anyhow::bail!("{refusal}");
        }
        misnamed.iter().for_each(|problem| tracing::error!("{problem}"));
        let watched = |check: &Check| Watched { definition: check.definition.clone(), regions: check.regions.clone() };
        let mut all: Vec<Watched> = catalogue.checks.iter().map(watched).collect();
        let unloadable = self.unloadable(settings, &catalogue, &mut all);
        self.alerting.set_checks(all).await?;
        if !unloadable.is_empty() {
            accept(Arc::clone(&self.alerting), Arc::clone(&self.board), unloadable).await;
        }
        self.remembered.follow(&catalogue.checks, &catalogue.refused);
        self.plan(&catalogue.checks);
        self.checks =
            catalogue.checks.iter().map(|check| (check.definition.id.clone(), Arc::new(check.clone()))).collect();
        self.board.follow(catalogue.checks);
        self.board.refuse(&catalogue.refused, &misnamed);
        Ok(())
    }

    /// A script that was fine before and is refused now keeps its former version: a slip of the pen must not end the
    /// watch. Returns how many have none.
    fn keep_former(&self, catalogue: &mut Catalogue) -> usize {
        let mut unread = 0;
        for error in &catalogue.refused {
            tracing::error!("refused: {error}");
            let former = self.checks.values().find(|check| check.bundle.path == error.file);
            let is_taken = |id: &CheckId| catalogue.checks.iter().any(|check| check.definition.id == *id);
            if let Some(former) = former.filter(|former| !is_taken(&former.definition.id)) {
                tracing::warn!(check = %former.definition.id, "its former version goes on");
                catalogue.checks.push(former.as_ref().clone());
            } else {
                unread += 1;
            }
        }
        catalogue.checks.sort_by(|a, b| a.definition.id.cmp(&b.definition.id));
        unread
    }

    /// The results of the scripts that do not load and have no former version, whose checks are added to `watched`.
    fn unloadable(&self, settings: &Settings, catalogue: &Catalogue, watched: &mut Vec<Watched>) -> Vec<RunResult> {
        let mut results = Vec::new();
        for error in &catalogue.refused {
            let remembered = self.remembered.check(error, settings);
            let Some(check) = remembered.or_else(|| unloadable::check(error, self.regions.names())) else { continue };
            let (id, region) = (&check.definition.id, &check.regions[0]);
            if watched.iter().any(|other| other.definition.id == *id || other.definition.script.path == error.file) {
                continue;
            }
            let key = RunKey { check: id.clone(), region: region.clone(), slot: UnixMs::now(), attempt: 0 };
            results.push(result(key, Outcome::Failed(unloadable::failure(error))));
            watched.push(check);
        }
        results
    }

    fn plan(&mut self, checks: &[Check]) {
        let streams = |check: &Check| {
            let id = check.definition.id.clone();
            check.regions.clone().into_iter().map(move |region| (id.clone(), region))
        };
        let kept: BTreeSet<_> = checks.iter().flat_map(streams).collect();
        for (check, region) in self.checks.values().flat_map(|check| streams(check)) {
            if !kept.contains(&(check.clone(), region.clone())) {
                self.planner.remove(&check, &region);
            }
        }
        let now = UnixMs::now();
        for check in checks {
            for region in &check.regions {
                let definition = &check.definition;
                self.planner.upsert(&definition.id, region, check.schedule.clone(), definition.timeout_ms, now);
            }
        }
    }

    /// Runs what is due until `until` is ready. May be called again: nothing is lost in between.
    pub(super) async fn run_until<T>(&mut self, until: impl Future<Output = T>) -> T {
        tokio::pin!(until);
        loop {
            let now = UnixMs::now();
            self.board.scheduled();
            self.start_due(now);
            let pause = self.planner.next_wake(now).map_or(SLEEP_MAX, |at| Duration::from_millis(at.since_ms(now)));
            tokio::select! {
                ended = &mut until => return ended,
                Some(ended) = self.runs.join_next_with_id() => self.ended(ended),
                Some(rerun) = self.reruns.recv() => {
                    let RunAgain { check, region, slot, attempt, after_ms } = rerun;
                    self.planner.run_again(RunKey { check, region, slot, attempt }, UnixMs::now() + after_ms);
                }
                () = tokio::time::sleep(pause.min(SLEEP_MAX)) => {}
            }
        }
    }

    /// Starts nothing more, and waits for what runs. What does not end in time is given up; a run that was stopped
    /// says nothing about its target, and has no result.
    pub(super) async fn drain(&mut self) {
        let all = async { while self.runs.join_next().await.is_some() {} };
        if tokio::time::timeout(RUNS_DRAIN_MAX, all).await.is_err() {
            tracing::warn!(runs = self.runs.len(), "runs did not end in time and are given up");
            self.runs.shutdown().await;
        }
    }

    fn start_due(&mut self, now: UnixMs) {
        let behind_ms = self.planner.clock_behind_ms(now);
        let behind = behind_ms > CLOCK_BEHIND_MS;
        if behind && !self.clock_was_behind {
            tracing::warn!(behind_ms, "the clock went back");
        }
        self.clock_was_behind = behind;
        let mut missed = Vec::new();
        for planned in self.planner.due(now) {
            match planned {
                Planned::Start(key) => self.start(key),
                Planned::Missed { key, reason } => {
                    // Where one slot is missed for a reason, many are: the log names the first, the history all.
                    if missed.is_empty() {
                        tracing::warn!(check = %key.check, region = %key.region, slot = %key.slot, "slot missed: {reason}");
                    }
                    let still_running = reason.is_run_going_on();
                    missed.push(result(key, Outcome::Missed { reason: reason.to_string(), still_running }));
                }
            }
        }
        if missed.len() > 1 {
            tracing::warn!(slots = missed.len() - 1, "more slots missed");
        }
        if !missed.is_empty() {
            self.runs.spawn(accept(Arc::clone(&self.alerting), Arc::clone(&self.board), missed));
        }
    }

    fn start(&mut self, key: RunKey) {
        let order = self.checks.get(&key.check).and_then(|check| self.regions.order(check, key.clone()));
        let Some(order) = order else {
            // The planner is told of a removal before the checks change, so that this is a check between the two.
            self.planner.finished(&key);
            return;
        };
        let (sandbox, alerting, board) =
            (Arc::clone(&self.sandbox), Arc::clone(&self.alerting), Arc::clone(&self.board));
        let attribution = Arc::clone(&self.attribution);
        let run = self.runs.spawn(async move {
            let result = attribution.attribute(sandbox.run(order).await).await;
            accept(alerting, board, vec![result]).await;
        });
        self.keys.insert(run.id(), key);
    }

    fn ended(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let (id, panicked) = match ended {
            Ok((id, ())) => (id, None),
            Err(error) => (error.id(), Some(error.to_string())),
        };
        // Tasks that only hand over missed slots have no key.
        let Some(key) = self.keys.remove(&id) else { return };
        self.planner.finished(&key);
        if let Some(message) = panicked {
            tracing::error!(%key, %message, "a run could not be made");
            let failure = Failure {
                class: FailureClass::Prober,
                message: format!("the run could not be made: {message}"),
                step: None,
                location: None,
                stack: String::new(),
                soft: Vec::new(),
            };
            let result = result(key, Outcome::Failed(failure));
            self.runs.spawn(accept(Arc::clone(&self.alerting), Arc::clone(&self.board), vec![result]));
        }
    }
}

/// A result without a run.
fn result(key: RunKey, outcome: Outcome) -> RunResult {
    RunResult {
        key,
        started_at: UnixMs::now(),
        duration_us: 0,
        outcome,
        steps: Vec::new(),
        requests: Vec::new(),
        console: Vec::new(),
        metrics: Vec::new(),
        dropped: Dropped::default(),
        script_hash: String::new(),
        prober: Prober { version: env!("CARGO_PKG_VERSION").to_owned() },
    }
}

/// Offers results until they are durable. While the journal takes none, the run keeps its place, so that no more
/// results pile up than runs may go on at once.
async fn accept(alerting: Arc<Alerting>, board: Arc<Board>, results: Vec<RunResult>) {
    let mut pause = OFFER_AGAIN_FIRST;
    let decisions = loop {
        match alerting.accept(results.clone()).await {
            Ok(decisions) => break decisions,
            Err(alerting::AlertingError::Closed) => return,
            Err(error) => {
                tracing::error!(%error, results = results.len(), "results are not taken; they are offered again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(OFFER_AGAIN_MAX);
            }
        }
    };
    for (result, decision) in results.iter().zip(decisions) {
        board.record(result);
        say(result, &decision);
    }
}

/// A failure and what follows from it is worth a line; what passes is not.
fn say(result: &RunResult, decision: &Decision) {
    let RunKey { check, region, .. } = &result.key;
    if let Some(failure) = result.failure() {
        let message = failure.message.lines().next().unwrap_or_default();
        tracing::warn!(%check, %region, class = %failure.class, "failed: {message}");
    } else {
        tracing::debug!(%check, %region, duration_us = result.duration_us, "passed");
    }
    match decision {
        Decision::Opened(reason) => tracing::warn!(%check, "incident opened: {reason}"),
        Decision::Climbed(reason) => tracing::error!(%check, "incident escalated: {reason}"),
        Decision::OpenedHeld => tracing::warn!(%check, "incident opened, and nobody is told for now"),
        Decision::Recovered => tracing::info!(%check, "incident recovered"),
        _ => {}
    }
}
