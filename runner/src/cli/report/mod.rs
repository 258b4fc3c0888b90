//! One result, as a person reads it in a terminal: a line, the tree of its steps with their requests, and of a failure
//! all that helps to understand it without running it again: the place in the script, also below what it called in a
//! module; the exchange that it is about with its phases, its answer, and the command that repeats it.

mod authorities;
mod curl;
mod exchange;
mod failure;
mod shell;

pub use authorities::Authorities;

use super::paint::Paint;
use super::printable::{printable, printable_lines};
use checks::{ConsoleLevel, Outcome, Request, RunResult, Step};
use std::fmt::Write;

/// How much of a result is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The line alone, and everything of a failure.
    Failures,
    Everything,
}

/// Reads the source that a location is in.
pub type Sources<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How results are shown.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub detail: Detail,
    pub sources: Sources<'a>,
    /// Whom runs trusted beside the public authorities.
    pub authorities: &'a Authorities,
    pub paint: Paint,
}

/// `script` is the path of the check's own script, as locations name it.
pub fn report(result: &RunResult, script: &str, view: View<'_>) -> String {
    let View { detail, paint, .. } = view;
    let mut out = headline(result, paint);
    if detail == Detail::Everything || result.failure().is_some() {
        tree(&mut out, result, None, 1, paint);
    }
    match &result.outcome {
        Outcome::Passed => {}
        Outcome::Missed { reason, .. } => indented(&mut out, &format!("missed: {}", printable_lines(reason)), "    "),
        Outcome::Skipped { reason } => indented(&mut out, &format!("skipped: {}", printable_lines(reason)), "    "),
        Outcome::Failed(failure) => {
            failure::explain(&mut out, failure, script, view);
            exchange::show(&mut out, result, view);
        }
    }
    if detail == Detail::Everything || result.failure().is_some() {
        console(&mut out, result, paint);
    }
    if !result.dropped.is_nothing() {
        let dropped = result.dropped;
        let text = format!(
            "not kept: {} steps, {} requests, {} console lines, {} metrics, {} soft failures",
            dropped.steps, dropped.requests, dropped.console_lines, dropped.metrics, dropped.soft_failures
        );
        let _ = writeln!(out, "    {}", paint.dim(&text));
    }
    out
}

fn headline(result: &RunResult, paint: Paint) -> String {
    let symbol = match &result.outcome {
        Outcome::Passed => paint.good("✓"),
        Outcome::Failed(failure) if failure.class.blames_target() => paint.bad("✗"),
        Outcome::Failed(_) => paint.warn("!"),
        Outcome::Missed { .. } | Outcome::Skipped { .. } => paint.dim("–"),
    };
    let check = paint.bold(result.key.check.as_str());
    let rest = paint.dim(&format!("{} · {}", result.key.region, milliseconds(result.duration_us)));
    format!("{symbol} {check}  {rest}\n")
}

