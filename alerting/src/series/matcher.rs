//! Matchers: what a selector demands of a series' labels.

use std::fmt;

use regex::Regex;

use super::Labels;

/// Why a matcher cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no regular expression (RE2 syntax, matched against the whole value): {reason}")]
pub struct MatcherError {
    pub pattern: String,
    pub reason: String,
}

/// The four operators.
#[derive(Debug, Clone)]
pub enum MatchKind {
    Equal,
    NotEqual,
    Pattern(Regex),
    NotPattern(Regex),
}

/// One demand on one label. A label that is absent counts as the empty string.
#[derive(Debug, Clone)]
pub struct Matcher {
    pub name: String,
    pub value: String,
    pub kind: MatchKind,
}

impl Matcher {
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned(), kind: MatchKind::Equal }
    }

    pub fn not_equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned(), kind: MatchKind::NotEqual }
    }

    /// # Errors
    /// The pattern is no regular expression.
    pub fn pattern(name: &str, value: &str) -> Result<Self, MatcherError> {
        Ok(Self { name: name.to_owned(), value: value.to_owned(), kind: MatchKind::Pattern(anchored(value)?) })
    }

    /// # Errors
    /// The pattern is no regular expression.
    pub fn not_pattern(name: &str, value: &str) -> Result<Self, MatcherError> {
        Ok(Self { name: name.to_owned(), value: value.to_owned(), kind: MatchKind::NotPattern(anchored(value)?) })
    }

    #[inline]
    pub fn accepts(&self, value: &str) -> bool {
        match &self.kind {
            MatchKind::Equal => self.value == value,
            MatchKind::NotEqual => self.value != value,
            MatchKind::Pattern(pattern) => pattern.is_match(value),
            MatchKind::NotPattern(pattern) => !pattern.is_match(value),
        }
    }

    #[inline]
    pub fn accepts_labels(&self, labels: &Labels) -> bool {
        self.accepts(labels.get(&self.name).unwrap_or_default())
    }

    /// Whether a series without the label is accepted.
    pub fn accepts_absent(&self) -> bool {
        self.accepts("")
    }
}

/// A pattern that must match the whole value, `.` including line ends, as in Prometheus 3.
///
/// # Errors
/// The pattern is no regular expression.
pub fn anchored(pattern: &str) -> Result<Regex, MatcherError> {
    Regex::new(&format!("^(?s:{pattern})$")).map_err(|error| MatcherError {
        pattern: pattern.to_owned(),
        // The crate's message draws the pattern over several lines; its last line is the reason.
        reason: error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    })
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.kind {
            MatchKind::Equal => "=",
            MatchKind::NotEqual => "!=",
            MatchKind::Pattern(_) => "=~",
            MatchKind::NotPattern(_) => "!~",
        };
        write!(f, "{}{operator}{:?}", self.name, self.value)
    }
}
