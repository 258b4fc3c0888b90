//! What the exchanges of a failed run carried, made fit to be shown: bounded, and without secrets and credentials.

use super::credentials::{self, form, is_marker, json, marker, without_tokens};
use crate::engine::Redactor;
use crate::transport::{Beginning, Overheard};
use base64::Engine as _;
use checks::{BodyExcerpt, Header, Message, Request, Transcript};
use http::HeaderMap;
use std::collections::BTreeMap;

/// Exchanges of one run that keep theirs. Those that went wrong come first, then the newest.
const TRANSCRIPTS_MAX: usize = 4;
const HEADERS_MAX: usize = 40;
const HEADER_BYTES_MAX: usize = 512;
const BODY_BYTES_MAX: usize = 2 << 10;

/// Bytes of a body that is no text.
const BINARY_BYTES_MAX: usize = 32;

/// Knows the secrets of the run by their names.
pub(super) struct Redaction<'a> {
    named: Vec<(String, Redactor)>,
    all: &'a Redactor,
    longest_bytes: usize,
}

impl<'a> Redaction<'a> {
    pub fn new(secrets: &BTreeMap<String, String>, all: &'a Redactor) -> Self {
        let mut secrets: Vec<_> = secrets.iter().collect();
        // A longer value may hold a shorter one.
        secrets.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let longest_bytes = secrets.first().map_or(0, |(_, value)| value.len());
        let one = |(name, value): (&String, &String)| {
            (name.clone(), Redactor::new(&BTreeMap::from([(name.clone(), value.clone())])))
        };
        Self { named: secrets.into_iter().map(one).collect(), all, longest_bytes }
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, redactor) in &self.named {
            let redacted = redactor.redact(&text);
            if redacted != text {
                text = redacted.replace("[redacted]", &marker(name));
            }
        }
        self.all.redact_in_place(&mut text);
        without_tokens(&text)
    }
}

/// Gives the exchanges that explain the failure their transcripts. `overheard` belongs to `requests` one by one.
pub(super) fn attach(requests: &mut [Request], overheard: &[Overheard], redaction: &Redaction<'_>) {
    let went_wrong =
        |request: &Request| request.failure.is_some() || request.status.is_some_and(|status| status >= 400);
    let mut order: Vec<usize> = (0..requests.len().min(overheard.len())).collect();
    let newest = order.last().copied();
    order.sort_by_key(|&index| {
        let first = Some(index) == newest;
        (!first, !went_wrong(&requests[index]), std::cmp::Reverse(index))
    });
    for index in order.into_iter().take(TRANSCRIPTS_MAX) {
        requests[index].transcript = Some(Box::new(transcript(&overheard[index], redaction)));
    }
}

fn transcript(overheard: &Overheard, redaction: &Redaction<'_>) -> Transcript {
    Transcript {
        sent: message(&overheard.sent_headers, &overheard.sent_body, redaction),
        received: overheard
            .received_headers
            .as_ref()
            .map(|headers| message(headers, &overheard.received_body, redaction)),
    }
}

fn message(headers: &HeaderMap, body: &Beginning, redaction: &Redaction<'_>) -> Message {
    let shown = headers.iter().take(HEADERS_MAX).map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = cut(&header_value(name.as_str(), &value, redaction), HEADER_BYTES_MAX).0.to_owned();
        Header { name: name.as_str().to_owned(), value }
    });
    Message { headers: shown.collect(), body: excerpt(body, redaction) }
}

fn header_value(name: &str, value: &str, redaction: &Redaction<'_>) -> String {
    match name {
        "authorization" | "proxy-authorization" => authorization(value, redaction),
        "cookie" => value.split("; ").map(cookie).collect::<Vec<_>>().join("; "),
        "set-cookie" => match value.split_once(';') {
            Some((pair, attributes)) => format!("{};{}", cookie(pair), redaction.text(attributes)),
            None => cookie(value),
        },
        "location" | "content-location" | "referer" => credentials::url(&redaction.text(value)),
        _ if ["token", "secret", "api-key", "apikey"].iter().any(|part| name.contains(part)) => {
            let shown = redaction.text(value);
            if is_marker(&shown) { shown } else { marker("TOKEN") }
        }
        _ => redaction.text(value),
    }
}

/// `Bearer [redacted:TOKEN]`. Of Basic, the user's name is shown, as if it were not encoded.
fn authorization(value: &str, redaction: &Redaction<'_>) -> String {
    let Some((scheme, credentials)) = value.split_once(' ') else { return marker("TOKEN") };
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = base64::engine::general_purpose::STANDARD.decode(credentials.trim()).ok();
        let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((user, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) {
            let password = redaction.text(password);
            let password = if is_marker(&password) { password } else { marker("PASSWORD") };
            return format!("{scheme} {}:{password}", redaction.text(user));
        }
    }
    let shown = redaction.text(credentials);
    format!("{scheme} {}", if is_marker(&shown) { shown } else { marker("TOKEN") })
}

fn cookie(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) => format!("{name}={}", marker("COOKIE")),
        None => marker("COOKIE"),
    }
}

