//! Twilio's Messages and Calls: an account that sends texts and calls, and can be asked what it has sent and whom it has
//! called.
//!
//! The published description leaves the whole form optional, so that recipient, sender and text are asserted here.

mod answers;
mod calls;
mod form;
mod paging;
mod record;

pub use calls::PhoneCall;
pub use record::{Sms, TwilioCall, TwilioRecord};

use super::Behaviour;
use super::contract::{self, Given, OpenApi3};
use super::server::{Answer, Arrival, Double, Provider};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::NaiveDate;
use form::{argument, body_violation, from_violation, status_callback_violation, to_violation};
use http::StatusCode;
use paging::paged;
use serde_json::{Value, json};
use std::io;

pub const SPECIFICATION: &str = "twilio_messages_openapi3.json";

pub type Twilio = Double<Account>;

impl Twilio {
    pub const ACCOUNT_SID: &'static str = "AC00000000000000000000000000d0b1e0";
    pub const AUTH_TOKEN: &'static str = "doubles-own-auth-token";
    /// A number that the account owns.
    pub const FROM: &'static str = "+15005550006";

    pub async fn account() -> io::Result<Self> {
        Self::start(Account {
            contract: contract::document(SPECIFICATION).map(OpenApi3::new),
            record: TwilioRecord::default(),
        })
        .await
    }

    /// What stands before `/2010-04-01`.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    pub fn messages(&self) -> Vec<Sms> {
        self.with(|record| record.messages.clone())
    }

    pub fn phone_calls(&self) -> Vec<PhoneCall> {
        self.with(|record| record.phone_calls.clone())
    }
}

#[derive(Debug)]
pub struct Account {
    contract: Option<OpenApi3>,
    record: TwilioRecord,
}

/// Where the account's messages are.
fn collection() -> String {
    format!("/2010-04-01/Accounts/{}/Messages.json", Twilio::ACCOUNT_SID)
}

fn sid_of(path: &str) -> Option<&str> {
    path.strip_prefix(collection().strip_suffix(".json")?)?.strip_prefix('/')?.strip_suffix(".json")
}

fn authorized(arrival: &Arrival) -> bool {
    let expected = BASE64_STANDARD.encode(format!("{}:{}", Twilio::ACCOUNT_SID, Twilio::AUTH_TOKEN));
    arrival.header("authorization").and_then(|header| header.strip_prefix("Basic ")) == Some(expected.as_str())
}

fn refuse(status: StatusCode, code: i64, message: &str) -> Answer {
    let body = json!({
        "code": code,
        "message": message,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status.as_u16(),
    });
    Answer { status, body }
}

impl Provider for Account {
    type Record = TwilioRecord;

    fn record(&self) -> &TwilioRecord {
        &self.record
    }

    fn operation(&self, arrival: &Arrival) -> String {
        match arrival.method.as_str() {
            "POST" if arrival.path == collection() => "send".to_owned(),
            "GET" if arrival.path == collection() => "list".to_owned(),
            "GET" if sid_of(&arrival.path).is_some() => "fetch".to_owned(),
            "POST" if arrival.path == calls::collection() => "call".to_owned(),
            "GET" if arrival.path == calls::collection() => "list-calls".to_owned(),
            method => format!("{method} {}", arrival.path),
        }
    }

    fn violations(&self, arrival: &Arrival) -> Vec<String> {
        let mut wrong = Vec::new();
        let form = arrival.form();
        if let Some(contract) = &self.contract {
            wrong.extend(contract.violations(
                arrival.method.as_str(),
                &arrival.path,
                arrival.media_type().as_deref(),
                &Given::from_pairs(&arrival.query),
                &Given::from_pairs(&form),
            ));
        }
        if !authorized(arrival) {
            wrong.push("the `Authorization: Basic` header is not the account's SID and token".to_owned());
        }
        match self.operation(arrival).as_str() {
            "send" => {
                for (name, violation) in
                    [("To", to_violation(&form)), ("From", from_violation(&form)), ("Body", body_violation(&form))]
                {
                    wrong.extend(violation.map(|(_, text)| format!("`{name}`: {text}")));
                }
                wrong.extend(status_callback_violation(&form));
            }
            "call" => wrong.extend(calls::violations(&form)),
            "list" | "fetch" | "list-calls" => {}
            other => wrong.push(format!("{other}: no such resource of the account")),
        }
        wrong
    }

