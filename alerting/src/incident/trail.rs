use checks::UnixMs;
use serde::{Deserialize, Serialize};

/// What an entry of an incident's trail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrailKind {
    Opened,
    Climbed,
    Region,
    Fallback,
    Ended,
    /// What a person did.
    Acted,
    /// A rung was reached and is held back, or is let go.
    Held,
    /// People were told again.
    Repeated,
    /// What happened to a notification.
    Delivery,
}

impl TrailKind {
    pub const ALL: [Self; 9] = [
        Self::Opened,
        Self::Climbed,
        Self::Region,
        Self::Fallback,
        Self::Ended,
        Self::Acted,
        Self::Held,
        Self::Repeated,
        Self::Delivery,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Climbed => "climbed",
            Self::Region => "region",
            Self::Fallback => "fallback",
            Self::Ended => "ended",
            Self::Acted => "acted",
            Self::Held => "held",
            Self::Repeated => "repeated",
            Self::Delivery => "delivery",
        }
    }

    pub fn parse(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == kind)
    }
}

/// One line of the answer to "why was I paged, and why was I not?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailEntry {
    pub incident: u64,
    pub at: UnixMs,
    pub kind: TrailKind,
    pub text: String,
}
