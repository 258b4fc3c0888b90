//! The webhook of a New Relic workflow (<https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/>).
//! A workflow sends what its template says; this reads New Relic's own template, where an issue's `state` is `CREATED`,
//! `ACTIVATED` or `CLOSED` and its `priority` `CRITICAL`, `HIGH`, `MEDIUM` or `LOW`. The template may be given `description`,
//! `runbookUrl` and `policy` besides.

use super::{Defaults, Refusal, lines, read_json};
use crate::policy::Severity;
use crate::signal::{Link, Signal, SignalKey, SignalSource, SignalState};
use checks::UnixMs;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issue {
    #[serde(alias = "issueId")]
    id: String,
    title: String,
    state: String,
    #[serde(default)]
    priority: Value,
    #[serde(default)]
    issue_url: Value,
    /// Milliseconds since 1970, as everything that a template may write otherwise.
    #[serde(default)]
    updated_at: Value,
    #[serde(default)]
    impacted_entities: Value,
    #[serde(default)]
    alert_policy_names: Value,
    #[serde(default)]
    alert_condition_names: Value,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    runbook_url: Value,
    #[serde(default)]
    policy: Value,
}

/// A text, or the texts of a list: a variable of a template may be either, or nothing.
fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(values) => {
            let said: Vec<String> = values.iter().map(texts).filter(|text| !text.is_empty()).collect();
            said.join(", ")
        }
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

pub fn read(body: &[u8], defaults: &Defaults, now: UnixMs) -> Result<Vec<Signal>, Refusal> {
    let issue: Issue = read_json(body)?;
    if issue.id.trim().is_empty() {
        return Err(super::malformed("the issue has no id"));
    }
    let state = match issue.state.as_str() {
        // Deactivated means that its incidents are over and that New Relic waits whether they stay so: it is not closed.
        "CREATED" | "ACTIVATED" | "DEACTIVATED" => SignalState::Firing,
        "CLOSED" => SignalState::Resolved,
        other => return Err(Refusal::UnknownState(crate::incident::shorten(other, 40))),
    };
    let severity = match texts(&issue.priority).as_str() {
        "" => defaults.severity,
        priority => Severity::of_label(priority),
    };
    let (entities, conditions) = (texts(&issue.impacted_entities), texts(&issue.alert_condition_names));
    let about = if entities.is_empty() { String::new() } else { format!("on {entities}") };
    let summary = lines([texts(&issue.description).as_str(), conditions.as_str(), about.as_str()]);
    let labels = [
        ("priority", texts(&issue.priority)),
        ("entities", entities),
        ("conditions", conditions),
        ("policies", texts(&issue.alert_policy_names)),
    ];
    let labels: BTreeMap<String, String> = labels
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let links = [("New Relic", &issue.issue_url), ("Runbook", &issue.runbook_url)];
    let policy = Some(texts(&issue.policy)).filter(|policy| !policy.is_empty());
    Ok(vec![Signal {
        key: SignalKey { source: SignalSource::NewRelic, id: format!("issue {}", issue.id) },
        state,
        severity,
        summary: if summary.is_empty() { issue.title.clone() } else { summary },
        title: issue.title,
        labels,
        links: links.into_iter().filter_map(|(title, url)| Link::new(title, &texts(url))).collect(),
        policy: policy.or_else(|| defaults.policy.clone()),
        at: texts(&issue.updated_at).parse().map_or(now, UnixMs),
    }])
}
