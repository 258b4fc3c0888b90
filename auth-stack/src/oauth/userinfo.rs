//! `/userinfo` (OpenID Connect Core section 5.3), for a bearer of an access token (RFC 6750).

use super::{claims, scope};
use crate::fault::{FaultKind, Hits};
use crate::provider::{InternalError, Node};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, extract::State};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// No token at all: the answer says only what is wanted (RFC 6750 section 3.1).
    Absent,
    Invalid(&'static str),
    Scope,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, description) = match self {
            Refusal::Absent => (StatusCode::UNAUTHORIZED, None, "an access token is needed"),
            Refusal::Invalid(why) => (StatusCode::UNAUTHORIZED, Some("invalid_token"), why),
            Refusal::Scope => (StatusCode::FORBIDDEN, Some("insufficient_scope"), "the scope openid is needed"),
        };
        let mut challenge = "Bearer realm=\"userinfo\"".to_owned();
        if let Some(error) = error {
            challenge.push_str(&format!(", error=\"{error}\", error_description=\"{description}\""));
        }
        let mut response = super::error_json(status, error.unwrap_or("invalid_request"), description);
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[derive(Deserialize)]
struct AccessClaims {
    sub: String,
    scope: String,
}

fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(AUTHORIZATION).ok_or(Refusal::Absent)?;
    let value = value.to_str().map_err(|_| Refusal::Invalid("the Authorization header does not parse"))?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Refusal::Absent),
    }
}

fn verify(node: &Node, token: &str) -> Result<AccessClaims, Refusal> {
    use jsonwebtoken::errors::ErrorKind;
    let provider = &node.provider;
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Invalid("the token does not parse"))?;
    if header.typ.as_deref() != Some("at+jwt") {
        return Err(Refusal::Invalid("the token is not an access token"));
    }
    let key = header.kid.and_then(|kid| provider.keys.find(&kid));
    let key = key.ok_or(Refusal::Invalid("the token is signed with an unknown key"))?;
    let key = DecodingKey::from_rsa_components(&key.modulus, &key.exponent)
        .map_err(|_| Refusal::Invalid("the token is signed with an unusable key"))?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_issuer(&[&provider.issuer]);
    validation.set_audience(&[format!("{}userinfo", provider.issuer)]);
    let decoded = jsonwebtoken::decode::<AccessClaims>(token, &key, &validation).map_err(|error| {
        Refusal::Invalid(match error.kind() {
            ErrorKind::ExpiredSignature => "the token has expired",
            ErrorKind::ImmatureSignature => "the token is not valid yet",
            ErrorKind::InvalidIssuer => "the token is of another issuer",
            ErrorKind::InvalidAudience => "the token is not for userinfo",
            ErrorKind::InvalidSignature => "the token's signature does not verify",
            _ => "the token does not parse",
        })
    })?;
    Ok(decoded.claims)
}

pub(crate) async fn userinfo(
    State(node): State<Arc<Node>>,
    Extension(hits): Extension<Hits>,
    headers: HeaderMap,
) -> Result<Response, InternalError> {
    let claims = match bearer(&headers).and_then(|token| verify(&node, token)) {
        Ok(claims) if scope::has(&claims.scope, "openid") => claims,
        Ok(_) => return Ok(Refusal::Scope.into_response()),
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let Some(user) = node.provider.store.user_by_id(&claims.sub).await? else {
        return Ok(Refusal::Invalid("the account is gone").into_response());
    };
    let mut body: Value = json!({"sub": user.id});
    claims::add_profile(&mut body, &claims.scope, &user);
    if hits.has(FaultKind::UserinfoMismatch) {
        body["sub"] = json!("auth|somebody-else");
    }
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