/// The steps below `parent` with their requests, in the order in which they began.
fn tree(out: &mut String, result: &RunResult, parent: Option<u32>, depth: usize, paint: Paint) {
    enum Child<'a> {
        Step(u32, &'a Step),
        Request(&'a Request),
    }
    let mut children: Vec<(u64, Child<'_>)> = Vec::new();
    for (index, step) in (0u32..).zip(&result.steps) {
        // A parent comes before its children, so that the tree ends.
        if step.parent == parent && parent.is_none_or(|parent| parent < index) {
            children.push((step.start_us, Child::Step(index, step)));
        }
    }
    let requests = result.requests.iter().filter(|request| request.step == parent);
    children.extend(requests.map(|request| (request.start_us, Child::Request(request))));
    children.sort_by_key(|(start_us, _)| *start_us);
    let indent = "  ".repeat(depth + 1);
    for (_, child) in children {
        match child {
            Child::Step(index, step) => {
                let (symbol, time) = match (&step.error, step.duration_us) {
                    (None, Some(us)) => (paint.good("✓"), milliseconds(us)),
                    (Some(_), Some(us)) => (paint.bad("✗"), milliseconds(us)),
                    (_, None) => (paint.bad("✗"), "did not end".to_owned()),
                };
                let _ = writeln!(out, "{indent}{symbol} {}  {}", printable(&step.name), paint.dim(&time));
                tree(out, result, Some(index), depth + 1, paint);
            }
            Child::Request(request) => self::request(out, request, &indent, paint),
        }
    }
}

fn request(out: &mut String, request: &Request, indent: &str, paint: Paint) {
    let answer = match (&request.failure, request.status) {
        (Some(failure), _) => paint.bad(failure.class.as_str()),
        (None, Some(status)) if status >= 400 => paint.warn(&status.to_string()),
        (None, Some(status)) => status.to_string(),
        // What lies below HTTP has no status; it is over where its last phase is.
        (None, None) if request.phases.download_us.is_some() => paint.good("done"),
        (None, None) => paint.bad("no answer"),
    };
    let phases: Vec<String> = request.phases.named().map(|(name, us)| format!("{name} {}", milliseconds(us))).collect();
    let more = match &request.http_version {
        Some(version) => format!("{}, {}", printable(version), phases.join(" + ")),
        None => phases.join(" + "),
    };
    let arrow = paint.dim("→");
    let (method, url) = (printable(&request.method), printable(&request.url));
    let _ = writeln!(out, "{indent}{arrow} {method} {url}  {answer}  {}", paint.dim(&more));
    if let Some(failure) = &request.failure {
        indented(out, &paint.bad(&printable_lines(&failure.message)), &format!("{indent}  "));
    }
}

fn console(out: &mut String, result: &RunResult, paint: Paint) {
    for line in &result.console {
        let level = match line.level {
            ConsoleLevel::Debug => paint.dim("debug"),
            ConsoleLevel::Info => paint.dim("log"),
            ConsoleLevel::Warn => paint.warn("warn"),
            ConsoleLevel::Error => paint.bad("error"),
        };
        let at = paint.dim(&format!("{:>9}", milliseconds(line.at_us)));
        let mut lines = line.text.lines();
        let _ = writeln!(out, "  {at} {level} {}", printable(lines.next().unwrap_or_default()));
        for more in lines {
            let _ = writeln!(out, "            {}", printable(more));
        }
    }
}

fn indented(out: &mut String, text: &str, indent: &str) {
    for line in text.lines() {
        let _ = writeln!(out, "{indent}{line}");
    }
}

/// `0.4 ms`, `31 ms`, `2.50 s`.
pub fn milliseconds(us: u64) -> String {
    match us {
        0..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::super::printable::{NASTY, assert_printable};
    use super::*;

    static NOBODY: Authorities = Authorities::nobody();

    fn view(detail: Detail, sources: Sources<'_>) -> View<'_> {
        View { detail, sources, authorities: &NOBODY, paint: Paint::plain() }
    }

    #[test]
    fn a_failure_is_shown_with_its_reason_and_its_line() {
        let result = checks::wire::decode(include_bytes!("../../../../checks/golden/failed.v1.json")).unwrap();
        let failure = result.failure().unwrap().clone();
        let location = failure.location.clone().unwrap();
        let source = format!("{}  the author's line\n", "\n".repeat(location.line as usize - 1));
        let sources = |file: &str| (file == location.file).then(|| source.clone());
        let shown = report(&result, &location.file, view(Detail::Failures, &sources));
        for fact in [
            result.key.check.as_str(),
            result.key.region.as_str(),
            failure.class.as_str(),
            failure.message.lines().next().unwrap(),
            &location.to_string(),
            "the author's line",
            "^",
        ] {
            assert!(shown.contains(fact), "{fact}:\n{shown}");
        }
        assert!(!shown.contains('\x1b'));
    }

    #[test]
    fn what_passed_is_one_line_when_only_failures_are_asked_for() {
        let result = checks::wire::decode(include_bytes!("../../../../checks/golden/passed.v1.json")).unwrap();
        assert_eq!(report(&result, "", view(Detail::Failures, &|_| None)).lines().count(), 1);
        let everything = report(&result, "", view(Detail::Everything, &|_| None));
        let steps = result.steps.iter().map(|step| &step.name);
        let facts: Vec<&String> = steps.chain(result.requests.iter().map(|request| &request.url)).collect();
        assert!(!facts.is_empty());
        for fact in facts {
            assert!(everything.contains(fact.as_str()), "{fact}:\n{everything}");
        }
    }

    /// With something nasty in front of every text that a result of this kind takes.
    fn hostile(golden: &[u8]) -> RunResult {
        let mut document: serde_json::Value = serde_json::from_slice(golden).unwrap();
        let mut places = Vec::new();
        texts(&document, String::new(), &mut places);
        for place in places {
            let text = document.pointer_mut(&place).unwrap();
            let kept = text.clone();
            *text = format!("a{NASTY}b\nc{}", kept.as_str().unwrap()).into();
            // Names of checks and regions, and words of the format, are held to their form where results are read.
            if checks::wire::decode(document.to_string().as_bytes()).is_err() {
                *document.pointer_mut(&place).unwrap() = kept;
            }
        }
        checks::wire::decode(document.to_string().as_bytes()).unwrap()
    }

    fn texts(value: &serde_json::Value, place: String, places: &mut Vec<String>) {
        match value {
            serde_json::Value::String(_) => places.push(place),
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| texts(item, format!("{place}/{index}"), places));
            }
            serde_json::Value::Object(members) => {
                members.iter().for_each(|(name, item)| texts(item, format!("{place}/{name}"), places));
            }
            _ => {}
        }
    }

    #[test]
    fn no_text_of_a_script_or_a_target_moves_the_cursor() {
        let goldens: [&[u8]; 4] = [
            include_bytes!("../../../../checks/golden/failed.v1.json"),
            include_bytes!("../../../../checks/golden/passed.v1.json"),
            include_bytes!("../../../../checks/golden/skipped.v1.json"),
            include_bytes!("../../../../checks/golden/missed.v1.json"),
        ];
        for golden in goldens {
            let mut result = hostile(golden);
            if let Some(request) = result.requests.first_mut() {
                let message = || checks::Message {
                    headers: vec![checks::Header { name: NASTY.to_owned(), value: NASTY.to_owned() }],
                    body: Some(checks::BodyExcerpt { text: NASTY.to_owned(), is_binary: false, is_whole: false }),
                };
                let transcript = checks::Transcript { sent: message(), received: Some(message()) };
                request.transcript = Some(Box::new(transcript));
            }
            let source = |_: &str| Some(format!("{NASTY}\n").repeat(20));
            assert_printable(&report(&result, "", view(Detail::Everything, &source)));
        }
    }

    #[test]
    fn durations_keep_three_digits() {
        for (us, expected) in [(0, "0.0 ms"), (420, "0.4 ms"), (31_900, "31 ms"), (2_504_000, "2.50 s")] {
            assert_eq!(milliseconds(us), expected);
        }
    }
}
