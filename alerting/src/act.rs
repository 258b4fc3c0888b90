//! What people do about an incident, and what comes of it.

use crate::incident::Decision;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How somebody acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    Slack,
    Sms,
    Voice,
    CommandLine,
    Api,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slack => "Slack",
            Self::Sms => "SMS",
            Self::Voice => "the telephone",
            Self::CommandLine => "the command line",
            Self::Api => "the API",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActOutcome {
    Done,
    /// Somebody had acknowledged it before.
    AlreadyAcknowledged {
        by: String,
    },
    /// It has ended.
    NotOpen,
    /// There is no incident of that number.
    Unknown,
}

impl ActOutcome {
    pub(crate) fn of(decision: &Decision) -> Self {
        match decision {
            Decision::Acknowledged => Self::Done,
            Decision::AlreadyAcknowledged { by } => Self::AlreadyAcknowledged { by: by.clone() },
            _ => Self::NotOpen,
        }
    }
}

/// What comes of saying that an incident is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolveOutcome {
    Done,
    /// Tocsin itself sees that it is not: it ends when the check passes, or when results come again.
    StillSeen,
    /// It has ended.
    NotOpen,
    /// There is no incident of that number.
    Unknown,
}

impl ResolveOutcome {
    pub(crate) fn of(decision: &Decision) -> Self {
        match decision {
            Decision::Closed => Self::Done,
            Decision::StillSeen => Self::StillSeen,
            _ => Self::NotOpen,
        }
    }
}
