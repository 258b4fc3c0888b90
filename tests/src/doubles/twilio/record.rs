//! What the Twilio double wrote down.

use super::{PhoneCall, Twilio};
use crate::doubles::Behaviour;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::{Instant, SystemTime};

#[derive(Debug, Default)]
pub struct TwilioRecord {
    /// Every call in order of arrival, kept or not.
    pub calls: Vec<TwilioCall>,
    /// What the account has sent, oldest first.
    pub messages: Vec<Sms>,
    /// Whom the account has called, oldest first.
    pub phone_calls: Vec<PhoneCall>,
}

impl TwilioRecord {
    pub fn to<'a>(&'a self, number: &'a str) -> impl DoubleEndedIterator<Item = &'a Sms> {
        self.messages.iter().filter(move |sms| sms.to == number)
    }
}

#[derive(Debug, Clone)]
pub struct TwilioCall {
    /// `send`, `list`, `fetch`, `call` or `list-calls`.
    pub operation: String,
    pub at: Instant,
    pub at_wall: SystemTime,
    /// Of the form, or of the query.
    pub arguments: Vec<(String, String)>,
    pub behaviour: Behaviour,
    /// Twilio's own error code, where it refused.
    pub error: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Sms {
    pub sid: String,
    pub to: String,
    pub from: Option<String>,
    pub messaging_service_sid: Option<String>,
    pub body: String,
    /// Where what becomes of it is reported.
    pub status_callback: Option<String>,
    pub sent_at: Instant,
    pub sent_at_wall: DateTime<Utc>,
}

impl Sms {
    pub(super) fn as_twilio_shows(&self) -> Value {
        let sent = self.sent_at_wall.to_rfc2822();
        let uri = format!("/2010-04-01/Accounts/{}/Messages/{}", Twilio::ACCOUNT_SID, self.sid);
        json!({
            "account_sid": Twilio::ACCOUNT_SID,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": sent,
            "date_sent": sent,
            "date_updated": sent,
            "direction": "outbound-api",
            "error_code": null,
            "error_message": null,
            "from": self.from,
            "messaging_service_sid": self.messaging_service_sid,
            "num_media": "0",
            "num_segments": "1",
            "price": null,
            "price_unit": "USD",
            "sid": self.sid,
            "status": "sent",
            "subresource_uris": { "media": format!("{uri}/Media.json") },
            "to": self.to,
            "uri": format!("{uri}.json"),
        })
    }
}
