//! JSON Web Tokens in answers (RFC 7519): in fields of JSON, and in the query or fragment of a redirect.

use super::{TokenChange, an_hour_before, json};
use crate::recording::RecordedMessage;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use checks::UnixMs;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// Tokens of one answer that are changed.
const TOKENS_MAX: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    Field(json::Field),
    /// A parameter of the URL that the answer redirects to.
    Location(String),
}

impl Place {
    pub(super) fn is_opaque(&self) -> bool {
        let name = match self {
            Self::Field(field) => field.names().pop().unwrap_or_default(),
            Self::Location(name) => name.clone(),
        };
        matches!(name.as_str(), "access_token" | "refresh_token")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "{field}"),
            Self::Location(name) => write!(f, "{name} in the location"),
        }
    }
}

type Claims = Map<String, Value>;

/// The tokens of an answer, with what they claim.
pub(super) fn tokens(received: &RecordedMessage, document: Option<&Value>) -> Vec<(Place, Claims)> {
    let in_fields = document.into_iter().flat_map(|document| {
        json::fields(document).into_iter().filter_map(|field| {
            let claims = claims(field.of(document)?.as_str()?)?;
            Some((Place::Field(field), claims))
        })
    });
    let location = received.header("location").unwrap_or_default();
    let in_location =
        parameters(location).filter_map(|(name, value)| Some((Place::Location(name.to_owned()), claims(value)?)));
    in_fields.chain(in_location).take(TOKENS_MAX).collect()
}

/// The parameters of a URL's query and fragment, as they are written. A token has nothing that would be encoded.
fn parameters(url: &str) -> impl Iterator<Item = (&str, &str)> {
    url.split(['?', '#', '&']).skip(1).filter_map(|pair| pair.split_once('='))
}

fn claims(token: &str) -> Option<Claims> {
    let [header, payload, _] = parts(token)?;
    decoded(header)?.get("alg")?;
    decoded(payload)
}

fn parts(token: &str) -> Option<[&str; 3]> {
    let mut parts = token.split('.');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    (parts.next().is_none() && three.iter().all(|part| !part.is_empty())).then_some(three)
}

fn decoded(part: &str) -> Option<Claims> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The token with this wrong with it.
pub(super) fn changed(token: &str, how: TokenChange, started_at: UnixMs) -> Option<String> {
    let [header, payload, signature] = parts(token)?;
    let mut claims = decoded(payload)?;
    match how {
        TokenChange::Signature => {
            let middle = signature.len() / 2;
            let other = if signature.as_bytes().get(middle) == Some(&b'A') { "B" } else { "A" };
            let mut signature = signature.to_owned();
            signature.replace_range(middle..=middle, other);
            return Some(format!("{header}.{payload}.{signature}"));
        }
        TokenChange::Expired => {
            let ended_s = an_hour_before(started_at);
            let ended = claims.get("exp").and_then(Value::as_i64).unwrap_or(ended_s);
            // As it would have looked, had it been made so much earlier.
            for name in ["iat", "nbf", "auth_time", "exp"] {
                if let Some(at) = claims.get(name).and_then(Value::as_i64) {
                    claims.insert(name.to_owned(), (at - (ended - ended_s)).into());
                }
            }
        }
        TokenChange::Issuer => {
            claims.insert("iss".to_owned(), "https://elsewhere.invalid/".into());
        }
        TokenChange::Audience => {
            claims.insert("aud".to_owned(), "somebody-else".into());
        }
    }
    let payload = URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
    Some(format!("{header}.{payload}.{signature}"))
}
