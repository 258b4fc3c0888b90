use crate::spellings::{ENCODED_BYTES_MIN, LOOSE_BYTES_MIN, Unescaped, encoded_forms};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const REDACTED: &str = "[redacted]";

/// Takes the values of secrets out of whatever leaves a run: as they are, and in the forms that requests and errors
/// give them: base64 (also inside a longer text, as in `Authorization: Basic`), URL-encoded, JSON-escaped, hex, and with
/// any letter of any of these escaped.
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
        // Where nothing else stands before and behind, in its line.
        let stands_alone = |at: usize, end: usize| {
            let ((first, start), (last, stop)) = (places[at], places[end - 1]);
            let bytes = |line: usize| lines[line].as_bytes();
            start.checked_sub(1).is_none_or(|before| separates(bytes(first)[before]))
                && bytes(last).get(stop + 1).is_none_or(|next| separates(*next))
        };
        for form in &self.forms {
            let form: Vec<u8> = form.bytes().filter(|byte| !separates(*byte)).collect();
            if form.len() < ENCODED_BYTES_MIN {
                continue;
            }
            for at in memchr::memmem::find_iter(&joined, &form) {
                let end = at + form.len();
                // Words that only meet would hold many a short value between them.
                if form.len() < LOOSE_BYTES_MIN && !stands_alone(at, end) {
                    continue;
                }
                for piece in places[at..end].chunk_by(|one, next| one.0 == next.0) {
                    redacted[piece[0].0].push(piece[0].1..piece[piece.len() - 1].1 + 1);
                }
            }
        }
        for (line, ranges) in lines.iter_mut().zip(redacted) {
            take_out(line, ranges);
        }
    }

    pub fn redact_in_place(&self, text: &mut String) {
        for form in &self.forms {
            if text.contains(form.as_str()) {
                *text = text.replace(form.as_str(), REDACTED);
            }
        }
        let hidden = Unescaped::find(text.as_bytes(), &self.forms);
        take_out(text, hidden);
    }
}

fn take_out(text: &mut String, mut ranges: Vec<Range<usize>>) {
    ranges.sort_by_key(|range| range.start);
    // Those that meet or overlap are one.
    ranges.dedup_by(|next, range| {
        let meets = next.start <= range.end;
        if meets {
            range.end = range.end.max(next.end);
        }
        meets
    });
    for range in ranges.into_iter().rev() {
        text.replace_range(range, REDACTED);
    }
}

/// What stands between the pieces of a value that is logged in pieces.
fn separates(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'\'' | b'"' | b'`' | b'[' | b']' | b'+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    fn redactor(value: &str) -> Redactor {
        Redactor::new(&BTreeMap::from([("S".to_owned(), value.to_owned())]))
    }

    #[test]
    fn every_form_of_a_secret_is_taken_out() {
        let secret = "p\u{e4}ss/w\"or d+1?";
        let redactor = redactor(secret);
        let basic = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{secret}@tail")));
        let form_encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
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
            // As a client proves itself: each part form-encoded, and then base64.
            STANDARD.encode(format!("id:{form_encoded}")),
            STANDARD.encode(format!("an-id:{form_encoded}")),
            STANDARD.encode(format!("the-id:{form_encoded}")),
            utf8_percent_encode(&STANDARD.encode(secret), NON_ALPHANUMERIC).to_string(),
            form_encoded.to_lowercase(),
            form_encoded.replace('%', "%25"),
            form_encoded.replace('%', "%2525"),
            secret.bytes().map(|byte| format!("%{byte:02x}")).collect(),
            secret.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect(),
            r#"{"a":"p\u00e4ss\/w\"or d+1?"}"#.to_owned(),
            r#"{\"a\":\"p\\u00E4ss\\\/w\\\"or d+1?\"}"#.to_owned(),
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
    fn one_secret_inside_of_another_leaves_nothing_of_it() {
        let secrets = [("A", "outer-hunter2-outer"), ("B", "hunter2-")];
        let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut text = "outer-hun ter2-outer".to_owned();
        Redactor::new(&secrets).redact_split(&mut [&mut text]);
        assert_eq!(text, "[redacted]");
        assert_eq!(Redactor::new(&secrets).redact("outer%2Dhunter2%2Douter!"), "[redacted]!");
    }

    #[test]
    fn a_short_secret_in_pieces_is_taken_out_where_it_stands_alone() {
        let cases: &[(&[&str], &[&str])] = &[
            (&["pin 12 34 ok"], &["pin [redacted] ok"]),
            (&["12", "34"], &["[redacted]", "[redacted]"]),
            (&["[ '1', '2', '3', '4' ]"], &["[ '[redacted]' ]"]),
            (&["412 345"], &["412 345"]),
            (&["12 345"], &["12 345"]),
        ];
        for (lines, expected) in cases {
            let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
            redactor("1234").redact_split(&mut lines.iter_mut().collect::<Vec<_>>());
            assert_eq!(&lines, expected);
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
