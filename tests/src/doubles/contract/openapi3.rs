//! OpenAPI 3.0, as Twilio describes its API.

use super::Given;
use serde_json::{Map, Value, json};

#[derive(Debug)]
pub struct OpenApi3 {
    document: Value,
}

impl OpenApi3 {
    pub fn new(mut document: Value) -> Self {
        let version = document["openapi"].as_str().unwrap_or_default();
        assert!(version.starts_with("3.0"), "an OpenAPI 3.0 document, and not {version}");
        spell_out_nullable(&mut document);
        Self { document }
    }

    /// What is wrong with a call.
    pub fn violations(
        &self,
        method: &str,
        path: &str,
        media_type: Option<&str>,
        query: &[Given],
        form: &[Given],
    ) -> Vec<String> {
        let Some((operation, variables)) = self.operation(method, path) else {
            return vec![format!("the description has no {method} {path}")];
        };
        let mut wrong = Vec::new();
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            let sent = match parameter["in"].as_str() {
                Some("path") => variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| json!(value)),
                Some("query") => query.iter().find(|given| given.name == name).map(|given| given.value.clone()),
                _ => continue,
            };
            match sent {
                Some(value) => wrong.extend(self.value_violations(name, &parameter["schema"], &value)),
                None if parameter["required"] == true => wrong.push(format!("the required `{name}` is missing")),
                None => {}
            }
        }
        for given in query {
            if !parameters.iter().any(|parameter| parameter["name"] == given.name.as_str()) {
                wrong.push(format!("{method} {path} has no query parameter `{}`", given.name));
            }
        }
        wrong.extend(self.body_violations(operation, media_type, form));
        wrong
    }

    fn body_violations(&self, operation: &Value, media_type: Option<&str>, form: &[Given]) -> Vec<String> {
        let Some(content) = operation["requestBody"]["content"].as_object() else {
            return if form.is_empty() { Vec::new() } else { vec!["it takes no body".to_owned()] };
        };
        let Some(schema) = media_type.and_then(|media_type| content.get(media_type)).map(|body| &body["schema"]) else {
            let taken: Vec<_> = content.keys().map(String::as_str).collect();
            return vec![format!("sent as {}; it takes {}", media_type.unwrap_or("nothing"), taken.join(" or "))];
        };
        let mut wrong = Vec::new();
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !form.iter().any(|given| given.name == required) {
                wrong.push(format!("the required `{required}` is missing"));
            }
        }
        for given in form {
            match schema["properties"].get(&given.name) {
                Some(property) => wrong.extend(self.value_violations(&given.name, property, &given.value)),
                None => wrong.push(format!("its form has no `{}`", given.name)),
            }
        }
        wrong
    }

    fn value_violations(&self, name: &str, schema: &Value, value: &Value) -> Vec<String> {
        let schema = self.resolve(schema);
        let value = typed(&schema["type"], value);
        self.schema_violations(schema.clone(), &value).into_iter().map(|text| format!("`{name}`: {text}")).collect()
    }

    /// What keeps `value` from being the answer that the description promises for `status`.
    pub fn answer_violations(&self, method: &str, path: &str, status: u16, value: &Value) -> Vec<String> {
        let Some((operation, _)) = self.operation(method, path) else {
            return vec![format!("the description has no {method} {path}")];
        };
        let schema = &operation["responses"][status.to_string()]["content"]["application/json"]["schema"];
        if schema.is_null() {
            return vec![format!("{method} {path} never answers {status}")];
        }
        self.schema_violations(schema.clone(), value)
    }

    fn schema_violations(&self, schema: Value, value: &Value) -> Vec<String> {
        let root = json!({ "allOf": [schema], "components": self.document["components"] });
        // The description's own examples break its formats: a `uri` is relative, a `date-time` is a day.
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft4).should_validate_formats(false);
        let validator = options.build(&root).expect("the description's schemas are schemas");
        validator.iter_errors(value).map(|error| format!("{error} (at `{}`)", error.instance_path())).collect()
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).expect("the description refers to what it has"),
            None => schema,
        }
    }

    /// The operation at `path`, and what its template's variables are there.
    fn operation<'a>(&'a self, method: &str, path: &'a str) -> Option<(&'a Value, Vec<(&'a str, &'a str)>)> {
        let method = method.to_ascii_lowercase();
        self.document["paths"].as_object()?.iter().find_map(|(template, methods)| {
            let variables = match_template(template, path)?;
            methods.get(&method).map(|operation| (operation, variables))
        })
    }
}

