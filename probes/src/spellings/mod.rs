//! What a secret looks like where it is written otherwise than as it is.
//!
//! Redaction, the guard that keeps secrets to their hosts, and recordings look for the same: [`encoded_forms`] lists the
//! usual encodings of a value, and [`Unescaped`] takes escapes away from a text, however each of them is written and
//! however often. Neither finds what a script invents in order to smuggle.

mod unescaped;

pub(crate) use unescaped::Unescaped;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashSet;

/// Encoded forms of a value this short would match ordinary text all over.
pub(crate) const ENCODED_BYTES_MIN: usize = 4;

/// Changes that leave less of a value are looked for in longer values only.
pub(crate) const LOOSE_BYTES_MIN: usize = 8;

/// What a value looks like where it is encoded; nothing for one that is too short to be told from other text. Recordings
/// name a form by its place in here: new forms go to the end.
pub(crate) fn encoded_forms(value: &str) -> Vec<String> {
    let mut forms = Vec::new();
    if value.len() < ENCODED_BYTES_MIN {
        return forms;
    }
    forms.extend(base64_forms(value.as_bytes()));
    forms.extend(url_forms(value));
    if let Ok(json) = serde_json::to_string(value) {
        forms.push(json[1..json.len() - 1].to_owned());
        // As inside a string that is itself JSON.
        if let Ok(twice) = serde_json::to_string(&json[1..json.len() - 1]) {
            forms.push(twice[1..twice.len() - 1].to_owned());
        }
    }
    forms.push(hex::encode(value));
    forms.push(hex::encode_upper(value));
    if value.len() >= LOOSE_BYTES_MIN {
        // As the name of a host, which knows no capitals, and backwards.
        forms.push(value.to_lowercase());
        forms.push(value.chars().rev().collect());
    }
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    forms.push(html.replace('\'', "&#39;"));
    forms.push(html.replace('\'', "&#x27;"));
    forms.push(html);
    forms.extend(further_forms(value, &forms));
    forms
}

/// Encodings of encodings, and what other writers of the same encodings make of a value; those of them that `known`
/// does not have. A value of letters and digits has none but the last.
fn further_forms(value: &str, known: &[String]) -> Vec<String> {
    let url = url_forms(value);
    let [component, form, ..] = &url;
    let mut further = Vec::new();
    for encoded in [component, form] {
        // A client's secret is form-encoded before it becomes base64 (RFC 6749, section 2.3.1).
        further.extend(base64_forms(encoded.as_bytes()));
        further.extend([encoded, &lower_escapes(encoded)].map(|encoded| encoded.replace('%', "%25")));
    }
    further.extend(url.iter().map(|encoded| lower_escapes(encoded)));
    further.extend(json_ascii_forms(value));
    further.push(value.replace(' ', "+"));
    further.push(value.bytes().map(|byte| format!("%{byte:02X}")).collect());
    further.push(value.bytes().map(|byte| format!("%{byte:02x}")).collect());
    let mut seen: HashSet<String> = known.iter().cloned().chain([value.to_owned()]).collect();
    further.retain(|form| seen.insert(form.clone()));
    further
}

/// A URL-encoded text with its escapes in small letters: `%2f`.
fn lower_escapes(encoded: &str) -> String {
    let mut digits = 0;
    let lower = |letter: char| {
        let is_digit = digits > 0;
        digits = if letter == '%' { 2 } else { usize::saturating_sub(digits, 1) };
        if is_digit { letter.to_ascii_lowercase() } else { letter }
    };
    encoded.chars().map(lower).collect()
}

/// JSON as it is written where everything but ASCII is escaped, and by PHP each slash too.
fn json_ascii_forms(value: &str) -> Vec<String> {
    let Ok(json) = serde_json::to_string(value) else { return Vec::new() };
    let json = &json[1..json.len() - 1];
    let mut ascii = String::new();
    for letter in json.chars() {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            ascii.extend(letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    let with_slashes = |text: &str| text.replace('/', "\\/");
    vec![with_slashes(&ascii), with_slashes(json), ascii]
}

fn url_forms(value: &str) -> [String; 4] {
    // `encodeURIComponent`, what `new URL` leaves readable, form encoding, and everything encoded.
    const COMPONENT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'!')
        .remove(b'~')
        .remove(b'*')
        .remove(b'\'')
        .remove(b'(')
        .remove(b')');
    const FORM: &percent_encoding::AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');
    const QUERY: &percent_encoding::AsciiSet =
        &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');
    [
        utf8_percent_encode(value, COMPONENT).to_string(),
        utf8_percent_encode(value, FORM).to_string().replace(' ', "+"),
        utf8_percent_encode(value, QUERY).to_string(),
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
    ]
}

/// What `value` looks like inside base64, wherever it begins: of a text that holds it, three alignments are possible,
/// and the characters that depend on its neighbours are left out.
fn base64_forms(value: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        forms.push(engine.encode(value));
        for lead in 0..3_usize {
            let mut bytes = vec![0; lead];
            bytes.extend_from_slice(value);
            let encoded = engine.encode(&bytes);
            // A character holds six bits: the first that has none of the lead's, to the last that is full.
            let from = (lead * 8).div_ceil(6);
            let to = bytes.len() * 8 / 6;
            if to > from + 4 {
                forms.push(encoded[from..to].to_owned());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    /// A recording names a form by its number, and recordings are kept.
    #[test]
    fn a_form_keeps_its_number() {
        let forms = encoded_forms("p\u{e4}ss w/1?+\"&<'");
        let cases = [
            (0, "cMOkc3Mgdy8xPysiJjwn"),
            (8, "p%C3%A4ss%20w%2F1%3F%2B%22%26%3C'"),
            (9, "p%C3%A4ss+w%2F1%3F%2B%22%26%3C%27"),
            (12, "p\u{e4}ss w/1?+\\\"&<'"),
            (14, "70c3a4737320772f313f2b22263c27"),
            (18, "p\u{e4}ss w/1?+&quot;&amp;&lt;&#39;"),
            (20, "p\u{e4}ss w/1?+&quot;&amp;&lt;'"),
        ];
        for (number, expected) in cases {
            assert_eq!(forms[number], expected, "{number}");
        }
        assert!(encoded_forms("abc").is_empty());
    }

    #[test]
    fn encodings_of_encodings_are_known() {
        let value = "p\u{e4}ss w/1+=%";
        let form_encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let forms = encoded_forms(value);
        let texts = [
            STANDARD.encode(&form_encoded),
            STANDARD.encode(format!("a:{form_encoded}")),
            STANDARD.encode(format!("ab:{form_encoded}@tail")),
            URL_SAFE_NO_PAD.encode(format!("abc:{form_encoded}")),
            "p%c3%a4ss+w%2f1%2b%3d%25".to_owned(),
            form_encoded.replace('%', "%25"),
            r"p\u00e4ss w\/1+=%".to_owned(),
            r"p\u00e4ss w/1+=%".to_owned(),
            "p\u{e4}ss w\\/1+=%".to_owned(),
            value.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        ];
        for text in texts {
            assert!(forms.iter().any(|form| text.contains(form)), "{text}: {forms:#?}");
        }
    }

    /// Each is looked for in every text of a run.
    #[test]
    fn an_ordinary_value_has_few_forms() {
        let forms: HashSet<String> = encoded_forms("correct-horse-battery-9").into_iter().collect();
        assert!(forms.len() < 20, "{forms:#?}");
    }
}
