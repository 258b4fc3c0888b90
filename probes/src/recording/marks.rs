use super::{RecordedBody, RecordedExchange, RecordedMessage};
use crate::spellings::encoded_forms;
use std::collections::BTreeMap;

/// Puts marks in the place of secrets, and secrets in the place of marks.
///
/// A secret is recognised as it is and in the encodings that requests give it; each form has a mark of its own, so that
/// what is filled in again is what was there.
pub struct SecretMarks {
    /// Form and mark, the longest form first: a longer value may hold a shorter one.
    forms: Vec<(Vec<u8>, String)>,
}

impl SecretMarks {
    pub fn new(secrets: &BTreeMap<String, String>) -> Self {
        let mut forms: Vec<(Vec<u8>, String)> = Vec::new();
        for (name, value) in secrets.iter().filter(|(_, value)| !value.is_empty()) {
            forms.push((value.clone().into_bytes(), format!("{{{{secret:{name}}}}}")));
            for (number, form) in encoded_forms(value).into_iter().enumerate() {
                forms.push((form.into_bytes(), format!("{{{{secret:{name}/{number}}}}}")));
            }
        }
        forms.retain(|(form, _)| !form.is_empty());
        // Stable: of forms that are the same text, the first that was named stays the one.
        forms.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        Self { forms }
    }

    /// The exchange without secrets.
    pub fn hide(&self, exchange: RecordedExchange) -> RecordedExchange {
        let mut hidden = self.each(exchange, &|bytes| {
            let forms = self.forms.iter().map(|(form, mark)| (form.as_slice(), mark.as_bytes()));
            forms.fold(bytes, |bytes, (form, mark)| replaced(bytes, form, mark))
        });
        for message in std::iter::once(&mut hidden.sent).chain(&mut hidden.received) {
            if !message.body.is_whole {
                let mut bytes = message.body.bytes();
                bytes.truncate(bytes.len() - self.begun_at_the_end(&bytes));
                message.body = RecordedBody::of(&bytes, false);
            }
        }
        hidden
    }

    /// How many bytes at the end of a body that was cut are the beginning of a secret.
    fn begun_at_the_end(&self, bytes: &[u8]) -> usize {
        let begun = |form: &[u8]| (1..form.len()).rev().find(|&length| bytes.ends_with(&form[..length]));
        self.forms.iter().filter_map(|(form, _)| begun(form)).max().unwrap_or(0)
    }

    /// The exchange with its secrets.
    pub fn fill(&self, exchange: RecordedExchange) -> RecordedExchange {
        self.each(exchange, &|bytes| {
            let forms = self.forms.iter().map(|(form, mark)| (form.as_slice(), mark.as_bytes()));
            forms.fold(bytes, |bytes, (form, mark)| replaced(bytes, mark, form))
        })
    }

    pub fn hide_text(&self, text: &str) -> String {
        let hidden = self
            .forms
            .iter()
            .fold(text.as_bytes().to_vec(), |bytes, (form, mark)| replaced(bytes, form, mark.as_bytes()));
        String::from_utf8_lossy(&hidden).into_owned()
    }

    pub fn fill_text(&self, text: &str) -> String {
        let filled = self
            .forms
            .iter()
            .fold(text.as_bytes().to_vec(), |bytes, (form, mark)| replaced(bytes, mark.as_bytes(), form));
        String::from_utf8_lossy(&filled).into_owned()
    }

    fn each(&self, exchange: RecordedExchange, change: &dyn Fn(Vec<u8>) -> Vec<u8>) -> RecordedExchange {
        let text = |text: String| String::from_utf8_lossy(&change(text.into_bytes())).into_owned();
        let message = |message: RecordedMessage| RecordedMessage {
            headers: message.headers.into_iter().map(|(name, value)| (name, text(value))).collect(),
            body: RecordedBody::of(&change(message.body.bytes()), message.body.is_whole),
        };
        let RecordedExchange { step, mut request, sent, received } = exchange;
        request.url = text(request.url);
        request.method = text(request.method);
        if let Some(failure) = &mut request.failure {
            failure.message = text(std::mem::take(&mut failure.message));
        }
        RecordedExchange { step: step.map(text), request, sent: message(sent), received: received.map(message) }
    }
}

fn replaced(bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let finds: Vec<usize> = memchr::memmem::find_iter(&bytes, from).collect();
    if finds.is_empty() {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = 0;
    for at in finds {
        out.extend_from_slice(&bytes[rest..at]);
        out.extend_from_slice(to);
        rest = at + from.len();
    }
    out.extend_from_slice(&bytes[rest..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn exchange(url: &str, body: &[u8]) -> RecordedExchange {
        let request = serde_json::json!({
            "method": "POST", "url": url, "start_us": 0, "phases": {}, "sent_body_bytes": 0, "received_body_bytes": 0,
        });
        let message = |header: &str| RecordedMessage {
            headers: vec![("authorization".to_owned(), header.to_owned())],
            body: RecordedBody::of(body, true),
        };
        RecordedExchange {
            step: None,
            request: serde_json::from_value(request).unwrap(),
            sent: message(&format!("Basic {}", STANDARD.encode("ada:p\u{e4}ss word/1"))),
            received: Some(message("none")),
        }
    }

    #[test]
    fn what_is_hidden_is_filled_in_again() {
        let secrets = BTreeMap::from([
            ("PASSWORD".to_owned(), "p\u{e4}ss word/1".to_owned()),
            ("LONGER".to_owned(), "p\u{e4}ss word/1-and-more".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]);
        let marks = SecretMarks::new(&secrets);
        let bodies: [&[u8]; 6] = [
            b"",
            "user=ada&password=p%C3%A4ss+word%2F1".as_bytes(),
            "{\"password\":\"p\u{e4}ss word/1\",\"twice\":\"p\u{e4}ss word/1-and-more\"}".as_bytes(),
            &[0xff, 0x00, b'p', 0xc3, 0xa4, b's', b's', b' ', b'w', b'o', b'r', b'd', b'/', b'1', 0xfe],
            b"nothing of it",
            b"70c3a4737320776f72642f31",
        ];
        for body in bodies {
            let exchange = exchange("https://a.test/?p=p%C3%A4ss%20word%2F1", body);
            let hidden = marks.hide(exchange.clone());
            let json = serde_json::to_string(&hidden).unwrap();
            let decoded = hidden.sent.body.bytes();
            for part in ["ss word", "ss+word", "ss%20word", "c3Mgd29y"] {
                assert!(!json.contains(part), "{part}: {json}");
                assert!(!String::from_utf8_lossy(&decoded).contains(part), "{part}: {json}");
            }
            assert_eq!(marks.fill(hidden), exchange);
        }
    }
}
