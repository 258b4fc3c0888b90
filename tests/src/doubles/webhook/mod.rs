//! A program that is told by webhook, as a careful receiver would be written: it verifies signature and age before it
//! looks at the body, and throws away what it has seen under the same id.

use super::Behaviour;
use super::server::{Answer, Arrival, Double, Provider};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use std::io;
use std::time::{Instant, UNIX_EPOCH};

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#verifying-webhooks>
const TOLERANCE_S: u64 = 300;

pub type Receiver = Double<Inbox>;

impl Receiver {
    /// What both sides share.
    pub const SECRET: &'static str = "whsec_ZG91YmxlcyBvd24gc2lnbmluZyBzZWNyZXQsIDMyIGI=";

    pub async fn listening() -> io::Result<Self> {
        Self::start(Inbox::default()).await
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks/tocsin", self.addr())
    }

    pub fn messages(&self) -> Vec<WebhookMessage> {
        self.with(|record| record.messages.clone())
    }
}

/// What came and was verified.
#[derive(Debug, Default)]
pub struct WebhookRecord {
    /// Every call in order of arrival, kept or not.
    pub calls: Vec<WebhookCall>,
    /// Every id once, in order of its first arrival.
    pub messages: Vec<WebhookMessage>,
}

impl WebhookRecord {
    /// The messages of one type: `incident.paged`.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a WebhookMessage> {
        self.messages.iter().filter(move |message| message.body["type"] == kind)
    }
}

#[derive(Debug, Clone)]
pub struct WebhookCall {
    pub id: String,
    pub at: Instant,
    pub behaviour: Behaviour,
}

#[derive(Debug, Clone)]
pub struct WebhookMessage {
    pub id: String,
    pub body: Value,
    /// How often it came.
    pub times: usize,
}

#[derive(Debug, Default)]
pub struct Inbox {
    record: WebhookRecord,
}

/// The key that the secret stands for.
fn key() -> Vec<u8> {
    let encoded = Receiver::SECRET.strip_prefix("whsec_").expect("secrets begin so");
    BASE64_STANDARD.decode(encoded).expect("the double's own secret is Base64")
}

/// What is wrong with the way a webhook was sent, as far as it can be said without reading the body.
pub fn unverified(arrival: &Arrival) -> Option<String> {
    let header = |name: &str| arrival.header(name).ok_or_else(|| format!("the header `{name}` is missing"));
    let verify = || {
        let (id, timestamp, signatures) =
            (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
        if id.contains('.') {
            return Err(format!("the id `{id}` has a dot, which is what joins it to the time"));
        }
        let sent_s: u64 = timestamp.parse().map_err(|_| format!("`{timestamp}` is no number of seconds"))?;
        let now_s = arrival.at_wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if now_s.abs_diff(sent_s) > TOLERANCE_S {
            return Err(format!("sent at {timestamp}, and it is {now_s}"));
        }
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &arrival.body].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key());
        let is_ours = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).any(|signature| {
            let tag = BASE64_STANDARD.decode(signature).unwrap_or_default();
            hmac::verify(&key, &signed, &tag).is_ok()
        });
        if is_ours { Ok(()) } else { Err(format!("`{signatures}` is not the signature of what came")) }
    };
    verify().err()
}

impl Provider for Inbox {
    type Record = WebhookRecord;

    fn record(&self) -> &WebhookRecord {
        &self.record
    }

    fn operation(&self, _arrival: &Arrival) -> String {
        "receive".to_owned()
    }

    fn violations(&self, arrival: &Arrival) -> Vec<String> {
        let mut wrong: Vec<String> = unverified(arrival).into_iter().collect();
        if arrival.method != http::Method::POST || arrival.path != "/hooks/tocsin" {
            wrong.push(format!("{} {} is not where it receives", arrival.method, arrival.path));
        }
        if arrival.media_type().as_deref() != Some("application/json") {
            wrong.push(format!("sent as {:?}", arrival.media_type()));
        }
        let body: Value = serde_json::from_slice(&arrival.body).unwrap_or_default();
        for field in ["type", "timestamp", "data"] {
            if body[field].is_null() {
                wrong.push(format!("the body has no `{field}`: {body}"));
            }
        }
        // The same id is the same message, to the byte.
        let id = arrival.header("webhook-id").unwrap_or_default();
        if let Some(known) = self.record.messages.iter().find(|message| message.id == id)
            && known.body != body
        {
            wrong.push(format!("{id} came with another body: {body}, and before {}", known.body));
        }
        wrong
    }

    fn accept(&mut self, arrival: &Arrival) -> Answer {
        let answer = |status| Answer { status, body: json!({}) };
        if let Some(problem) = unverified(arrival) {
            return Answer { status: StatusCode::UNAUTHORIZED, body: json!({ "error": problem }) };
        }
        let Ok(body) = serde_json::from_slice(&arrival.body) else { return answer(StatusCode::BAD_REQUEST) };
        let id = arrival.header("webhook-id").unwrap_or_default().to_owned();
        match self.record.messages.iter_mut().find(|message| message.id == id) {
            Some(known) => known.times += 1,
            None => self.record.messages.push(WebhookMessage { id, body, times: 1 }),
        }
        answer(StatusCode::OK)
    }

    fn rate_limited(&self) -> Value {
        json!({ "error": "too many requests" })
    }

    fn note(&mut self, _operation: &str, arrival: &Arrival, behaviour: Behaviour, _answered: Option<&Answer>) {
        let id = arrival.header("webhook-id").unwrap_or_default().to_owned();
        self.record.calls.push(WebhookCall { id, at: arrival.at, behaviour });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};
    use std::time::SystemTime;

    fn arrival(id: &str, age_s: u64, signature: Option<&str>) -> Arrival {
        let (at_wall, body) = (SystemTime::now(), br#"{"type":"a"}"#.to_vec());
        let sent_s = at_wall.duration_since(UNIX_EPOCH).unwrap().as_secs() - age_s;
        let signed = format!("{id}.{sent_s}.{}", String::from_utf8_lossy(&body));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key()), signed.as_bytes());
        let signature = signature.map_or_else(|| format!("v1,{}", BASE64_STANDARD.encode(tag)), str::to_owned);
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", sent_s.into());
        headers.insert("webhook-signature", signature.parse().unwrap());
        let (path, at) = ("/hooks/tocsin".to_owned(), Instant::now());
        Arrival { method: Method::POST, path, query: Vec::new(), headers, body: body.into(), at, at_wall }
    }

    #[test]
    fn what_is_unsigned_old_or_changed_is_noticed() {
        assert_eq!(unverified(&arrival("msg_1", 0, None)), None);
        let mut changed = arrival("msg_1", 0, None);
        changed.body = br#"{"type":"b"}"#.to_vec().into();
        let mut unsigned = arrival("msg_1", 0, None);
        unsigned.headers.remove("webhook-signature");
        let cases = [
            (changed, "not the signature"),
            (arrival("msg_1", 0, Some("v1,AAAA")), "not the signature"),
            (arrival("msg_1", TOLERANCE_S + 10, None), "and it is"),
            (arrival("msg.1", 0, None), "has a dot"),
            (unsigned, "is missing"),
        ];
        for (arrival, part) in cases {
            let problem = unverified(&arrival).unwrap_or_default();
            assert!(problem.contains(part), "{problem}");
        }
    }
}
