//! The state machine of one alerting rule. Pure: what is true now and the time go in, the new state and what changed
//! come out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::series::Labels;

/// How long a resolved alert is remembered, so that its end is seen by who asks; as in Prometheus.
const RESOLVED_KEPT_MS: i64 = 15 * 60_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    Pending,
    Firing,
    /// It fired, and no longer does.
    Resolved,
}

/// One alert: a rule and a set of labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActiveAlert {
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    pub state: AlertState,
    /// The value when it last was true.
    #[serde(with = "value_as_text")]
    pub value: f64,
    /// Since when the expression is true.
    pub active_at_ms: i64,
    pub fired_at_ms: Option<i64>,
    pub resolved_at_ms: Option<i64>,
    /// Since when it fires only because of `keep_firing_for`.
    pub keep_firing_since_ms: Option<i64>,
}

/// The alerts of one rule, by their labels.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RuleState {
    pub alerts: Vec<ActiveAlert>,
}

/// What is true at one evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The alert's full labels, `alertname` among them; unique within one evaluation.
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    pub value: f64,
}

/// How long an alert must last, and outlast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    pub for_ms: i64,
    pub keep_firing_for_ms: i64,
}

/// Why an alert changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// The expression became true; it fires after `for_ms` of it.
    Pending { for_ms: i64 },
    /// It was true for `lasted_ms`, and `for_ms` were asked for.
    Firing { lasted_ms: i64, for_ms: i64 },
    /// It was pending and is no longer true. Nobody was told, so nobody needs to be.
    Cancelled { lasted_ms: i64 },
    /// It is no longer true, and goes on firing for at most `keep_firing_for_ms`.
    KeptFiring { keep_firing_for_ms: i64 },
    /// It is no longer true, nor kept.
    Resolved { fired_for_ms: i64 },
    /// The rule is no longer in its file.
    RuleGone,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    pub group: String,
    pub alert: String,
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    #[serde(with = "value_as_text")]
    pub value: f64,
    pub at_ms: i64,
    #[serde(flatten)]
    pub change: Change,
}

/// Moves a rule's alerts on by one evaluation. Says for each alert that changed what it is now, and why.
pub fn step(
    state: RuleState,
    observations: Vec<Observation>,
    holds: Holds,
    now_ms: i64,
) -> (RuleState, Vec<(ActiveAlert, Change)>) {
    let mut changes = Vec::new();
    let mut observed: BTreeMap<Labels, Observation> =
        observations.into_iter().map(|observation| (observation.labels.clone(), observation)).collect();
    let mut alerts = Vec::with_capacity(state.alerts.len().max(observed.len()));

    for alert in state.alerts {
        match observed.remove(&alert.labels) {
            Some(seen) if alert.state != AlertState::Resolved => {
                let mut alert = ActiveAlert {
                    value: seen.value,
                    annotations: seen.annotations,
                    keep_firing_since_ms: None,
                    ..alert
                };
                fire_if_due(&mut alert, holds, now_ms, &mut changes);
                alerts.push(alert);
            }
            Some(seen) => alerts.push(begin(seen, holds, now_ms, &mut changes)),
            None => alerts.extend(not_true(alert, holds, now_ms, &mut changes)),
        }
    }
    for (_, seen) in observed {
        alerts.push(begin(seen, holds, now_ms, &mut changes));
    }
    (RuleState { alerts }, changes)
}

type Changes = Vec<(ActiveAlert, Change)>;

fn begin(seen: Observation, holds: Holds, now_ms: i64, changes: &mut Changes) -> ActiveAlert {
    let mut alert = ActiveAlert {
        labels: seen.labels,
        annotations: seen.annotations,
        state: AlertState::Pending,
        value: seen.value,
        active_at_ms: now_ms,
        fired_at_ms: None,
        resolved_at_ms: None,
        keep_firing_since_ms: None,
    };
    if holds.for_ms > 0 {
        changes.push((alert.clone(), Change::Pending { for_ms: holds.for_ms }));
    }
    fire_if_due(&mut alert, holds, now_ms, changes);
    alert
}

fn fire_if_due(alert: &mut ActiveAlert, holds: Holds, now_ms: i64, changes: &mut Changes) {
    let lasted_ms = now_ms - alert.active_at_ms;
    if alert.state == AlertState::Pending && lasted_ms >= holds.for_ms {
        alert.state = AlertState::Firing;
        alert.fired_at_ms = Some(now_ms);
        changes.push((alert.clone(), Change::Firing { lasted_ms, for_ms: holds.for_ms }));
    }
}

/// What becomes of an alert whose expression is not true; `None`: it is forgotten.
fn not_true(mut alert: ActiveAlert, holds: Holds, now_ms: i64, changes: &mut Changes) -> Option<ActiveAlert> {
    match alert.state {
        AlertState::Pending => {
            let lasted_ms = now_ms - alert.active_at_ms;
            changes.push((alert, Change::Cancelled { lasted_ms }));
            None
        }
        AlertState::Resolved => {
            alert.resolved_at_ms.is_some_and(|at_ms| now_ms - at_ms <= RESOLVED_KEPT_MS).then_some(alert)
        }
        AlertState::Firing => {
            if holds.keep_firing_for_ms > 0 {
                let begins = alert.keep_firing_since_ms.is_none();
                let since_ms = *alert.keep_firing_since_ms.get_or_insert(now_ms);
                if now_ms - since_ms < holds.keep_firing_for_ms {
                    if begins {
                        let change = Change::KeptFiring { keep_firing_for_ms: holds.keep_firing_for_ms };
                        changes.push((alert.clone(), change));
                    }
                    return Some(alert);
                }
            }
            alert.state = AlertState::Resolved;
            alert.resolved_at_ms = Some(now_ms);
            let fired_for_ms = now_ms - alert.fired_at_ms.unwrap_or(now_ms);
            changes.push((alert.clone(), Change::Resolved { fired_for_ms }));
            Some(alert)
        }
    }
}

/// Takes a saved state up again after `blind_ms` without an evaluation.
///
/// The time in which nobody looked does not count towards `for`, and does not undo what was counted before. Beyond
/// `outage_max_ms` too much may have happened: pending alerts begin anew. Firing alerts stay, as only a look
/// at the data may resolve them.
pub fn resume(state: RuleState, blind_ms: i64, outage_max_ms: i64) -> RuleState {
    let moved = |mut alert: ActiveAlert| {
        if alert.state == AlertState::Pending {
            if blind_ms > outage_max_ms {
                return None;
            }
            alert.active_at_ms += blind_ms;
        }
        Some(alert)
    };
    RuleState { alerts: state.alerts.into_iter().filter_map(moved).collect() }
}

/// Values as text, since JSON has neither infinity nor NaN.
mod value_as_text {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::promql::numeric::format_value(*value))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::promql::numeric::parse_value(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no number")))
    }
}
