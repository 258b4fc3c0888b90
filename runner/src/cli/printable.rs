//! What scripts and targets say, made fit for a terminal.
//!
//! A target's answer must not move the cursor of whoever reads it, set the title of a window, or show its letters in
//! another order than they have. Whatever comes from a script, a target, a recording or the journal passes here before
//! it is printed; colours are put around it afterwards.

/// One line: what it is made of besides letters is shown as U+FFFD, line ends included.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// The same of a text that may have several lines.
pub fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// JSON that means the same: what serialisers leave as it is, though a terminal acts on it, is escaped.
pub fn printable_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Outside of texts there are line ends at most; all others are in the first plane, and have one escape.
        if c == '\n' || is_printable(c) {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    out
}

/// Neither a control character (C0, DEL, C1) nor one that reorders what stands beside it (Unicode, UAX #9, section 2;
/// "Trojan Source", CVE-2021-42574) or ends a line in some programs.
pub fn is_printable(c: char) -> bool {
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c == '\t' || !(c.is_control() || reorders || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// One of everything that must not get through.
#[cfg(test)]
pub const NASTY: &str = "\x1b]0;title\x07\x1b[2J\u{9b}31m\u{85}\r\x7f\u{202e}\u{2066}\u{200f}\u{2028}\u{0}";

/// Fails where anything of [`NASTY`] is left in what was painted plainly.
#[cfg(test)]
#[track_caller]
pub fn assert_printable(shown: &str) {
    let found = shown.chars().find(|c| *c != '\n' && !is_printable(*c));
    assert_eq!(found, None, "{shown:?}");
    assert!(shown.contains(char::REPLACEMENT_CHARACTER), "nothing nasty was shown at all:\n{shown}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_reach_a_terminal() {
        let cases = [
            ("a\x1b[2Jb\tc", "a\u{fffd}[2Jb\tc"),
            ("\x07bell", "\u{fffd}bell"),
            ("\u{9b}31mred", "\u{fffd}31mred"),
            ("user\u{202e}nimda", "user\u{fffd}nimda"),
            ("two\nlines\r", "two\u{fffd}lines\u{fffd}"),
            ("grüße 👩‍👩‍👧 ✓", "grüße 👩‍👩‍👧 ✓"),
        ];
        for (text, expected) in cases {
            assert_eq!(printable(text), expected);
        }
        assert_eq!(printable_lines("a\r\nb\x1bc\n\nd\n"), "a\nb\u{fffd}c\n\nd");
        assert_printable(&printable(NASTY));
        let json = serde_json::json!({ "a": NASTY, "b": "grüße\tx" });
        let shown = printable_json(&serde_json::to_string_pretty(&json).unwrap());
        assert!(shown.chars().all(|c| c == '\n' || is_printable(c)), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
    }
}
