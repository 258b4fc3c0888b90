//! `hosts` and `secrets`: where a script may connect to, what it may read, and where that may go.

use super::{Checked, Wrong, shown, texts};
use checks::{HostPattern, HostPatternError};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const HOSTS_MAX: usize = 100;

/// The hosts that the script may connect to; none listed is any.
pub(super) fn hosts(fields: &Map<String, Value>) -> Checked<Vec<HostPattern>> {
    match fields.get("hosts") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(hosts) => listed_in("hosts", "`hosts`", hosts),
    }
}

type HostsBySecret = BTreeMap<String, Vec<HostPattern>>;

const SECRETS: &str =
    "secrets: [\"LOGIN_PASSWORD\"]`, or `secrets: { LOGIN_PASSWORD: { hosts: [\"login.example.com\"] } }";

/// The names of the secrets, and the hosts of those that were given any.
pub(super) fn secrets(fields: &Map<String, Value>) -> Checked<(Vec<String>, HostsBySecret)> {
    let Some(Value::Object(named)) = fields.get("secrets").filter(|secrets| is_plain(secrets)) else {
        return Ok((texts(fields, "secrets", SECRETS)?, BTreeMap::new()));
    };
    let wrong = |message: String| Wrong { field: "secrets", message, help: format!("write `{SECRETS}`") };
    let mut reach = BTreeMap::new();
    for (name, declared) in named {
        let Some(declared) = declared.as_object().filter(|_| is_plain(declared)) else {
            return Err(wrong(format!("`secrets.{name}` is {}, and not the hosts it may go to", shown(declared))));
        };
        if let Some(unknown) = declared.keys().find(|key| *key != "hosts") {
            return Err(wrong(format!("`secrets.{name}` has no field `{unknown}`")));
        }
        let Some(listed) = declared.get("hosts") else {
            return Err(wrong(format!("`secrets.{name}` names no hosts that it may go to")));
        };
        reach.insert(name.clone(), listed_in("secrets", &format!("`secrets.{name}.hosts`"), listed)?);
    }
    Ok((named.keys().cloned().collect(), reach))
}

/// Whether a value is an object as its author wrote it, and not the host script's note about one that is no data.
fn is_plain(value: &Value) -> bool {
    value.is_object() && value.get("$function").is_none() && value.get("$unfit").is_none()
}

fn listed_in(field: &'static str, name: &str, listed: &Value) -> Checked<Vec<HostPattern>> {
    const WRITE: &str = "write hosts such as `[\"api.example.com\", \"*.example.com\", \"example.com:8443\"]`";
    let wrong = |message: String, help: &str| Wrong { field, message, help: help.to_owned() };
    let Value::Array(items) = listed else {
        return Err(wrong(format!("{name} is {}, not a list of hosts", shown(listed)), WRITE));
    };
    if items.is_empty() {
        let help = "list every host, or leave the field out to allow any".to_owned();
        return Err(wrong(format!("{name} is empty, so that nothing could be reached"), &help));
    }
    if items.len() > HOSTS_MAX {
        return Err(wrong(format!("{name} has {} hosts, more than {HOSTS_MAX}", items.len()), "write `*.example.com`"));
    }
    let parse = |item: &Value| {
        let Value::String(text) = item else {
            return Err(wrong(format!("{name} holds {}, not a host", shown(item)), WRITE));
        };
        text.parse().map_err(|error: HostPatternError| {
            let text = error.to_string();
            let (message, help) = text.rsplit_once(": ").unwrap_or((&text, WRITE));
            wrong(format!("{name} holds {message}"), help)
        })
    };
    items.iter().map(parse).collect()
}
