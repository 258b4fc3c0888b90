//! Why a run failed, and where in its author's own text.

use super::{View, indented, printable};
use crate::cli::paint::Paint;
use crate::cli::source::excerpt;
use checks::{Failure, Location};
use std::fmt::Write;

/// Lines around a place in the check itself, and around one in a module that it called.
const CONTEXT_LINES: usize = 2;
const CONTEXT_LINES_BENEATH: usize = 1;

const INDENT: &str = "    ";

pub(super) fn explain(out: &mut String, failure: &Failure, script: &str, view: View<'_>) {
    let paint = view.paint;
    let _ = writeln!(out);
    let message = differences(&failure.message, paint);
    indented(out, &format!("{}: {message}", paint.bad(failure.class.as_str())), INDENT);
    if let Some(step) = &failure.step {
        let _ = writeln!(out, "{INDENT}{}", paint.dim(&format!("in step {}", printable(step))));
    }
    let frames: Vec<Frame<'_>> = failure.stack.lines().filter_map(frame).collect();
    places(out, failure.location.as_ref(), &frames, script, view);
    for soft in &failure.soft {
        let _ = writeln!(out);
        let step = soft.step.as_ref().map(|step| format!(" (in step {})", printable(step))).unwrap_or_default();
        let message = differences(&soft.message, paint);
        indented(out, &format!("{} {message}{}", paint.bad("✗"), paint.dim(&step)), INDENT);
        if let Some(location) = &soft.location {
            place(out, location, "", CONTEXT_LINES, view);
        }
    }
    let _ = writeln!(out);
}

/// A line of a stack: `    at name (file:line:column)`.
struct Frame<'a> {
    text: &'a str,
    location: Location,
}

fn frame(line: &str) -> Option<Frame<'_>> {
    let text = line.trim_start();
    let frame = text.strip_prefix("at ")?;
    let place = match frame.strip_suffix(')').and_then(|frame| frame.rsplit_once(" (")) {
        Some((_, place)) => place,
        None => frame,
    };
    let (place, column) = place.rsplit_once(':')?;
    let (file, line) = place.rsplit_once(':')?;
    let location = Location { file: file.to_owned(), line: line.parse().ok()?, column: column.parse().ok()? };
    Some(Frame { text, location })
}

/// The check's own line first, since that is what its author knows; beneath it what it called, where the failure is. How
/// it came there otherwise is said without excerpts.
fn places(out: &mut String, location: Option<&Location>, frames: &[Frame<'_>], script: &str, view: View<'_>) {
    let Some(location) = location else { return };
    let own = frames.iter().position(|frame| frame.location.file == script).filter(|_| location.file != script);
    let shown_to = match own {
        Some(own) => {
            place(out, &frames[own].location, "", CONTEXT_LINES, view);
            place(out, location, "which called ", CONTEXT_LINES_BENEATH, view);
            own
        }
        None => {
            place(out, location, "", CONTEXT_LINES, view);
            0
        }
    };
    for (index, frame) in frames.iter().enumerate().skip(1).filter(|(index, _)| *index != shown_to) {
        let shown = if index < shown_to { "through" } else { "from" };
        let called = printable(frame.text.trim_start_matches("at "));
        let _ = writeln!(out, "{INDENT}{}", view.paint.dim(&format!("{shown} {called}")));
    }
}

fn place(out: &mut String, location: &Location, prefix: &str, context: usize, view: View<'_>) {
    let paint = view.paint;
    let _ = writeln!(out, "\n{INDENT}{}{}", paint.dim(prefix), paint.dim(&printable(&location.to_string())));
    let source = (view.sources)(&location.file);
    let shown = source.and_then(|source| excerpt(&source, location.line, location.column, context, paint));
    if let Some(shown) = shown {
        indented(out, &shown, INDENT);
    }
}

/// The library's own differences: what was expected has a minus, what came has a plus.
fn differences(message: &str, paint: Paint) -> String {
    let line = |line: String| match line.trim_start().as_bytes() {
        [b'-', b' ', ..] => paint.good(&line),
        [b'+', b' ', ..] => paint.bad(&line),
        _ => line,
    };
    // The first line is the sentence, whatever it begins with.
    let mut lines = message.lines().map(printable);
    let first = lines.next().unwrap_or_default();
    std::iter::once(first).chain(lines.map(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::{Authorities, Detail};
    use super::*;
    use checks::FailureClass;

    fn shown(failure: &Failure, script: &str) -> String {
        let sources = |file: &str| Some(format!("first of {file}\nsecond of {file}\nthird of {file}\n"));
        let mut out = String::new();
        let authorities = Authorities::nobody();
        let view =
            View { detail: Detail::Failures, sources: &sources, authorities: &authorities, paint: Paint::plain() };
        explain(&mut out, failure, script, view);
        out
    }

    #[test]
    fn a_failure_in_a_module_is_shown_from_the_check_down() {
        let location = Location { file: "lib/door.ts".to_owned(), line: 3, column: 7 };
        let failure = Failure {
            class: FailureClass::Assertion,
            message: "the door is shut".to_owned(),
            step: Some("enter".to_owned()),
            location: Some(location),
            stack:
                "    at fails (lib/door.ts:3:7)\n    at open (lib/house.ts:1:1)\n    at enter (a.check.ts:2:4)\n    \
                    at a.check.ts:1:1"
                    .to_owned(),
            soft: Vec::new(),
        };
        let own = shown(&failure, "a.check.ts");
        let expected = [
            "assertion: the door is shut",
            "in step enter",
            "a.check.ts:2:4",
            "> 2 | second of a.check.ts",
            "^",
            "which called lib/door.ts:3:7",
            "> 3 | third of lib/door.ts",
            "^",
            "through open (lib/house.ts:1:1)",
            "from a.check.ts:1:1",
        ];
        let mut rest = own.as_str();
        for part in expected {
            let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` in this order:\n{own}"));
            rest = &rest[at + part.len()..];
        }
        // Nobody knows the script: the place itself is all there is.
        let unknown = shown(&failure, "");
        assert!(unknown.contains("> 3 | third of lib/door.ts") && !unknown.contains("which called"), "{unknown}");
    }

    #[test]
    fn frames_are_read_as_stacks_write_them() {
        let cases = [
            ("    at fail (lib/a b.ts:3:7)", Some("lib/a b.ts:3:7")),
            ("    at async Object.run (x.check.ts:12:5)", Some("x.check.ts:12:5")),
            ("    at x.check.ts:1:1", Some("x.check.ts:1:1")),
            ("Caused by: Error: deeper", None),
            ("    at native", None),
        ];
        for (line, expected) in cases {
            let location = frame(line).map(|frame| frame.location.to_string());
            assert_eq!(location.as_deref(), expected, "{line}");
        }
    }
}
