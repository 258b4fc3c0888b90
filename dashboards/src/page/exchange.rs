//! What a failed run and its target said to each other: heads and the beginnings of bodies, what went wrong first.

use checks::{Message, Request, RunResult};
use maud::{Markup, html};

/// A run keeps no more of them; whatever else came would not be read.
const EXCHANGES_MAX: usize = 4;
const HEADERS_MAX: usize = 40;

/// Of a header, a body or a message. A run keeps less; a page is bounded whatever it is given.
const TEXT_CHARACTERS_MAX: usize = 4_000;

pub(super) fn exchanges(result: &RunResult) -> Markup {
    let mut told: Vec<&Request> =
        result.requests.iter().filter(|request| request.transcript.is_some() || went_wrong(request)).collect();
    told.reverse();
    // Stable: the newest stays first among its like.
    told.sort_by_key(|request| !went_wrong(request));
    html! {
        @for (index, request) in told.into_iter().take(EXCHANGES_MAX).enumerate() { (exchange(request, index == 0)) }
    }
}

fn went_wrong(request: &Request) -> bool {
    request.failure.is_some() || request.status.is_some_and(|status| status >= 400)
}

fn exchange(request: &Request, open: bool) -> Markup {
    let (class, answer) = match (&request.failure, request.status) {
        (Some(failure), _) => ("bad", failure.class.as_str().to_owned()),
        (None, Some(status)) if status >= 400 => ("bad", status.to_string()),
        (None, Some(status)) => ("good", status.to_string()),
        (None, None) => ("idle", "no answer".to_owned()),
    };
    html! {
        details.exchange open[open] {
            summary {
                span.badge.(class) { (answer) }
                code.pre { (shown(&request.method)) " " (shown(&request.url)) }
            }
            @if let Some(failure) = &request.failure { p.detail.pre { (shown(&failure.message)) } }
            @if let Some(transcript) = &request.transcript {
                @if let Some(received) = &transcript.received {
                    h3 { "Answered" @if let Some(remote) = &request.remote_addr { " by " (shown(remote)) } }
                    pre.pre { (head(&status_line(request), received)) (body(received)) }
                }
                h3 { "Sent" }
                pre.pre { (head("", &transcript.sent)) (body(&transcript.sent)) }
            }
        }
    }
}

fn status_line(request: &Request) -> String {
    let version = request.http_version.as_deref().unwrap_or_default();
    let status = request.status.map(|status| status.to_string()).unwrap_or_default();
    format!("{version} {status}").trim().to_owned()
}

fn head(first: &str, message: &Message) -> Markup {
    let more = message.headers.len().saturating_sub(HEADERS_MAX);
    html! {
        @if !first.is_empty() { span.strong { (shown(first)) } "\n" }
        @for header in message.headers.iter().take(HEADERS_MAX) {
            span.muted { (shown(&header.name)) ":" } " " (shown(&header.value)) "\n"
        }
        @if more > 0 { span.muted { "and " (more) " headers more" } "\n" }
    }
}

fn body(message: &Message) -> Markup {
    html! {
        @if let Some(body) = &message.body {
            "\n"
            @if body.is_binary { span.muted { "not text: " } }
            (shown(&body.text))
            @if !body.is_whole { "\n" span.muted { "… only the beginning" } }
        }
    }
}

/// Bounded, and without the characters that would change how the rest of the page reads: a target may say anything.
fn shown(text: &str) -> String {
    let unseen = |character: char| {
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || (character.is_control() && !matches!(character, '\n' | '\t'))
    };
    let mut characters = text.chars().filter(|character| *character != '\r');
    let shown = characters.by_ref().take(TEXT_CHARACTERS_MAX);
    let mut shown: String = shown.map(|character| if unseen(character) { '\u{fffd}' } else { character }).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_bounded_and_says_what_it_says() {
        let cases = [
            ("a\r\nb\tc".to_owned(), "a\nb\tc".to_owned()),
            ("\u{1b}[31mred\u{202e}dellepS".to_owned(), "\u{fffd}[31mred\u{fffd}dellepS".to_owned()),
            ("x".repeat(TEXT_CHARACTERS_MAX), "x".repeat(TEXT_CHARACTERS_MAX)),
            ("é".repeat(TEXT_CHARACTERS_MAX + 1), format!("{}…", "é".repeat(TEXT_CHARACTERS_MAX))),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(&text), expected);
        }
    }
}
