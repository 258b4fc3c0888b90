use super::body::body;
use super::outcome::{fault_of_answer, fault_of_transport};
use crate::notification::{Address, Notification};
use crate::outbox::{Channel, DeliveryOutcome, Fault, Reconciled};
use crate::policy::PhoneNumber;
use async_trait::async_trait;
use checks::UnixMs;
use chrono::DateTime;
use reqwest::{Client, RequestBuilder, StatusCode, header};
use serde::Deserialize;
use std::fmt;
use std::time::Duration;

/// Messages are looked for from this long before the notification was made: clocks differ.
const LOOK_BACK_MS: u64 = 10 * 60 * 1000;
const PAGES_MAX: usize = 5;
const PAGE_ROWS: &str = "100";
/// A page of a hundred messages has well under a megabyte.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// A TCP connection that takes longer was certainly not used: the attempt can be repeated without a question.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Who an SMS comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    Number(PhoneNumber),
    /// `MG` and 32 hexadecimal digits.
    MessagingService(String),
}

#[derive(Clone)]
pub struct TwilioSettings {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    pub auth_token: String,
    pub sender: Sender,
    pub api_url: String,
    /// For each call.
    pub timeout_ms: u64,
}

impl TwilioSettings {
    pub fn new(account_sid: impl Into<String>, auth_token: impl Into<String>, sender: Sender) -> Self {
        Self {
            account_sid: account_sid.into(),
            auth_token: auth_token.into(),
            sender,
            api_url: "https://api.twilio.com".to_owned(),
            timeout_ms: 10_000,
        }
    }
}

impl fmt::Debug for TwilioSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioSettings")
            .field("account_sid", &self.account_sid)
            .field("sender", &self.sender)
            .field("api_url", &self.api_url)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TwilioError {
    #[error("Twilio's `api_url` is `{url}`, {problem}")]
    Url { url: String, problem: String },
    #[error("Twilio's `{key}` is `{value}`; write `{prefix}` and 32 hexadecimal digits, as the console shows it")]
    Sid { key: &'static str, value: String, prefix: &'static str },
    #[error("Twilio's auth token is empty; write the one that the console shows")]
    Token,
    #[error("the HTTP client for Twilio cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

pub struct TwilioChannel {
    client: Client,
    settings: TwilioSettings,
    /// Without a slash at its end.
    api_url: String,
}

#[derive(Deserialize)]
struct Created {
    sid: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    messages: Vec<ListedMessage>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct ListedMessage {
    sid: String,
    body: Option<String>,
    status: Option<String>,
    date_created: Option<String>,
}

fn is_sid(sid: &str, prefix: &str) -> bool {
    sid.strip_prefix(prefix).is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl TwilioChannel {
    pub fn new(settings: TwilioSettings) -> Result<Self, TwilioError> {
        let api_url = settings.api_url.trim_end_matches('/').to_owned();
        crate::outbox::require_secure(&api_url)
            .map_err(|problem| TwilioError::Url { url: settings.api_url.clone(), problem })?;
        if !is_sid(&settings.account_sid, "AC") {
            return Err(TwilioError::Sid { key: "account_sid", value: settings.account_sid.clone(), prefix: "AC" });
        }
        if let Sender::MessagingService(sid) = &settings.sender
            && !is_sid(sid, "MG")
        {
            return Err(TwilioError::Sid { key: "messaging_service_sid", value: sid.clone(), prefix: "MG" });
        }
        if settings.auth_token.is_empty() {
            return Err(TwilioError::Token);
        }
        let client = Client::builder()
            .timeout(Duration::from_millis(settings.timeout_ms))
            .connect_timeout(CONNECT_TIMEOUT.min(Duration::from_millis(settings.timeout_ms)))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, settings, api_url })
    }

    fn messages_url(&self) -> String {
        format!("{}/2010-04-01/Accounts/{}/Messages.json", self.api_url, self.settings.account_sid)
    }

    async fn call(&self, request: RequestBuilder) -> Result<Vec<u8>, Fault> {
        let request = request.basic_auth(&self.settings.account_sid, Some(&self.settings.auth_token));
        let mut response = request.send().await.map_err(|e| fault_of_transport(&e))?;
        let status = response.status();
        let retry_after_ms = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
            .map(|seconds| seconds.saturating_mul(1000));
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| fault_of_transport(&e))? {
            if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
                let reason = format!("Twilio's answer has more than {ANSWER_BYTES_MAX} bytes");
                return Err(Fault::Ambiguous { reason });
            }
            answer.extend_from_slice(&chunk);
        }
        match status {
            StatusCode::OK | StatusCode::CREATED => Ok(answer),
            status => Err(fault_of_answer(status, retry_after_ms, &answer)),
        }
    }

    async fn send(&self, number: &PhoneNumber, text: &str) -> Result<String, Fault> {
        let sender = match &self.settings.sender {
            Sender::Number(number) => ("From", number.as_str()),
            Sender::MessagingService(sid) => ("MessagingServiceSid", sid.as_str()),
        };
        let form = [("To", number.as_str()), sender, ("Body", text)];
        let answer = self.call(self.client.post(self.messages_url()).form(&form)).await?;
        let created: Created = read(&answer)?;
        Ok(created.sid)
    }

    /// Looks through what was sent to the number. The list is not filtered by date: a message that still queues has no
    /// date of sending, and would not be in it.
    async fn find(&self, number: &PhoneNumber, text: &str, oldest: UnixMs) -> Result<Reconciled, Fault> {
        let mut request =
            self.client.get(self.messages_url()).query(&[("To", number.as_str()), ("PageSize", PAGE_ROWS)]);
        for _ in 0..PAGES_MAX {
            let answer = self.call(request).await?;
            let page: Listed = read(&answer)?;
            let recent = page.messages.iter().filter(|message| message.created_at().is_none_or(|at| at >= oldest));
            if let Some(found) = recent.clone().find(|message| message.is(text)) {
                return Ok(Reconciled::Has { receipt: found.sid.clone() });
            }
            let all_recent = recent.count() == page.messages.len() && !page.messages.is_empty();
            match page.next_page_uri.filter(|uri| all_recent && uri.starts_with('/')) {
                Some(uri) => request = self.client.get(format!("{}{uri}", self.api_url)),
                None => return Ok(Reconciled::HasNot),
            }
        }
        Ok(Reconciled::CannotBeAsked { reason: format!("more than {PAGES_MAX} pages of messages since it was made") })
    }
}

