//! The ruler: rule files, evaluated at their times while the process runs, and what follows from them.
//!
//! `files -> groups -> evaluation over the recorder -> series of recordings, alerts -> signals -> incidents`. What a rule is
//! and what an evaluation does is in [`crate::rules`], which is pure; this is the shell around it: a task, a clock, a file.
//!
//! Whoever is told is told by comparison, not by event ([`told`]): after each evaluation, what fires is held against what has
//! been signalled, and the difference is signalled, made durable by the receiver, and only then remembered. A crash in
//! between signals again, and the same signal twice is one incident.
//!
//! Guarantees:
//! - A `for` that was half run, and an alert that fires, survive a restart and a reload ([`state_file`]).
//! - A rule that cannot be evaluated leaves its alerts as they are, and is shown and counted: no answer is not "all is well".
//! - An evaluation that did not happen in its time is not made up for; it is counted.
//! - A file that can no longer be read, or is no longer valid, keeps its former rules, and is shown. At a start there are no
//!   former rules: what was signalled for them stays signalled.
//! - After a time in which nobody looked, what fired before is not called resolved until the data has had time to speak.

mod evaluation;
mod state_file;
mod told;
mod view;

use crate::clock::Clock;
use crate::engine::{Alerting, AlertingError};
use crate::recorder::Recorder;
use crate::rules::group::GroupState;
use crate::rules::{GroupSettings, RuleFile, RunningGroup};
use crate::signal::Signal;
use async_trait::async_trait;
use evaluation::{WatchedGroup, evaluate};
use state_file::{Saved, StateFile};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use told::Told;

pub use state_file::StateFileError;
pub use view::{AlertView, GroupView, RuleKind, RuleView, RulerCounters, RulerView, SharedView};

/// The clock is looked at this often at least, so that a step of it is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// A shorter time without an evaluation is a restart like any other.
const BLIND_MS_MAX: i64 = 60_000;
/// How long the data then has to speak: as long as a selector looks back.
const SETTLES_MS: i64 = 300_000;

/// Takes what fires and what no longer does. Durable when it returns.
#[async_trait]
pub trait SignalSink: Send + Sync + 'static {
    async fn signal(&self, signals: Vec<Signal>) -> Result<(), AlertingError>;
}

#[async_trait]
impl SignalSink for Alerting {
    async fn signal(&self, signals: Vec<Signal>) -> Result<(), AlertingError> {
        Self::signal(self, signals).await.map(drop)
    }
}

#[derive(Debug, Clone)]
pub struct RulerSettings {
    pub state_file: PathBuf,
    pub group: GroupSettings,
}

/// A rule file, or why there is none.
#[derive(Debug, Clone)]
pub struct RuleSource {
    pub path: String,
    pub read: Result<RuleFile, String>,
}

/// What the running ruler is asked for.
pub enum RulerOrder {
    /// These are the files from now on. Answered when the groups are in force.
    Follow(Vec<RuleSource>, oneshot::Sender<()>),
    Stop,
}

pub struct Ruler {
    settings: RulerSettings,
    recorder: Arc<Recorder>,
    alarm: Arc<dyn SignalSink>,
    clock: Arc<dyn Clock>,
    state_file: StateFile,
    groups: Vec<WatchedGroup>,
    told: Told,
    /// States of groups whose file cannot be read, by the group's key.
    kept: BTreeMap<String, GroupState>,
    /// Alerts that fired before a time in which nobody looked, and until when they are not called resolved.
    settling: (BTreeSet<String>, i64),
    /// What the file holds; where nothing is pending or fires, it stays as it is.
    saved: Saved,
    view: SharedView,
    signals_fail: bool,
}

