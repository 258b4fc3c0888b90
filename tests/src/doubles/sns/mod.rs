//! Amazon SNS: signs messages with a key of its own, serves the certificate, and confirms subscriptions. `key.pem` and
//! `certificate.pem` are of this double alone, made with `openssl req` and `openssl ca`.

use super::Behaviour;
use super::server::{Answer, Arrival, Double, Provider};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};
use std::io;

const KEY: &str = include_str!("key.pem");
const CERTIFICATE: &str = include_str!("certificate.pem");
const CERTIFICATE_PATH: &str = "/SimpleNotificationService-0f3c.pem";
const TOKEN: &str = "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92";

pub type Sns = Double<Topic>;

#[derive(Debug, Default)]
pub struct SnsRecord {
    pub certificates_fetched: usize,
    pub subscriptions_confirmed: usize,
}

#[derive(Debug, Default)]
pub struct Topic {
    record: SnsRecord,
}

impl Sns {
    pub const TOPIC: &'static str = "arn:aws:sns:eu-west-1:123456789012:alarms";

    pub async fn topic() -> io::Result<Self> {
        Self::start(Topic::default()).await
    }

    pub fn api_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// A message of this kind and of now, signed, as it is posted to an endpoint.
    pub fn message(&self, kind: &str, text: &str) -> Value {
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let url = self.api_url();
        let mut message = Map::new();
        let mut put = |name: &str, value: &str| drop(message.insert(name.to_owned(), json!(value)));
        put("Type", kind);
        put("MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324");
        put("TopicArn", Self::TOPIC);
        put("Message", text);
        put("Timestamp", &now);
        put("SignatureVersion", "2");
        put("SigningCertURL", &format!("{url}{CERTIFICATE_PATH}"));
        let signed: &[&str] = if kind == "Notification" {
            put("Subject", "ALARM");
            put("UnsubscribeURL", &format!("{url}/?Action=Unsubscribe"));
            &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        } else {
            let topic = Self::TOPIC;
            put("Token", TOKEN);
            put("SubscribeURL", &format!("{url}/?Action=ConfirmSubscription&TopicArn={topic}&Token={TOKEN}"));
            &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        };
        let line = |name: &&str| format!("{name}\n{}\n", message[*name].as_str().unwrap_or_default());
        let text: String = signed.iter().map(line).collect();
        message.insert("Signature".to_owned(), json!(signature(text.as_bytes())));
        Value::Object(message)
    }

    /// What CloudWatch publishes when an alarm changes its state, now.
    pub fn alarm(&self, name: &str, state: &str, before: &str) -> Value {
        let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string();
        let alarm = json!({
            "AlarmName": name,
            "AlarmDescription": null,
            "AWSAccountId": "123456789012",
            "NewStateValue": state,
            "NewStateReason": "Threshold Crossed: 1 datapoint [0.0] was less than the threshold (1.0).",
            "StateChangeTime": now,
            "Region": "EU (Ireland)",
            "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}"),
            "OldStateValue": before,
            "Trigger": { "MetricName": "logins", "Namespace": "Auth", "Period": 60 },
        });
        self.message("Notification", &alarm.to_string())
    }
}

fn signature(text: &[u8]) -> String {
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).expect("the double's own key");
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).expect("an RSA key");
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).expect("RSA signs so");
    BASE64_STANDARD.encode(signer.sign(text).expect("an RSA key of 2048 bits signs anything"))
}

impl Provider for Topic {
    type Record = SnsRecord;

    fn record(&self) -> &SnsRecord {
        &self.record
    }

    fn operation(&self, arrival: &Arrival) -> String {
        let asks =
            |name: &str, value: &str| arrival.query.iter().any(|(n, v)| (n.as_str(), v.as_str()) == (name, value));
        match arrival.method.as_str() {
            "GET" if arrival.path == CERTIFICATE_PATH => "certificate".to_owned(),
            "GET" if asks("Action", "ConfirmSubscription") && asks("Token", TOKEN) => "confirm".to_owned(),
            method => format!("{method} {}", arrival.path),
        }
    }

    fn violations(&self, arrival: &Arrival) -> Vec<String> {
        match self.operation(arrival).as_str() {
            "certificate" | "confirm" => Vec::new(),
            other => vec![format!("{other}: nothing that an endpoint asks for")],
        }
    }

    fn accept(&mut self, arrival: &Arrival) -> Answer {
        let body = match self.operation(arrival).as_str() {
            "certificate" => CERTIFICATE,
            "confirm" => "<ConfirmSubscriptionResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"/>",
            _ => return Answer { status: StatusCode::NOT_FOUND, body: json!("") },
        };
        Answer { status: StatusCode::OK, body: json!(body) }
    }

    fn rate_limited(&self) -> Value {
        json!("Rate exceeded")
    }

    fn note(&mut self, operation: &str, _: &Arrival, _: Behaviour, answered: Option<&Answer>) {
        match operation {
            "certificate" if answered.is_some() => self.record.certificates_fetched += 1,
            "confirm" if answered.is_some() => self.record.subscriptions_confirmed += 1,
            _ => {}
        }
    }
}
