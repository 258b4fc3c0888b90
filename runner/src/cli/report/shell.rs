//! Words of a shell: bash, zsh and ksh, since only they can write every byte on one line.

use crate::cli::printable::is_printable;

/// A part of a word.
enum Part<'a> {
    Text(&'a str),
    /// What was redacted: the name of a variable that holds it.
    Variable(&'a str),
}

/// `text` as one word on one line. What was redacted becomes a variable: `[redacted:LOGIN_PASSWORD]` is
/// `${LOGIN_PASSWORD}`.
pub(super) fn word(text: &str) -> String {
    let parts = parts(text);
    if let [Part::Text(text)] = parts.as_slice() {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
        return match text {
            text if text.chars().all(plain) => (*text).to_owned(),
            text if is_one_line(text) => format!("'{}'", text.replace('\'', "'\\''")),
            text => bytes(text.as_bytes()),
        };
    }
    let mut word = String::new();
    let mut quoted = String::new();
    for part in parts {
        match part {
            Part::Variable(name) => quoted.push_str(&format!("${{{name}}}")),
            // An exclamation mark asks an interactive shell for its history, also between these marks.
            Part::Text(text) if is_one_line(text) && !text.contains('!') => quoted.push_str(&escaped(text)),
            Part::Text(text) => {
                close(&mut word, &mut quoted);
                word.push_str(&bytes(text.as_bytes()));
            }
        }
    }
    close(&mut word, &mut quoted);
    if word.is_empty() { "''".to_owned() } else { word }
}

/// `$'...'` with every byte that is not a printable letter written as one.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let mut out = String::from("$'");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\'' | '\\' => out.extend(['\\', c]),
                c if is_printable(c) => out.push(c),
                c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("\\x{byte:02x}"))),
            }
        }
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out.push('\'');
    out
}

fn is_one_line(text: &str) -> bool {
    text.chars().all(|c| is_printable(c) && c != '\t')
}

fn close(word: &mut String, quoted: &mut String) {
    if !quoted.is_empty() {
        word.push_str(&format!("\"{quoted}\""));
        quoted.clear();
    }
}

fn parts(text: &str) -> Vec<Part<'_>> {
    const MARKER: &str = "[redacted";
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARKER) {
        let Some((name, behind)) = after.split_once(']') else { break };
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        parts.push(Part::Variable(name.strip_prefix(':').filter(is_name).unwrap_or("SECRET")));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// Inside double quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_word_on_one_line() {
        let cases = [
            ("", "''"),
            ("https://a.test/x", "https://a.test/x"),
            ("it's $5", "'it'\\''s $5'"),
            ("a\nb\t'c'\\", "$'a\\nb\\t\\'c\\'\\\\'"),
            ("\x1b[2J\u{202e}\u{9b}", "$'\\x1b[2J\\xe2\\x80\\xae\\xc2\\x9b'"),
            ("[redacted]", "\"${SECRET}\""),
            ("a=\"[redacted:PIN]\"", "\"a=\\\"${PIN}\\\"\""),
            ("[redacted:A][redacted:B c]x", "\"${A}${SECRET}x\""),
            ("a\n[redacted:PIN]!", "$'a\\n'\"${PIN}\"$'!'"),
            ("[redacted:cut", "'[redacted:cut'"),
        ];
        for (text, expected) in cases {
            assert_eq!(word(text), expected, "{text:?}");
        }
        assert_eq!(bytes(b"\x1f\x8b\0a"), "$'\\x1f\\x8b\\x00a'");
    }
}
