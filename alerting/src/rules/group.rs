//! A group that is being evaluated, and the state it keeps.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::alert::{self, ActiveAlert, AlertEvent, AlertState, Change, Holds, Observation, RuleState};
use super::file::{AlertRule, RecordRule, Rule, RuleGroup};
use super::template::{Template, TemplateContext};
use crate::promql::{Answer, Budget, Limits, Query, VectorElement};
use crate::series::{Labels, METRIC_NAME, STALE_NAN, Sample, Store};

const ALERT_NAME: &str = "alertname";
/// The series in which Prometheus keeps what is pending and firing; rules may ask for it.
const ALERTS_METRIC: &str = "ALERTS";
const ALERT_STATE: &str = "alertstate";

/// What a group keeps between evaluations. It can be saved as JSON and given to [`RunningGroup::restore`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GroupState {
    /// By the rule's name, expression and place among those that share both.
    pub rules: BTreeMap<String, RuleState>,
    pub last_evaluation_ms: Option<i64>,
}

/// What does not change from one evaluation to the next.
#[derive(Debug, Clone)]
pub struct GroupSettings {
    /// The interval of groups that name none.
    pub interval_ms: i64,
    pub limits: Limits,
    pub external_labels: Labels,
    pub external_url: String,
    /// After a longer time without an evaluation, a `for` that was half run begins anew.
    pub outage_max_ms: i64,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            interval_ms: 10_000,
            limits: Limits::default(),
            external_labels: Labels::default(),
            external_url: String::new(),
            outage_max_ms: 3_600_000,
        }
    }
}

/// A rule that could not be evaluated this time. Its alerts stay as they are: "no answer" is not "all is well".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleProblem {
    pub group: String,
    pub rule: String,
    pub message: String,
}

/// What one evaluation of a group did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TickReport {
    pub events: Vec<AlertEvent>,
    pub problems: Vec<RuleProblem>,
    /// Samples of recording rules and of `ALERTS` that the store took.
    pub samples_recorded: u64,
    /// Samples that it refused; its own counters say why.
    pub samples_refused: u64,
}

/// A group and its state.
#[derive(Debug, Clone)]
pub struct RunningGroup {
    group: RuleGroup,
    settings: GroupSettings,
    keys: Vec<String>,
    states: Vec<RuleState>,
    /// The series each rule gave at its last evaluation: those that it no longer gives are marked as ended.
    emitted: Vec<BTreeSet<Labels>>,
    last_evaluation_ms: Option<i64>,
}

/// What a rule's evaluation gives before anything is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleOutcome {
    /// Samples to append, at one instant; staleness markers among them.
    pub samples: Vec<(Labels, Sample)>,
    pub events: Vec<AlertEvent>,
    pub problem: Option<RuleProblem>,
}

impl RunningGroup {
    pub fn new(group: RuleGroup, settings: GroupSettings) -> Self {
        let mut keys: Vec<String> = Vec::new();
        for rule in &group.rules {
            let text = match rule {
                Rule::Record(rule) => rule.query.text(),
                Rule::Alert(rule) => rule.query.text(),
            };
            let base = format!("{} = {text}", rule.name());
            let same = keys.iter().filter(|key| key.starts_with(&base)).count();
            keys.push(if same == 0 { base } else { format!("{base} #{}", same + 1) });
        }
        let count = group.rules.len();
        Self {
            group,
            settings,
            keys,
            states: vec![RuleState::default(); count],
            emitted: vec![BTreeSet::new(); count],
            last_evaluation_ms: None,
        }
    }

    /// Takes up a saved state: rules are found by name and expression, so a file may be reordered. Alerts of rules that
    /// are gone are given back as events, so that who was told hears of it.
    pub fn restore(&mut self, mut saved: GroupState, now_ms: i64) -> Vec<AlertEvent> {
        let blind_ms = saved.last_evaluation_ms.map_or(0, |last_ms| now_ms - last_ms - self.interval_ms()).max(0);
        for (key, state) in self.keys.iter().zip(&mut self.states) {
            if let Some(saved) = saved.rules.remove(key) {
                *state = alert::resume(saved, blind_ms, self.settings.outage_max_ms);
            }
        }
        let firing = saved.rules.into_values().flat_map(|state| state.alerts);
        firing
            .filter(|alert| alert.state == AlertState::Firing)
            .map(|alert| {
                let name = alert.labels.get(ALERT_NAME).unwrap_or_default().to_owned();
                self.event(&name, alert, Change::RuleGone, now_ms)
            })
            .collect()
    }

