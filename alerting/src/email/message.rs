use crate::incident::{IncidentStatus, shorten};
use crate::notification::{Address, Notification, NotificationId, headline, in_full};
use crate::outbox::Fault;
pub use lettre::message::Mailbox;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::{Message, message::SinglePart};
use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

/// What a telephone shows of a subject is shorter; RFC 5322 wants lines under 998.
const SUBJECT_CHARS_MAX: usize = 150;
/// Of what else the mail says, in lines.
const OTHERS_LISTED_MAX: usize = 100;

/// Whether mail can be addressed to `text`. The error says what to write.
pub fn check_address(text: &str) -> Result<(), String> {
    let is_whole = text.parse::<lettre::Address>().is_ok_and(|address| {
        // What the internet delivers to has a dot; a mail server's own names and literals are slips of the pen here.
        address.domain().contains('.') && !address.domain().starts_with('[') && text.is_ascii()
    });
    match is_whole {
        true => Ok(()),
        false => Err(format!("`{text}` is no e-mail address; write one such as \"ada@example.com\"")),
    }
}

/// Says that a program wrote it, so that nobody's absence is answered to it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The mail of a notification. Pure: the same notification is the same mail, however often it is sent.
pub fn message(notification: &Notification, from: &Mailbox) -> Result<Message, String> {
    let Address::Email { member, address } = &notification.address else {
        return Err(format!("{} is no e-mail address", notification.address));
    };
    let to = address.parse().map_err(|error| format!("`{address}` is no e-mail address: {error}"))?;
    let (id, thread) = (message_id(&notification.id, from), thread_id(&notification.id, from));
    let written_at = UNIX_EPOCH + Duration::from_millis(u64::try_from(notification.created_at.0).unwrap_or(0));
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(member.as_deref().map(one_line), to))
        .subject(subject(notification))
        .date(written_at)
        .message_id(Some(id))
        .in_reply_to(thread.clone())
        .references(thread)
        .header(AutoSubmitted)
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text(notification)))
        .map_err(|error| format!("the mail cannot be written: {error}"))
}

/// The left side of an id is atoms and dots (RFC 5322, section 3.6.4).
fn left(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' }).collect()
}

fn message_id(id: &NotificationId, from: &Mailbox) -> String {
    format!("<tocsin.{}@{}>", left(&id.0), from.email.domain())
}

/// What every mail of an incident refers to. No mail has this id itself: whichever comes first begins the thread.
fn thread_id(id: &NotificationId, from: &Mailbox) -> String {
    let incident = id.0.rsplit_once('.').map_or(id.0.as_str(), |(incident, _)| incident);
    format!("<tocsin.{}@{}>", left(incident), from.email.domain())
}

fn subject(notification: &Notification) -> String {
    let report = &notification.report;
    let title = report.title();
    let mut text = match report.status {
        IncidentStatus::Open => {
            let unwell: Vec<_> = report.unwell().map(|line| line.region.as_str()).collect();
            let place = if unwell.is_empty() { String::new() } else { format!(" in {}", unwell.join(", ")) };
            format!("{} #{} {title} is failing{place}", report.label, report.number)
        }
        IncidentStatus::Recovered => format!("OK #{} {title} recovered", report.number),
        IncidentStatus::Closed => format!("CLOSED #{} {title}", report.number),
    };
    if !notification.folded.is_empty() {
        let _ = write!(text, " and {} more", notification.folded.len());
    }
    shorten(&one_line(&text), SUBJECT_CHARS_MAX)
}

/// A title of somebody else's alert may have lines; a header has one.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn text(notification: &Notification) -> String {
    let mut text = notification.saying.to_string();
    text.push_str("\n\n");
    match notification.saying.ends() {
        true => text.push_str(&headline(notification)),
        false => text.push_str(&in_full(notification)),
    }
    if let Some(signal) = &notification.report.signal {
        signal.links.iter().for_each(|link| text.push_str(&format!("\n{:<13} {}", link.title, link.url)));
    }
    if let Some(others) = notification.others_in_a_line() {
        let _ = write!(text, "\n\n{others}");
        for other in notification.folded.iter().take(OTHERS_LISTED_MAX) {
            let report = &other.report;
            let _ = write!(text, "\n  {} #{} {}: {}", report.label, report.number, report.title(), other.saying);
        }
        if notification.folded.len() > OTHERS_LISTED_MAX {
            let _ = write!(text, "\n  and {} more", notification.folded.len() - OTHERS_LISTED_MAX);
        }
    }
    text.push_str("\n\n-- \nTocsin\n");
    text
}

