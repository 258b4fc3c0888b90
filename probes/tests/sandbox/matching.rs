//! Whether a JSON value is what a specification expects: the value has at least the members that are written down.

use serde_json::Value;

/// Where `value` differs from `expected`, if it does.
///
/// Objects may have more members; lists have exactly the items. In place of a value may stand one of
/// `{"contains": "..."}` and `{"excludes": "..."}` (or a list) for texts, `{"count": n}` for lists, `{"any": true}`
/// and `{"absent": true}`.
pub fn difference(value: &Value, expected: &Value, at: &str) -> Option<String> {
    if let Value::Object(expected) = expected {
        let mut members = expected.iter();
        if let (Some((key, operand)), None) = (members.next(), members.next())
            && let Some(verdict) = operator(value, key, operand)
        {
            return verdict.map(|wrong| format!("{at}: {wrong}"));
        }
        return expected.iter().find_map(|(key, expected)| {
            difference(value.get(key).unwrap_or(&Value::Null), expected, &format!("{at}.{key}"))
        });
    }
    match (value, expected) {
        (Value::Array(items), Value::Array(expected)) => {
            if items.len() != expected.len() {
                return Some(format!("{at}: has {} items, not {}: {value}", items.len(), expected.len()));
            }
            items
                .iter()
                .zip(expected)
                .enumerate()
                .find_map(|(index, (item, expected))| difference(item, expected, &format!("{at}[{index}]")))
        }
        _ => (value != expected).then(|| format!("{at}: is {value}, not {expected}")),
    }
}

/// What is wrong with `value` by an operator; `None` where `key` is none.
fn operator(value: &Value, key: &str, operand: &Value) -> Option<Option<String>> {
    let parts = || match operand {
        Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect::<Vec<_>>(),
    };
    let text = value.as_str().unwrap_or_default();
    match key {
        "any" => Some(value.is_null().then(|| "is absent".to_owned())),
        "absent" => Some((!value.is_null()).then(|| format!("is there: {value}"))),
        "count" => {
            let found = value.as_array().map_or(0, Vec::len) as u64;
            Some((operand.as_u64() != Some(found)).then(|| format!("has {found} items, not {operand}")))
        }
        "contains" => {
            Some(parts().into_iter().find(|part| !text.contains(part)).map(|part| format!("lacks {part:?}: {value}")))
        }
        "excludes" => {
            Some(parts().into_iter().find(|part| text.contains(part)).map(|part| format!("has {part:?}: {value}")))
        }
        _ => None,
    }
}
