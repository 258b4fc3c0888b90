//! What Twilio tells: `POST /twilio/sms` what members write, `/twilio/voice` which key they pressed, `/twilio/status`
//! and `/twilio/voice/status` what became of a message and of a call.
//!
//! Each is signed with the account's token over the address that Twilio called. Behind a proxy that is the configured
//! one: what a caller says of the host counts for nothing.

use super::acts::Acts;
use super::tally::Tally;
use crate::config::{CallbacksSettings, Secret, Settings};
use alerting::AlertingError;
use alerting::act::Via;
use alerting::notification::Fate;
use alerting::policy::PhoneNumber;
use alerting::sms::{Command, Which, answer, parse};
use alerting::twilio::{NOTHING, is_signed, message, of_call, of_message, say, spoken};
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use checks::UnixMs;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use url::{Url, form_urlencoded};

const SIGNATURE_HEADER: &str = "x-twilio-signature";
const MESSAGE_REPORTS: &str = "/twilio/status";
/// Messages whose answer is remembered: Twilio asks again where it did not get one.
const ANSWERED_MAX: usize = 1000;
/// Incidents that one call reads.
const READ_MAX: usize = 20;

type Form = Vec<(String, String)>;
/// Why a call is not taken, and how it is answered.
type Refusal = (&'static str, StatusCode);

/// Where Twilio is asked to report what becomes of a message; nowhere without callbacks.
pub(in crate::up) fn message_reports(settings: Option<&CallbacksSettings>) -> anyhow::Result<Option<Url>> {
    let url = settings.map(|settings| Url::parse(&format!("{}{MESSAGE_REPORTS}", settings.public_url)));
    url.transpose().context("[callbacks] public_url")
}

struct Twilio {
    auth_token: Secret,
    public_url: String,
    members: BTreeMap<PhoneNumber, String>,
    acts: Arc<Acts>,
    tally: Arc<Tally>,
    /// The id of a message, and what was answered.
    answered: Mutex<VecDeque<(String, String)>>,
}

/// `None` without an account or callbacks.
pub(super) fn router(settings: &Settings, acts: &Arc<Acts>, tally: &Arc<Tally>) -> Option<Router> {
    let (account, callbacks) = (settings.twilio.account.as_ref()?, settings.callbacks.as_ref()?);
    let members = settings.teams.values().flatten();
    let state = Twilio {
        auth_token: account.auth_token.clone(),
        public_url: callbacks.public_url.clone(),
        members: members.filter_map(|member| Some((member.phone.parse().ok()?, member.name.clone()))).collect(),
        acts: Arc::clone(acts),
        tally: Arc::clone(tally),
        answered: Mutex::new(VecDeque::new()),
    };
    let routes = Router::new()
        .route("/twilio/sms", post(sms))
        .route(MESSAGE_REPORTS, post(message_status))
        .route("/twilio/voice", post(voice))
        .route("/twilio/voice/status", post(call_status));
    Some(routes.with_state(Arc::new(state)))
}

/// A call that is Twilio's own.
struct Call<'a> {
    route: &'static str,
    twilio: &'a Twilio,
    query: Form,
    form: Form,
}

fn find<'a>(pairs: &'a Form, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

impl Twilio {
    fn verified(
        &self,
        route: &'static str,
        uri: &Uri,
        headers: &HeaderMap,
        body: Result<Bytes, BytesRejection>,
    ) -> Result<Call<'_>, Refusal> {
        let Ok(body) = body else { return Err(("too-large", StatusCode::PAYLOAD_TOO_LARGE)) };
        let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
        let Some(signature) = signature else { return Err(("unsigned", StatusCode::FORBIDDEN)) };
        let form: Form = form_urlencoded::parse(&body).into_owned().collect();
        let url = format!("{}{}", self.public_url, uri.path_and_query().map_or("", |path| path.as_str()));
        if !is_signed(self.auth_token.expose(), &url, &form, signature) {
            return Err(("wrong-signature", StatusCode::FORBIDDEN));
        }
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        Ok(Call { route, twilio: self, query, form })
    }

    fn answered(&self, message: &str) -> Option<String> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.iter().find(|(known, _)| known == message).map(|(_, answer)| answer.clone())
    }

    fn remember(&self, message: &str, answer: &str) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() >= ANSWERED_MAX {
            answered.pop_front();
        }
        answered.push_back((message.to_owned(), answer.to_owned()));
    }
}

