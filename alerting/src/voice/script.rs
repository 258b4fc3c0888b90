use crate::incident::IncidentStatus;
use crate::notification::{Notification, PageReason, Saying};
use crate::twilio::escape;
use url::form_urlencoded;

/// <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>: `Twiml` takes 4000 characters.
#[cfg(test)]
const TWIML_CHARS_MAX: usize = 4000;
/// What is read takes half a minute: longer than that nobody listens at night, and it is read twice.
const SPOKEN_CHARS_MAX: usize = 400;
const MESSAGE_CHARS_MAX: usize = 140;
const TITLE_CHARS_MAX: usize = 80;
const REGIONS_NAMED_MAX: usize = 3;
/// How many incidents one key acknowledges.
const INCIDENTS_MAX: usize = 20;
/// How long a key is waited for after the second reading.
const KEY_SECONDS: u32 = 8;

/// Where Twilio calls in, with the answers of the telephone and the fate of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callbacks {
    /// Without a slash at its end.
    pub public_url: String,
}

impl Callbacks {
    /// Where the key goes that was pressed: `incidents` are those that it acknowledges, the call's own first.
    pub fn answer_url(&self, notification: &Notification) -> String {
        let mut numbers = vec![notification.incident];
        for other in &notification.folded {
            if !other.saying.ends() && !numbers.contains(&other.report.number) && numbers.len() < INCIDENTS_MAX {
                numbers.push(other.report.number);
            }
        }
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("notification", &notification.id.0)
            .append_pair("incidents", &numbers.join(","))
            .finish();
        format!("{}/twilio/voice?{query}", self.public_url)
    }

    /// Where Twilio says how the call ended.
    pub fn status_url(&self, notification: &Notification) -> String {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("notification", &notification.id.0).finish();
        format!("{}/twilio/voice/status?{query}", self.public_url)
    }
}

/// What the call does, as TwiML. Pure. Without callbacks nobody takes a key, so none is asked for.
/// <https://www.twilio.com/docs/voice/twiml>
pub fn script(notification: &Notification, callbacks: Option<&Callbacks>) -> String {
    let spoken = format!("<Say>{}</Say>", escape(&spoken(notification)));
    let reading = format!("<Pause length=\"1\"/>{spoken}<Pause length=\"1\"/>{spoken}");
    match callbacks {
        None => format!("<Response>{reading}</Response>"),
        Some(callbacks) => format!(
            "<Response><Gather numDigits=\"1\" timeout=\"{KEY_SECONDS}\" method=\"POST\" action=\"{}\">{reading}<Say>Press 1 to \
             acknowledge.</Say></Gather><Say>Nobody has acknowledged. Goodbye.</Say></Response>",
            escape(&callbacks.answer_url(notification))
        ),
    }
}

