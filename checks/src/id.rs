use crate::UnixMs;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest id of a check or a region.
const ID_BYTES_MAX: usize = 64;

/// Why a text is no id of a check or a region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("an id cannot be empty; write lower-case letters, digits and hyphens, such as `login-password`")]
    Empty,
    #[error("`{id}` has {bytes} bytes, and an id has at most {ID_BYTES_MAX}")]
    TooLong { id: String, bytes: usize },
    #[error(
        "`{id}` has `{character}` at position {position}; an id has lower-case letters, digits, `-`, `.` and `_`, and starts with a letter or digit: write `{suggestion}`"
    )]
    Character { id: String, character: char, position: usize, suggestion: String },
}

fn validate(id: &str) -> Result<(), IdError> {
    if id.is_empty() {
        return Err(IdError::Empty);
    }
    if id.len() > ID_BYTES_MAX {
        return Err(IdError::TooLong { id: id.to_owned(), bytes: id.len() });
    }
    let allowed = |index: usize, c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || (index > 0 && matches!(c, '-' | '.' | '_'))
    };
    match id.chars().enumerate().find(|&(index, c)| !allowed(index, c)) {
        None => Ok(()),
        Some((index, character)) => {
            Err(IdError::Character { id: id.to_owned(), character, position: index + 1, suggestion: suggest(id) })
        }
    }
}

/// The nearest valid id: lower-cased, with everything else folded into single hyphens.
fn suggest(id: &str) -> String {
    let mut out = String::new();
    for c in id.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() || (matches!(c, '.' | '_') && !out.is_empty()) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() { "check-1".to_owned() } else { out.to_owned() }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn new(id: &str) -> Result<Self, IdError> {
                validate(id).map(|()| Self(Arc::from(id)))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(id: &str) -> Result<Self, IdError> {
                Self::new(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let id = String::deserialize(deserializer)?;
                Self::new(&id).map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// Names a check, and with it its incidents: 1 to 64 of `a-z 0-9 - . _`, starting with a letter or digit.
    CheckId
}

id! {
    /// Names the place a run is made from, such as `eu-west-1`. The same alphabet as [`CheckId`].
    Region
}

/// Names one run, for ever: two results with one key are the same result delivered twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunKey {
    pub check: CheckId,
    pub region: Region,
    /// The instant the run was scheduled for, not the one at which it started.
    pub slot: UnixMs,
    /// 0 for the scheduled run; a confirming or retried run of the same slot counts up.
    pub attempt: u32,
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}#{}", self.check, self.region, self.slot, self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_accepted_or_corrected() {
        let cases: &[(&str, Result<(), &str>)] = &[
            ("login-password", Ok(())),
            ("eu-west-1", Ok(())),
            ("0", Ok(())),
            ("", Err("cannot be empty")),
            ("Login Password", Err("write `login-password`")),
            ("-x", Err("write `x`")),
            ("überwachung", Err("write `berwachung`")),
            ("🔥", Err("write `check-1`")),
        ];
        for (id, expected) in cases {
            match (CheckId::new(id), expected) {
                (Ok(_), Ok(())) => {}
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{id}: {error}"),
                (got, _) => panic!("{id}: {got:?}"),
            }
        }
        assert!(matches!(CheckId::new(&"x".repeat(65)), Err(IdError::TooLong { bytes: 65, .. })));
    }

    #[test]
    fn every_suggestion_is_itself_an_id() {
        for id in ["A", "a b", "..a", "Ünïcode--", "a/b/c", "_"] {
            assert!(CheckId::new(&suggest(id)).is_ok(), "{id} -> {}", suggest(id));
        }
    }
}