/// A mail that cannot be written will not be written later either.
pub(super) fn written(notification: &Notification, from: &Mailbox) -> Result<Message, Fault> {
    message(notification, from).map_err(|reason| Fault::Permanent { reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::sample;
    use crate::notification::{Role, Saying};

    fn page() -> Notification {
        let address = Address::Email { member: Some("Ada, on call".to_owned()), address: "ada@example.com".to_owned() };
        Notification { address, ..sample::notification(Role::Post) }
    }

    fn from() -> Mailbox {
        "Tocsin <tocsin@example.org>".parse().unwrap()
    }

    fn sent(notification: &Notification) -> String {
        String::from_utf8(message(notification, &from()).unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_mail_says_what_a_person_needs_and_is_the_same_each_time() {
        let mail = sent(&page());
        for part in [
            "From: Tocsin <tocsin@example.org>\r\n",
            "To: =?utf-8?b?QWRhLCBvbiBjYWxs?= <ada@example.com>\r\n",
            "Subject: P1 #7 login-password is failing in eu-west-1\r\n",
            "Message-ID: <tocsin.journal.7.3@example.org>\r\n",
            "In-Reply-To: <tocsin.journal.7@example.org>\r\n",
            "References: <tocsin.journal.7@example.org>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Mon, 23 Nov 2026 20:40:00 +0000\r\n",
            "second failure in a row in eu-west-1",
            "expected 200, got 503",
            "runbooks.example",
        ] {
            assert!(mail.contains(part), "{part:?} is not in\n{mail}");
        }
        assert_eq!(mail, sent(&page()));
    }

    #[test]
    fn its_end_is_in_the_same_thread() {
        let mut end = page();
        end.id = NotificationId::new("journal", 7, 9);
        (end.report.status, end.saying) = (IncidentStatus::Recovered, Saying::Recovered { after_ms: 61_000 });
        let mail = sent(&end);
        assert!(mail.contains("Subject: OK #7 login-password recovered\r\n"), "{mail}");
        assert!(mail.contains("Message-ID: <tocsin.journal.7.9@example.org>\r\n"), "{mail}");
        assert!(mail.contains("References: <tocsin.journal.7@example.org>\r\n"), "{mail}");
    }

    #[test]
    fn nothing_that_others_wrote_becomes_a_header() {
        let mut page = page();
        page.address = Address::Email {
            member: Some("Ada\r\nBcc: everybody@example.com".to_owned()),
            address: "ada@example.com".to_owned(),
        };
        page.report.label = "P1\r\nBcc: all@example.com".to_owned();
        page.report.failure.message = "x\r\n.\r\nMAIL FROM:<evil@example.com>".to_owned();
        let mail = sent(&page);
        let head = mail.split("\r\n\r\n").next().unwrap();
        assert!(head.lines().all(|line| !line.to_lowercase().starts_with("bcc")), "{head}");
        page.address =
            Address::Email { member: None, address: "ada@example.com>\r\nRCPT TO:<evil@example.com".to_owned() };
        assert!(message(&page, &from()).is_err());
    }

    #[test]
    fn what_it_carries_is_listed() {
        let mut page = page();
        let other = |number: u64| {
            let mut n = sample::notification(Role::Post);
            (n.report.number, n.report.check) = (number, format!("check-{number}").parse().unwrap());
            n
        };
        page.carry((8..200).map(other));
        let text = text(&page);
        for part in ["and 192 more: check-8 (P1)", "P1 #107 check-107: P1: second failure", "and 92 more"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(subject(&page).ends_with("and 192 more"));
    }

    #[test]
    fn addresses_are_accepted_or_refused() {
        let cases = [
            ("ada@example.com", true),
            ("ada+night@mail.example.com", true),
            ("ada", false),
            ("ada@example", false),
            ("ada@[127.0.0.1]", false),
            ("@example.com", false),
            ("Ada <ada@example.com>", false),
            ("ada@example.com\r\nBcc: x@example.com", false),
            ("ada@example.com, eve@example.com", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(check_address(text).is_ok(), expected, "{text:?}");
        }
    }
}
