//! The arguments of a call, whichever of Slack's encodings they came in.

use crate::doubles::contract::Given;
use crate::doubles::server::Arrival;
use serde_json::{Map, Value};

/// The arguments of a call, whatever way they were sent in.
pub(super) fn all(arrival: &Arrival) -> Result<Vec<Given>, String> {
    let mut given = Given::from_pairs(&arrival.query);
    match arrival.media_type().as_deref() {
        Some("application/json") if !arrival.body.is_empty() => {
            let body: Map<String, Value> = serde_json::from_slice(&arrival.body)
                .map_err(|error| format!("the body is no JSON object: {error}"))?;
            given.extend(body.into_iter().map(|(name, value)| Given { name, value, typed: true }));
        }
        Some("application/x-www-form-urlencoded") => given.extend(Given::from_pairs(&arrival.form())),
        _ if !arrival.body.is_empty() => return Err("the body is neither JSON nor a form".to_owned()),
        _ => {}
    }
    Ok(given)
}

/// One argument as the value that is meant, whichever encoding it came in.
pub(super) fn value(given: &[Given], name: &str) -> Option<Value> {
    let given = given.iter().find(|given| given.name == name)?;
    match &given.value {
        Value::String(text) if !given.typed && matches!(name, "blocks" | "metadata" | "attachments") => {
            serde_json::from_str(text).ok()
        }
        value => Some(value.clone()),
    }
}

pub(super) fn text(given: &[Given], name: &str) -> Option<String> {
    value(given, name)?.as_str().map(str::to_owned)
}

/// True and `"true"`, `"1"`.
pub(super) fn flag(given: &[Given], name: &str) -> bool {
    matches!(value(given, name), Some(Value::Bool(true))) || matches!(text(given, name).as_deref(), Some("true" | "1"))
}

pub(super) fn count(given: &[Given], name: &str) -> Option<usize> {
    let value = value(given, name)?;
    let count = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    usize::try_from(count).ok()
}