fn excerpt(body: &Beginning, redaction: &Redaction<'_>) -> Option<BodyExcerpt> {
    // Where a secret may be longer than what is kept beyond the shown part, its beginning cannot be recognised.
    if body.bytes.is_empty() || (!body.is_whole && redaction.longest_bytes > BODY_BYTES_MAX) {
        return None;
    }
    let text = match std::str::from_utf8(&body.bytes) {
        Ok(text) => text,
        // Cut inside a character.
        Err(error) if !body.is_whole && error.error_len().is_none() => {
            std::str::from_utf8(&body.bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return Some(binary(body)),
    };
    if text.contains('\0') {
        return Some(binary(body));
    }
    let redacted = json(&redaction.text(text));
    let redacted = if redacted.trim_start().starts_with(['{', '[', '<']) { redacted } else { form(&redacted) };
    let (shown, fits) = cut(&redacted, BODY_BYTES_MAX);
    Some(BodyExcerpt { text: shown.to_owned(), is_binary: false, is_whole: body.is_whole && fits })
}

fn binary(body: &Beginning) -> BodyExcerpt {
    let shown = &body.bytes[..body.bytes.len().min(BINARY_BYTES_MAX)];
    let text = shown.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    BodyExcerpt { text, is_binary: true, is_whole: body.is_whole && shown.len() == body.bytes.len() }
}

/// At most `bytes_max` bytes, and whether that is all; a marker is kept whole or left out.
fn cut(text: &str, bytes_max: usize) -> (&str, bool) {
    if text.len() <= bytes_max {
        return (text, true);
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if let Some(start) = text[..end].rfind("[redacted")
        && !text[start..end].contains(']')
    {
        end = start;
    }
    (&text[..end], false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "p\u{e4}ss word/1";

    fn shown(text: &str, is_whole: bool) -> BodyExcerpt {
        let secrets = BTreeMap::from([("LOGIN_PASSWORD".to_owned(), SECRET.to_owned())]);
        let all = Redactor::new(&secrets);
        let body = Beginning { bytes: text.as_bytes().to_vec(), is_whole, ..Beginning::default() };
        excerpt(&body, &Redaction::new(&secrets, &all)).unwrap()
    }

    #[test]
    fn secrets_get_their_names_and_credentials_their_kind() {
        let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl";
        let cases = [
            (format!("user=ada&password={}", "p%C3%A4ss+word%2F1"), "user=ada&password=[redacted:LOGIN_PASSWORD]"),
            ("a=1&code=abc&state=x".to_owned(), "a=1&code=[redacted:CODE]&state=x"),
            (
                r#"{"access_token": "opaque\"x", "n": 1}"#.to_owned(),
                r#"{"access_token": "[redacted:ACCESS_TOKEN]", "n": 1}"#,
            ),
            (r#"{"password":"päss word/1"}"#.to_owned(), r#"{"password":"[redacted:LOGIN_PASSWORD]"}"#),
            (format!("the token {jwt} is late"), "the token [redacted:JWT] is late"),
            (r#"{"error":"token","token":5}"#.to_owned(), r#"{"error":"token","token":5}"#),
            (r#"{"refresh_token":"cut off"#.to_owned(), r#"{"refresh_token":"[redacted:REFRESH_TOKEN]"#),
            ("<h1>no code=here & there</h1>".to_owned(), "<h1>no code=here & there</h1>"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(&text, true).text, expected, "{text}");
        }
    }

    #[test]
    fn a_secret_at_the_end_of_what_is_shown_is_not_cut() {
        for lead in BODY_BYTES_MAX - 40..BODY_BYTES_MAX + 2 {
            let excerpt = shown(&format!("{}{SECRET}{}", "x".repeat(lead), "y".repeat(4_000)), false);
            assert!(!excerpt.text.contains('p') && !excerpt.is_whole, "{lead}: {}", &excerpt.text[lead - 10..]);
        }
    }

    #[test]
    fn headers_that_carry_credentials_keep_their_form() {
        let secrets = BTreeMap::from([("LOGIN_PASSWORD".to_owned(), SECRET.to_owned())]);
        let all = Redactor::new(&secrets);
        let redaction = Redaction::new(&secrets, &all);
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("ada:{SECRET}"));
        let cases = [
            ("authorization", format!("Basic {basic}"), "Basic ada:[redacted:LOGIN_PASSWORD]"),
            ("authorization", "Bearer opaque".to_owned(), "Bearer [redacted:TOKEN]"),
            ("authorization", "opaque".to_owned(), "[redacted:TOKEN]"),
            ("cookie", "a=1; b=2".to_owned(), "a=[redacted:COOKIE]; b=[redacted:COOKIE]"),
            ("set-cookie", "sid=1; Path=/; Secure".to_owned(), "sid=[redacted:COOKIE]; Path=/; Secure"),
            ("location", "/cb?code=1&state=2".to_owned(), "/cb?code=[redacted:CODE]&state=[redacted:STATE]"),
            ("x-csrf-token", "1".to_owned(), "[redacted:TOKEN]"),
            ("x-request-id", "1".to_owned(), "1"),
        ];
        for (name, value, expected) in cases {
            assert_eq!(header_value(name, &value, &redaction), expected, "{name}: {value}");
        }
    }

    #[test]
    fn what_is_no_text_is_shown_as_bytes() {
        let secrets = BTreeMap::new();
        let all = Redactor::default();
        let redaction = Redaction::new(&secrets, &all);
        let body = Beginning { bytes: vec![0x1f, 0x8b, 0], is_whole: true, ..Beginning::default() };
        let binary = excerpt(&body, &redaction).unwrap();
        assert_eq!((binary.text.as_str(), binary.is_binary, binary.is_whole), ("1f 8b 00", true, true));
        let cut = Beginning { bytes: "h\u{e9}".as_bytes()[..2].to_vec(), ..Beginning::default() };
        assert_eq!(excerpt(&cut, &redaction).unwrap().text, "h");
    }
}
