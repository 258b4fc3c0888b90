//! OpenID Connect Discovery 1.0 and the JWKS.

use super::clients::GrantType;
use super::scope::{API_SCOPES, USER_SCOPES};
use crate::fault::{FaultKind, Hits};
use crate::provider::Node;
use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::sync::Arc;

/// The issuer that the fault `wrong-issuer` names.
pub(super) const WRONG_ISSUER: &str = "https://wrong-issuer.tocsin.test/";

fn document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}authorize"),
        "token_endpoint": format!("{issuer}oauth/token"),
        "device_authorization_endpoint": format!("{issuer}oauth/device/code"),
        "userinfo_endpoint": format!("{issuer}userinfo"),
        "jwks_uri": format!("{issuer}.well-known/jwks.json"),
        "end_session_endpoint": format!("{issuer}v2/logout"),
        "scopes_supported": USER_SCOPES.iter().chain(&API_SCOPES).collect::<Vec<_>>(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GrantType::ALL.map(GrantType::name),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login"],
        "claims_supported":
            ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "email", "email_verified"],
        "authorization_response_iss_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "request_parameter_supported": false,
    })
}

pub(crate) async fn discovery(State(node): State<Arc<Node>>, Extension(hits): Extension<Hits>) -> impl IntoResponse {
    let mut document = document(&node.provider.issuer);
    if hits.has(FaultKind::WrongIssuer) {
        document["issuer"] = json!(WRONG_ISSUER);
    }
    if hits.has(FaultKind::DiscoveryDrift) {
        document["token_endpoint"] = json!(format!("{}oauth/v2/token", node.provider.issuer));
        document["code_challenge_methods_supported"] = json!(["plain"]);
        document["id_token_signing_alg_values_supported"] = json!(["HS256"]);
    }
    ([(CACHE_CONTROL, "public, max-age=15"), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(document))
}

pub(crate) async fn jwks(State(node): State<Arc<Node>>, Extension(hits): Extension<Hits>) -> impl IntoResponse {
    let jwks = if hits.has(FaultKind::MissingJwksKey) { json!({"keys": []}) } else { node.provider.keys.jwks() };
    ([(CACHE_CONTROL, "public, max-age=15"), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(jwks))
}