    /// What [`RunningGroup::restore`] needs.
    pub fn state(&self) -> GroupState {
        let with_alerts = self.keys.iter().zip(&self.states).filter(|(_, state)| !state.alerts.is_empty());
        GroupState {
            rules: with_alerts.map(|(key, state)| (key.clone(), state.clone())).collect(),
            last_evaluation_ms: self.last_evaluation_ms,
        }
    }

    pub fn group(&self) -> &RuleGroup {
        &self.group
    }

    pub fn interval_ms(&self) -> i64 {
        self.group.interval_ms.unwrap_or(self.settings.interval_ms)
    }

    /// The first instant after `now_ms` at which the group is due: multiples of its interval, moved by a hash of its
    /// name, so that groups do not all work at the same moment.
    pub fn next_after(&self, now_ms: i64) -> i64 {
        let interval_ms = self.interval_ms();
        let hash = self
            .group
            .name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let shift_ms = (hash % interval_ms as u64) as i64;
        ((now_ms - shift_ms).div_euclid(interval_ms) + 1) * interval_ms + shift_ms
    }

    /// The state of each rule, in their order.
    pub fn states(&self) -> &[RuleState] {
        &self.states
    }

    /// The alerts of all rules, each with its rule.
    pub fn alerts(&self) -> impl Iterator<Item = (&AlertRule, &ActiveAlert)> {
        self.group.rules.iter().zip(&self.states).flat_map(|(rule, state)| {
            let rule = match rule {
                Rule::Alert(rule) => Some(rule),
                Rule::Record(_) => None,
            };
            rule.into_iter().flat_map(|rule| state.alerts.iter().map(move |alert| (rule, alert)))
        })
    }

    /// Evaluates all rules in their order, and writes what they record, each before the next is evaluated.
    pub fn tick(&mut self, store: &mut Store, now_ms: i64, budget: Budget<'_>) -> TickReport {
        let mut report = TickReport::default();
        for index in 0..self.group.rules.len() {
            let outcome = self.evaluate(index, store, now_ms, budget);
            report.events.extend(outcome.events);
            report.problems.extend(outcome.problem);
            for (labels, sample) in outcome.samples {
                match store.append(&labels, sample, now_ms) {
                    Ok(_) => report.samples_recorded += 1,
                    Err(_) => report.samples_refused += 1,
                }
            }
        }
        report
    }

    /// Evaluates one rule without writing: for a shell that takes its write lock only afterwards.
    pub fn evaluate(&mut self, index: usize, store: &Store, now_ms: i64, budget: Budget<'_>) -> RuleOutcome {
        self.last_evaluation_ms = Some(now_ms);
        let result = match &self.group.rules[index] {
            Rule::Record(rule) => self.record(rule, store, now_ms, budget).map(|series| (series, Vec::new())),
            Rule::Alert(rule) => {
                let holds = Holds { for_ms: rule.for_ms, keep_firing_for_ms: rule.keep_firing_for_ms };
                let observed = self.observe(rule, store, now_ms, budget);
                observed.map(|observations| self.advance(index, holds, observations, now_ms))
            }
        };
        match result {
            Ok((series, events)) => {
                let now_there: BTreeSet<Labels> = series.iter().map(|(labels, _)| labels.clone()).collect();
                let ended = self.emitted[index].difference(&now_there).map(|labels| (labels.clone(), STALE_NAN));
                let samples = series
                    .iter()
                    .cloned()
                    .chain(ended)
                    .map(|(labels, value)| (labels, Sample { at_ms: now_ms, value }))
                    .collect();
                self.emitted[index] = now_there;
                RuleOutcome { samples, events, problem: None }
            }
            Err(message) => {
                let ended = std::mem::take(&mut self.emitted[index]);
                let samples =
                    ended.into_iter().map(|labels| (labels, Sample { at_ms: now_ms, value: STALE_NAN })).collect();
                let (group, rule) = (self.group.name.clone(), self.group.rules[index].name().to_owned());
                RuleOutcome { samples, events: Vec::new(), problem: Some(RuleProblem { group, rule, message }) }
            }
        }
    }

