//! What Twilio refuses about a message's form, in the order in which it looks: recipient, sender, text.

/// <https://www.twilio.com/docs/api/errors/21617>
const BODY_CHARS_MAX: usize = 1600;

pub(super) fn argument<'a>(given: &'a [(String, String)], name: &str) -> Option<&'a str> {
    given.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}

/// Twilio's error code and its words.
pub(super) type Refusal = Option<(i64, String)>;

pub(super) fn to_violation(form: &[(String, String)]) -> Refusal {
    match argument(form, "To") {
        None | Some("") => Some((21604, "A 'To' phone number is required.".to_owned())),
        Some(to) if !is_e164(to) => Some((21211, format!("Invalid 'To' Phone Number: {to}"))),
        Some(_) => None,
    }
}

pub(super) fn from_violation(form: &[(String, String)]) -> Refusal {
    match (argument(form, "From"), argument(form, "MessagingServiceSid")) {
        (None, None) => Some((21603, "A 'From' or 'MessagingServiceSid' parameter is required.".to_owned())),
        (Some(from), None) if !is_e164(from) => Some((21212, format!("Invalid From Number: {from}"))),
        (Some(_), None) | (_, Some(_)) => None,
    }
}

pub(super) fn body_violation(form: &[(String, String)]) -> Refusal {
    let body = argument(form, "Body").unwrap_or_default();
    match body.chars().count() {
        0 => Some((21602, "Message body is required.".to_owned())),
        chars if chars > BODY_CHARS_MAX => Some((
            21617,
            format!("The concatenated message body exceeds the {BODY_CHARS_MAX} character limit: {chars}"),
        )),
        _ => None,
    }
}

/// Twilio calls no address that is not whole (error 21609).
pub(super) fn status_callback_violation(form: &[(String, String)]) -> Option<String> {
    let url = argument(form, "StatusCallback")?;
    let is_whole = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    (!is_whole).then(|| format!("`StatusCallback`: {url} is no address that Twilio could call"))
}

/// E.164: a plus sign and 7 to 15 digits, the first of them no zero.
fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
