//! Pingdom's state change webhook (<https://www.pingdom.com/resources/webhooks/>). It is sent once for each change.

use super::{Defaults, Refusal, lines, malformed, read_json};
use crate::policy::Severity;
use crate::signal::{Link, Signal, SignalKey, SignalSource, SignalState};
use checks::UnixMs;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Change {
    check_id: u64,
    check_name: String,
    #[serde(default)]
    check_type: String,
    #[serde(default)]
    check_params: Parameters,
    #[serde(default)]
    tags: Vec<String>,
    current_state: String,
    #[serde(default)]
    importance_level: String,
    /// Seconds since 1970.
    state_changed_timestamp: i64,
    #[serde(default)]
    description: String,
    #[serde(default)]
    long_description: String,
    first_probe: Option<Probe>,
    second_probe: Option<Probe>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Parameters {
    full_url: String,
    hostname: String,
}

#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    location: String,
}

pub fn read(body: &[u8], defaults: &Defaults, _: UnixMs) -> Result<Vec<Signal>, Refusal> {
    let change: Change = read_json(body)?;
    // Uptime checks are up or down, transaction checks succeed or fail.
    let state = match change.current_state.as_str() {
        "DOWN" | "FAILING" => SignalState::Firing,
        "UP" | "SUCCESS" => SignalState::Resolved,
        other => return Err(Refusal::UnknownState(crate::incident::shorten(other, 40))),
    };
    let at = change.state_changed_timestamp.checked_mul(1_000).map(UnixMs);
    let at = at.ok_or_else(|| malformed("a `state_changed_timestamp` out of all time"))?;
    let severity = match change.importance_level.as_str() {
        "HIGH" => Severity::P1,
        "LOW" => Severity::P2,
        _ => defaults.severity,
    };
    let probes = [&change.first_probe, &change.second_probe].into_iter().flatten();
    let seen_from: Vec<&str> = probes.map(|probe| probe.location.as_str()).filter(|text| !text.is_empty()).collect();
    let is_down = format!("{} is {}", change.check_name, change.current_state);
    let long = Some(change.long_description.as_str()).filter(|long| *long != change.description);
    let description = match lines([change.description.as_str()].into_iter().chain(long)) {
        said if said.is_empty() => is_down,
        said => said,
    };
    let labels = [
        ("type", change.check_type.clone()),
        ("hostname", change.check_params.hostname.clone()),
        ("tags", change.tags.join(", ")),
        ("seen_from", seen_from.join(", ")),
    ];
    let labels: BTreeMap<String, String> = labels
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(vec![Signal {
        key: SignalKey { source: SignalSource::Pingdom, id: format!("check {}", change.check_id) },
        state,
        severity,
        title: change.check_name,
        summary: description,
        labels,
        links: Link::new("Target", &change.check_params.full_url).into_iter().collect(),
        policy: defaults.policy.clone(),
        at,
    }])
}