impl ListedMessage {
    fn created_at(&self) -> Option<UnixMs> {
        let date = DateTime::parse_from_rfc2822(self.date_created.as_deref()?).ok()?;
        Some(UnixMs(date.timestamp_millis()))
    }

    /// A trial account puts a sentence before each body. What Twilio has given up does not count.
    fn is(&self, text: &str) -> bool {
        let given_up = matches!(self.status.as_deref(), Some("failed" | "undelivered" | "canceled"));
        !given_up && self.body.as_deref().is_some_and(|body| body.trim_end().ends_with(text.trim_end()))
    }
}

fn read<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(answer)
        .map_err(|e| Fault::Ambiguous { reason: format!("Twilio's answer cannot be read: {e}") })
}

fn number(address: &Address) -> Result<&PhoneNumber, Fault> {
    match address {
        Address::Sms { number, .. } => Ok(number),
        _ => Err(Fault::Permanent { reason: format!("{address} has no phone number") }),
    }
}

#[async_trait]
impl Channel for TwilioChannel {
    async fn deliver(&self, notification: &Notification, _post: Option<&str>) -> DeliveryOutcome {
        let sent = async { self.send(number(&notification.address)?, &body(notification)).await };
        match sent.await {
            Ok(receipt) => DeliveryOutcome::Delivered { receipt },
            Err(fault) => fault.into(),
        }
    }

    async fn reconcile(&self, notification: &Notification, _post: Option<&str>) -> Reconciled {
        let oldest = notification.created_at - LOOK_BACK_MS;
        let asked = async { self.find(number(&notification.address)?, &body(notification), oldest).await };
        asked.await.unwrap_or_else(Reconciled::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_accepted_or_refused() {
        let sid = format!("AC{}", "0".repeat(32));
        let from = || Sender::Number("+12025550123".parse().unwrap());
        let base = TwilioSettings::new(&*sid, "token", from());
        let cases = [
            (TwilioSettings { account_sid: "AC1".to_owned(), ..base.clone() }, "`account_sid` is `AC1`"),
            (
                TwilioSettings { sender: Sender::MessagingService("XX".to_owned()), ..base.clone() },
                "`messaging_service_sid` is `XX`",
            ),
            (TwilioSettings { auth_token: String::new(), ..base.clone() }, "auth token is empty"),
            (TwilioSettings { api_url: "http://api.twilio.com".to_owned(), ..base.clone() }, "in the clear"),
        ];
        for (settings, part) in cases {
            let error = TwilioChannel::new(settings).err().unwrap().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(!format!("{base:?}").contains("token"), "the token is not shown");
    }

    #[test]
    fn messages_are_recognised() {
        let listed = |body: &str, status: &str| ListedMessage {
            sid: "SM1".to_owned(),
            body: Some(body.to_owned()),
            status: Some(status.to_owned()),
            date_created: Some("Thu, 24 Aug 2023 05:01:45 +0000".to_owned()),
        };
        assert!(listed("P1 #7 x", "queued").is("P1 #7 x"));
        assert!(listed("Sent from your Twilio trial account - P1 #7 x", "sent").is("P1 #7 x"));
        assert!(!listed("P1 #7 x", "failed").is("P1 #7 x"));
        assert!(!listed("OK #7 x", "sent").is("P1 #7 x"));
        assert_eq!(listed("", "").created_at(), Some(UnixMs(1_692_853_305_000)));
    }
}
