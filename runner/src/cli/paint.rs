//! Colours for people at a terminal, and plain text for everything else.

use std::io::IsTerminal;

/// Whether and how a text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    coloured: bool,
    columns: usize,
}

/// What fits where nobody says how wide the page is.
const COLUMNS: usize = 120;
/// Narrower than this nothing can be shown.
const COLUMNS_MIN: usize = 40;

impl Paint {
    /// Coloured where standard output is a terminal and `NO_COLOR` (no-color.org) is not set.
    pub fn for_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_terminal = std::io::stdout().is_terminal();
        let columns = terminal_size::terminal_size().filter(|_| is_terminal).map(|(width, _)| usize::from(width.0));
        Self { coloured: is_terminal && !refused, columns: columns.unwrap_or(COLUMNS).max(COLUMNS_MIN) }
    }

    /// For what is not read at a terminal.
    pub const fn plain() -> Self {
        Self { coloured: false, columns: COLUMNS }
    }

    /// How wide the page is, in characters.
    pub fn columns(self) -> usize {
        self.columns
    }

    /// The beginning of `text` that fits behind `indent` characters.
    pub fn fit(self, text: &str, indent: usize) -> String {
        let room = self.columns.saturating_sub(indent).max(COLUMNS_MIN / 2);
        if text.chars().count() <= room {
            return text.to_owned();
        }
        let kept: String = text.chars().take(room - 1).collect();
        format!("{kept}…")
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    pub fn warn(self, text: &str) -> String {
        self.with("33", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }
}
