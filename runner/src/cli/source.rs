//! The author's own lines around a place, with a caret below it.

use super::paint::Paint;
use super::printable::printable;
use std::fmt::Write;

/// What stands in front of a line, and how far an excerpt is indented.
const MARGIN_CHARACTERS: usize = 16;

/// With `context` lines before and after; `None` where the source has no such line.
pub fn excerpt(source: &str, line: u32, column: u32, context: usize, paint: Paint) -> Option<String> {
    let characters_max = paint.columns().saturating_sub(MARGIN_CHARACTERS);
    let line = usize::try_from(line).ok()?;
    let lines: Vec<&str> = source.lines().collect();
    let index = line.checked_sub(1).filter(|index| *index < lines.len())?;
    let first = index.saturating_sub(context);
    let last = (index + context).min(lines.len() - 1);
    let width = (last + 1).to_string().len();
    let mut out = String::new();
    for (offset, text) in lines[first..=last].iter().enumerate() {
        let number = first + offset + 1;
        let here = number == line;
        // A place of its own for each character, so that the caret stands where it belongs.
        let shown = printable(&text.chars().take(characters_max).collect::<String>()).replace('\t', " ");
        let marker = if here { paint.bad(">") } else { " ".to_owned() };
        let margin = paint.dim(&format!("{number:>width$} |"));
        let _ = writeln!(out, "{marker} {margin} {}", shown.trim_end());
        if here {
            let column = usize::try_from(column).unwrap_or(1).clamp(1, characters_max);
            let margin = paint.dim(&format!("{:>width$} |", ""));
            let _ = writeln!(out, "  {margin} {}{}", " ".repeat(column - 1), paint.bad("^"));
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_the_place_with_its_surroundings() {
        let source = "one\ntwo\nthree\nfour\nfive\nsix\n";
        let shown = excerpt(source, 4, 2, 2, Paint::plain()).unwrap();
        assert_eq!(shown, "  2 | two\n  3 | three\n> 4 | four\n    |  ^\n  5 | five\n  6 | six\n");
        let first = excerpt(source, 1, 1, 2, Paint::plain()).unwrap();
        assert_eq!(first, "> 1 | one\n    | ^\n  2 | two\n  3 | three\n");
        assert_eq!(excerpt(source, 7, 1, 2, Paint::plain()), None);
        assert_eq!(excerpt(source, 0, 1, 2, Paint::plain()), None);
        assert_eq!(excerpt("", 1, 1, 2, Paint::plain()), None);
    }
}
