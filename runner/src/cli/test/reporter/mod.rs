//! How the results of `tocsin test` are told: to a person ([`list`]), to programs ([`json`], [`junit`], [`tap`]) and to
//! GitHub's pages ([`github`]).
//!
//! A reporter is told what will come, each script that was refused, each run with all its attempts, and the sum. What it
//! writes goes to standard output; of those for programs, nothing else does.

mod github;
mod json;
mod junit;
mod list;
mod tap;

use super::super::arguments::{ReporterName, Test};
use super::super::paint::Paint;
use super::super::report::{Authorities, Detail, milliseconds};
use crate::catalogue::Check;
use checks::{Failure, Outcome, RunResult};
use probes::script::ScriptError;
use std::io::{self, Write};
use std::path::Path;

/// What a round is about to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub runs: usize,
    pub refused: usize,
}

/// A script that cannot be run.
pub struct Refused<'a> {
    pub error: &'a ScriptError,
}

/// A run with its repetitions.
pub struct Ran<'a> {
    pub check: &'a Check,
    /// Empty only where the region has gone; the last one counts.
    pub attempts: Vec<RunResult>,
}

impl Ran<'_> {
    pub fn last(&self) -> Option<&RunResult> {
        self.attempts.last()
    }

    /// The failures that a later attempt made good or repeated.
    pub fn earlier_failures(&self) -> impl Iterator<Item = (&RunResult, &Failure)> {
        let earlier = self.attempts.len().saturating_sub(1);
        self.attempts[..earlier].iter().filter_map(|result| Some((result, result.failure()?)))
    }

    /// Passed, and not at the first attempt.
    pub fn is_flaky(&self) -> bool {
        self.attempts.len() > 1 && self.last().is_some_and(|result| matches!(result.outcome, Outcome::Passed))
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub passed: usize,
    pub flaky: usize,
    pub failed: usize,
    pub skipped: usize,
    pub refused: usize,
    pub total_us: u64,
}

impl Tally {
    pub fn count(&mut self, ran: &Ran<'_>) {
        match ran.last().map(|result| &result.outcome) {
            Some(Outcome::Passed) => self.passed += 1,
            Some(Outcome::Skipped { .. }) => self.skipped += 1,
            Some(Outcome::Failed(_) | Outcome::Missed { .. }) | None => self.failed += 1,
        }
        self.flaky += usize::from(ran.is_flaky());
    }

    pub fn is_good(&self) -> bool {
        self.failed + self.refused == 0
    }

    /// `11 passed (1 at a second attempt), 1 failed  in 2.31 s`
    pub fn sentence(&self, paint: Paint) -> String {
        let mut passed = format!("{} passed", self.passed);
        if self.flaky > 0 {
            passed.push_str(&format!(" ({} not at the first attempt)", self.flaky));
        }
        let mut parts = vec![paint.good(&passed)];
        if self.failed > 0 {
            parts.push(paint.bad(&format!("{} failed", self.failed)));
        }
        if self.skipped > 0 {
            parts.push(paint.warn(&format!("{} skipped", self.skipped)));
        }
        if self.refused > 0 {
            let noun = if self.refused == 1 { "script" } else { "scripts" };
            parts.push(paint.bad(&format!("{} {noun} refused", self.refused)));
        }
        format!("{}  {}", parts.join(", "), paint.dim(&format!("in {}", milliseconds(self.total_us))))
    }
}

pub trait Reporter {
    fn begin(&mut self, plan: &Plan) -> io::Result<()>;
    fn refused(&mut self, refused: &Refused<'_>) -> io::Result<()>;
    fn ran(&mut self, ran: &Ran<'_>) -> io::Result<()>;
    fn end(&mut self, tally: &Tally) -> io::Result<()>;
}

/// The reporter that was asked for. `root` is the project's: places in results are relative to it.
pub fn reporter<'a>(
    arguments: &Test,
    root: &'a Path,
    authorities: &'a Authorities,
    out: Box<dyn Write + 'a>,
) -> Box<dyn Reporter + 'a> {
    let detail = if arguments.quiet { Detail::Failures } else { Detail::Everything };
    match arguments.reporter() {
        ReporterName::List => Box::new(list::List::new(out, root, detail, authorities, Paint::for_stdout())),
        ReporterName::Json => Box::new(json::Json::new(out)),
        ReporterName::Junit => Box::new(junit::Junit::new(out)),
        ReporterName::Tap => Box::new(tap::Tap::new(out)),
        ReporterName::Github => {
            let folder = std::env::current_dir().unwrap_or_default();
            let prefix = root.strip_prefix(&folder).unwrap_or(root).to_owned();
            Box::new(github::Github::new(out, prefix, authorities))
        }
    }
}

/// Why a run is no pass, in a line or more.
fn reason(result: &RunResult) -> String {
    match &result.outcome {
        Outcome::Passed => String::new(),
        Outcome::Failed(failure) => failure.message.clone(),
        Outcome::Missed { reason, .. } | Outcome::Skipped { reason } => reason.clone(),
    }
}

/// The failure in full, as plain text: for the bodies of reports that programs keep and people read.
fn account(failure: &Failure) -> String {
    let mut text = format!("{}: {}\n", failure.class, failure.message);
    if let Some(step) = &failure.step {
        text.push_str(&format!("in step {step}\n"));
    }
    if let Some(location) = &failure.location {
        text.push_str(&format!("{location}\n"));
    }
    for soft in &failure.soft {
        text.push_str(&format!("check: {}", soft.message));
        if let Some(location) = &soft.location {
            text.push_str(&format!(" ({location})"));
        }
        text.push('\n');
    }
    if !failure.stack.is_empty() {
        text.push_str(&failure.stack);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_says_what_happened_and_nothing_that_did_not() {
        let cases = [
            (Tally { passed: 3, total_us: 2_000, ..Tally::default() }, "3 passed  in 2.0 ms", true),
            (
                Tally { passed: 2, flaky: 1, skipped: 1, ..Tally::default() },
                "2 passed (1 not at the first attempt), 1 skipped  in 0.0 ms",
                true,
            ),
            (
                Tally { failed: 1, refused: 2, ..Tally::default() },
                "0 passed, 1 failed, 2 scripts refused  in 0.0 ms",
                false,
            ),
        ];
        for (tally, sentence, is_good) in cases {
            assert_eq!(tally.sentence(Paint::plain()), sentence);
            assert_eq!(tally.is_good(), is_good);
        }
    }
}
