//! What has been signalled, and what follows from what fires now. Pure.

use crate::policy::Severity;
use crate::promql::numeric::format_value;
use crate::rules::group::GroupState;
use crate::rules::{ActiveAlert, AlertRule, AlertState};
use crate::series::METRIC_NAME;
use crate::signal::{Link, Signal, SignalKey, SignalSource, SignalState};
use checks::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The labels that mean something here.
const SEVERITY: &str = "severity";
const POLICY: &str = "policy";

/// An alert that fires, in the words of its rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Firing {
    severity: Severity,
    title: String,
    summary: String,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    links: Vec<Link>,
    #[serde(default)]
    policy: Option<String>,
}

/// What has been signalled as firing and not as resolved, by the alert's name and labels.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Told(BTreeMap<String, Firing>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Changes {
    fired: BTreeMap<String, Firing>,
    resolved: BTreeMap<String, Firing>,
}

fn key_of(alert: &ActiveAlert) -> String {
    alert.labels.to_string()
}

fn severity_of(label: Option<&str>) -> Severity {
    label.map_or(Severity::P2, Severity::of_label)
}

fn firing_of(rule: &AlertRule, alert: &ActiveAlert) -> Firing {
    let annotation = |name: &str| alert.annotations.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let said: Vec<&str> = [annotation("summary"), annotation("description")].into_iter().flatten().collect();
    let summary = if said.is_empty() {
        format!("{} is {}", rule.query.text().trim(), format_value(alert.value))
    } else {
        said.join("\n")
    };
    Firing {
        severity: severity_of(alert.labels.get(SEVERITY)),
        title: rule.name.clone(),
        summary,
        labels: alert
            .labels
            .iter()
            .filter(|(name, _)| &**name != METRIC_NAME)
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        links: Link::of_annotations(annotation),
        policy: alert.labels.get(POLICY).map(str::to_owned),
    }
}

/// Everything that fires.
pub(super) fn firing<'a>(alerts: impl Iterator<Item = (&'a AlertRule, &'a ActiveAlert)>) -> BTreeMap<String, Firing> {
    let fires = alerts.filter(|(_, alert)| alert.state == AlertState::Firing);
    fires.map(|(rule, alert)| (key_of(alert), firing_of(rule, alert))).collect()
}

/// What fired when these states were saved.
pub(super) fn firing_keys<'a>(states: impl Iterator<Item = &'a GroupState>) -> BTreeSet<String> {
    let alerts = states.flat_map(|state| state.rules.values()).flat_map(|rule| &rule.alerts);
    alerts.filter(|alert| alert.state == AlertState::Firing).map(key_of).collect()
}

impl Told {
    pub fn keys(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    /// What is to be signalled. What `stays` accepts is not called resolved.
    pub fn changes(&self, firing: &BTreeMap<String, Firing>, stays: impl Fn(&str) -> bool) -> Changes {
        let new = firing.iter().filter(|(key, _)| !self.0.contains_key(*key));
        let gone = self.0.iter().filter(|(key, _)| !firing.contains_key(*key) && !stays(key));
        let owned = |(key, firing): (&String, &Firing)| (key.clone(), firing.clone());
        Changes { fired: new.map(owned).collect(), resolved: gone.map(owned).collect() }
    }

    pub fn apply(&mut self, changes: Changes) {
        changes.resolved.keys().for_each(|key| drop(self.0.remove(key)));
        self.0.extend(changes.fired);
    }
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.fired.is_empty() && self.resolved.is_empty()
    }

    pub fn signals(&self, now_ms: i64) -> Vec<Signal> {
        let signal = |state| {
            move |(key, firing): (&String, &Firing)| {
                let Firing { severity, title, summary, labels, links, policy } = firing.clone();
                let key = SignalKey { source: SignalSource::Rule, id: key.clone() };
                Signal { key, state, severity, title, summary, labels, links, policy, at: UnixMs(now_ms) }
            }
        };
        let resolved = self.resolved.iter().map(signal(SignalState::Resolved));
        resolved.chain(self.fired.iter().map(signal(SignalState::Firing))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firing(names: &[&str]) -> BTreeMap<String, Firing> {
        let one = |name: &&str| {
            let firing = Firing {
                severity: Severity::P2,
                title: (*name).to_owned(),
                summary: String::new(),
                labels: BTreeMap::new(),
                links: Vec::new(),
                policy: None,
            };
            ((*name).to_owned(), firing)
        };
        names.iter().map(one).collect()
    }

    #[test]
    fn the_difference_is_signalled_and_nothing_else() {
        type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [&'a str], &'a [&'a str]);
        let cases: [Case<'_>; 5] = [
            (&[], &["a", "b"], &[], &["+a", "+b"]),
            (&["a"], &["a"], &[], &[]),
            (&["a", "b"], &["b", "c"], &[], &["-a", "+c"]),
            (&["a", "b"], &[], &["a"], &["-b"]),
            (&["a"], &["a"], &["a"], &[]),
        ];
        for (told, now, stay, expected) in cases {
            let mut told = Told(firing(told));
            let changes = told.changes(&firing(now), |key| stay.contains(&key));
            let said: Vec<String> = changes
                .signals(5)
                .iter()
                .map(|signal| {
                    format!("{}{}", if signal.state == SignalState::Firing { "+" } else { "-" }, signal.key.id)
                })
                .collect();
            assert_eq!(said, expected);
            told.apply(changes);
            assert!(told.changes(&firing(now), |key| stay.contains(&key)).is_empty(), "said once");
        }
    }

    #[test]
    fn severities_are_those_of_the_label() {
        let cases = [
            (Some("p1"), Severity::P1),
            (Some("P1"), Severity::P1),
            (Some("critical"), Severity::P1),
            (Some("page"), Severity::P1),
            (Some("p2"), Severity::P2),
            (Some("warning"), Severity::P2),
            (None, Severity::P2),
        ];
        for (label, severity) in cases {
            assert_eq!(severity_of(label), severity, "{label:?}");
        }
    }
}
