//! Fields of JSON bodies.

use super::FieldChange;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// How deep fields are looked for.
const DEPTH_MAX: usize = 4;

/// Names of fields whose loss breaks somebody, the worst first.
const TELLING: [&str; 28] = [
    "access_token",
    "id_token",
    "refresh_token",
    "token",
    "error",
    "errors",
    "status",
    "ok",
    "success",
    "active",
    "sub",
    "email",
    "issuer",
    "keys",
    "kid",
    "jwks_uri",
    "token_endpoint",
    "authorization_endpoint",
    "userinfo_endpoint",
    "token_type",
    "expires_in",
    "data",
    "id",
    "url",
    "version",
    "n",
    "e",
    "name",
];

/// A member of an object somewhere in a document, as a JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Field(String);

impl Field {
    #[cfg(test)]
    pub(super) fn at(pointer: &str) -> Self {
        Self(pointer.to_owned())
    }

    pub(super) fn of<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        document.pointer(&self.0)
    }

    /// The names on the way, the field's own last.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect()
    }
}

/// `keys[0].kid`
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().iter().enumerate() {
            match name.parse::<usize>() {
                Ok(number) => write!(f, "[{number}]")?,
                Err(_) if index == 0 => f.write_str(name)?,
                Err(_) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// The body as JSON, where it is an object or an array.
pub(super) fn document(body: &str) -> Option<Value> {
    let document: Value = serde_json::from_str(body).ok()?;
    (document.is_object() || document.is_array()).then_some(document)
}

/// Every member of every object, the most telling first; of an array only its first item, which stands for the others.
pub(super) fn fields(document: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    collect(document, "", 0, &mut found);
    // Stable: what is equally telling stays in the order of the document.
    found.sort_by_key(|(depth, name, _)| {
        let telling = TELLING.iter().position(|known| known == name).unwrap_or(TELLING.len());
        (telling, *depth)
    });
    found.into_iter().map(|(_, _, field)| field).collect()
}

fn collect(value: &Value, at: &str, depth: usize, found: &mut Vec<(usize, String, Field)>) {
    if depth == DEPTH_MAX {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                found.push((depth, name.clone(), Field(pointer.clone())));
                collect(member, &pointer, depth + 1, found);
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                collect(first, &format!("{at}/0"), depth, found);
            }
        }
        _ => {}
    }
}

pub(super) fn change(document: &mut Value, field: &Field, how: FieldChange) {
    match how {
        FieldChange::Missing => {
            let names = field.names();
            let (parent, _) = field.0.rsplit_once('/').unwrap_or_default();
            if let (Some(name), Some(Value::Object(members))) = (names.last(), document.pointer_mut(parent)) {
                remove(members, name);
            }
        }
        FieldChange::Null => set(document, field, |_| Value::Null),
        FieldChange::WrongType => set(document, field, |value| match value {
            Value::String(_) => Value::from(12345),
            Value::Number(_) | Value::Bool(_) => Value::from(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => Value::from("text"),
        }),
    }
}

fn remove(members: &mut Map<String, Value>, name: &str) {
    members.retain(|known, _| known != name);
}

fn set(document: &mut Value, field: &Field, to: impl FnOnce(&Value) -> Value) {
    if let Some(value) = document.pointer_mut(&field.0) {
        *value = to(value);
    }
}
