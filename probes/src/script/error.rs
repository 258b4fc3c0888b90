use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest excerpt of a line; minified files have lines of megabytes.
const EXCERPT_CHARACTERS_MAX: usize = 120;

/// What is wrong with a script, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptError {
    /// Relative to the project's root, as the author would open it.
    pub file: String,
    /// Line and column, counted from 1.
    pub location: Option<(u32, u32)>,
    pub message: String,
    /// The author's line with a caret below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    pub help: Option<String>,
}

impl ScriptError {
    pub fn new(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), location: None, message: message.into(), excerpt: None, help: None }
    }

    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points at `offset` bytes into `source`.
    pub fn at_offset(self, source: &str, offset: usize) -> Self {
        let mut offset = offset.min(source.len());
        while !source.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &source[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
        self.at(source, line, column)
    }

    /// Points at a line and a column, counted from 1.
    pub fn at(mut self, source: &str, line: usize, column: usize) -> Self {
        self.location = Some((saturate(line), saturate(column)));
        self.excerpt = source.lines().nth(line.saturating_sub(1)).map(|text| excerpt(text, line, column));
        self
    }
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn excerpt(text: &str, line: usize, column: usize) -> String {
    let skip = column.saturating_sub(EXCERPT_CHARACTERS_MAX / 2 + 1);
    let skip = if text.chars().count() <= EXCERPT_CHARACTERS_MAX { 0 } else { skip };
    let shown: String = text
        .chars()
        .skip(skip)
        .take(EXCERPT_CHARACTERS_MAX)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    let number = line.to_string();
    let caret = " ".repeat(column.saturating_sub(1 + skip));
    format!("{number} | {shown}\n{} | {caret}^", " ".repeat(number.len()))
}

/// `checks/x.check.ts:3:14: message`, the excerpt, and `help: ...` below, indented by two.
impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.location {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        for line in self.excerpt.iter().flat_map(|excerpt| excerpt.lines()) {
            write!(f, "\n  {line}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ScriptError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_the_authors_own_column() {
        let source = "let a = 1;\n  let é = @;\n";
        let error = ScriptError::new("x.js", "unexpected `@`").at_offset(source, source.find('@').unwrap());
        assert_eq!(error.location, Some((2, 11)));
        assert_eq!(error.to_string(), "x.js:2:11: unexpected `@`\n  2 |   let é = @;\n    |           ^");
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut_around_the_column() {
        let source = format!("{}@{}", "a".repeat(500_000), "b".repeat(500_000));
        let error = ScriptError::new("x.js", "no").at_offset(&source, 500_000);
        let excerpt = error.excerpt.unwrap();
        let (text, caret) = excerpt.split_once('\n').unwrap();
        assert!(text.chars().count() < 130);
        assert_eq!(text.chars().nth(caret.chars().count() - 1), Some('@'));
    }
}
