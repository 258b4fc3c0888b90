use crate::policy::PhoneNumber;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The provider that carries a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    Slack,
    Sms,
}

impl ChannelKind {
    pub const ALL: [Self; 2] = [Self::Slack, Self::Sms];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Sms => "sms",
        }
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One place that a message can go to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Address {
    Slack {
        /// `#name`, or a channel id.
        channel: String,
    },
    Sms {
        member: String,
        number: PhoneNumber,
    },
}

impl Address {
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Slack { .. } => ChannelKind::Slack,
            Self::Sms { .. } => ChannelKind::Sms,
        }
    }

    /// What two messages to the same place have in common: a member who changes their name keeps their lane.
    pub fn lane(&self) -> String {
        match self {
            Self::Slack { channel } => format!("slack:{channel}"),
            Self::Sms { number, .. } => format!("sms:{number}"),
        }
    }

    /// Whether a message that was sent can be edited, and has a thread.
    pub fn is_editable(&self) -> bool {
        self.kind() == ChannelKind::Slack
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slack { channel } => write!(f, "Slack {channel}"),
            Self::Sms { member, number } => write!(f, "SMS to {member} ({number})"),
        }
    }
}