/// `{Sid}.json` against `SM12.json`, segment by segment.
fn match_template<'a>(template: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let (templates, segments): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    if templates.len() != segments.len() {
        return None;
    }
    let mut variables = Vec::new();
    for (template, segment) in templates.into_iter().zip(segments) {
        match template.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, suffix)) => variables.push((name, segment.strip_suffix(suffix)?)),
            None if template == segment => {}
            None => return None,
        }
    }
    Some(variables)
}

/// A form's or a query's text as the value its schema means by it; the text itself where it means none.
fn typed(expected: &Value, value: &Value) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    let parsed = match expected.as_str() {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("number") => text.parse::<f64>().ok().map(Value::from),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        // A list's parameter is repeated; each of its values arrives here alone.
        Some("array") => Some(json!([text])),
        _ => None,
    };
    parsed.unwrap_or_else(|| value.clone())
}

/// OpenAPI 3.0 says `nullable: true` where JSON Schema has a type of its own.
fn spell_out_nullable(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(spell_out_nullable),
        Value::Object(members) => {
            members.values_mut().for_each(spell_out_nullable);
            if members.get("nullable") == Some(&Value::Bool(true)) {
                let schema = Value::Object(std::mem::take(members));
                *members = Map::from_iter([("anyOf".to_owned(), json!([{ "type": "null" }, schema]))]);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_match_whole_paths() {
        type Case<'a> = (&'a str, &'a str, Option<&'a [(&'a str, &'a str)]>);
        let cases: &[Case<'_>] = &[
            ("/A/{X}/M.json", "/A/1/M.json", Some(&[("X", "1")])),
            ("/A/{X}/M/{Y}.json", "/A/1/M/2.json", Some(&[("X", "1"), ("Y", "2")])),
            ("/A/{X}/M.json", "/A/1/N.json", None),
            ("/A/{X}", "/A/1/2", None),
            ("/A/{X}.json", "/A/1.xml", None),
        ];
        for (template, path, expected) in cases {
            assert_eq!(match_template(template, path).as_deref(), *expected, "{template} {path}");
        }
    }

    #[test]
    fn calls_are_held_against_the_description() {
        let description = OpenApi3::new(json!({
            "openapi": "3.0.1",
            "components": { "schemas": { "status": { "type": "string", "enum": ["queued", "sent"] } } },
            "paths": { "/M/{Sid}.json": { "post": {
                "parameters": [
                    { "name": "Sid", "in": "path", "required": true, "schema": { "type": "string", "pattern": "^SM" } },
                    { "name": "Size", "in": "query", "schema": { "type": "integer", "maximum": 10 } },
                ],
                "requestBody": { "content": { "application/x-www-form-urlencoded": { "schema": {
                    "properties": { "To": { "type": "string" }, "Status": { "$ref": "#/components/schemas/status" } },
                    "required": ["To"],
                } } } },
            } } },
        }));
        let form = Some("application/x-www-form-urlencoded");
        let pairs = |pairs: &[(&str, &str)]| {
            Given::from_pairs(&pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect::<Vec<_>>())
        };
        type Pairs = &'static [(&'static str, &'static str)];
        type Case<'a> = (&'a str, Option<&'a str>, Pairs, Pairs, &'a [&'a str]);
        let cases: &[Case<'_>] = &[
            ("/M/SM1.json", form, &[("Size", "3")], &[("To", "1"), ("Status", "sent")], &[]),
            ("/M/AM1.json", form, &[], &[("To", "1")], &["`Sid`"]),
            ("/M/SM1.json", form, &[("Size", "11")], &[("To", "1")], &["`Size`"]),
            ("/M/SM1.json", form, &[("Size", "few")], &[("To", "1")], &["`Size`"]),
            ("/M/SM1.json", form, &[("Sise", "1")], &[("To", "1")], &["no query parameter `Sise`"]),
            ("/M/SM1.json", form, &[], &[], &["`To` is missing"]),
            ("/M/SM1.json", form, &[], &[("To", "1"), ("Status", "gone")], &["`Status`"]),
            ("/M/SM1.json", form, &[], &[("To", "1"), ("Form", "1")], &["no `Form`"]),
            ("/M/SM1.json", Some("application/json"), &[], &[], &["sent as application/json"]),
            ("/N/SM1.json", form, &[], &[("To", "1")], &["has no POST"]),
        ];
        for (path, media_type, query, body, expected) in cases {
            let found = description.violations("POST", path, *media_type, &pairs(query), &pairs(body));
            assert_eq!(found.len(), expected.len(), "{path} {query:?} {body:?}: {found:?}");
            for (found, expected) in found.iter().zip(*expected) {
                assert!(found.contains(expected), "{path} {query:?} {body:?}: {found}");
            }
        }
    }
}
