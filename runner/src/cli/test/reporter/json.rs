//! One line for each attempt, in the wire format.

use super::super::super::paint::Paint;
use super::{Plan, Ran, Refused, Reporter, Tally};
use std::io::{self, Write};

pub struct Json<'a> {
    out: Box<dyn Write + 'a>,
}

impl<'a> Json<'a> {
    pub fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out }
    }
}

impl Reporter for Json<'_> {
    fn begin(&mut self, _: &Plan) -> io::Result<()> {
        Ok(())
    }

    /// A script that never ran has no result; what is wrong with it goes to standard error.
    fn refused(&mut self, refused: &Refused<'_>) -> io::Result<()> {
        eprintln!("{}", refused.error);
        Ok(())
    }

    fn ran(&mut self, ran: &Ran<'_>) -> io::Result<()> {
        for result in &ran.attempts {
            self.out.write_all(&checks::wire::encode(result))?;
            writeln!(self.out)?;
        }
        self.out.flush()
    }

    fn end(&mut self, tally: &Tally) -> io::Result<()> {
        eprintln!("{}", tally.sentence(Paint::plain()));
        self.out.flush()
    }
}
