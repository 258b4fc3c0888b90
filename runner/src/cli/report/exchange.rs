//! The exchange that a failure is about: its phases as a small waterfall, what the target said, and how to ask it again.

use super::{View, curl, indented, milliseconds, printable};
use crate::cli::paint::Paint;
use checks::{BodyExcerpt, Message, Request, RunResult};
use std::fmt::Write;

const INDENT: &str = "    ";
const BAR_CHARACTERS: usize = 30;
const BODY_LINES_MAX: usize = 12;
const HEADERS_MAX: usize = 16;

/// Headers that say nothing about a failure.
const QUIET: &[&str] = &["date", "server", "connection", "keep-alive", "vary", "alt-svc", "via", "accept-ranges"];

pub(super) fn show(out: &mut String, result: &RunResult, view: View<'_>) {
    let paint = view.paint;
    let Some(request) = subject(result) else { return };
    let Some(transcript) = &request.transcript else { return };
    let answer = match (request.status, &request.failure) {
        (_, Some(failure)) => paint.bad(failure.class.as_str()),
        (Some(status), None) if status >= 400 => paint.bad(&status.to_string()),
        (Some(status), None) => status.to_string(),
        (None, None) if request.phases.download_us.is_some() => paint.good("done"),
        (None, None) => paint.bad("no answer"),
    };
    let facts = [request.http_version.clone(), request.remote_addr.as_ref().map(|address| format!("from {address}"))];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let url = paint.fit(&printable(&request.url), INDENT.len() + request.method.len() + 24);
    let line = format!("{} {url}  {answer}  {}", printable(&request.method), paint.dim(&printable(&facts.join(" "))));
    let _ = writeln!(out, "{INDENT}{}", line.trim_end());
    waterfall(out, request, paint);
    if let Some(received) = &transcript.received {
        head(out, received, paint);
        match &received.body {
            Some(body) => self::body(out, body, paint),
            None if request.received_body_bytes > 0 => note(out, "a body that is not shown", paint),
            None => note(out, "no body", paint),
        }
    }
    let _ = writeln!(out);
    // Curl speaks HTTP here; what lies below has no such line.
    if !request.url.starts_with("http") {
        return;
    }
    indented(out, &paint.dim("repeat it with"), INDENT);
    for line in curl::command(request, transcript, view.authorities).lines() {
        indented(out, &printable(line), "      ");
    }
    let _ = writeln!(out);
}

/// The newest one that went wrong in the failed step or in those inside it, or the newest there; of the whole run where
/// the step made none.
fn subject(result: &RunResult) -> Option<&Request> {
    let failure = result.failure()?;
    let failed = |request: &Request| request.failure.is_some() || request.status.is_some_and(|status| status >= 400);
    let of = |wanted: &dyn Fn(&&Request) -> bool| {
        let told = |request: &&Request| request.transcript.is_some() && wanted(request);
        let newest_failed = result.requests.iter().rev().filter(told).find(|request| failed(request));
        newest_failed.or_else(|| result.requests.iter().rev().find(told))
    };
    let inside = |request: &&Request| match (&failure.step, request.step) {
        (Some(step), Some(index)) => path(result, index).is_some_and(|path| path.starts_with(step.as_str())),
        (Some(_), None) => false,
        (None, _) => true,
    };
    of(&inside).or_else(|| of(&|_| true))
}

/// The names of a step and of those around it, as [`checks::Failure::step`] writes them.
fn path(result: &RunResult, index: u32) -> Option<String> {
    let mut names = Vec::new();
    let mut next = Some(index);
    while let Some(step) = next.and_then(|index| result.steps.get(index as usize)) {
        names.push(step.name.as_str());
        // A parent comes before its children, so that this ends.
        next = step.parent.filter(|parent| Some(*parent) < next);
    }
    names.reverse();
    (!names.is_empty()).then(|| names.join(" › "))
}

fn waterfall(out: &mut String, request: &Request, paint: Paint) {
    let phases: Vec<(&str, u64)> = request.phases.named().collect();
    let total_us: u64 = phases.iter().map(|(_, us)| us).sum();
    if total_us == 0 {
        return;
    }
    // In thousandths of a character, rounded once for both ends, so that bars neither overlap nor leave gaps.
    let at = |us: u64| usize::try_from(us * BAR_CHARACTERS as u64 / total_us).unwrap_or(BAR_CHARACTERS);
    let mut before_us = 0;
    for (name, us) in phases {
        let (from, to) = (at(before_us), at(before_us + us));
        before_us += us;
        let from = from.min(BAR_CHARACTERS - 1);
        let bar = format!("{}{}", " ".repeat(from), "█".repeat((to.saturating_sub(from)).max(1)));
        let _ = writeln!(out, "{INDENT}  {name:<10} {:>8}  {}", milliseconds(us), paint.dim(&bar));
    }
}

