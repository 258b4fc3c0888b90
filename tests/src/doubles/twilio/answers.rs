//! What Twilio tells: an SMS that somebody writes, what became of a message and of a call, a key that was pressed
//! (<https://www.twilio.com/docs/messaging/guides/webhook-request>,
//! <https://www.twilio.com/docs/voice/twiml#request-parameters>).

use super::{Sms, Twilio};
use crate::doubles::Callback;
use url::Url;

impl Twilio {
    /// `from` writes `body`; `sid` is the message's own. `public_url` is what the account's number has as its webhook.
    pub fn reply(public_url: &str, from: &str, body: &str, sid: &str) -> Callback {
        let fields = [
            ("MessageSid", sid),
            ("SmsMessageSid", sid),
            ("SmsStatus", "received"),
            ("From", from),
            ("To", Self::FROM),
            ("Body", body),
            ("NumMedia", "0"),
            ("NumSegments", "1"),
        ];
        Self::call(&format!("{public_url}/twilio/sms"), &fields)
    }

    /// What became of a message, told where the message asked for it.
    ///
    /// # Panics
    /// Where it did not ask.
    #[track_caller]
    pub fn report(sms: &Sms, status: &str, error_code: Option<u32>) -> Callback {
        let url = sms.status_callback.as_deref();
        let url = url.unwrap_or_else(|| panic!("no report was asked for: {sms:?}"));
        let error_code = error_code.map(|code| code.to_string());
        let mut fields = vec![
            ("MessageSid", sms.sid.as_str()),
            ("SmsSid", &sms.sid),
            ("MessageStatus", status),
            ("SmsStatus", status),
            ("From", Self::FROM),
            ("To", &sms.to),
        ];
        fields.extend(error_code.as_deref().map(|code| ("ErrorCode", code)));
        Self::call(url, &fields)
    }

    /// A call of `url`, signed.
    ///
    /// # Panics
    /// Where that is none.
    pub fn call(url: &str, fields: &[(&str, &str)]) -> Callback {
        let own = [("AccountSid", Self::ACCOUNT_SID), ("ApiVersion", "2010-04-01")];
        let fields: Vec<(String, String)> =
            own.iter().chain(fields).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let whole = Url::parse(url).expect("a callback has a whole address");
        let path = &whole[url::Position::BeforePath..];
        let signature = alerting::twilio::sign(Self::AUTH_TOKEN, url, &fields);
        Callback::form(path, &fields).with("X-Twilio-Signature", signature)
    }
}
