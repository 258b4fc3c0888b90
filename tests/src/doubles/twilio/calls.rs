//! Twilio's Calls resource: telephones that ring, and the script that is read to whoever answers.
//!
//! <https://www.twilio.com/docs/voice/api/call-resource>

use super::form::{Refusal, argument, from_violation, to_violation};
use super::paging::paged;
use super::{Account, Arrival, Twilio, refuse};
use crate::doubles::server::Answer;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{Value, json};

const TWIML_CHARS_MAX: usize = 4000;

#[derive(Debug, Clone)]
pub struct PhoneCall {
    pub sid: String,
    pub to: String,
    pub from: String,
    pub twiml: String,
    pub status_callback: Option<String>,
    pub made_at_wall: DateTime<Utc>,
}

impl PhoneCall {
    /// What is said to whoever answers, verb by verb.
    pub fn said(&self) -> Vec<String> {
        let script = roxmltree::Document::parse(&self.twiml).expect("what is no XML was refused");
        let says = script.descendants().filter(|node| node.has_tag_name("Say"));
        says.map(|say| say.text().unwrap_or_default().to_owned()).collect()
    }

    /// Where a key goes that is pressed.
    pub fn gathers_at(&self) -> Option<String> {
        let script = roxmltree::Document::parse(&self.twiml).expect("what is no XML was refused");
        let gather = script.descendants().find(|node| node.has_tag_name("Gather"))?;
        gather.attribute("action").map(str::to_owned)
    }

    fn as_twilio_shows(&self) -> Value {
        let made = self.made_at_wall.to_rfc2822();
        json!({
            "sid": self.sid,
            "account_sid": Twilio::ACCOUNT_SID,
            "api_version": "2010-04-01",
            "date_created": made,
            "date_updated": made,
            "start_time": null,
            "end_time": null,
            "direction": "outbound-api",
            "duration": null,
            "from": self.from,
            "to": self.to,
            "price": null,
            "price_unit": "USD",
            "status": "queued",
            "uri": format!("/2010-04-01/Accounts/{}/Calls/{}.json", Twilio::ACCOUNT_SID, self.sid),
        })
    }
}

pub(super) fn collection() -> String {
    format!("/2010-04-01/Accounts/{}/Calls.json", Twilio::ACCOUNT_SID)
}

/// <https://www.twilio.com/docs/api/errors/21205>, and what the verbs allow: <https://www.twilio.com/docs/voice/twiml>.
fn twiml_violation(form: &[(String, String)]) -> Refusal {
    let refusal = |words: String| Some((12100, words));
    let Some(twiml) = argument(form, "Twiml") else {
        return Some((21205, "Url, Twiml or ApplicationSid parameter is required.".to_owned()));
    };
    if twiml.chars().count() > TWIML_CHARS_MAX {
        return refusal(format!("Twiml has more than {TWIML_CHARS_MAX} characters"));
    }
    let script = match roxmltree::Document::parse(twiml) {
        Ok(script) => script,
        Err(error) => return refusal(format!("Twiml is no XML: {error}")),
    };
    if !script.root_element().has_tag_name("Response") {
        return refusal("Twiml does not begin with Response".to_owned());
    }
    for node in script.root_element().descendants().filter(|node| node.is_element()).skip(1) {
        let parent = node.parent().map_or("", |parent| parent.tag_name().name());
        let is_placed = match node.tag_name().name() {
            "Say" | "Pause" => matches!(parent, "Response" | "Gather"),
            "Gather" => parent == "Response" && node.attribute("action").is_some(),
            _ => false,
        };
        if !is_placed {
            return refusal(format!("{} does not stand in {parent}", node.tag_name().name()));
        }
    }
    None
}

fn violations_of(form: &[(String, String)]) -> [(&'static str, Refusal); 3] {
    [("To", to_violation(form)), ("From", from_violation(form)), ("Twiml", twiml_violation(form))]
}

pub(super) fn violations(form: &[(String, String)]) -> Vec<String> {
    let mut wrong: Vec<String> = violations_of(form)
        .into_iter()
        .filter_map(|(name, violation)| violation.map(|(_, text)| format!("`{name}`: {text}")))
        .collect();
    if argument(form, "From").is_none() {
        wrong.push("`From`: a call comes from a number".to_owned());
    }
    wrong
}

impl Account {
    pub(super) fn call(&mut self, arrival: &Arrival) -> Answer {
        let form = arrival.form();
        if let Some((code, message)) = violations_of(&form).into_iter().find_map(|(_, violation)| violation) {
            return refuse(StatusCode::BAD_REQUEST, code, &message);
        }
        let text = |name| argument(&form, name).unwrap_or_default().to_owned();
        let call = PhoneCall {
            sid: format!("CA{:032x}", self.record.phone_calls.len() + 1),
            to: text("To"),
            from: text("From"),
            twiml: text("Twiml"),
            status_callback: argument(&form, "StatusCallback").map(str::to_owned),
            made_at_wall: arrival.at_wall.into(),
        };
        let body = call.as_twilio_shows();
        self.record.phone_calls.push(call);
        Answer { status: StatusCode::CREATED, body }
    }

    pub(super) fn list_calls(&self, query: &[(String, String)]) -> Answer {
        let (to, from) = (argument(query, "To"), argument(query, "From"));
        let matching = self
            .record
            .phone_calls
            .iter()
            .rev()
            .filter(|call| to.is_none_or(|to| *to == call.to) && from.is_none_or(|from| *from == call.from));
        paged("calls", &collection(), query, matching.map(PhoneCall::as_twilio_shows))
    }
}
