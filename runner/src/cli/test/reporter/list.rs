//! For a person at a terminal: what each check did, and of a failure all that helps.

use super::super::super::paint::Paint;
use super::super::super::printable::{printable, printable_lines};
use super::super::super::report::{Authorities, Detail, View, report};
use super::{Plan, Ran, Refused, Reporter, Tally};
use std::io::{self, Write};
use std::path::Path;

pub struct List<'a> {
    out: Box<dyn Write + 'a>,
    root: &'a Path,
    detail: Detail,
    authorities: &'a Authorities,
    paint: Paint,
}

impl<'a> List<'a> {
    pub fn new(
        out: Box<dyn Write + 'a>,
        root: &'a Path,
        detail: Detail,
        authorities: &'a Authorities,
        paint: Paint,
    ) -> Self {
        Self { out, root, detail, authorities, paint }
    }
}

impl Reporter for List<'_> {
    fn begin(&mut self, _: &Plan) -> io::Result<()> {
        Ok(())
    }

    fn refused(&mut self, refused: &Refused<'_>) -> io::Result<()> {
        writeln!(self.out, "{} {}\n", self.paint.bad("✗"), printable_lines(&refused.error.to_string()))
    }

    fn ran(&mut self, ran: &Ran<'_>) -> io::Result<()> {
        let Some(result) = ran.last() else { return Ok(()) };
        for (earlier, failure) in ran.earlier_failures() {
            let line = printable(failure.message.lines().next().unwrap_or_default());
            let number = earlier.key.attempt + 1;
            writeln!(self.out, "{} {}  attempt {number} failed: {line}", self.paint.warn("↻"), earlier.key.check)?;
        }
        let sources = |file: &str| std::fs::read_to_string(self.root.join(file)).ok();
        let view = View { detail: self.detail, sources: &sources, authorities: self.authorities, paint: self.paint };
        write!(self.out, "{}", report(result, &ran.check.bundle.path, view))?;
        self.out.flush()
    }

    fn end(&mut self, tally: &Tally) -> io::Result<()> {
        writeln!(self.out, "\n{}", tally.sentence(self.paint))?;
        self.out.flush()
    }
}
