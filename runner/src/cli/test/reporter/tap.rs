//! The Test Anything Protocol, version 14 (testanything.org/tap-version-14-specification.html).

use super::super::super::printable::{is_printable, printable_json};
use super::{Plan, Ran, Refused, Reporter, Tally, reason};
use checks::{Location, Outcome};
use std::io::{self, Write};

pub struct Tap<'a> {
    out: Box<dyn Write + 'a>,
    number: usize,
}

impl<'a> Tap<'a> {
    pub fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out, number: 0 }
    }

    fn point(&mut self, is_good: bool, description: &str, directive: &str) -> io::Result<()> {
        self.number += 1;
        let verdict = if is_good { "ok" } else { "not ok" };
        writeln!(self.out, "{verdict} {} - {}{directive}", self.number, escaped(description))
    }

    /// The block below a test point. Every value is JSON, which YAML reads.
    fn diagnostics(&mut self, values: &[(&str, serde_json::Value)]) -> io::Result<()> {
        writeln!(self.out, "  ---")?;
        for (name, value) in values {
            writeln!(self.out, "  {name}: {}", printable_json(&value.to_string()))?;
        }
        writeln!(self.out, "  ...")
    }
}

/// One line, in which `#` begins no directive.
fn escaped(text: &str) -> String {
    let line: String = text.chars().map(|c| if c == '\t' || !is_printable(c) { ' ' } else { c }).collect();
    line.replace('\\', "\\\\").replace('#', "\\#")
}

fn place(location: &Location) -> serde_json::Value {
    serde_json::json!({ "file": location.file, "line": location.line, "column": location.column })
}

impl Reporter for Tap<'_> {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        self.number = 0;
        writeln!(self.out, "TAP version 14\n1..{}", plan.runs + plan.refused)
    }

    fn refused(&mut self, refused: &Refused<'_>) -> io::Result<()> {
        let error = refused.error;
        self.point(false, &format!("{} loads", error.file), "")?;
        let mut values = vec![("message", error.message.clone().into()), ("severity", "fail".into())];
        if let Some((line, column)) = error.location {
            values.push(("at", place(&Location { file: error.file.clone(), line, column })));
        }
        if let Some(help) = &error.help {
            values.push(("help", help.clone().into()));
        }
        self.diagnostics(&values)
    }

    fn ran(&mut self, ran: &Ran<'_>) -> io::Result<()> {
        let Some(result) = ran.last() else {
            return self.point(false, ran.check.definition.id.as_str(), "");
        };
        let description = format!("{} in {}", result.key.check, result.key.region);
        let directive = match &result.outcome {
            Outcome::Skipped { reason } => format!(" # SKIP {}", escaped(reason)),
            _ => String::new(),
        };
        self.point(matches!(result.outcome, Outcome::Passed | Outcome::Skipped { .. }), &description, &directive)?;
        let mut values = Vec::new();
        if !matches!(result.outcome, Outcome::Passed | Outcome::Skipped { .. }) {
            values.extend([("message", reason(result).into()), ("severity", "fail".into())]);
        }
        if let Some(failure) = result.failure() {
            values.push(("class", failure.class.as_str().into()));
            values.extend(failure.step.as_ref().map(|step| ("step", step.clone().into())));
            values.extend(failure.location.as_ref().map(|location| ("at", place(location))));
            let soft: Vec<&str> = failure.soft.iter().map(|soft| soft.message.as_str()).collect();
            if !soft.is_empty() {
                values.push(("checks", soft.into()));
            }
        }
        values.push(("duration_ms", (result.duration_us as f64 / 1_000.0).into()));
        if ran.attempts.len() > 1 {
            values.push(("attempts", ran.attempts.len().into()));
        }
        self.diagnostics(&values)?;
        self.out.flush()
    }

    fn end(&mut self, _: &Tally) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_turns_into_a_directive_or_a_second_line() {
        assert_eq!(escaped("a # SKIP b\\c\nnot ok\u{9b}"), "a \\# SKIP b\\\\c not ok ");
    }
}