/// What the voice says.
fn spoken(notification: &Notification) -> String {
    let report = &notification.report;
    let title = crate::incident::shorten(&pronounceable(report.title()), TITLE_CHARS_MAX);
    let mut text = format!("This is Tocsin. {}, incident {}. {title} ", pronounceable(&report.label), report.number);
    match report.status {
        IncidentStatus::Open => {
            text.push_str("is failing");
            if report.signal.is_none() {
                let unwell: Vec<String> = report.unwell().map(|line| pronounceable(line.region.as_str())).collect();
                let named = unwell.iter().take(REGIONS_NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
                match unwell.len() {
                    0 => {}
                    1..=REGIONS_NAMED_MAX => text.push_str(&format!(" in {named}")),
                    many => text.push_str(&format!(" in {named} and {} more regions", many - REGIONS_NAMED_MAX)),
                }
            }
            text.push_str(". ");
            if let Saying::Page { reason, .. } | Saying::Again { reason, .. } = &notification.saying {
                text.push_str(&format!("{}. ", said(reason)));
            }
            let message = crate::incident::shorten(&report.failure.message, MESSAGE_CHARS_MAX);
            text.push_str(&format!("{}.", pronounceable(&message)));
        }
        IncidentStatus::Recovered => text.push_str("has recovered."),
        IncidentStatus::Closed => text.push_str("is closed."),
    }
    if let Some(others) = notification.others_in_a_line() {
        text.push_str(&format!(" {}.", pronounceable(&others)));
    }
    crate::incident::shorten(&text, SPOKEN_CHARS_MAX)
}

fn said(reason: &PageReason) -> String {
    match reason {
        // Telephone numbers and error codes are no use in an ear.
        PageReason::Undelivered { .. } => "Another page could not be delivered".to_owned(),
        reason => pronounceable(&reason.to_string()),
    }
}

/// Names as they are spoken: what joins words becomes a space, what a voice would spell is left out. What remains is
/// letters, digits and the marks at which a voice pauses.
fn pronounceable(text: &str) -> String {
    let mut spoken = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() => spoken.push(c),
            '.' | ',' | ':' | '?' | '!' | '\'' | '%' => spoken.push(c),
            '#' => spoken.push_str(" number "),
            '›' | '>' => spoken.push_str(", "),
            _ => spoken.push(' '),
        }
    }
    spoken.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{RegionLine, sample};
    use crate::notification::Role;

    fn callbacks() -> Callbacks {
        Callbacks { public_url: "https://tocsin.example.com/t".to_owned() }
    }

    #[test]
    fn a_call_reads_the_incident_twice() {
        let page = sample::notification(Role::Post);
        let said = "This is Tocsin. P1, incident 7. login password is failing in eu west 1. second failure in a row in eu west \
                    1. expected 200, got 503.";
        assert_eq!(
            script(&page, None),
            format!(
                "<Response><Pause length=\"1\"/><Say>{said}</Say><Pause length=\"1\"/><Say>{said}</Say></Response>"
            )
        );
    }

    #[test]
    fn a_key_acknowledges_where_others_can_call_in() {
        let mut page = sample::notification(Role::Post);
        let mut other = sample::notification(Role::Post);
        other.report.number = 9;
        let mut third = other.clone();
        third.report.number = 11;
        page.carry([other, third]);
        let text = script(&page, Some(&callbacks()));
        for part in [
            "<Gather numDigits=\"1\" timeout=\"8\" method=\"POST\" action=\"https://tocsin.example.com/t/twilio/voice?notification=journal.7.3&amp;incidents=7%2C9%2C11\">",
            "and 2 more: login password P1",
            "<Say>Press 1 to acknowledge.</Say></Gather>",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert_eq!(
            callbacks().status_url(&page),
            "https://tocsin.example.com/t/twilio/voice/status?notification=journal.7.3"
        );
    }

    #[test]
    fn whatever_an_error_says_it_is_words_and_fits() {
        let mut page = sample::notification(Role::Post);
        page.report.failure.message = "</Say><Dial>+1900</Dial> & \u{0} <b>'\"".repeat(300);
        page.report.check = "x".repeat(64).parse().unwrap();
        let line =
            RegionLine { condition: crate::incident::RegionCondition::Failing, ..page.report.regions[1].clone() };
        page.report.regions = vec![line; 33];
        page.carry((0..100).map(|_| sample::notification(Role::Post)));
        let text = script(&page, Some(&callbacks()));
        assert!(text.chars().count() <= TWIML_CHARS_MAX, "{} characters", text.chars().count());
        assert!(!text.contains("<Dial>") && !text.contains('\u{0}'), "{text}");
        assert_eq!(text.matches("<Say>").count(), text.matches("</Say>").count());
        assert!(text.contains("and 30 more regions"), "{text}");
    }

    #[test]
    fn names_are_spoken_as_words() {
        let cases = [
            ("login-password", "login password"),
            ("eu-west-1", "eu west 1"),
            ("login › token", "login, token"),
            ("https://id.example/a?b=c&d", "https: id.example a?b c d"),
            ("#7 is down.", "number 7 is down"),
            ("Zürich läuft", "Zürich läuft"),
            ("\u{1b}[2J", "2J"),
        ];
        for (text, expected) in cases {
            assert_eq!(pronounceable(text), expected);
        }
    }
}