impl Ruler {
    /// Takes up the state of the process before this one. Rules come with [`RulerOrder::Follow`].
    ///
    /// # Errors
    /// The state file cannot be read. One that holds something else is set aside, and the view says so.
    pub fn open(
        settings: RulerSettings,
        recorder: Arc<Recorder>,
        alarm: Arc<dyn SignalSink>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StateFileError> {
        let state_file = StateFile(settings.state_file.clone());
        let (saved, problem) = state_file.read()?;
        let now_ms = clock.now().0;
        let blind = now_ms - saved.saved_at_ms > BLIND_MS_MAX;
        let settling = if blind { (saved.told.keys(), now_ms + SETTLES_MS) } else { Default::default() };
        let view = SharedView::default();
        view.change(|view| view.problems.extend(problem));
        Ok(Self {
            settings,
            recorder,
            alarm,
            clock,
            state_file,
            groups: Vec::new(),
            told: saved.told.clone(),
            kept: saved.groups.clone(),
            saved,
            settling,
            view,
            signals_fail: false,
        })
    }

    pub fn view(&self) -> SharedView {
        self.view.clone()
    }

    /// Evaluates what is due, until it is told to stop or nobody can tell it anything any more.
    pub async fn run(mut self, mut orders: mpsc::Receiver<RulerOrder>) {
        loop {
            let pause = self.work().await;
            let clock = Arc::clone(&self.clock);
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(RulerOrder::Follow(sources, done)) => {
                        self.follow(sources);
                        // Nobody waits for it any more: that changes nothing.
                        let _ = done.send(());
                    }
                    Some(RulerOrder::Stop) | None => return,
                },
                () = clock.sleep(pause) => {}
            }
        }
    }

    /// These are the rules from now on. What was half run goes on; what is gone is resolved by the next comparison.
    pub fn follow(&mut self, sources: Vec<RuleSource>) {
        let now_ms = self.clock.now().0;
        let mut former = std::mem::take(&mut self.groups);
        let mut states = std::mem::take(&mut self.kept);
        let mut problems = Vec::new();
        let mut groups = Vec::new();
        for source in sources {
            let file = match source.read {
                Ok(file) => file,
                Err(problem) => {
                    tracing::error!("rules are refused: {problem}");
                    let (own, others) = former.into_iter().partition(|group| group.path == source.path);
                    former = others;
                    let goes_on = if Vec::is_empty(&own) { "" } else { "; its former rules go on" };
                    problems.push(format!("{problem}{goes_on}"));
                    groups.extend(own);
                    let prefix = evaluation::group_key(&source.path, "");
                    let of_file = states.iter().filter(|(key, _)| key.starts_with(&prefix));
                    self.kept.extend(of_file.map(|(key, state)| (key.clone(), state.clone())));
                    continue;
                }
            };
            for group in file.groups {
                let key = evaluation::group_key(&source.path, &group.name);
                let running = former.iter().find(|former| former.key == key);
                let state = running.map(|former| former.running.state()).or_else(|| states.remove(&key));
                let mut running = RunningGroup::new(group, self.settings.group.clone());
                if let Some(state) = state {
                    // What no longer has a rule is found by comparison.
                    running.restore(state, now_ms);
                }
                groups.push(WatchedGroup::new(source.path.clone(), key, running, now_ms));
            }
        }
        self.groups = groups;
        let views = self.groups.iter().map(WatchedGroup::view).collect();
        self.view.change(|view| (view.groups, view.problems) = (views, problems));
    }

    /// Evaluates the groups that are due, signals what changed, and saves. Returns how long nothing is due.
    pub async fn work(&mut self) -> Duration {
        let now_ms = self.clock.now().0;
        for index in 0..self.groups.len() {
            let Some(due) = self.groups[index].due(now_ms) else { continue };
            self.view.change(|view| view.counters.evaluations_missed += due.missed);
            self.evaluate(index, due.at_ms).await;
        }
        self.signal(now_ms).await;
        self.save(now_ms).await;
        let now_ms = self.clock.now().0;
        let next_ms = self.groups.iter().map(|group| group.next_ms).min().unwrap_or(i64::MAX);
        let pause = Duration::from_millis(u64::try_from(next_ms.saturating_sub(now_ms)).unwrap_or(0));
        pause.clamp(Duration::from_millis(1), SLEEP_MAX)
    }

    async fn evaluate(&mut self, index: usize, at_ms: i64) {
        let recorder = Arc::clone(&self.recorder);
        let running = self.groups[index].running.clone();
        let evaluated = tokio::task::spawn_blocking(move || evaluate(running, &recorder, at_ms)).await;
        let group = &mut self.groups[index];
        match evaluated {
            Ok(evaluated) => {
                group.take(evaluated, at_ms);
                let view = group.view();
                self.view.change(|all| all.evaluated(index, view));
            }
            Err(error) => {
                tracing::error!(group = %group.key, %error, "a group of rules could not be evaluated");
                self.view.change(|view| view.counters.evaluation_failures += 1);
            }
        }
    }

    /// Signals the difference between what fires and what was signalled.
    async fn signal(&mut self, now_ms: i64) {
        let firing = told::firing(self.groups.iter().flat_map(|group| group.running.alerts()));
        let kept = told::firing_keys(self.kept.values());
        let (settling, until_ms) = &self.settling;
        let stays = |key: &str| kept.contains(key) || now_ms < *until_ms && settling.contains(key);
        let changes = self.told.changes(&firing, stays);
        if changes.is_empty() {
            return;
        }
        let signals: Vec<Signal> = changes.signals(now_ms);
        match self.alarm.signal(signals).await {
            Ok(()) => {
                self.told.apply(changes);
                self.signals_fail = false;
            }
            Err(error) => {
                self.view.change(|view| view.counters.signals_refused += 1);
                if !std::mem::replace(&mut self.signals_fail, true) {
                    tracing::error!(%error, "alerts of rules are not taken; they are offered again");
                }
            }
        }
    }

    async fn save(&mut self, now_ms: i64) {
        let mut groups: BTreeMap<String, GroupState> = self.kept.clone();
        let states = self.groups.iter().map(|group| (group.key.clone(), group.running.state()));
        groups.extend(states.filter(|(_, state)| !state.rules.is_empty()));
        if (&groups, &self.told) == (&self.saved.groups, &self.saved.told) {
            return;
        }
        let saved = Saved { saved_at_ms: now_ms, groups, told: self.told.clone() };
        self.saved = saved.clone();
        let state_file = self.state_file.clone();
        let written = tokio::task::spawn_blocking(move || state_file.write(&saved)).await;
        let problem = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        let changed = self.view.change(|view| std::mem::replace(&mut view.state_problem, problem.clone()) != problem);
        if problem.is_some() {
            // Tried again after the next evaluation, whatever it says.
            self.saved = Saved::default();
        }
        if let Some(problem) = problem.filter(|_| changed) {
            tracing::error!("{problem}");
        }
    }
}
