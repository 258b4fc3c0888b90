use super::reader::Section;
use super::secret::{self, Referred};
use super::slack::api_url;
use super::teams::phone_number;
use super::{Environment, Secret};
use url::Url;

/// How SMS are sent and calls are made. Without an account, messages are printed in the terminal and kept in the history.
///
/// ```toml
/// [twilio]
/// account_sid = "${TWILIO_ACCOUNT_SID}"
/// auth_token = { env = "TWILIO_AUTH_TOKEN" }
/// from = "+15005550006"              # or messaging_service_sid = "MG..."
/// call_from = "+15005550006"         # of calls; `from` where it is left out
/// ```
///
/// What is not written is taken from `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN`, `TWILIO_FROM` and
/// `TWILIO_MESSAGING_SERVICE_SID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioSettings {
    pub account: Option<TwilioAccount>,
    /// What is not set, where there is no account: names of environment variables or keys.
    pub missing: Vec<String>,
    /// Another place than Twilio itself, such as a proxy or a test's double.
    pub api_url: Option<Url>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioAccount {
    pub account_sid: String,
    pub auth_token: Secret,
    pub sender: Sender,
    /// The number that calls come from, where there is one: a messaging service cannot call.
    pub call_from: Option<String>,
}

/// Who the SMS are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    From(String),
    MessagingService(String),
}

pub(super) fn read(section: Option<Section<'_>>, environment: Environment<'_>) -> TwilioSettings {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    let mut account_sid = variable("TWILIO_ACCOUNT_SID");
    let mut auth_token = variable("TWILIO_AUTH_TOKEN").map(Secret::new);
    let mut token_variable = "TWILIO_AUTH_TOKEN".to_owned();
    let mut sender = variable("TWILIO_MESSAGING_SERVICE_SID")
        .map(Sender::MessagingService)
        .or_else(|| variable("TWILIO_FROM").map(Sender::From));
    let (mut url, mut call_from) = (None, None);
    if let Some(mut section) = section {
        if let Some(sid) = section.parsed("account_sid", |text| sid(text, "AC", "account_sid")) {
            account_sid = Some(sid.value);
        }
        match secret::refer(&mut section, "auth_token", "TWILIO_AUTH_TOKEN") {
            Referred::Unwritten | Referred::Faulty => {}
            Referred::Found(token) => auth_token = Some(token),
            Referred::Unset { variable, .. } => {
                auth_token = None;
                token_variable = variable;
            }
        }
        let from = section.parsed("from", phone_number);
        let service = section.parsed("messaging_service_sid", |text| sid(text, "MG", "messaging_service_sid"));
        match (from, service) {
            (Some(_), Some(service)) => {
                section.reading.report(&service.at, "written beside `from`; keep one of the two");
            }
            (Some(from), None) => sender = Some(Sender::From(from.value)),
            (None, Some(service)) => sender = Some(Sender::MessagingService(service.value)),
            (None, None) => {}
        }
        call_from = section.parsed("call_from", phone_number).map(|number| number.value);
        url = api_url(&mut section).map(|url| url.value);
        section.finish();
    }
    let mut missing = Vec::new();
    let mut note = |absent: bool, name: &str| absent.then(|| missing.push(name.to_owned()));
    note(account_sid.is_none(), "TWILIO_ACCOUNT_SID");
    note(auth_token.is_none(), &token_variable);
    note(sender.is_none(), "TWILIO_FROM");
    let account = match (account_sid, auth_token, sender) {
        (Some(account_sid), Some(auth_token), Some(sender)) => {
            let call_from = call_from.or_else(|| match &sender {
                Sender::From(number) => Some(number.clone()),
                Sender::MessagingService(_) => None,
            });
            Some(TwilioAccount { account_sid, auth_token, sender, call_from })
        }
        _ => None,
    };
    TwilioSettings { account, missing, api_url: url }
}

/// Twilio's ids: two letters and 32 hexadecimal digits.
fn sid(text: &str, prefix: &str, key: &str) -> Result<String, String> {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    if digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no {key}; it is `{prefix}` and 32 hexadecimal digits, as the Twilio console shows it"))
}
