use alerting::inbound::sns::{Kind, TopicArn, Verified};
use alerting::inbound::{Defaults, Refusal, alertmanager, cloudwatch, new_relic, pingdom};
use alerting::policy::Severity;
use alerting::signal::{Signal, SignalState};
use checks::UnixMs;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// 2026-11-24T03:20:00Z
const NOW: UnixMs = UnixMs(1_795_490_400_000);
pub const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alarms";

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inbound")
}

fn read(name: &str, body: &[u8]) -> Result<Vec<Signal>, Refusal> {
    let defaults = Defaults { severity: Severity::P2, policy: None };
    match name {
        _ if name.starts_with("alertmanager-") => alertmanager::read(body, &defaults, NOW),
        _ if name.starts_with("pingdom-") => pingdom::read(body, &defaults, NOW),
        _ if name.starts_with("new-relic-") => new_relic::read(body, &defaults, NOW),
        _ if name.starts_with("cloudwatch-") => {
            let verified = Verified {
                kind: Kind::Notification,
                topic: TopicArn::new(TOPIC).expect("a topic"),
                message: String::from_utf8(body.to_vec()).expect("text"),
                at: NOW,
                subscribe_url: None,
            };
            let defaults = Defaults { severity: Severity::P1, policy: Some("login".to_owned()) };
            cloudwatch::read(&verified, &defaults).map(|signal| vec![signal])
        }
        _ => panic!("{name}: no source begins like that"),
    }
}

fn said(read: Result<Vec<Signal>, Refusal>) -> String {
    let signals = match read {
        Ok(signals) => signals,
        Err(refusal) => return format!("refused ({}): {refusal}\n", refusal.reason()),
    };
    let mut text = String::new();
    for signal in signals {
        let state = if signal.state == SignalState::Firing { "fires" } else { "resolved" };
        let Signal { key, severity, title, summary, at, policy, .. } = &signal;
        let policy = policy.as_deref().unwrap_or("default");
        writeln!(text, "{state} {severity} {} `{}`, policy {policy}, at {at}", key.source, key.id).expect("memory");
        writeln!(text, "  {title}: {summary:?}").expect("memory");
        signal.labels.iter().for_each(|(name, value)| writeln!(text, "  {name}={value:?}").expect("memory"));
        signal.links.iter().for_each(|link| writeln!(text, "  [{}]({})", link.title, link.url).expect("memory"));
    }
    text
}

#[test]
fn every_payload_says_what_is_expected() {
    let files = std::fs::read_dir(folder().join("payloads")).expect("payloads");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(files.len() >= 20, "{files:?}");
    for file in files {
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name");
        let got = said(read(name, &std::fs::read(&file).expect("a body")));
        let expected = file.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&expected, &got).expect("the source folder can be written");
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(got, expected, "{name}");
    }
}

#[test]
fn more_alerts_than_are_told_one_by_one_are_said_to_be_left_out() {
    let alert = |index: usize| format!(r#"{{"status":"firing","labels":{{"alertname":"a"}},"fingerprint":"{index}"}}"#);
    let alerts: Vec<String> = (0..1_203).map(alert).collect();
    let body = format!(r#"{{"version":"4","status":"firing","truncatedAlerts":2,"alerts":[{}]}}"#, alerts.join(","));
    let signals = read("alertmanager-many", body.as_bytes()).expect("a notification");
    assert_eq!(signals.len(), 1_001);
    let last = signals.last().expect("the one about the others");
    assert!(last.state == SignalState::Firing && last.summary.starts_with("205 alerts"), "{last:?}");
}

#[test]
fn what_is_refused_says_little_of_what_came() {
    let long = format!(r#"{{"id":"1","title":"t","state":"{}"}}"#, "x".repeat(100_000));
    for body in [long.as_bytes(), b"\xff\xfe", b"", b"[]", b"null", b"{\"version\":4}"] {
        for name in ["alertmanager-", "pingdom-", "new-relic-"] {
            let refusal = read(name, body).expect_err("refused").to_string();
            assert!(refusal.chars().count() < 400, "{refusal}");
        }
    }
}
