//! One line for each script that is refused, `{"v":1,"refused":{...}}`, and one for each attempt, in the wire format.

use super::super::super::paint::Paint;
use super::super::super::printable::{printable_json, printable_lines};
use super::{Plan, Ran, Refused, Reporter, Tally};
use serde_json::json;
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

    /// A script that never ran has no result. A person reads of it on standard error.
    fn refused(&mut self, refused: &Refused<'_>) -> io::Result<()> {
        let error = refused.error;
        eprintln!("{}", printable_lines(&error.to_string()));
        let location =
            error.location.map(|(line, column)| json!({ "file": error.file, "line": line, "column": column }));
        let refused = json!({
            "file": error.file,
            "location": location,
            "message": error.message,
            "excerpt": error.excerpt,
            "help": error.help,
        });
        let line = json!({ "v": checks::wire::VERSION, "refused": refused });
        writeln!(self.out, "{}", printable_json(&line.to_string()))?;
        self.out.flush()
    }

    fn ran(&mut self, ran: &Ran<'_>) -> io::Result<()> {
        for result in &ran.attempts {
            let line = checks::wire::encode(result);
            writeln!(self.out, "{}", printable_json(&String::from_utf8_lossy(&line)))?;
        }
        self.out.flush()
    }

    fn end(&mut self, tally: &Tally) -> io::Result<()> {
        eprintln!("{}", tally.sentence(Paint::plain()));
        self.out.flush()
    }
}
