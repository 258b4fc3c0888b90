//! One result, as a person reads it in a terminal: a line, the tree of its steps with their requests, and of a failure
//! all that helps to understand it without running it again: the place in the script, also below what it called in a
//! module; the exchange that it is about with its phases, its answer, and the command that repeats it.

mod curl;
mod exchange;
mod failure;

use super::paint::Paint;
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

/// `script` is the path of the check's own script, as locations name it.
pub fn report(result: &RunResult, script: &str, detail: Detail, sources: Sources<'_>, paint: Paint) -> String {
    let mut out = headline(result, paint);
    if detail == Detail::Everything || result.failure().is_some() {
        tree(&mut out, result, None, 1, paint);
    }
    match &result.outcome {
        Outcome::Passed => {}
        Outcome::Missed { reason, .. } => indented(&mut out, &format!("missed: {reason}"), "    "),
        Outcome::Skipped { reason } => indented(&mut out, &format!("skipped: {reason}"), "    "),
        Outcome::Failed(failure) => {
            failure::explain(&mut out, failure, script, sources, paint);
            exchange::show(&mut out, result, paint);
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
                let _ = writeln!(out, "{indent}{symbol} {}  {}", step.name, paint.dim(&time));
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
        Some(version) => format!("{version}, {}", phases.join(" + ")),
        None => phases.join(" + "),
    };
    let arrow = paint.dim("→");
    let _ = writeln!(out, "{indent}{arrow} {} {}  {answer}  {}", request.method, request.url, paint.dim(&more));
    if let Some(failure) = &request.failure {
        indented(out, &paint.bad(&failure.message), &format!("{indent}  "));
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

/// A script's own text must not move the cursor of whoever reads it.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
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
    use super::*;

    #[test]
    fn a_failure_is_shown_with_its_reason_and_its_line() {
        let result = checks::wire::decode(include_bytes!("../../../../checks/golden/failed.v1.json")).unwrap();
        let failure = result.failure().unwrap().clone();
        let location = failure.location.clone().unwrap();
        let source = format!("{}  the author's line\n", "\n".repeat(location.line as usize - 1));
        let sources = |file: &str| (file == location.file).then(|| source.clone());
        let shown = report(&result, &location.file, Detail::Failures, &sources, Paint::plain());
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
        assert_eq!(report(&result, "", Detail::Failures, &|_| None, Paint::plain()).lines().count(), 1);
        let everything = report(&result, "", Detail::Everything, &|_| None, Paint::plain());
        let steps = result.steps.iter().map(|step| &step.name);
        let facts: Vec<&String> = steps.chain(result.requests.iter().map(|request| &request.url)).collect();
        assert!(!facts.is_empty());
        for fact in facts {
            assert!(everything.contains(fact.as_str()), "{fact}:\n{everything}");
        }
    }

    #[test]
    fn a_scripts_text_cannot_move_the_cursor() {
        assert_eq!(printable("a\x1b[2Jb\tc"), "a\u{fffd}[2Jb\tc");
    }

    #[test]
    fn durations_keep_three_digits() {
        for (us, expected) in [(0, "0.0 ms"), (420, "0.4 ms"), (31_900, "31 ms"), (2_504_000, "2.50 s")] {
            assert_eq!(milliseconds(us), expected);
        }
    }
}
