use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::{BTreeMap, BTreeSet};

/// Encoded forms of a value this short would match ordinary text all over.
const ENCODED_BYTES_MIN: usize = 4;

/// Changes that leave less of a value, and pieces of it, are looked for in longer values only.
const LOOSE_BYTES_MIN: usize = 8;

const REDACTED: &str = "[redacted]";

/// Takes the values of secrets out of whatever leaves a run: as they are, and in the forms that requests and errors
/// give them: base64 (also inside a longer text, as in `Authorization: Basic`), URL-encoded, JSON-escaped, hex.
#[derive(Default)]
pub(crate) struct Redactor {
    /// Longest first, so that no form is cut by a shorter one.
    forms: Vec<String>,
}

impl Redactor {
    pub fn new(secrets: &BTreeMap<String, String>) -> Self {
        let mut forms = BTreeSet::new();
        for value in secrets.values() {
            forms.insert(value.clone());
            // A value that is written in several lines is logged line by line, and trimmed.
            forms.extend(value.lines().map(|line| line.trim().to_owned()).filter(|line| line.len() >= 8));
            forms.extend(encoded_forms(value));
        }
        forms.remove("");
        let mut forms: Vec<_> = forms.into_iter().collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self { forms }
    }

    pub fn redact(&self, text: &str) -> String {
        let mut redacted = text.to_owned();
        self.redact_in_place(&mut redacted);
        redacted
    }

    /// Takes out what is written in pieces: over the arguments of one call, which are shown with spaces between them, or
    /// over several calls.
    pub fn redact_split(&self, lines: &mut [&mut String]) {
        if self.forms.is_empty() {
            return;
        }
        let mut joined = Vec::new();
        let mut places = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            for (offset, byte) in line.bytes().enumerate().filter(|(_, byte)| !separates(*byte)) {
                joined.push(byte);
                places.push((index, offset));
            }
        }
        let mut redacted = vec![Vec::new(); lines.len()];
        for form in &self.forms {
            let form: Vec<u8> = form.bytes().filter(|byte| !separates(*byte)).collect();
            if form.len() < LOOSE_BYTES_MIN {
                continue;
            }
            for at in memchr::memmem::find_iter(&joined, &form) {
                for piece in places[at..at + form.len()].chunk_by(|one, next| one.0 == next.0) {
                    redacted[piece[0].0].push(piece[0].1..piece[piece.len() - 1].1 + 1);
                }
            }
        }
        for (line, mut ranges) in lines.iter_mut().zip(redacted) {
            ranges.sort_by_key(|range| std::cmp::Reverse(range.start));
            let mut rest = line.len();
            for range in ranges {
                // Overlapping finds take what is left.
                let end = range.end.min(rest);
                if range.start < end {
                    line.replace_range(range.start..end, REDACTED);
                    rest = range.start;
                }
            }
        }
    }

    pub fn redact_in_place(&self, text: &mut String) {
        for form in &self.forms {
            if text.contains(form.as_str()) {
                *text = text.replace(form.as_str(), REDACTED);
            }
        }
    }
}

/// What stands between the pieces of a value that is logged in pieces.
fn separates(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'\'' | b'"' | b'`' | b'[' | b']' | b'+')
}

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
    forms
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

    fn redactor(value: &str) -> Redactor {
        Redactor::new(&BTreeMap::from([("S".to_owned(), value.to_owned())]))
    }

    #[test]
    fn every_form_of_a_secret_is_taken_out() {
        let secret = "p\u{e4}ss/w\"or d+1?";
        let redactor = redactor(secret);
        let basic = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{secret}@tail")));
        let texts = [
            format!("plain {secret} text"),
            STANDARD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            basic("a"),
            basic("ab"),
            basic("abc"),
            serde_json::json!({ "password": secret }).to_string(),
            serde_json::json!({ "body": serde_json::json!({ "password": secret }).to_string() }).to_string(),
            format!("https://x/?p={}", url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>()),
            url::Url::parse(&format!("https://x/?p={secret}")).unwrap().to_string(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            hex::encode(secret),
        ];
        for text in texts {
            let redacted = redactor.redact(&text);
            assert!(redacted.contains(REDACTED), "{text} -> {redacted}");
            for part in ["ss/w", "or d", "c3Mvd", "or%20d", "or+d"] {
                assert!(!redacted.contains(part), "{text} -> {redacted}");
            }
        }
    }

    #[test]
    fn a_secret_in_pieces_is_taken_out() {
        let cases: &[(&[&str], &[&str])] = &[
            (&["correct -horse"], &["[redacted]"]),
            (&["a correct", "-hor", "se b"], &["a [redacted]", "[redacted]", "[redacted] b"]),
            (&["[ 'cor', 'rect-', 'horse' ]"], &["[ '[redacted]' ]"]),
            (&["c", "o", "r", "r"], &["c", "o", "r", "r"]),
            (&["correct", "mule", "-horse"], &["correct", "mule", "-horse"]),
            (&["636f72726563742d", "686f727365"], &["[redacted]", "[redacted]"]),
        ];
        for (lines, expected) in cases {
            let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
            redactor("correct-horse").redact_split(&mut lines.iter_mut().collect::<Vec<_>>());
            assert_eq!(&lines, expected);
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        assert_eq!(redactor("hunter2-hunter2").redact("hunter3 came by"), "hunter3 came by");
        assert_eq!(redactor("").redact("nothing secret"), "nothing secret");
    }
}
