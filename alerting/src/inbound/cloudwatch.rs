//! Alarms of CloudWatch, as it publishes them to an SNS topic
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-notification-format.html>).
//!
//! `ALARM` fires with the topic's severity and `OK` resolves. `INSUFFICIENT_DATA` is no recovery: after `OK` it is an incident
//! for the morning (P2), and one that an `ALARM` opened it leaves as it is.
//!
//! A topic that ends its subscription would leave a silence that looks like health: that is an incident too, which ends
//! when the endpoint is subscribed again.

use super::sns::{Kind, Verified};
use super::{Defaults, Refusal, lines, malformed};
use crate::policy::Severity;
use crate::signal::{Link, Signal, SignalKey, SignalSource, SignalState};
use checks::UnixMs;
use chrono::DateTime;
use serde::Deserialize;
use std::collections::BTreeMap;
use url::Url;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alarm {
    alarm_name: String,
    #[serde(default)]
    alarm_description: Option<String>,
    alarm_arn: String,
    #[serde(default, rename = "AWSAccountId")]
    account: String,
    new_state_value: String,
    #[serde(default)]
    old_state_value: String,
    #[serde(default)]
    new_state_reason: String,
    /// `2026-11-24T03:15:00.000+0000`.
    state_change_time: String,
}

/// What follows from a message that SNS has signed.
pub fn read(verified: &Verified, defaults: &Defaults) -> Result<Signal, Refusal> {
    match verified.kind {
        Kind::Notification => alarm(&verified.message, defaults),
        Kind::SubscriptionConfirmation => Ok(subscription(verified, SignalState::Resolved, defaults)),
        Kind::UnsubscribeConfirmation => Ok(subscription(verified, SignalState::Firing, defaults)),
    }
}

fn alarm(message: &str, defaults: &Defaults) -> Result<Signal, Refusal> {
    let alarm: Alarm = super::read_json(message.as_bytes())?;
    let (state, severity) = match alarm.new_state_value.as_str() {
        "ALARM" => (SignalState::Firing, defaults.severity),
        "INSUFFICIENT_DATA" if alarm.old_state_value != "ALARM" => (SignalState::Firing, Severity::P2),
        "INSUFFICIENT_DATA" => (SignalState::Firing, defaults.severity),
        "OK" => (SignalState::Resolved, defaults.severity),
        other => return Err(Refusal::UnknownState(crate::incident::shorten(other, 40))),
    };
    let changed_at = DateTime::parse_from_str(&alarm.state_change_time, "%Y-%m-%dT%H:%M:%S%.f%z");
    let changed_at = changed_at.map_err(|error| malformed(format_args!("StateChangeTime: {error}")))?;
    let region = alarm.alarm_arn.split(':').nth(3).unwrap_or_default().to_owned();
    let description = alarm.alarm_description.as_deref().unwrap_or_default();
    let labels = [("account", alarm.account), ("region", region.clone()), ("state", alarm.new_state_value)];
    let labels: BTreeMap<String, String> = labels
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(Signal {
        links: console(&alarm.alarm_arn, &region, &alarm.alarm_name).into_iter().collect(),
        key: SignalKey { source: SignalSource::CloudWatch, id: alarm.alarm_arn },
        state,
        severity,
        title: alarm.alarm_name,
        summary: lines([description, alarm.new_state_reason.as_str()]),
        labels,
        policy: defaults.policy.clone(),
        at: UnixMs(changed_at.timestamp_millis()),
    })
}

fn console(arn: &str, region: &str, name: &str) -> Option<Link> {
    arn.strip_prefix("arn:aws:")?;
    let mut url = Url::parse(&format!("https://{region}.console.aws.amazon.com/cloudwatch/home")).ok()?;
    url.set_query(Some(&format!("region={region}")));
    url.set_fragment(Some(&format!("alarmsV2:alarm/{name}")));
    Link::new("CloudWatch", url.as_str())
}

fn subscription(verified: &Verified, state: SignalState, defaults: &Defaults) -> Signal {
    let topic = verified.topic.as_str();
    Signal {
        key: SignalKey { source: SignalSource::CloudWatch, id: format!("subscription of {topic}") },
        state,
        severity: defaults.severity,
        title: "CloudWatch alarms no longer arrive".to_owned(),
        summary: format!(
            "the subscription to {topic} was ended; subscribe Tocsin to it again, or take it out of `tocsin.toml`"
        ),
        labels: [("topic".to_owned(), topic.to_owned())].into(),
        links: Vec::new(),
        policy: defaults.policy.clone(),
        at: verified.at,
    }
}
