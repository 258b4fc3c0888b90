use crate::policy::LadderRung;
use checks::{CheckId, UnixMs};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why people are not told of what they would be told of otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    Silenced {
        by: String,
        why: String,
        until: UnixMs,
    },
    Maintenance {
        name: String,
        until: UnixMs,
    },
    /// The check that it depends on fails in the same regions.
    DependsOn {
        parent: CheckId,
        incident: u64,
    },
}

impl Hold {
    /// Whether it keeps a rung from being climbed. What a dependency explains is still told to whoever looks in the morning.
    pub fn holds(&self, rung: &LadderRung) -> bool {
        !matches!(self, Self::DependsOn { .. }) || rung.wakes()
    }

    pub fn until(&self) -> Option<UnixMs> {
        match self {
            Self::Silenced { until, .. } | Self::Maintenance { until, .. } => Some(*until),
            Self::DependsOn { .. } => None,
        }
    }

    /// Whether people or the calendar end it, rather than another check.
    pub fn is_asked_for(&self) -> bool {
        self.until().is_some()
    }

    /// What is over when it is.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Silenced { .. } => "the silence",
            Self::Maintenance { .. } => "the maintenance",
            Self::DependsOn { .. } => "the failure of what it depends on",
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silenced { by, why, until } if why.is_empty() => write!(f, "silenced by {by} until {until}"),
            Self::Silenced { by, why, until } => write!(f, "silenced by {by} until {until}: {why}"),
            Self::Maintenance { name, until } => write!(f, "in maintenance until {until}: {name}"),
            Self::DependsOn { parent, incident } => {
                write!(f, "it depends on {parent}, which fails too (incident #{incident})")
            }
        }
    }
}