impl Call<'_> {
    fn refuse(&self, reason: &'static str, status: StatusCode) -> Response {
        self.twilio.tally.refuse(self.route, reason, status)
    }

    fn malformed(&self, reason: &'static str) -> Response {
        self.refuse(reason, StatusCode::BAD_REQUEST)
    }

    fn failed(&self, error: &AlertingError) -> Response {
        tracing::error!(route = self.route, %error, "a call of Twilio has no effect");
        self.refuse("not-done", StatusCode::SERVICE_UNAVAILABLE)
    }

    fn answer(&self, twiml: String) -> Response {
        self.twilio.tally.take(self.route);
        ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], twiml).into_response()
    }

    /// Whose number the field holds.
    fn member(&self, field: &str) -> Option<(PhoneNumber, &str)> {
        let number: PhoneNumber = find(&self.form, field)?.parse().ok()?;
        let name = self.twilio.members.get(&number)?;
        Some((number, name))
    }

    /// Writes down how a message or a call ended; what is on its way is not written down.
    async fn report(&self, ended: Option<(Fate, String)>) -> Response {
        let Some(notification) = find(&self.query, "notification") else { return self.malformed("no-notification") };
        let Some((fate, text)) = ended else {
            self.twilio.tally.take(self.route);
            return StatusCode::NO_CONTENT.into_response();
        };
        match self.twilio.acts.handset_report(notification, fate, text).await {
            Ok(true) => {
                self.twilio.tally.take(self.route);
                StatusCode::NO_CONTENT.into_response()
            }
            Ok(false) => self.refuse("unknown-notification", StatusCode::NOT_FOUND),
            Err(error) => self.failed(&error),
        }
    }
}

type Body = Result<Bytes, BytesRejection>;

async fn message_status(State(twilio): State<Arc<Twilio>>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    let call = match twilio.verified("twilio-status", &uri, &headers, body) {
        Ok(call) => call,
        Err((reason, status)) => return twilio.tally.refuse("twilio-status", reason, status),
    };
    let Some(status) = find(&call.form, "MessageStatus") else { return call.malformed("no-status") };
    let error_code = find(&call.form, "ErrorCode").and_then(|code| code.parse().ok());
    call.report(of_message(status, error_code)).await
}

async fn call_status(State(twilio): State<Arc<Twilio>>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    let call = match twilio.verified("twilio-voice-status", &uri, &headers, body) {
        Ok(call) => call,
        Err((reason, status)) => return twilio.tally.refuse("twilio-voice-status", reason, status),
    };
    let Some(status) = find(&call.form, "CallStatus") else { return call.malformed("no-status") };
    call.report(of_call(status)).await
}

/// The key 1 acknowledges what the call has read.
async fn voice(State(twilio): State<Arc<Twilio>>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    let call = match twilio.verified("twilio-voice", &uri, &headers, body) {
        Ok(call) => call,
        Err((reason, status)) => return twilio.tally.refuse("twilio-voice", reason, status),
    };
    let numbers = find(&call.query, "incidents").unwrap_or_default().split(',').map(str::parse);
    let incidents: Vec<u64> = match numbers.collect() {
        Ok(incidents) => incidents,
        Err(_) => return call.malformed("no-incidents"),
    };
    if incidents.len() > READ_MAX {
        return call.malformed("too-many-incidents");
    }
    let Some((_, name)) = call.member("To") else { return call.refuse("stranger", StatusCode::FORBIDDEN) };
    if find(&call.form, "Digits") != Some("1") {
        return call.answer(say(spoken::NOT_ACKNOWLEDGED));
    }
    match call.twilio.acts.acknowledge(&incidents, name, Via::Voice).await {
        Ok(outcomes) => call.answer(say(&spoken::acknowledged(&outcomes))),
        Err(error) => call.failed(&error),
    }
}

async fn sms(State(twilio): State<Arc<Twilio>>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    let call = match twilio.verified("twilio-sms", &uri, &headers, body) {
        Ok(call) => call,
        Err((reason, status)) => return twilio.tally.refuse("twilio-sms", reason, status),
    };
    let Some(id) = find(&call.form, "MessageSid") else { return call.malformed("no-message") };
    let Some(text) = find(&call.form, "Body") else { return call.malformed("no-body") };
    let Some((number, name)) = call.member("From") else { return call.refuse("stranger", StatusCode::FORBIDDEN) };
    if let Some(answer) = twilio.answered(id) {
        return call.answer(answer);
    }
    let command = match parse(text) {
        Ok(command) => command,
        Err(unclear) => return call.answer(message(&answer::unclear(&unclear))),
    };
    match obey(&twilio.acts, command, &number, name).await {
        Ok(answer) => {
            let answer = answer.map_or_else(|| NOTHING.to_owned(), |text| message(&text));
            twilio.remember(id, &answer);
            call.answer(answer)
        }
        Err(error) => call.failed(&error),
    }
}

/// Does what the member asks for, and says what came of it; nothing where Twilio answers itself.
async fn obey(
    acts: &Acts,
    command: Command,
    number: &PhoneNumber,
    name: &str,
) -> Result<Option<String>, AlertingError> {
    let which = match &command {
        Command::Acknowledge(which) | Command::Silence { which, .. } => which,
        Command::Help => return Ok(Some(answer::help())),
        Command::OptOut => return Ok(None),
    };
    let incidents = match which {
        Which::Numbered(numbers) => numbers.clone(),
        Which::All | Which::TheOne => {
            let told = acts.told(number).await?;
            if told.is_empty() || (*which == Which::TheOne && told.len() > 1) {
                return Ok(Some(answer::not_the_one(&told)));
            }
            told
        }
    };
    Ok(Some(match command {
        Command::Silence { for_ms, .. } => {
            let until = UnixMs::now() + for_ms;
            answer::silenced(&acts.silence(&incidents, name, Via::Sms, until).await?, for_ms)
        }
        _ => answer::acknowledged(&acts.acknowledge(&incidents, name, Via::Sms).await?),
    }))
}
