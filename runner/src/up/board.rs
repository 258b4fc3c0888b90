//! What the pages show of the watch itself, kept in memory: the checks, their last runs, and what was refused.
//! Incidents and notifications are read from the journal.

use super::metrics::Metrics;
use super::own_metrics::OwnMetrics;
use crate::catalogue::{Check, Misnamed};
use crate::config::Settings;
use alerting::Alerting;
use alerting::journal::{ResultSummary, Verdict as Summarised};
use alerting::statsd::Problem;
use alerting::statsd::aggregate::ProblemLines;
use checks::{CheckId, FailureClass, Region, RunResult, UnixMs};
use dashboards::model::{BrokenScript, Cell, CheckRow, MetricProblem, MetricProblems, RunBrief, Verdict};
use probes::script::ScriptError;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Runs of one check in one region that the grid shows.
const RECENT_RUNS_MAX: usize = 20;
/// The grid shows one line of a message.
const MESSAGE_CHARACTERS_MAX: usize = 200;
/// Checks whose last runs are read from the journal at start; the runs of more of them come back as they run.
const REMEMBERED_CHECKS_MAX: usize = 200;

pub(super) struct Board {
    pub started_at: UnixMs,
    pub regions: Vec<Region>,
    pub notices: Vec<String>,
    metrics: Arc<Metrics>,
    facts: Mutex<Facts>,
    scheduled_at: Mutex<Instant>,
}

#[derive(Default)]
struct Facts {
    checks: Vec<Check>,
    refused: Vec<BrokenScript>,
    recent: HashMap<(CheckId, Region), VecDeque<RunBrief>>,
    newest_result_at: Option<UnixMs>,
}

