//! Messages that were signed by `openssl dgst -sign` with the key of `sns/certificate.pem`, and what is done to them.

use super::payloads::{TOPIC, folder};
use alerting::inbound::sns::{Envelope, Kind, SigningCertificate, TopicArn, Verified};
use alerting::inbound::{Defaults, Refusal, cloudwatch};
use alerting::policy::Severity;
use alerting::signal::SignalState;
use checks::UnixMs;
use serde_json::{Value, json};

/// 2026-12-24T03:20:00Z, five minutes after the messages.
const NOW: UnixMs = UnixMs(1_798_082_400_000);

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join("sns").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn message(name: &str) -> Value {
    serde_json::from_slice(&file(&format!("{name}.json"))).expect("JSON")
}

fn topics() -> Vec<TopicArn> {
    let other = "arn:aws:sns:us-east-1:123456789012:others";
    [other, TOPIC].iter().filter_map(|arn| TopicArn::new(arn)).collect()
}

/// The whole way, with the certificate that would have been fetched.
fn verified(message: &Value, certificate: &str, now: UnixMs) -> Result<Verified, Refusal> {
    let envelope = Envelope::read(message.to_string().as_bytes())?;
    let url = envelope.certificate_url(&topics(), None, now)?;
    assert_eq!(url.host_str(), Some("sns.eu-west-1.amazonaws.com"));
    let certificate = SigningCertificate::read(&file(certificate), now)?;
    envelope.verified(&topics(), None, &certificate, now)
}

#[test]
fn what_sns_signed_is_believed() {
    let cases = [
        ("notification-1", Kind::Notification, false),
        ("notification-2", Kind::Notification, false),
        ("notification-without-subject", Kind::Notification, false),
        ("subscription", Kind::SubscriptionConfirmation, true),
        ("unsubscription", Kind::UnsubscribeConfirmation, false),
    ];
    for (name, kind, subscribes) in cases {
        let verified =
            verified(&message(name), "certificate.pem", NOW).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((verified.kind, verified.subscribe_url.is_some()), (kind, subscribes), "{name}");
        assert_eq!((verified.topic.as_str(), verified.at.to_string().as_str()), (TOPIC, "2026-12-24T03:15:02.655Z"));
    }
}

#[test]
fn what_was_changed_or_made_up_is_refused() {
    const HOUR_MS: u64 = 3_600_000;
    type Change<'a> = (&'a str, &'a str, Value);
    let changes: [Change<'_>; 14] = [
        ("notification-1", "Message", json!("{}")),
        ("notification-1", "Subject", json!("OK")),
        ("notification-1", "Subject", Value::Null),
        ("notification-1", "MessageId", json!("1")),
        ("notification-1", "Timestamp", json!("2026-12-24T03:15:02.656Z")),
        ("notification-1", "SignatureVersion", json!("2")),
        ("notification-2", "SignatureVersion", json!("1")),
        ("notification-2", "Signature", json!("")),
        ("notification-2", "Signature", json!("no base64!")),
        ("notification-2", "Type", json!("UnsubscribeConfirmation")),
        ("notification-2", "TopicArn", json!("arn:aws:sns:us-east-1:123456789012:others")),
        ("subscription", "Type", json!("Notification")),
        ("subscription", "Token", json!("1")),
        ("subscription", "Message", json!("")),
    ];
    let mut refusals: Vec<(String, Result<Verified, Refusal>, &[&str])> = Vec::new();
    for (name, field, value) in changes {
        let mut changed = message(name);
        changed[field] = value;
        // Another type lacks fields, and another topic is not where the certificate is.
        let what = format!("{name}.{field}");
        refusals.push((what, verified(&changed, "certificate.pem", NOW), &["signature", "malformed", "address"]));
    }
    let other_topic = {
        let mut changed = message("notification-2");
        changed["TopicArn"] = json!("arn:aws:sns:eu-west-1:123456789012:somebody-elses");
        changed
    };
    refusals.push(("topic".to_owned(), verified(&other_topic, "certificate.pem", NOW), &["topic"]));
    let evil = {
        let mut changed = message("notification-2");
        changed["SigningCertURL"] = json!("https://evil.example/x.pem");
        changed
    };
    refusals.push(("address".to_owned(), verified(&evil, "certificate.pem", NOW), &["address"]));
    let version = {
        let mut changed = message("notification-2");
        changed["SignatureVersion"] = json!("3");
        changed
    };
    refusals.push(("version".to_owned(), verified(&version, "certificate.pem", NOW), &["signature-version"]));
    let own = message("notification-other-name");
    refusals.push(("another's certificate".to_owned(), verified(&own, "other-name.pem", NOW), &["certificate"]));
    refusals.push(("another's key".to_owned(), verified(&own, "certificate.pem", NOW), &["signature"]));
    refusals.push(("no certificate".to_owned(), verified(&own, "subscription.json", NOW), &["certificate"]));
    let good = message("notification-2");
    refusals.push(("late".to_owned(), verified(&good, "certificate.pem", NOW + 2 * HOUR_MS), &["too-old"]));
    refusals.push(("early".to_owned(), verified(&good, "certificate.pem", NOW - HOUR_MS), &["too-new"]));
    for (what, got, reasons) in refusals {
        let reason = got.as_ref().map_err(Refusal::reason).expect_err(&what);
        assert!(reasons.contains(&reason), "{what}: {reason}");
    }
}

#[test]
fn a_certificate_counts_while_it_is_valid() {
    let pem = file("certificate.pem");
    for (now, is_valid) in [(NOW, true), (UnixMs(0), false), (UnixMs(9_000_000_000_000), false)] {
        assert_eq!(SigningCertificate::read(&pem, now).is_ok(), is_valid, "{now}");
    }
}

#[test]
fn a_subscription_that_ends_is_an_incident_until_it_begins_again() {
    let defaults = Defaults { severity: Severity::P1, policy: None };
    let signal = |name| {
        let verified = verified(&message(name), "certificate.pem", NOW).expect("signed");
        cloudwatch::read(&verified, &defaults).expect("a signal")
    };
    let (ended, begun) = (signal("unsubscription"), signal("subscription"));
    assert_eq!((ended.state, begun.state), (SignalState::Firing, SignalState::Resolved));
    assert_eq!((ended.key, ended.severity), (begun.key, Severity::P1));
}