    fn accept(&mut self, arrival: &Arrival) -> Answer {
        if !authorized(arrival) {
            return refuse(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
        }
        match self.operation(arrival).as_str() {
            "send" => self.send(arrival),
            "list" => self.list(&arrival.query),
            "call" => self.call(arrival),
            "list-calls" => self.list_calls(&arrival.query),
            "fetch" => {
                let sms = sid_of(&arrival.path).and_then(|sid| self.record.messages.iter().find(|sms| sms.sid == sid));
                match sms {
                    Some(sms) => Answer { status: StatusCode::OK, body: sms.as_twilio_shows() },
                    None => refuse(StatusCode::NOT_FOUND, 20404, "The requested resource was not found"),
                }
            }
            _ => refuse(StatusCode::NOT_FOUND, 20404, "The requested resource was not found"),
        }
    }

    fn rate_limited(&self) -> Value {
        refuse(StatusCode::TOO_MANY_REQUESTS, 20429, "Too Many Requests").body
    }

    fn note(&mut self, operation: &str, arrival: &Arrival, behaviour: Behaviour, answered: Option<&Answer>) {
        self.record.calls.push(TwilioCall {
            operation: operation.to_owned(),
            at: arrival.at,
            at_wall: arrival.at_wall,
            arguments: if arrival.body.is_empty() { arrival.query.clone() } else { arrival.form() },
            behaviour,
            error: answered.and_then(|answer| answer.body["code"].as_i64()),
        });
    }
}

impl Account {
    fn send(&mut self, arrival: &Arrival) -> Answer {
        let form = arrival.form();
        let refusal = to_violation(&form).or_else(|| from_violation(&form)).or_else(|| body_violation(&form));
        if let Some((code, message)) = refusal {
            return refuse(StatusCode::BAD_REQUEST, code, &message);
        }
        let text = |name| argument(&form, name).map(str::to_owned);
        let sms = Sms {
            sid: format!("SM{:032x}", self.record.messages.len() + 1),
            to: text("To").unwrap_or_default(),
            from: text("From"),
            messaging_service_sid: text("MessagingServiceSid"),
            body: text("Body").unwrap_or_default(),
            status_callback: text("StatusCallback"),
            sent_at: arrival.at,
            sent_at_wall: arrival.at_wall.into(),
        };
        let mut body = sms.as_twilio_shows();
        // At first it is only in the queue.
        body["status"] = json!("queued");
        body["date_sent"] = Value::Null;
        self.record.messages.push(sms);
        Answer { status: StatusCode::CREATED, body }
    }

    fn list(&self, query: &[(String, String)]) -> Answer {
        let mut days = Vec::new();
        for (name, keeps) in [
            ("DateSent", (|sent, day| sent == day) as fn(NaiveDate, NaiveDate) -> bool),
            ("DateSent<", |sent, day| sent <= day),
            ("DateSent>", |sent, day| sent >= day),
        ] {
            let Some(text) = argument(query, name) else { continue };
            match text.get(..10).and_then(|day| day.parse::<NaiveDate>().ok()) {
                Some(day) => days.push((keeps, day)),
                None => return refuse(StatusCode::BAD_REQUEST, 20001, &format!("{name} is no date: {text}")),
            }
        }
        let number = |name: &str| argument(query, name).map(str::to_owned);
        let (to, from) = (number("To"), number("From"));
        let matching = self.record.messages.iter().rev().filter(|sms| {
            to.as_ref().is_none_or(|to| *to == sms.to)
                && from.as_ref().is_none_or(|from| sms.from.as_ref() == Some(from))
                && days.iter().all(|(keeps, day)| keeps(sms.sent_at_wall.date_naive(), *day))
        });
        paged("messages", &collection(), query, matching.map(Sms::as_twilio_shows))
    }
}