    fn ask(&self, query: &Query, store: &Store, now_ms: i64, budget: Budget<'_>) -> Result<Vec<VectorElement>, String> {
        let at_ms = now_ms - self.group.query_offset_ms;
        match query.instant(store, at_ms, &self.settings.limits, budget).map_err(|error| error.to_string())? {
            Answer::Vector(elements) => Ok(elements),
            Answer::Scalar(value) => Ok(vec![VectorElement { labels: Labels::default(), value }]),
            Answer::Text(_) | Answer::Matrix(_) => Err("the rule's answer is neither a vector nor a scalar".to_owned()),
        }
    }

    fn record(
        &self,
        rule: &RecordRule,
        store: &Store,
        now_ms: i64,
        budget: Budget<'_>,
    ) -> Result<Vec<(Labels, f64)>, String> {
        let elements = self.ask(&rule.query, store, now_ms, budget)?;
        let mut seen = BTreeSet::new();
        let mut series = Vec::with_capacity(elements.len());
        for element in elements {
            let mut labels = element.labels.with(METRIC_NAME, &rule.name);
            for (name, value) in &rule.labels {
                labels = labels.with(name, value);
            }
            if !seen.insert(labels.clone()) {
                return Err(format!("two results have the same labels {labels} once the rule's labels are set"));
            }
            series.push((labels, element.value));
        }
        self.bound(series.len(), "series")?;
        Ok(series)
    }

    fn bound(&self, count: usize, what: &str) -> Result<(), String> {
        match self.group.limit {
            limit if limit > 0 && count > limit => {
                Err(format!("{count} {what} are more than the group's limit of {limit}"))
            }
            _ => Ok(()),
        }
    }

    /// What is true now, with labels and annotations expanded.
    fn observe(
        &self,
        rule: &AlertRule,
        store: &Store,
        now_ms: i64,
        budget: Budget<'_>,
    ) -> Result<Vec<Observation>, String> {
        let elements = self.ask(&rule.query, store, now_ms, budget)?;
        self.bound(elements.len(), "alerts")?;
        let query = |text: &str| {
            let query = Query::parse(text).map_err(|error| error.to_string())?;
            self.ask(&query, store, now_ms, budget)
        };
        let mut seen = BTreeSet::new();
        let mut observations = Vec::with_capacity(elements.len());
        for element in elements {
            let context = TemplateContext {
                labels: &element.labels,
                external_labels: &self.settings.external_labels,
                external_url: &self.settings.external_url,
                value: element.value,
                query: &query,
            };
            let expand = |template: &Template| {
                template.expand(&context).unwrap_or_else(|error| format!("<error expanding template: {error}>"))
            };
            let mut labels = element.labels.without_metric();
            for (name, template) in &rule.labels {
                labels = labels.with(name, &expand(template));
            }
            labels = labels.with(ALERT_NAME, &rule.name);
            if !seen.insert(labels.clone()) {
                return Err(format!("two alerts have the same labels {labels} once the rule's labels are set"));
            }
            let annotations =
                rule.annotations.iter().map(|(name, template)| (name.clone(), expand(template))).collect();
            observations.push(Observation { labels, annotations, value: element.value });
        }
        Ok(observations)
    }

    fn advance(
        &mut self,
        index: usize,
        holds: Holds,
        observations: Vec<Observation>,
        now_ms: i64,
    ) -> (Vec<(Labels, f64)>, Vec<AlertEvent>) {
        let (state, changes) = alert::step(std::mem::take(&mut self.states[index]), observations, holds, now_ms);
        let series = state.alerts.iter().filter_map(|alert| {
            let word = match alert.state {
                AlertState::Pending => "pending",
                AlertState::Firing => "firing",
                AlertState::Resolved => return None,
            };
            Some((alert.labels.with(METRIC_NAME, ALERTS_METRIC).with(ALERT_STATE, word), 1.0))
        });
        let series = series.collect();
        self.states[index] = state;
        let name = self.group.rules[index].name();
        let event = |(alert, change)| self.event(name, alert, change, now_ms);
        (series, changes.into_iter().map(event).collect())
    }

    fn event(&self, name: &str, alert: ActiveAlert, change: Change, at_ms: i64) -> AlertEvent {
        AlertEvent {
            group: self.group.name.clone(),
            alert: name.to_owned(),
            labels: alert.labels,
            annotations: alert.annotations,
            value: alert.value,
            at_ms,
            change,
        }
    }
}
