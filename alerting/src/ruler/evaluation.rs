//! One group among those that are watched: when it is due, and its evaluation.

use super::view::{GroupView, RuleView};
use crate::recorder::Recorder;
use crate::rules::RunningGroup;
use std::time::{Duration, Instant};

/// What a rule may take; a rule that takes longer is one that cannot be evaluated.
const RULE_TIME_MAX: Duration = Duration::from_secs(10);

/// Names a group for ever, as in Prometheus: by its file and its name.
pub(super) fn group_key(path: &str, name: &str) -> String {
    format!("{path};{name}")
}

pub(super) struct WatchedGroup {
    pub path: String,
    pub key: String,
    pub running: RunningGroup,
    pub next_ms: i64,
    /// For each rule why its last evaluation failed.
    problems: Vec<Option<String>>,
    last_evaluation_ms: Option<i64>,
    took: Duration,
    pub failures: Vec<u64>,
    pub recordings_refused: u64,
}

/// An evaluation that should happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub at_ms: i64,
    /// Evaluations before it that did not happen.
    pub missed: u64,
}

pub(super) struct Evaluated {
    running: RunningGroup,
    problems: Vec<Option<String>>,
    recordings_refused: u64,
    took: Duration,
}

impl WatchedGroup {
    pub fn new(path: String, key: String, running: RunningGroup, now_ms: i64) -> Self {
        let rules = running.group().rules.len();
        Self {
            path,
            key,
            next_ms: running.next_after(now_ms),
            running,
            problems: vec![None; rules],
            last_evaluation_ms: None,
            took: Duration::ZERO,
            failures: vec![0; rules],
            recordings_refused: 0,
        }
    }

    /// The evaluation that is due, if one is. Of several that are, the newest: the others were missed. A clock that was
    /// set back is followed.
    pub fn due(&mut self, now_ms: i64) -> Option<Due> {
        let interval_ms = self.running.interval_ms();
        if self.next_ms > now_ms + interval_ms {
            self.next_ms = self.running.next_after(now_ms);
        }
        if self.next_ms > now_ms {
            return None;
        }
        let at_ms = self.running.next_after(now_ms - interval_ms);
        let missed = u64::try_from((at_ms - self.next_ms) / interval_ms).unwrap_or(0);
        self.next_ms = at_ms + interval_ms;
        Some(Due { at_ms, missed })
    }

    pub fn take(&mut self, evaluated: Evaluated, at_ms: i64) {
        let rules = &evaluated.running.group().rules;
        for (index, (now, before)) in evaluated.problems.iter().zip(&self.problems).enumerate() {
            if let Some(problem) = now {
                self.failures[index] += 1;
                if before.is_none() {
                    let rule = rules[index].name();
                    tracing::error!(group = %self.key, rule, "a rule cannot be evaluated: {problem}");
                }
            }
        }
        self.running = evaluated.running;
        self.problems = evaluated.problems;
        self.recordings_refused += evaluated.recordings_refused;
        self.took = evaluated.took;
        self.last_evaluation_ms = Some(at_ms);
    }

    pub fn view(&self) -> GroupView {
        let states = self.running.states();
        let rules = self.running.group().rules.iter().zip(states).zip(self.problems.iter().zip(&self.failures));
        GroupView {
            path: self.path.clone(),
            name: self.running.group().name.clone(),
            interval_ms: self.running.interval_ms(),
            last_evaluation_ms: self.last_evaluation_ms,
            took: self.took,
            recordings_refused: self.recordings_refused,
            rules: rules
                .map(|((rule, state), (problem, failures))| RuleView::of(rule, state, problem.clone(), *failures))
                .collect(),
        }
    }
}

/// Evaluates the rules in their order, each seeing what those before it recorded. Others may read and write between two
/// rules.
pub(super) fn evaluate(mut running: RunningGroup, recorder: &Recorder, at_ms: i64) -> Evaluated {
    let began = Instant::now();
    let count = running.group().rules.len();
    let (mut problems, mut recordings_refused) = (Vec::with_capacity(count), 0);
    for index in 0..count {
        let rule_began = Instant::now();
        let used_up = || rule_began.elapsed() > RULE_TIME_MAX;
        let outcome = recorder.ask(|store| running.evaluate(index, store, at_ms, &used_up));
        recordings_refused += (outcome.samples.len() - recorder.record(&outcome.samples)) as u64;
        problems.push(outcome.problem.map(|problem| problem.message));
    }
    Evaluated { running, problems, recordings_refused, took: began.elapsed() }
}
