//! Who is not told for a while, and why: silences that people set, and windows of maintenance. Both hold an incident's
//! rungs back and count on; when they end and it still fails, it pages.

use crate::incident::Hold;
use checks::{CheckId, UnixMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Silences that are kept at once; one more is refused.
pub const SILENCES_MAX: usize = 1000;

/// What a silence or a window is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matcher {
    Check(CheckId),
    Tag(String),
    /// A label of a signal.
    Label {
        name: String,
        value: String,
    },
    Incident(u64),
    Everything,
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(check) => write!(f, "check {check}"),
            Self::Tag(tag) => write!(f, "tag {tag}"),
            Self::Label { name, value } => write!(f, "{name}={value}"),
            Self::Incident(number) => write!(f, "incident #{number}"),
            Self::Everything => f.write_str("everything"),
        }
    }
}

/// What is held against matchers.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub check: &'a CheckId,
    pub tags: &'a [String],
    pub labels: Option<&'a BTreeMap<String, String>>,
    pub incident: Option<u64>,
}

impl Matcher {
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Check(check) => check == subject.check,
            Self::Tag(tag) => subject.tags.contains(tag),
            Self::Label { name, value } => subject.labels.is_some_and(|labels| labels.get(name) == Some(value)),
            Self::Incident(number) => subject.incident == Some(*number),
            Self::Everything => true,
        }
    }
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub matcher: Matcher,
    pub until: UnixMs,
    pub by: String,
    #[serde(default)]
    pub why: String,
    /// A maintenance that is announced rather than an alarm that is muted; it says so on the pages.
    #[serde(default)]
    pub is_maintenance: bool,
    /// When it begins; at once where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<UnixMs>,
}

/// A silence as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSilence {
    pub id: u64,
    pub created_at: UnixMs,
    #[serde(flatten)]
    pub silence: Silence,
}

/// One occurrence of a window of maintenance from the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceWindow {
    pub name: String,
    /// Any of them.
    pub matchers: Vec<Matcher>,
    pub from: UnixMs,
    pub until: UnixMs,
}

/// What holds the subject back at `now`. Of several, the one that lasts longest; a maintenance before a silence.
pub fn hold(
    silences: &[KeptSilence],
    windows: &[MaintenanceWindow],
    subject: &Subject<'_>,
    now: UnixMs,
) -> Option<Hold> {
    let window = windows
        .iter()
        .filter(|w| w.from <= now && now < w.until && w.matchers.iter().any(|m| m.matches(subject)))
        .map(|w| Hold::Maintenance { name: w.name.clone(), until: w.until });
    let silence = silences
        .iter()
        .map(|kept| &kept.silence)
        .filter(|s| s.from.is_none_or(|from| from <= now) && now < s.until && s.matcher.matches(subject))
        .map(|s| match s.is_maintenance {
            true => Hold::Maintenance { name: format!("{} ({})", s.why, s.by), until: s.until },
            false => Hold::Silenced { by: s.by.clone(), why: s.why.clone(), until: s.until },
        });
    window.chain(silence).max_by_key(|hold| (matches!(hold, Hold::Maintenance { .. }), hold.until()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_match_what_they_name_while_they_last() {
        let (check, labels) = ("login".parse().unwrap(), [("team".to_owned(), "id".to_owned())].into());
        let tags = ["auth".to_owned()];
        let subject = Subject { check: &check, tags: &tags, labels: Some(&labels), incident: Some(7) };
        let label = |value: &str| Matcher::Label { name: "team".to_owned(), value: value.to_owned() };
        let cases = [
            (Matcher::Check("login".parse().unwrap()), true),
            (Matcher::Check("logout".parse().unwrap()), false),
            (Matcher::Tag("auth".to_owned()), true),
            (Matcher::Tag("cdn".to_owned()), false),
            (label("id"), true),
            (label("db"), false),
            (Matcher::Incident(7), true),
            (Matcher::Incident(8), false),
            (Matcher::Everything, true),
        ];
        for (matcher, expected) in cases {
            let silence = Silence {
                matcher: matcher.clone(),
                until: UnixMs(100),
                by: "Ada".to_owned(),
                why: "known".to_owned(),
                is_maintenance: false,
                from: Some(UnixMs(10)),
            };
            let kept = [KeptSilence { id: 1, created_at: UnixMs(0), silence }];
            let held = |now| hold(&kept, &[], &subject, UnixMs(now)).is_some();
            assert_eq!([held(9), held(10), held(99), held(100)], [false, expected, expected, false], "{matcher}");
        }
    }
}
