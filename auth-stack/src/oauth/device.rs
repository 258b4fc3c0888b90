//! The device authorization grant (RFC 8628): a device gets a code and shows a short one, a person types that in at
//! `/activate`, and the device, which has been polling, gets tokens.

use super::clients::{Client, GrantType};
use super::error::{ErrorCode, TokenError};
use super::parameters::Parameters;
use super::scope;
use crate::accounts::{self, Continuation};
use crate::clock::now_ms;
use crate::pages;
use crate::provider::{InternalError, Node};
use crate::secret::{random_token, same};
use crate::store::{Answered, DeviceGrant};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use rand::Rng as _;
use serde_json::{Value, json};
use std::sync::Arc;

/// Seconds between two polls.
pub(super) const INTERVAL_S: u32 = 1;
const LIFETIME_S: u32 = 600;
/// Letters that nobody mixes up, and that spell no word (RFC 8628 section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const CODES_TRIED_MAX: usize = 5;

fn user_code() -> String {
    let mut random = rand::rng();
    let mut letters =
        || -> String { (0..4).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect() };
    format!("{}-{}", letters(), letters())
}

/// As a person types it: any case, with or without the dash.
fn as_issued(typed: &str) -> String {
    let letters: String = typed.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase();
    match letters.split_at_checked(4) {
        Some((first, second)) => format!("{first}-{second}"),
        None => letters,
    }
}

pub(crate) async fn device_code(State(node): State<Arc<Node>>, headers: HeaderMap, body: Bytes) -> Response {
    match start(&node, &headers, &body).await {
        Ok(answer) => ([(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(answer)).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn start(node: &Node, headers: &HeaderMap, body: &[u8]) -> Result<Value, TokenError> {
    let now_ms = now_ms();
    let parameters = Parameters::of_body(headers, body)
        .map_err(|error| TokenError::new(ErrorCode::InvalidRequest, error.to_string()))?;
    let provider = &node.provider;
    let client: &Client = provider.clients.authenticate(headers, &parameters)?;
    if !client.may(GrantType::DeviceCode) {
        return Err(TokenError::new(ErrorCode::UnauthorizedClient, "the client may not use the device flow"));
    }
    let grant = DeviceGrant {
        client_id: client.id.to_owned(),
        scope: scope::granted_to_user(parameters.get("scope")),
        audience: client.allowed_audience(&parameters)?,
    };
    let code = random_token();
    for _ in 0..CODES_TRIED_MAX {
        let user_code = user_code();
        let expires_ms = now_ms + i64::from(LIFETIME_S) * 1_000;
        if !provider.store.add_device_code(&code, &user_code, grant.clone(), expires_ms).await? {
            continue;
        }
        let uri = format!("{}/activate", provider.origin);
        return Ok(json!({
            "device_code": code,
            "user_code": user_code,
            "verification_uri": uri,
            "verification_uri_complete": format!("{uri}?user_code={user_code}"),
            "expires_in": LIFETIME_S,
            "interval": INTERVAL_S,
        }));
    }
    Err(TokenError::Internal(InternalError))
}

/// The page where a person types in what a device shows.
pub(crate) async fn activate_page(
    State(node): State<Arc<Node>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, InternalError> {
    let parameters = Parameters::of_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let user_code = parameters.get("user_code").map(as_issued).unwrap_or_default();
    let now_ms = now_ms();
    if accounts::current_session(&node, &headers, now_ms).await?.is_none() {
        return accounts::redirect_to_login(&node, Continuation::Activate { user_code }, now_ms).await;
    }
    let csrf = accounts::form_token(&headers).unwrap_or_default();
    Ok(pages::activate(&user_code, &csrf).into_response())
}

pub(crate) async fn activate_form(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, InternalError> {
    let parameters = Parameters::of_body(&headers, &body).unwrap_or_default();
    let now_ms = now_ms();
    let Some(session) = accounts::current_session(&node, &headers, now_ms).await? else {
        let user_code = parameters.get("user_code").map(as_issued).unwrap_or_default();
        return accounts::redirect_to_login(&node, Continuation::Activate { user_code }, now_ms).await;
    };
    let csrf = accounts::form_token(&headers).unwrap_or_default();
    if !same(parameters.get("csrf").unwrap_or_default(), &csrf) {
        let page = pages::message("This form is refused", "It did not come from the page that this browser was shown.");
        return Ok((StatusCode::FORBIDDEN, page).into_response());
    }
    let (answered, said) = match parameters.get("answer") {
        Some("deny") => (Answered::Denied, "The device is not signed in."),
        _ => (Answered::Allowed { user_id: session.user.id, at_ms: session.created_ms }, "The device is signed in."),
    };
    let user_code = parameters.get("user_code").map(as_issued).unwrap_or_default();
    if node.provider.store.answer_device_code(&user_code, answered, now_ms).await? {
        return Ok(pages::message("Thank you", said).into_response());
    }
    let text = "There is no device that shows this code, or it was shown for too long.";
    Ok((StatusCode::BAD_REQUEST, pages::message("This code is not known", text)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for (typed, expected) in [
            ("BCDF-GHJK", "BCDF-GHJK"),
            ("bcdfghjk", "BCDF-GHJK"),
            (" bcdf ghjk ", "BCDF-GHJK"),
            ("BCD", "BCD"),
            ("", ""),
            ("\u{e4}BCDF-GHJK", "BCDF-GHJK"),
        ] {
            assert_eq!(as_issued(typed), expected, "{typed}");
        }
        assert_eq!(user_code().len(), 9);
    }
}
