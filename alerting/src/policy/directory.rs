use super::PhoneNumber;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Somebody who can be woken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    pub phone: PhoneNumber,
}

/// The teams by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Directory {
    pub teams: BTreeMap<String, Vec<Member>>,
}
