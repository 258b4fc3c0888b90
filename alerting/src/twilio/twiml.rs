//! Answers in TwiML (<https://www.twilio.com/docs/messaging/twiml>, <https://www.twilio.com/docs/voice/twiml>).

/// Nothing is said.
pub const NOTHING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>";

/// An SMS back to whoever wrote.
pub fn message(text: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Message>{}</Message></Response>", escape(text))
}

/// Reads the text to whoever is on the telephone, and hangs up.
pub fn say(text: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say>{}</Say><Hangup/></Response>", escape(text))
}

/// As the text of an element or the value of an attribute. What XML has no character for becomes a space.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        assert_eq!(escape("a<b>&\"c\"\u{1}\n"), "a&lt;b&gt;&amp;&quot;c&quot;  ");
        assert!(message("</Message>").ends_with("<Message>&lt;/Message&gt;</Message></Response>"));
    }
}
