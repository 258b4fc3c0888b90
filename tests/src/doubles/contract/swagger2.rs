//! Swagger 2, as Slack describes its Web API.

use super::Given;
use serde_json::Value;

/// Parameters that Slack added after the document was last published (2020), with where Slack documents them.
const LATER: &[(&str, &str)] = &[
    // https://docs.slack.dev/messaging/message-metadata
    ("/chat.postMessage", "metadata"),
    ("/chat.update", "metadata"),
    ("/conversations.history", "include_all_metadata"),
    ("/conversations.replies", "include_all_metadata"),
    // https://docs.slack.dev/reference/methods/chat.update
    ("/chat.update", "reply_broadcast"),
    // https://docs.slack.dev/reference/methods/conversations.list
    ("/conversations.list", "team_id"),
];

#[derive(Debug)]
pub struct Swagger2 {
    document: Value,
}

impl Swagger2 {
    pub fn new(document: Value) -> Self {
        assert_eq!(document["swagger"], "2.0", "a Swagger 2 document");
        Self { document }
    }

    /// What is wrong with a call of `path`. The method is not looked at: Slack takes GET and POST for every method
    /// of its Web API, and describes the preferred one only.
    pub fn violations(&self, path: &str, media_type: Option<&str>, has_token: bool, given: &[Given]) -> Vec<String> {
        let Some(operation) = self.document["paths"][path].as_object().and_then(|methods| methods.values().next())
        else {
            return vec![format!("the description has no {path}")];
        };
        let mut wrong = Vec::new();
        let consumes: Vec<_> = list(&operation["consumes"]).iter().filter_map(Value::as_str).collect();
        if let Some(media_type) = media_type
            && !consumes.contains(&media_type)
        {
            wrong.push(format!("sent as {media_type}; {path} takes {}", consumes.join(" or ")));
        }
        let parameters = list(&operation["parameters"]);
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            let sent = given.iter().any(|given| given.name == name) || (name == "token" && has_token);
            if parameter["required"] == true && !sent {
                wrong.push(format!("the required `{name}` is missing"));
            }
        }
        for given in given {
            let name = given.name.as_str();
            match parameters.iter().find(|parameter| parameter["name"] == name) {
                Some(parameter) => wrong.extend(type_violation(parameter, given)),
                None if LATER.contains(&(path, name)) => {}
                None => wrong.push(format!("{path} has no parameter `{name}`")),
            }
        }
        wrong
    }

    /// The schema of a successful answer, with the definitions that it refers to.
    pub fn answer_schema(&self, path: &str) -> Option<Value> {
        let operation = self.document["paths"][path].as_object()?.values().next()?;
        let mut schema = operation["responses"]["200"]["schema"].clone();
        schema.as_object_mut()?.insert("definitions".to_owned(), self.document["definitions"].clone());
        Some(schema)
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn type_violation(parameter: &Value, given: &Given) -> Option<String> {
    let expected = parameter["type"].as_str()?;
    let text = given.value.as_str().filter(|_| !given.typed);
    let fits = match expected {
        "boolean" => given.value.is_boolean() || matches!(text, Some("true" | "false" | "1" | "0")),
        "integer" => given.value.is_i64() || text.is_some_and(|text| text.parse::<i64>().is_ok()),
        "number" => given.value.is_number() || text.is_some_and(|text| text.parse::<f64>().is_ok()),
        // "A JSON-based array": text in a form, and an array in a JSON body.
        "string" if matches!(given.name.as_str(), "blocks" | "attachments") => match text {
            Some(text) => serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_array()),
            None => given.value.is_array(),
        },
        "string" => given.value.is_string(),
        _ => true,
    };
    let allowed = list(&parameter["enum"]);
    let listed = allowed.is_empty() || allowed.contains(&given.value);
    (!fits || !listed).then(|| match fits {
        false => format!("`{}` is {}; the description says {expected}", given.name, given.value),
        true => format!("`{}` is {}; the description lists {allowed:?}", given.name, given.value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn description() -> Swagger2 {
        Swagger2::new(json!({
            "swagger": "2.0",
            "paths": { "/chat.update": { "post": {
                "consumes": ["application/x-www-form-urlencoded", "application/json"],
                "parameters": [
                    { "in": "header", "name": "token", "required": true, "type": "string" },
                    { "in": "formData", "name": "ts", "required": true, "type": "string" },
                    { "in": "formData", "name": "blocks", "type": "string" },
                    { "in": "formData", "name": "unfurl", "type": "boolean" },
                    { "in": "formData", "name": "parse", "type": "string", "enum": ["none", "full"] },
                ],
            } } },
        }))
    }

    #[test]
    fn calls_are_held_against_the_description() {
        let typed = |name: &str, value: Value| Given { name: name.into(), value, typed: true };
        let form = |name: &str, value: &str| Given { name: name.into(), value: json!(value), typed: false };
        let ts = typed("ts", json!("1.2"));
        let json = Some("application/json");
        let urlencoded = Some("application/x-www-form-urlencoded");
        type Case<'a> = (&'a str, Option<&'a str>, bool, Vec<Given>, &'a [&'a str]);
        let cases: &[Case<'_>] = &[
            (
                "/chat.update",
                json,
                true,
                vec![ts.clone(), typed("blocks", json!([])), typed("metadata", json!({}))],
                &[],
            ),
            ("/chat.update", urlencoded, true, vec![form("ts", "1.2"), form("blocks", "[]"), form("unfurl", "1")], &[]),
            ("/chat.update", json, false, vec![ts.clone()], &["`token` is missing"]),
            ("/chat.update", json, true, vec![], &["`ts` is missing"]),
            ("/chat.update", Some("text/plain"), true, vec![ts.clone()], &["sent as text/plain"]),
            ("/chat.update", json, true, vec![typed("ts", json!(1.2))], &["`ts` is 1.2"]),
            ("/chat.update", json, true, vec![ts.clone(), typed("blocks", json!("[]"))], &["`blocks`"]),
            ("/chat.update", urlencoded, true, vec![form("ts", "1"), form("blocks", "{}")], &["`blocks`"]),
            ("/chat.update", json, true, vec![ts.clone(), typed("unfurl", json!("true"))], &["`unfurl`"]),
            ("/chat.update", json, true, vec![ts.clone(), typed("parse", json!("some"))], &["lists"]),
            ("/chat.update", json, true, vec![ts.clone(), typed("nonce", json!("x"))], &["no parameter `nonce`"]),
            ("/chat.typo", json, true, vec![ts], &["has no /chat.typo"]),
        ];
        for (path, media_type, has_token, given, expected) in cases {
            let found = description().violations(path, *media_type, *has_token, given);
            assert_eq!(found.len(), expected.len(), "{given:?}: {found:?}");
            for (found, expected) in found.iter().zip(*expected) {
                assert!(found.contains(expected), "{given:?}: {found}");
            }
        }
    }
}
