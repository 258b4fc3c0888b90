use crate::policy::PhoneNumber;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The provider that carries a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    Slack,
    Sms,
    Webhook,
    Email,
    Voice,
}

impl ChannelKind {
    pub const ALL: [Self; 5] = [Self::Slack, Self::Sms, Self::Webhook, Self::Email, Self::Voice];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Sms => "sms",
            Self::Webhook => "webhook",
            Self::Email => "email",
            Self::Voice => "voice",
        }
    }

    /// Whether a message of it makes a telephone ring or hum, so that few are better.
    pub fn rings(self) -> bool {
        matches!(self, Self::Sms | Self::Voice)
    }

    /// Whether one provider carries all of it, which is left alone as a whole where it asks for that. Each webhook is a
    /// provider of its own.
    pub(crate) fn has_one_provider(self) -> bool {
        self != Self::Webhook
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
    Webhook {
        /// As the configuration calls it.
        name: String,
    },
    Email {
        /// Who reads it, where it is a member of a team.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<String>,
        address: String,
    },
    /// A call that reads the incident.
    Voice {
        member: String,
        number: PhoneNumber,
    },
}

impl Address {
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Slack { .. } => ChannelKind::Slack,
            Self::Sms { .. } => ChannelKind::Sms,
            Self::Webhook { .. } => ChannelKind::Webhook,
            Self::Email { .. } => ChannelKind::Email,
            Self::Voice { .. } => ChannelKind::Voice,
        }
    }

    /// What two messages to the same place have in common: a member who changes their name keeps their lane.
    pub fn lane(&self) -> String {
        match self {
            Self::Slack { channel } => format!("slack:{channel}"),
            Self::Sms { number, .. } => format!("sms:{number}"),
            Self::Webhook { name } => format!("webhook:{name}"),
            Self::Email { address, .. } => format!("email:{address}"),
            Self::Voice { number, .. } => format!("voice:{number}"),
        }
    }

    /// Whose it is, where it is one person's.
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Sms { member, .. } | Self::Voice { member, .. } => Some(member),
            Self::Email { member, .. } => member.as_deref(),
            Self::Slack { .. } | Self::Webhook { .. } => None,
        }
    }

    /// Where somebody who was told here hears how it ended: nobody is called to be told that all is well.
    pub fn at_the_end(&self) -> Self {
        match self {
            Self::Voice { member, number } => Self::Sms { member: member.clone(), number: number.clone() },
            other => other.clone(),
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
            Self::Webhook { name } => write!(f, "webhook {name}"),
            Self::Email { member: Some(member), address } => write!(f, "e-mail to {member} ({address})"),
            Self::Email { member: None, address } => write!(f, "e-mail to {address}"),
            Self::Voice { member, number } => write!(f, "call to {member} ({number})"),
        }
    }
}
