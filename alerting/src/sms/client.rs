use super::body::body;
use crate::notification::{Address, Notification, NotificationId};
use crate::outbox::{Channel, DeliveryOutcome, Fault, Reconciled};
use crate::policy::PhoneNumber;
use crate::twilio::{API_URL, Account, Listing, TwilioError, created_at};
use async_trait::async_trait;
use checks::UnixMs;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use url::Url;

/// Messages are looked for from this long before the notification was made: clocks differ.
const LOOK_BACK_MS: u64 = 10 * 60 * 1000;

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
    /// Where Twilio is asked to report what becomes of a message, where it can call: the name of the notification is
    /// added to it. Messages then say how to answer, too.
    pub status_callback: Option<Url>,
}

impl TwilioSettings {
    pub fn new(account_sid: impl Into<String>, auth_token: impl Into<String>, sender: Sender) -> Self {
        Self {
            account_sid: account_sid.into(),
            auth_token: auth_token.into(),
            sender,
            api_url: API_URL.to_owned(),
            timeout_ms: 10_000,
            status_callback: None,
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

pub struct TwilioChannel {
    account: Account,
    sender: Sender,
    status_callback: Option<Url>,
}

#[derive(Deserialize)]
struct ListedMessage {
    sid: String,
    body: Option<String>,
    status: Option<String>,
    date_created: Option<String>,
}

impl TwilioChannel {
    pub fn new(settings: TwilioSettings) -> Result<Self, TwilioError> {
        let TwilioSettings { account_sid, auth_token, sender, api_url, timeout_ms, status_callback } = settings;
        if let Sender::MessagingService(sid) = &sender {
            Account::require_sid("messaging_service_sid", sid, "MG")?;
        }
        Ok(Self { account: Account::new(&account_sid, &auth_token, &api_url, timeout_ms)?, sender, status_callback })
    }

    fn takes_answers(&self) -> bool {
        self.status_callback.is_some()
    }

    async fn send(&self, number: &PhoneNumber, text: &str, id: &NotificationId) -> Result<String, Fault> {
        let sender = match &self.sender {
            Sender::Number(number) => ("From", number.as_str()),
            Sender::MessagingService(sid) => ("MessagingServiceSid", sid.as_str()),
        };
        let report_to = self.status_callback.clone().map(|mut url| {
            // The address is part of what Twilio signs, so that the name cannot be another's.
            url.query_pairs_mut().append_pair("notification", &id.0);
            url.to_string()
        });
        let mut form = vec![("To", number.as_str()), sender, ("Body", text)];
        form.extend(report_to.as_deref().map(|url| ("StatusCallback", url)));
        self.account.create("Messages", &form).await
    }

    /// Looks through what was sent to the number and is nobody else's.
    async fn find(
        &self,
        number: &PhoneNumber,
        texts: &[String],
        oldest: UnixMs,
        taken: &BTreeSet<String>,
    ) -> Result<Reconciled, Fault> {
        let listing = Listing { resource: "Messages", to: number.as_str(), oldest };
        let is_it =
            |message: &ListedMessage| !taken.contains(&message.sid) && texts.iter().any(|text| message.is(text));
        let found = |message: &ListedMessage| is_it(message).then(|| message.sid.clone());
        self.account.find(&listing, |message| created_at(message.date_created.as_deref()), found).await
    }
}

impl ListedMessage {
    /// What Twilio has given up does not count.
    fn is(&self, text: &str) -> bool {
        let given_up = matches!(self.status.as_deref(), Some("failed" | "undelivered" | "canceled"));
        !given_up && self.body.as_deref().is_some_and(|body| is_same(body, text))
    }
}

/// Whether a listed body is a text that was sent. A trial account puts a sentence before it; spaces are trimmed; where
/// links are shortened, other addresses stand in their places.
pub fn is_same(listed: &str, sent: &str) -> bool {
    as_listed(listed).ends_with(&as_listed(sent))
}

fn as_listed(text: &str) -> String {
    let word = |word| if str::contains(word, "://") { "://" } else { word };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
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
        let text = body(notification, self.takes_answers());
        let sent = async { self.send(number(&notification.address)?, &text, &notification.id).await };
        match sent.await {
            Ok(receipt) => DeliveryOutcome::Delivered { receipt },
            Err(fault) => fault.into(),
        }
    }

    async fn reconcile(
        &self,
        notification: &Notification,
        _post: Option<&str>,
        taken: &BTreeSet<String>,
    ) -> Reconciled {
        let oldest = notification.created_at - LOOK_BACK_MS;
        // As it was sent, or would have been under another configuration.
        let texts = [true, false].map(|takes_answers| body(notification, takes_answers));
        let asked = async { self.find(number(&notification.address)?, &texts, oldest, taken).await };
        asked.await.unwrap_or_else(Reconciled::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_a_number_or_a_service() {
        let sid = format!("AC{}", "0".repeat(32));
        let settings = TwilioSettings::new(&*sid, "token", Sender::MessagingService("XX".to_owned()));
        assert!(!format!("{settings:?}").contains("token"), "the token is not shown");
        let error = TwilioChannel::new(settings).err().unwrap().to_string();
        assert!(error.contains("`messaging_service_sid` is `XX`"), "{error}");
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
    }

    #[test]
    fn bodies_are_compared_as_twilio_may_show_them() {
        let sent = "P1 #7 login fails: expected https://id.example/a?b=c to answer, got 503";
        let cases = [
            (sent, true),
            ("P1 #7 login fails: expected https://sho.rt/x1 to answer, got 503", true),
            (
                "Sent from your Twilio trial account - P1 #7 login fails: expected http://sho.rt/x1 to answer, got 503 ",
                true,
            ),
            ("P1 #7  login fails:\nexpected https://id.example/a?b=c to answer,  got 503", true),
            ("P1 #8 login fails: expected https://id.example/a?b=c to answer, got 503", false),
            ("P1 #7 login fails: expected id.example to answer, got 503", false),
            ("P1 #7 login fails [again 2]: expected https://id.example/a?b=c to answer, got 503", false),
            ("", false),
        ];
        for (listed, expected) in cases {
            assert_eq!(is_same(listed, sent), expected, "{listed}");
        }
    }
}
