//! JUnit's XML, as Jenkins and most CI systems read it: a suite for each region, a case for each check. A failure is the
//! target's, an error the script's or the prober's.

use super::super::super::printable::is_printable;
use super::{Plan, Ran, Refused, Reporter, Tally, account, reason};
use checks::{ConsoleLine, Outcome, RunResult};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Written at the end: a suite begins with its sums.
pub struct Junit<'a> {
    out: Box<dyn Write + 'a>,
    suites: BTreeMap<String, Suite>,
}

#[derive(Default)]
struct Suite {
    cases: String,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    total_us: u64,
}

/// The suite of scripts that did not load, in no region.
const REFUSED: &str = "scripts";

impl<'a> Junit<'a> {
    pub fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out, suites: BTreeMap::new() }
    }
}

/// Text and attributes alike. What XML 1.0 cannot hold at all is replaced, and what a terminal would act on is written as
/// a number.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c if !is_printable(c) => {
                let _ = write!(out, "&#x{:x};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Three digits behind the point, which is what the schema takes.
fn seconds(us: u64) -> String {
    let ms = us.saturating_add(500) / 1_000;
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// `<failure type="assertion" message="...">...</failure>`
fn verdict(element: &str, result: &RunResult) -> String {
    let (class, text) = match result.failure() {
        Some(failure) => (failure.class.as_str(), account(failure)),
        None => ("missed", reason(result)),
    };
    let message = reason(result);
    let line = message.lines().next().unwrap_or_default();
    format!("<{element} type=\"{class}\" message=\"{}\">{}</{element}>", xml(line), xml(&text))
}

fn console(lines: &[ConsoleLine]) -> String {
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    format!("<system-out>{}</system-out>", xml(&text.join("\n")))
}

/// What the attempts before the last one are called.
fn repeated(kind: &str, result: &RunResult) -> String {
    let is_error = result.failure().is_none_or(|failure| !failure.class.blames_target());
    verdict(&format!("{kind}{}", if is_error { "Error" } else { "Failure" }), result)
}

impl Reporter for Junit<'_> {
    fn begin(&mut self, _: &Plan) -> io::Result<()> {
        self.suites.clear();
        Ok(())
    }

    fn refused(&mut self, refused: &Refused<'_>) -> io::Result<()> {
        let error = refused.error;
        let suite = self.suites.entry(REFUSED.to_owned()).or_default();
        suite.tests += 1;
        suite.errors += 1;
        let name = xml(&error.file);
        let _ = writeln!(
            suite.cases,
            "    <testcase name=\"{name}\" classname=\"{name}\" time=\"0.000\"><error type=\"script\" message=\"{}\">{}</error></testcase>",
            xml(&error.message),
            xml(&error.to_string())
        );
        Ok(())
    }

    fn ran(&mut self, ran: &Ran<'_>) -> io::Result<()> {
        let Some(result) = ran.last() else { return Ok(()) };
        let suite = self.suites.entry(result.key.region.to_string()).or_default();
        suite.tests += 1;
        suite.total_us += result.duration_us;
        let mut inner = String::new();
        match &result.outcome {
            Outcome::Passed => {}
            Outcome::Skipped { reason } => {
                suite.skipped += 1;
                let _ = write!(inner, "<skipped message=\"{}\"/>", xml(reason));
            }
            Outcome::Failed(failure) if failure.class.blames_target() => {
                suite.failures += 1;
                inner.push_str(&verdict("failure", result));
            }
            Outcome::Failed(_) | Outcome::Missed { .. } => {
                suite.errors += 1;
                inner.push_str(&verdict("error", result));
            }
        }
        let kind = if ran.is_flaky() { "flaky" } else { "rerun" };
        for (earlier, _) in ran.earlier_failures() {
            inner.push_str(&repeated(kind, earlier));
        }
        if !result.console.is_empty() {
            inner.push_str(&console(&result.console));
        }
        let _ = writeln!(
            suite.cases,
            "    <testcase name=\"{}\" classname=\"{}\" time=\"{}\">{inner}</testcase>",
            xml(result.key.check.as_str()),
            xml(&ran.check.bundle.path),
            seconds(result.duration_us)
        );
        Ok(())
    }

    fn end(&mut self, tally: &Tally) -> io::Result<()> {
        let sum = |count: fn(&Suite) -> usize| self.suites.values().map(count).sum::<usize>();
        writeln!(self.out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(
            self.out,
            "<testsuites name=\"tocsin\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">",
            sum(|suite| suite.tests),
            sum(|suite| suite.failures),
            sum(|suite| suite.errors),
            seconds(tally.total_us)
        )?;
        for (name, suite) in &self.suites {
            writeln!(
                self.out,
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">",
                xml(name),
                suite.tests,
                suite.failures,
                suite.errors,
                suite.skipped,
                seconds(suite.total_us)
            )?;
            write!(self.out, "{}", suite.cases)?;
            writeln!(self.out, "  </testsuite>")?;
        }
        writeln!(self.out, "</testsuites>")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_xml() {
        assert_eq!(xml("a<b>&\"c\"\u{1b}[2J\n"), "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}[2J&#10;");
        assert_eq!(xml("\u{7f}\u{9b}\u{202e}"), "&#x7f;&#x9b;&#x202e;");
        assert_eq!([0, 499, 1_002_003, 61_999_700].map(seconds), ["0.000", "0.000", "1.002", "62.000"]);
    }
}
