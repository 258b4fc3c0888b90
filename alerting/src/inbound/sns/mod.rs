//! Messages of Amazon SNS to an HTTPS endpoint (<https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>).
//!
//! `Envelope::read -> Envelope::certificate_url -> (somebody fetches) -> SigningCertificate::read -> Envelope::verified`:
//! only a [`Verified`] message says anything. Its topic is one of the configured ones, its addresses are those of SNS in
//! the topic's region, it is of now, and it carries the signature of a certificate that SNS itself serves. The certificate
//! stands alone, without the ones between it and a root, so that its chain cannot be checked here: that it came over TLS
//! from SNS's own name is what vouches for it (AWS's own libraries do the same).

mod address;
mod certificate;

pub use certificate::{PEM_BYTES_MAX, SigningCertificate};

use super::{Refusal, read_json};
use crate::incident::shorten;
use address::Place;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use checks::UnixMs;
use chrono::DateTime;
use serde::Deserialize;
use url::Url;

/// SNS offers a message again for an hour at most (the hard limit of a delivery policy); clocks differ.
const AGE_MAX_MS: u64 = 75 * 60 * 1000;
const AHEAD_MAX_MS: u64 = 15 * 60 * 1000;

/// A topic's name and where it is: `arn:aws:sns:eu-west-1:123456789012:alarms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn {
    arn: String,
    region: String,
    partition: String,
}

impl TopicArn {
    /// `None` for what names no topic.
    pub fn new(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, "sns", region, account, name] = parts[..] else { return None };
        let is_plain = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let is_name = |text: &str| {
            (1..=256).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        (is_plain(partition) && is_plain(region) && is_account && is_name(name)).then(|| Self {
            arn: arn.to_owned(),
            region: region.to_owned(),
            partition: partition.to_owned(),
        })
    }

    pub fn as_str(&self) -> &str {
        &self.arn
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Kind {
    Notification,
    /// Somebody subscribed this endpoint; it hears nothing until it has confirmed.
    SubscriptionConfirmation,
    /// Somebody ended the subscription: from now on nothing is heard.
    UnsubscribeConfirmation,
}

/// A message as it came in, believed by nobody yet.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Envelope {
    #[serde(rename = "Type")]
    kind: Kind,
    message_id: String,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
}

/// A message that SNS has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub kind: Kind,
    pub topic: TopicArn,
    pub message: String,
    pub at: UnixMs,
    /// What to ask for with GET so that the subscription is confirmed; present where the kind says so.
    pub subscribe_url: Option<Url>,
}

impl Envelope {
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        read_json(body)
    }

    pub fn topic_arn(&self) -> &str {
        &self.topic_arn
    }

    /// Where the certificate is that it claims to be signed with. `topics` are those that may speak; `double` stands for
    /// SNS in tests.
    pub fn certificate_url(&self, topics: &[TopicArn], double: Option<&Url>, now: UnixMs) -> Result<Url, Refusal> {
        let topic = self.topic(topics)?;
        self.time(now)?;
        Place::of(topic, double).certificate(&self.signing_cert_url)
    }

    /// The message, where the certificate's key has signed it.
    pub fn verified(
        &self,
        topics: &[TopicArn],
        double: Option<&Url>,
        certificate: &SigningCertificate,
        now: UnixMs,
    ) -> Result<Verified, Refusal> {
        let topic = self.topic(topics)?;
        let at = self.time(now)?;
        certificate.is_valid_at(now)?;
        let signature = STANDARD.decode(self.signature.trim()).map_err(|_| Refusal::Signature)?;
        certificate.verify(&self.signature_version, self.signed_text()?.as_bytes(), &signature)?;
        let subscribe_url = match (self.kind, &self.subscribe_url) {
            (Kind::SubscriptionConfirmation, Some(url)) => Some(Place::of(topic, double).confirmation(url, topic)?),
            _ => None,
        };
        Ok(Verified { kind: self.kind, topic: topic.clone(), message: self.message.clone(), at, subscribe_url })
    }

    fn topic<'a>(&self, topics: &'a [TopicArn]) -> Result<&'a TopicArn, Refusal> {
        let found = topics.iter().find(|topic| topic.arn == self.topic_arn);
        found.ok_or_else(|| Refusal::Topic(shorten(&self.topic_arn, 300)))
    }

    fn time(&self, now: UnixMs) -> Result<UnixMs, Refusal> {
        let at = DateTime::parse_from_rfc3339(&self.timestamp).map_err(super::malformed)?;
        let at = UnixMs(at.timestamp_millis());
        if now.since_ms(at) > AGE_MAX_MS {
            return Err(Refusal::TooOld(now.since_ms(at) / 1_000));
        }
        if at.since_ms(now) > AHEAD_MAX_MS {
            return Err(Refusal::TooNew(at.since_ms(now) / 1_000));
        }
        Ok(at)
    }

    /// What is signed: names and values of these fields in the order of their names, a line each.
    fn signed_text(&self) -> Result<String, Refusal> {
        let needed = |name: &str, value: &Option<String>| {
            value.clone().ok_or_else(|| super::malformed(format_args!("a message of this type has `{name}`")))
        };
        let mut fields = vec![("Message", self.message.clone()), ("MessageId", self.message_id.clone())];
        match self.kind {
            Kind::Notification => fields.extend(self.subject.clone().map(|subject| ("Subject", subject))),
            _ => fields.push(("SubscribeURL", needed("SubscribeURL", &self.subscribe_url)?)),
        }
        fields.push(("Timestamp", self.timestamp.clone()));
        if self.kind != Kind::Notification {
            fields.push(("Token", needed("Token", &self.token)?));
        }
        fields.push(("TopicArn", self.topic_arn.clone()));
        fields.push(("Type", format!("{:?}", self.kind)));
        Ok(fields.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_names_of_their_own_shape() {
        let cases = [
            ("arn:aws:sns:eu-west-1:123456789012:alarms", true),
            ("arn:aws-cn:sns:cn-north-1:123456789012:alarms.fifo", true),
            ("arn:aws:sns:eu-west-1:123456789012:alarms:0f3c2a9d", false),
            ("arn:aws:sqs:eu-west-1:123456789012:alarms", false),
            ("arn:aws:sns:evil.example/:123456789012:alarms", false),
            ("arn:aws:sns:eu-west-1:1234:alarms", false),
            ("arn:aws:sns:eu-west-1:123456789012:", false),
            ("alarms", false),
        ];
        for (arn, expected) in cases {
            assert_eq!(TopicArn::new(arn).is_some(), expected, "{arn}");
        }
    }
}
