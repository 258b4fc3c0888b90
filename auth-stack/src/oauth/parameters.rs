//! Parameters of a request, from a query or a body. None may be repeated (RFC 6749 section 3.1), and empty ones count
//! as absent.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Parameters(BTreeMap<String, String>);

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ParameterError {
    #[error("the parameter {0} is repeated")]
    Repeated(String),
    #[error("the content type must be application/x-www-form-urlencoded or application/json")]
    ContentType,
    #[error("the body is not a JSON object of strings")]
    Json,
}

impl Parameters {
    /// From a query, or a body that is encoded like one.
    pub fn of_form(form: &[u8]) -> Result<Parameters, ParameterError> {
        let mut parameters = BTreeMap::new();
        for (key, value) in url::form_urlencoded::parse(form) {
            if value.is_empty() {
                continue;
            }
            if parameters.insert(key.to_string(), value.into_owned()).is_some() {
                return Err(ParameterError::Repeated(key.into_owned()));
            }
        }
        Ok(Parameters(parameters))
    }

    /// From a body, by its content type.
    pub fn of_body(headers: &HeaderMap, body: &[u8]) -> Result<Parameters, ParameterError> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Parameters::of_form(body),
            "application/json" => {
                let mut object: BTreeMap<String, String> =
                    serde_json::from_slice(body).map_err(|_| ParameterError::Json)?;
                object.retain(|_, value| !value.is_empty());
                Ok(Parameters(object))
            }
            _ => Err(ParameterError::ContentType),
        }
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub fn owned(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_json_give_the_same() {
        let form = |content_type: &'static str, body: &str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().expect("a header value"))]);
            Parameters::of_body(&headers, body.as_bytes())
        };
        let expected = Parameters(BTreeMap::from([("a".to_owned(), "1 2".to_owned())]));
        for (content_type, body, result) in [
            ("application/x-www-form-urlencoded", "a=1+2&b=", Ok(expected.clone())),
            ("application/x-www-form-urlencoded; charset=utf-8", "a=1%202", Ok(expected.clone())),
            ("application/json", r#"{"a":"1 2","b":""}"#, Ok(expected)),
            ("application/x-www-form-urlencoded", "a=1&a=1", Err(ParameterError::Repeated("a".to_owned()))),
            ("application/json", r#"{"a":1}"#, Err(ParameterError::Json)),
            ("text/plain", "a=1", Err(ParameterError::ContentType)),
        ] {
            assert_eq!(form(content_type, body), result, "{content_type}: {body}");
        }
    }
}
