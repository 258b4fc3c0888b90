//! `POST /oauth/token`.

use super::clients::GrantType;
use super::error::{ErrorCode, TokenError};
use super::grants;
use super::issue::issue;
use super::parameters::Parameters;
use crate::clock::now_ms;
use crate::fault::Hits;
use crate::provider::Node;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

pub(crate) async fn token(
    State(node): State<Arc<Node>>,
    Extension(hits): Extension<Hits>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match answer(&node, &hits, &headers, &body).await {
        Ok(answer) => ([(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(answer)).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn answer(node: &Node, hits: &Hits, headers: &HeaderMap, body: &[u8]) -> Result<Value, TokenError> {
    let (started, now_ms) = (Instant::now(), now_ms());
    let parameters = Parameters::of_body(headers, body)
        .map_err(|error| TokenError::new(ErrorCode::InvalidRequest, error.to_string()))?;
    let grant = parameters
        .get("grant_type")
        .ok_or_else(|| TokenError::new(ErrorCode::InvalidRequest, "the grant_type is missing"))?;
    let grant = GrantType::parse(grant)
        .ok_or_else(|| TokenError::new(ErrorCode::UnsupportedGrantType, "there is no such grant_type"))?;
    let client = node.provider.clients.authenticate(headers, &parameters)?;
    if !client.may(grant) {
        return Err(TokenError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant_type"));
    }
    let ask = grants::Ask { node, client, parameters: &parameters, hits, now_ms };
    let (granted, refresh_token) = match grant {
        GrantType::Password => grants::password(&ask).await?,
        GrantType::ClientCredentials => grants::client_credentials(&ask)?,
        GrantType::AuthorizationCode => grants::authorization_code(&ask).await?,
        GrantType::RefreshToken => grants::refresh_token(&ask).await?,
        GrantType::DeviceCode => grants::device_code(&ask).await?,
    };
    let answer = issue(&node.provider, &granted, refresh_token, hits, now_ms).await?;
    node.provider.metrics.token(&node.name, grant.name(), started.elapsed());
    Ok(answer)
}
