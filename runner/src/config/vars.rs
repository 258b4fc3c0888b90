//! `[vars]` and `[secrets]`: what scripts are given.

use super::reader::Section;
use super::{Secret, secret};
use std::collections::BTreeMap;

/// ```toml
/// [vars]
/// AUTH_URL = "https://login.example.com"
/// ```
pub(super) fn read_vars(section: Option<Section<'_>>) -> BTreeMap<String, String> {
    let Some(mut section) = section else { return BTreeMap::new() };
    let names = section.names();
    let mut vars = BTreeMap::new();
    for name in names {
        // An empty variable is a value here: the script can see that it is empty.
        let reported = section.reading.problems.borrow().len();
        let value = section.string(&name.value).map(|text| text.value);
        if section.reading.problems.borrow().len() == reported {
            vars.insert(name.value, value.unwrap_or_default());
        }
    }
    vars
}

/// ```toml
/// [secrets]
/// LOGIN_PASSWORD = { env = "TOCSIN_LOGIN_PASSWORD" }
/// CLIENT_SECRET = { file = "secrets/client" }
/// ```
pub(super) fn read_secrets(section: Option<Section<'_>>) -> BTreeMap<String, Secret> {
    let Some(mut section) = section else { return BTreeMap::new() };
    let names = section.names();
    names
        .into_iter()
        .filter_map(|name| Some((name.value.clone(), secret::required(&mut section, &name.value, &name.value)?)))
        .collect()
}
