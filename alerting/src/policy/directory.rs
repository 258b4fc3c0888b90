use super::PhoneNumber;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Somebody who can be woken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    pub phone: PhoneNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// The teams by name, the webhooks that there are, and which ways to people are configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Directory {
    pub teams: BTreeMap<String, Vec<Member>>,
    #[serde(default)]
    pub webhooks: BTreeSet<String>,
    /// Whether there is a number to call from.
    #[serde(default)]
    pub can_call: bool,
    /// Whether there is a mail server.
    #[serde(default)]
    pub can_mail: bool,
}
