use super::NotificationId;
use checks::UnixMs;
use serde::{Deserialize, Serialize};

/// What became of a message or a call after the provider had taken it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    Delivered,
    Undelivered,
    Failed,
    Busy,
    NoAnswer,
    Canceled,
}

impl Fate {
    pub const ALL: [Self; 6] =
        [Self::Delivered, Self::Undelivered, Self::Failed, Self::Busy, Self::NoAnswer, Self::Canceled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    pub fn parse(fate: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == fate)
    }

    /// Whether nobody got it, so that a page falls back.
    pub fn is_lost(self) -> bool {
        self != Self::Delivered
    }
}

/// A provider's word on what became of a notification. It may come before the delivery is written down, and twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandsetReport {
    pub notification: NotificationId,
    pub at: UnixMs,
    pub fate: Fate,
    /// In words, for the trail: `undelivered 30003: unreachable handset`.
    pub text: String,
}