fn head(out: &mut String, message: &Message, paint: Paint) {
    let telling: Vec<_> = message.headers.iter().filter(|header| !QUIET.contains(&header.name.as_str())).collect();
    let _ = writeln!(out);
    for header in telling.iter().take(HEADERS_MAX) {
        let value = paint.fit(&printable(&header.value), INDENT.len() + 4 + header.name.len());
        let _ = writeln!(out, "{INDENT}  {} {value}", paint.dim(&format!("{}:", printable(&header.name))));
    }
    if telling.len() > HEADERS_MAX {
        note(out, &format!("and {} headers more", telling.len() - HEADERS_MAX), paint);
    }
}

fn body(out: &mut String, body: &BodyExcerpt, paint: Paint) {
    let _ = writeln!(out);
    if body.is_binary {
        note(out, &format!("not text: {}{}", printable(&body.text), if body.is_whole { "" } else { " …" }), paint);
        return;
    }
    let pretty = serde_json::from_str::<serde_json::Value>(&body.text).ok().filter(|_| body.is_whole);
    let text = match pretty.filter(|value| value.is_object() || value.is_array()) {
        Some(value) => serde_json::to_string_pretty(&value).unwrap_or_else(|_| body.text.clone()),
        None => body.text.clone(),
    };
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().take(BODY_LINES_MAX) {
        let _ = writeln!(out, "{INDENT}  {}", paint.fit(&printable(line), INDENT.len() + 2));
    }
    if !body.is_whole || lines.len() > BODY_LINES_MAX {
        note(out, "… only the beginning", paint);
    }
}

fn note(out: &mut String, text: &str, paint: Paint) {
    let _ = writeln!(out, "{INDENT}  {}", paint.dim(text));
}

#[cfg(test)]
mod tests {
    use super::super::{Authorities, Detail};
    use super::*;
    use checks::{Header, Outcome, Phases, Transcript};

    fn result() -> RunResult {
        let mut result = checks::wire::decode(include_bytes!("../../../../checks/golden/failed.v1.json")).unwrap();
        let Outcome::Failed(failure) = &mut result.outcome else { panic!("it failed") };
        failure.step = None;
        let mut request = result.requests[0].clone();
        request.method = "POST".to_owned();
        request.url = "https://auth.example/token".to_owned();
        request.step = None;
        request.status = Some(503);
        request.failure = None;
        request.phases = Phases {
            dns_us: Some(1_000),
            connect_us: Some(2_000),
            tls_us: None,
            first_byte_us: Some(7_000),
            download_us: Some(0),
        };
        let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.to_owned() };
        let body =
            BodyExcerpt { text: "{\"error\":\"down\",\"tried\":[1]}".to_owned(), is_binary: false, is_whole: true };
        request.transcript = Some(Box::new(Transcript {
            sent: Message::default(),
            received: Some(Message {
                headers: vec![header("content-type", "application/json"), header("date", "today")],
                body: Some(body),
            }),
        }));
        let mut quiet = request.clone();
        quiet.url = "https://auth.example/later".to_owned();
        quiet.status = Some(200);
        result.requests = vec![request, quiet];
        result
    }

    #[test]
    fn the_exchange_that_went_wrong_is_shown_with_its_answer() {
        let mut out = String::new();
        let authorities = Authorities::nobody();
        let view =
            View { detail: Detail::Failures, sources: &|_| None, authorities: &authorities, paint: Paint::plain() };
        show(&mut out, &result(), view);
        for part in [
            "POST https://auth.example/token  503",
            "dns          1.0 ms  ███\n",
            "connect      2.0 ms     ██████\n",
            "first byte   7.0 ms           █████████████████████\n",
            "content-type: application/json",
            "\"error\": \"down\"",
            "curl",
        ] {
            assert!(out.contains(part), "`{part}`:\n{out}");
        }
        assert!(!out.contains("date") && !out.contains("later"), "{out}");
    }

    #[test]
    fn where_nothing_went_wrong_on_the_wire_the_newest_is_meant() {
        let mut result = result();
        result.requests[0].status = Some(200);
        assert_eq!(subject(&result).unwrap().url, "https://auth.example/later");
        result.requests.clear();
        assert!(subject(&result).is_none());
    }
}