impl Board {
    pub(super) fn new(settings: &Settings, notices: Vec<String>, metrics: Arc<Metrics>) -> Self {
        let regions = settings.regions.iter().map(|region| region.name.clone()).collect();
        Self {
            started_at: UnixMs::now(),
            regions,
            notices,
            metrics,
            facts: Mutex::default(),
            scheduled_at: Mutex::new(Instant::now()),
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        // The facts are values that are replaced whole: a panic elsewhere leaves none half written.
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The schedule has been looked at.
    pub(super) fn scheduled(&self) {
        *self.scheduled_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn schedule_still_for(&self) -> Duration {
        self.scheduled_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// One line for each thing that a person at the terminal should know.
    pub(super) fn announce(&self, address: SocketAddr) {
        for notice in &self.notices {
            tracing::warn!("{notice}");
        }
        let facts = self.facts();
        let (checks, regions) = (facts.checks.len(), self.regions.len());
        tracing::info!(checks, regions, "watching; status page at http://{address}/");
    }

    pub(super) fn follow(&self, checks: Vec<Check>) {
        let is_watched = |id: &CheckId, region: &Region| {
            checks.iter().any(|check| check.definition.id == *id && check.regions.contains(region))
        };
        self.metrics.retain(is_watched);
        let mut facts = self.facts();
        let facts = &mut *facts;
        facts.recent.retain(|(id, region), _| is_watched(id, region));
        facts.checks = checks;
    }

    /// Scripts that are refused, and what is wrong with how checks are named: whatever was read last, followed or not.
    pub(super) fn refuse(&self, scripts: &[ScriptError], misnamed: &[Misnamed]) {
        let named = |problem: &Misnamed| BrokenScript {
            place: problem.place.clone(),
            message: problem.message.clone(),
            help: None,
        };
        self.facts().refused = scripts.iter().map(broken).chain(misnamed.iter().map(named)).collect();
    }

    pub(super) fn record(&self, result: &RunResult) {
        self.metrics.record(result);
        let mut brief = RunBrief::from(result);
        shorten(&mut brief.verdict);
        let mut facts = self.facts();
        // A run that was skipped was made: the prober is alive.
        if !matches!(brief.verdict, Verdict::Missed { .. }) {
            let ended_at = brief.started_at + brief.duration_us / 1_000;
            facts.newest_result_at = facts.newest_result_at.max(Some(ended_at));
        }
        let recent = facts.recent.entry((result.key.check.clone(), result.key.region.clone())).or_default();
        recent.push_front(brief);
        recent.truncate(RECENT_RUNS_MAX);
    }

    /// Takes up what the process before this one saw.
    pub(super) async fn remember(&self, alerting: &Alerting) {
        let latest = match alerting.latest_results().await {
            Ok(latest) => latest,
            Err(error) => {
                tracing::warn!(%error, "the last results cannot be read; the pages start empty");
                return;
            }
        };
        let mut checks: Vec<&CheckId> = latest.iter().map(|summary| &summary.key.check).collect();
        checks.sort();
        checks.dedup();
        let regions = self.regions.len().max(1);
        for check in checks.into_iter().take(REMEMBERED_CHECKS_MAX) {
            let summaries = alerting.recent_results(check, None, RECENT_RUNS_MAX * regions).await.unwrap_or_default();
            let mut facts = self.facts();
            for summary in summaries {
                let recent = facts.recent.entry((check.clone(), summary.key.region.clone())).or_default();
                if recent.len() < RECENT_RUNS_MAX {
                    recent.push_back(remembered(&summary));
                }
            }
        }
        let newest = latest.iter().filter(|summary| summary.verdict != Summarised::Missed);
        self.facts().newest_result_at = newest.map(|summary| summary.started_at + summary.duration_us / 1_000).max();
    }

    /// What is wrong with the metrics that programs send, the most frequent first.
    pub(super) fn metric_problems(&self) -> MetricProblems {
        let (Some((problems, counters)), Some((udp, tcp))) = (self.metrics.problems(), self.metrics.addresses()) else {
            return MetricProblems::default();
        };
        let problem = |(problem, lines): (Problem, &ProblemLines)| MetricProblem {
            reason: problem.to_string(),
            count: lines.count,
            lines: lines.lines.iter().cloned().collect(),
        };
        let mut problems: Vec<MetricProblem> = problems.iter().map(problem).collect();
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.count));
        let refusals = counters.refusals;
        let dropped = [
            ("packets that came faster than they were read", counters.packets_lost),
            ("events and service checks that came faster than they were read", counters.notices_dropped),
            ("events and service checks that were too many", self.metrics.unheard.load(Ordering::Relaxed)),
            ("TCP connections over the bound", counters.connections_refused),
            ("tags over `tags_max`", refusals.tags_left_out),
            ("members of sets over `set_members_max`", refusals.set_members),
            ("idle series that made place for new ones", refusals.series_evicted),
            (
                "lines of Tocsin's own metrics that were not sent",
                self.metrics.own.as_ref().map_or(0, OwnMetrics::dropped),
            ),
        ];
        MetricProblems {
            listening: format!("UDP {udp}, TCP {tcp}"),
            values: counters.values,
            problems,
            dropped: dropped.into_iter().filter(|(_, n)| *n > 0).map(|(what, n)| (what.to_owned(), n)).collect(),
        }
    }

    pub(super) fn newest_result_at(&self) -> Option<UnixMs> {
        self.facts().newest_result_at
    }

    pub(super) fn refused(&self) -> Vec<BrokenScript> {
        self.facts().refused.clone()
    }

    /// The grid, without what only the journal knows.
    pub(super) fn rows(&self) -> Vec<CheckRow> {
        let facts = self.facts();
        facts.checks.iter().map(|check| facts.row(check)).collect()
    }

    pub(super) fn check(&self, id: &CheckId) -> Option<(Check, CheckRow)> {
        let facts = self.facts();
        let check = facts.checks.iter().find(|check| check.definition.id == *id)?;
        Some((check.clone(), facts.row(check)))
    }
}

impl Facts {
    fn row(&self, check: &Check) -> CheckRow {
        let definition = &check.definition;
        let recent = |region: &Region| self.recent.get(&(definition.id.clone(), region.clone()));
        let cell = |region: &Region| Cell {
            region: region.clone(),
            failures_in_a_row: 0,
            recent: recent(region).map(|recent| recent.iter().cloned().collect()).unwrap_or_default(),
        };
        CheckRow {
            id: definition.id.clone(),
            description: definition.description.clone(),
            schedule: check.schedule_text.clone(),
            period_ms: check.schedule.period_hint_ms(),
            timeout_ms: definition.timeout_ms,
            tags: definition.tags.clone(),
            cells: check.regions.iter().map(cell).collect(),
            incident: None,
        }
    }
}

fn broken(error: &ScriptError) -> BrokenScript {
    let place = match error.location {
        Some((line, column)) => format!("{}:{line}:{column}", error.file),
        None => error.file.clone(),
    };
    BrokenScript { place, message: error.message.clone(), help: error.help.clone() }
}

fn remembered(summary: &ResultSummary) -> RunBrief {
    let message = summary.message.clone();
    let mut verdict = match summary.verdict {
        Summarised::Passed => Verdict::Passed,
        Summarised::Failed => Verdict::Failed { class: summary.class.unwrap_or(FailureClass::Prober), message },
        Summarised::Missed => Verdict::Missed { reason: message },
    };
    shorten(&mut verdict);
    let started_at = summary.started_at;
    RunBrief { slot: summary.key.slot, started_at, duration_us: summary.duration_us, verdict }
}

fn shorten(verdict: &mut Verdict) {
    let (Verdict::Failed { message: text, .. } | Verdict::Missed { reason: text } | Verdict::Skipped { reason: text }) =
        verdict
    else {
        return;
    };
    if let Some((end, _)) = text.char_indices().nth(MESSAGE_CHARACTERS_MAX) {
        text.truncate(end);
        text.push('…');
    }
}
