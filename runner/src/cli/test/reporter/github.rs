//! GitHub's workflow commands: failures appear at their lines in a pull request.
//! (docs.github.com/actions/reference/workflow-commands-for-github-actions)

use super::super::super::paint::Paint;
use super::super::super::printable::printable_lines;
use super::super::super::report::{Authorities, Detail, View, report};
use super::{Plan, Ran, Refused, Reporter, Tally};
use checks::{Location, Outcome};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Github<'a> {
    out: Box<dyn Write + 'a>,
    /// From the working folder, which is the repository's, to the project's root.
    prefix: PathBuf,
    authorities: &'a Authorities,
}

impl<'a> Github<'a> {
    pub fn new(out: Box<dyn Write + 'a>, prefix: PathBuf, authorities: &'a Authorities) -> Self {
        Self { out, prefix, authorities }
    }

    fn annotate(&mut self, level: &str, title: &str, location: Option<&Location>, message: &str) -> io::Result<()> {
        let mut properties = Vec::new();
        if let Some(location) = location {
            let file = self.prefix.join(&location.file).display().to_string();
            properties.push(format!("file={}", property(&file)));
            properties.push(format!("line={},col={}", location.line, location.column));
        }
        properties.push(format!("title={}", property(title)));
        writeln!(self.out, "::{level} {}::{}", properties.join(","), data(&printable_lines(message)))
    }
}

/// A line that is for people. GitHub's runner takes commands from a target's answer as from anybody: `::command::` where
/// a line begins, behind white space too, and the older `##[command]` anywhere in it (actions/runner, `ActionCommand.cs`).
fn no_command(line: &str) -> String {
    let begins = line.trim_start().starts_with("::");
    format!("{}{}", if begins { "| " } else { "" }, line.replace("##[", "## ["))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

impl Reporter for Github<'_> {
    fn begin(&mut self, _: &Plan) -> io::Result<()> {
        Ok(())
    }

    fn refused(&mut self, refused: &Refused<'_>) -> io::Result<()> {
        let error = refused.error;
        let (line, column) = error.location.unwrap_or((1, 1));
        let location = Location { file: error.file.clone(), line, column };
        let message = match &error.help {
            Some(help) => format!("{}\n{help}", error.message),
            None => error.message.clone(),
        };
        self.annotate("error", "the script is refused", Some(&location), &message)
    }

    fn ran(&mut self, ran: &Ran<'_>) -> io::Result<()> {
        let Some(result) = ran.last() else { return Ok(()) };
        let view =
            View { detail: Detail::Failures, sources: &|_| None, authorities: self.authorities, paint: Paint::plain() };
        for line in report(result, &ran.check.bundle.path, view).lines() {
            writeln!(self.out, "{}", no_command(line))?;
        }
        let title = format!("{} in {}", result.key.check, result.key.region);
        let script = Location { file: ran.check.bundle.path.clone(), line: 1, column: 1 };
        match &result.outcome {
            Outcome::Passed if ran.is_flaky() => {
                for (_, failure) in ran.earlier_failures() {
                    let location = failure.location.as_ref().unwrap_or(&script);
                    let message = format!("passed only at attempt {}: {}", ran.attempts.len(), failure.message);
                    self.annotate("warning", &title, Some(location), &message)?;
                }
            }
            Outcome::Passed => {}
            Outcome::Skipped { reason } => {
                self.annotate("notice", &title, Some(&script), &format!("skipped: {reason}"))?
            }
            Outcome::Missed { reason, .. } => self.annotate("error", &title, Some(&script), reason)?,
            Outcome::Failed(failure) => {
                let location = failure.location.as_ref().unwrap_or(&script);
                self.annotate("error", &title, Some(location), &format!("{}: {}", failure.class, failure.message))?;
                for soft in &failure.soft {
                    // Where nothing was thrown, the first of them is the failure.
                    if soft.location.as_ref() != Some(location) {
                        self.annotate("error", &title, soft.location.as_ref(), &soft.message)?;
                    }
                }
            }
        }
        self.out.flush()
    }

    fn end(&mut self, tally: &Tally) -> io::Result<()> {
        writeln!(self.out, "\n{}", tally.sentence(Paint::plain()))?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_end_their_command() {
        assert_eq!(data("100%\r\nnext"), "100%25%0D%0Anext");
        assert_eq!(property("a:b,c\nd"), "a%3Ab%2Cc%0Ad");
    }

    #[test]
    fn no_line_of_a_target_is_a_command() {
        let cases = [
            ("::error::x", "| ::error::x"),
            ("  \t\u{a0}::set-output name=a::b", "|   \t\u{a0}::set-output name=a::b"),
            ("a ##[add-path]/tmp", "a ## [add-path]/tmp"),
            ("###[group]##[error]", "### [group]## [error]"),
            ("<title>a::b</title> # [x] ## y", "<title>a::b</title> # [x] ## y"),
        ];
        for (line, expected) in cases {
            assert_eq!(no_command(line), expected);
        }
    }
}
