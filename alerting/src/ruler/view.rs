//! What others see of the ruler: replaced group by group after each evaluation, read at any time.

use crate::promql::{duration, numeric};
use crate::rules::{ActiveAlert, AlertState, Rule, RuleState};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    Alert,
    Record,
}

/// An alert that is pending or fires.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertView {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub state: AlertState,
    pub value: f64,
    pub active_at_ms: i64,
    pub fired_at_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RuleView {
    pub name: String,
    pub kind: RuleKind,
    pub query: String,
    pub for_ms: i64,
    pub keep_firing_for_ms: i64,
    pub alerts: Vec<AlertView>,
    /// Why the last evaluation failed.
    pub problem: Option<String>,
    /// Evaluations that failed since the start.
    pub failures: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GroupView {
    pub path: String,
    pub name: String,
    pub interval_ms: i64,
    pub last_evaluation_ms: Option<i64>,
    pub took: Duration,
    pub recordings_refused: u64,
    pub rules: Vec<RuleView>,
}

/// Since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RulerCounters {
    /// Of groups.
    pub evaluations: u64,
    /// Of groups, in whose time none happened.
    pub evaluations_missed: u64,
    /// Groups whose evaluation ended in a bug of ours; failures of rules are counted by rule.
    pub evaluation_failures: u64,
    /// Times that alerting did not take signals.
    pub signals_refused: u64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct RulerView {
    pub groups: Vec<GroupView>,
    /// Files that are refused, each with the reason, and what else a person should know.
    pub problems: Vec<String>,
    /// Why the state cannot be saved.
    pub state_problem: Option<String>,
    pub counters: RulerCounters,
}

/// The view behind a lock that is held for moments only.
#[derive(Clone, Default)]
pub struct SharedView(Arc<Mutex<RulerView>>);

impl SharedView {
    pub fn read<T>(&self, look: impl FnOnce(&RulerView) -> T) -> T {
        look(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut RulerView) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RulerView {
    pub(super) fn evaluated(&mut self, index: usize, view: GroupView) {
        self.counters.evaluations += 1;
        if let Some(group) = self.groups.get_mut(index) {
            *group = view;
        }
    }
}

impl RuleView {
    pub(super) fn of(rule: &Rule, state: &RuleState, problem: Option<String>, failures: u64) -> Self {
        let (kind, query, for_ms, keep_firing_for_ms) = match rule {
            Rule::Alert(rule) => (RuleKind::Alert, rule.query.text(), rule.for_ms, rule.keep_firing_for_ms),
            Rule::Record(rule) => (RuleKind::Record, rule.query.text(), 0, 0),
        };
        let active = state.alerts.iter().filter(|alert| alert.state != AlertState::Resolved);
        Self {
            name: rule.name().to_owned(),
            kind,
            query: query.to_owned(),
            for_ms,
            keep_firing_for_ms,
            alerts: active.map(AlertView::of).collect(),
            problem,
            failures,
        }
    }

    /// The worst of its alerts.
    pub fn state(&self) -> Option<AlertState> {
        let any = |state| self.alerts.iter().any(|alert| alert.state == state).then_some(state);
        any(AlertState::Firing).or_else(|| any(AlertState::Pending))
    }

    /// As Prometheus's API has it: <https://prometheus.io/docs/prometheus/latest/querying/api/#rules>.
    pub fn document(&self, group: &GroupView) -> serde_json::Value {
        let health = if self.problem.is_some() {
            "err"
        } else if group.last_evaluation_ms.is_some() {
            "ok"
        } else {
            "unknown"
        };
        let mut document = serde_json::json!({
            "name": self.name,
            "query": self.query,
            "health": health,
            "lastError": self.problem.clone().unwrap_or_default(),
            "evaluationTime": group.took.as_secs_f64() / group.rules.len().max(1) as f64,
            "lastEvaluation": rfc3339(group.last_evaluation_ms),
            "labels": {},
            "type": if self.kind == RuleKind::Alert { "alerting" } else { "recording" },
        });
        if self.kind == RuleKind::Alert {
            document["state"] = self.state().map_or("inactive", state_word).into();
            document["duration"] = (self.for_ms as f64 / 1000.0).into();
            document["keepFiringFor"] = (self.keep_firing_for_ms as f64 / 1000.0).into();
            document["annotations"] = serde_json::json!({});
            document["alerts"] = self.alerts.iter().map(AlertView::document).collect();
        }
        document
    }

    /// `for` in words; empty where there is none.
    pub fn for_text(&self) -> String {
        if self.for_ms > 0 { duration::format_ms(self.for_ms) } else { String::new() }
    }
}

fn state_word(state: AlertState) -> &'static str {
    match state {
        AlertState::Pending => "pending",
        AlertState::Firing => "firing",
        AlertState::Resolved => "inactive",
    }
}

fn rfc3339(at_ms: Option<i64>) -> String {
    let at = at_ms.and_then(chrono::DateTime::from_timestamp_millis).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

impl AlertView {
    fn of(alert: &ActiveAlert) -> Self {
        let label = |(name, value): &(Arc<str>, Arc<str>)| (name.to_string(), value.to_string());
        Self {
            labels: alert.labels.iter().map(label).collect(),
            annotations: alert.annotations.clone(),
            state: alert.state,
            value: alert.value,
            active_at_ms: alert.active_at_ms,
            fired_at_ms: alert.fired_at_ms,
        }
    }

    /// The value as Prometheus writes it.
    pub fn value_text(&self) -> String {
        numeric::format_value(self.value)
    }

    pub fn document(&self) -> serde_json::Value {
        serde_json::json!({
            "labels": self.labels,
            "annotations": self.annotations,
            "state": state_word(self.state),
            "activeAt": rfc3339(Some(self.active_at_ms)),
            "value": self.value_text(),
        })
    }
}

impl GroupView {
    pub fn document(&self) -> serde_json::Value {
        serde_json::json!({
            "name": self.name,
            "file": self.path,
            "interval": self.interval_ms as f64 / 1000.0,
            "limit": 0,
            "evaluationTime": self.took.as_secs_f64(),
            "lastEvaluation": rfc3339(self.last_evaluation_ms),
            "rules": self.rules.iter().map(|rule| rule.document(self)).collect::<Vec<_>>(),
        })
    }
}
