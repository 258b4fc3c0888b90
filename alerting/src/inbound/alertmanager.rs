//! Alertmanager's webhook, version 4 (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>).

use super::{Defaults, Refusal, lines, malformed, read_json};
use crate::policy::Severity;
use crate::signal::{Link, Signal, SignalKey, SignalSource, SignalState};
use checks::UnixMs;
use serde::Deserialize;
use std::collections::BTreeMap;

const VERSION: &str = "4";
/// More alerts of one group are no longer told one by one.
const ALERTS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    version: String,
    status: State,
    #[serde(default)]
    group_key: String,
    #[serde(default)]
    receiver: String,
    /// How many alerts `max_alerts` of the receiver's configuration cut off.
    #[serde(default)]
    truncated_alerts: u64,
    #[serde(default, rename = "externalURL")]
    external_url: String,
    alerts: Vec<Alert>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum State {
    Firing,
    Resolved,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    status: State,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    /// Absent before Alertmanager 0.16.
    #[serde(default)]
    fingerprint: String,
}

impl From<State> for SignalState {
    fn from(state: State) -> Self {
        match state {
            State::Firing => Self::Firing,
            State::Resolved => Self::Resolved,
        }
    }
}

/// A signal for each alert, and one for those that were left out. The time is that of the arrival.
pub fn read(body: &[u8], defaults: &Defaults, now: UnixMs) -> Result<Vec<Signal>, Refusal> {
    let notification: Notification = read_json(body)?;
    if notification.version != VERSION {
        return Err(malformed(format_args!("version `{}`, and only {VERSION} is known", notification.version)));
    }
    let told = notification.alerts.iter().take(ALERTS_MAX);
    let mut signals: Vec<Signal> = told.map(|alert| signal(alert, &notification.external_url, defaults, now)).collect();
    signals.push(left_out(&notification, &signals, defaults, now));
    Ok(signals)
}

fn signal(alert: &Alert, external_url: &str, defaults: &Defaults, now: UnixMs) -> Signal {
    let label = |name: &str| alert.labels.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let annotation = |name: &str| alert.annotations.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let title = label("alertname").unwrap_or("alert");
    let said = lines([annotation("summary"), annotation("description")].into_iter().flatten());
    let summary = if said.is_empty() { listed(&alert.labels) } else { said };
    let mut links = Link::of_annotations(annotation);
    links.extend(Link::new("Graph", &alert.generator_url));
    links.extend(Link::new("Alertmanager", external_url));
    // The name is one of the labels that the fingerprint is made of: it is there for those who read the id.
    let id = match alert.fingerprint.as_str() {
        "" => listed(&alert.labels),
        fingerprint => format!("{title} {fingerprint}"),
    };
    Signal {
        key: SignalKey { source: SignalSource::Alertmanager, id },
        state: alert.status.into(),
        severity: label("severity").map_or(defaults.severity, Severity::of_label),
        title: title.to_owned(),
        summary,
        labels: alert.labels.clone(),
        links,
        policy: label("policy").map(str::to_owned).or_else(|| defaults.policy.clone()),
        at: now,
    }
}

fn listed(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    pairs.join(", ")
}

/// What a group does not tell may be what people must hear of. Ends with a notification that tells all.
fn left_out(notification: &Notification, told: &[Signal], defaults: &Defaults, now: UnixMs) -> Signal {
    let over = notification.alerts.len().saturating_sub(ALERTS_MAX);
    let count = notification.truncated_alerts.saturating_add(u64::try_from(over).unwrap_or(u64::MAX));
    let is_firing = count > 0 && notification.status == State::Firing;
    let severity = told.iter().map(|signal| signal.severity).max().unwrap_or(defaults.severity);
    Signal {
        key: SignalKey {
            source: SignalSource::Alertmanager,
            id: format!("left out of {} {}", notification.receiver, notification.group_key),
        },
        state: if is_firing { SignalState::Firing } else { SignalState::Resolved },
        severity,
        title: "Alertmanager leaves out alerts".to_owned(),
        summary: format!(
            "{count} alerts of the group {} were not told; write `max_alerts: 0` for the receiver {}, or smaller groups",
            notification.group_key, notification.receiver
        ),
        labels: BTreeMap::new(),
        links: Link::new("Alertmanager", &notification.external_url).into_iter().collect(),
        policy: defaults.policy.clone(),
        at: now,
    }
}
