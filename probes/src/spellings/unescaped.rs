use std::ops::Range;

/// How often escapes are taken away: `%252F` is an escaped escape.
const ROUNDS_MAX: usize = 4;

/// Longer texts are looked at in parts, each with so much of the one before: what takes escapes away needs five times
/// the room of the text.
const PART_BYTES_MAX: usize = 64 << 10;

/// A text without its escapes: those of URLs (`%2F`) and those of JSON and JavaScript (`\/`, `\n`, `\u00e4`, `\x2f`),
/// and where each byte was.
pub(crate) struct Unescaped {
    bytes: Vec<u8>,
    /// For each byte the start in the text of what it was written as, and the end of the text.
    starts: Vec<usize>,
}

impl Unescaped {
    /// Where in `text` one of `forms` is that an escape hides.
    pub fn find(text: &[u8], forms: &[impl AsRef<[u8]>]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if memchr::memchr2(b'%', b'\\', text).is_none() {
            return found;
        }
        let longest_bytes = forms.iter().map(|form| form.as_ref().len()).max().unwrap_or(0);
        // A byte is written with up to six others, and with more where its escape is escaped again.
        let overlap_bytes = longest_bytes * 12;
        let mut start = 0;
        while memchr::memchr2(b'%', b'\\', &text[start..]).is_some() {
            let end = text.len().min(start + overlap_bytes + PART_BYTES_MAX);
            let mut unescaped = Self::nothing_yet(&text[start..end]);
            for _ in 0..ROUNDS_MAX {
                let before = unescaped.bytes.len();
                unescaped = unescaped.once_more();
                if unescaped.bytes.len() == before {
                    break;
                }
                let places = unescaped.places(forms).into_iter();
                found.extend(places.map(|place| start + place.start..start + place.end));
            }
            if end == text.len() {
                break;
            }
            start += PART_BYTES_MAX;
        }
        found
    }

    fn nothing_yet(text: &[u8]) -> Self {
        Self { bytes: text.to_vec(), starts: (0..=text.len()).collect() }
    }

    fn once_more(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut starts = Vec::with_capacity(self.starts.len());
        let mut at = 0;
        while at < self.bytes.len() {
            let (taken, letter) = escape(&self.bytes[at..]);
            match letter {
                Meant::Itself => bytes.push(self.bytes[at]),
                Meant::Byte(byte) => bytes.push(byte),
                Meant::Letter(letter) => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            starts.resize(bytes.len(), self.starts[at]);
            at += taken;
        }
        starts.extend(self.starts.last());
        Self { bytes, starts }
    }

    fn places(&self, forms: &[impl AsRef<[u8]>]) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        for form in forms.iter().map(AsRef::as_ref).filter(|form| !form.is_empty()) {
            let found = memchr::memmem::find_iter(&self.bytes, form);
            places.extend(found.map(|at| self.starts[at]..self.starts[at + form.len()]));
        }
        places
    }
}

enum Meant {
    Itself,
    Byte(u8),
    Letter(char),
}

/// How many bytes at the start of `text` are one escape, and what it means.
fn escape(text: &[u8]) -> (usize, Meant) {
    match text {
        [b'%', rest @ ..] => match hex(rest, 2).and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => (3, Meant::Byte(byte)),
            None => (1, Meant::Itself),
        },
        [b'\\', sign @ (b'/' | b'\\' | b'"' | b'\'' | b'`'), ..] => (2, Meant::Byte(*sign)),
        [b'\\', b'b', ..] => (2, Meant::Byte(8)),
        [b'\\', b'f', ..] => (2, Meant::Byte(12)),
        [b'\\', b'n', ..] => (2, Meant::Byte(b'\n')),
        [b'\\', b'r', ..] => (2, Meant::Byte(b'\r')),
        [b'\\', b't', ..] => (2, Meant::Byte(b'\t')),
        [b'\\', b'x', rest @ ..] => match hex(rest, 2).and_then(char::from_u32) {
            Some(letter) => (4, Meant::Letter(letter)),
            None => (1, Meant::Itself),
        },
        [b'\\', b'u', rest @ ..] => unicode(rest),
        _ => (1, Meant::Itself),
    }
}

/// What follows `\u`: four digits, or two of these for a letter that UTF-16 writes as a pair.
fn unicode(rest: &[u8]) -> (usize, Meant) {
    let Some(first) = hex(rest, 4) else { return (1, Meant::Itself) };
    if let Some(letter) = char::from_u32(first) {
        return (6, Meant::Letter(letter));
    }
    let second = rest.get(4..6).filter(|sign| *sign == b"\\u").and_then(|_| hex(&rest[6..], 4));
    let pair = [first, second.unwrap_or(0)].map(|unit| u16::try_from(unit).unwrap_or(0));
    match char::decode_utf16(pair).next() {
        Some(Ok(letter)) => (12, Meant::Letter(letter)),
        _ => (1, Meant::Itself),
    }
}

fn hex(text: &[u8], digits: usize) -> Option<u32> {
    let digits = text.get(..digits)?;
    digits.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_escapes_hide_is_found_where_it_is() {
        let cases: &[(&str, &str, &[&str])] = &[
            ("hunter2", "%68%75%6e%74%65%72%32", &["%68%75%6e%74%65%72%32"]),
            ("hunter2", "a=%68unter2&b=hunte%72%32!", &["%68unter2", "hunte%72%32"]),
            ("a/b+c", "x%252fa%252Fb%252bc%2", &["a%252Fb%252bc"]),
            ("a/b", r#"{"a":"a\/b"}"#, &[r"a\/b"]),
            ("p\u{e4}/", r"p\u00E4\/ p\xe4\x2F", &[r"p\u00E4\/", r"p\xe4\x2F"]),
            ("\u{1f600}x", r"\ud83d\ude00x", &[r"\ud83d\ude00x"]),
            ("a\"b", r#"{\"body\":\"a\\\"b\"}"#, &[r#"a\\\"b"#]),
            ("a\nb", r"a\nb", &[r"a\nb"]),
            // Escapes that are none, and half ones.
            ("hunter2", r"%zz %6 \u12 \ud83d \ud83d\u0041 \q \", &[]),
            ("hunter2", "hunter2", &[]),
            ("", "%41", &[]),
        ];
        for (form, text, expected) in cases {
            let found = Unescaped::find(text.as_bytes(), &[form]);
            let found: Vec<&str> = found.into_iter().map(|place| &text[place]).collect();
            assert_eq!(found, *expected, "{form} in {text}");
        }
    }

    #[test]
    fn a_long_text_is_looked_at_in_parts() {
        let escaped = "%68%75nter2";
        for lead in [0, PART_BYTES_MAX - 5, PART_BYTES_MAX, PART_BYTES_MAX + 5, 3 * PART_BYTES_MAX] {
            let text = format!("%41{}{escaped}{}", "x".repeat(lead), "y".repeat(PART_BYTES_MAX));
            let found = Unescaped::find(text.as_bytes(), &["hunter2"]);
            assert!(
                found.iter().all(|place| &text[place.clone()] == escaped) && !found.is_empty(),
                "{lead}: {found:?}"
            );
        }
    }
}
