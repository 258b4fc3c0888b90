//! The admin endpoint: where faults are set and cleared, over plain HTTP on loopback.
//!
//! Whoever can reach it can break the stack, so it answers only requests that name a loopback host, and none that a web
//! page of another origin could have sent.

use crate::clock::now_ms;
use crate::fault::{FaultKind, FaultOrder};
use crate::provider::Provider;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;

pub(crate) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/", get(explain))
        .route("/kinds", get(kinds))
        .route("/status", get(status))
        .route("/faults", get(list).post(set).delete(clear_all))
        .route("/faults/{selector}", delete(clear))
        .route("/keys/rotate", post(rotate_keys))
        .layer(from_fn(refuse_strangers))
        .with_state(provider)
}

fn refusal(status: StatusCode, error: impl std::fmt::Display) -> Response {
    (status, Json(json!({"error": error.to_string()}))).into_response()
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn refuse_strangers(headers: HeaderMap, request: Request, next: Next) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_loopback_host(host) || headers.contains_key(ORIGIN) {
        return refusal(
            StatusCode::FORBIDDEN,
            "the admin endpoint is for programs on this machine: use a loopback address, and no browser",
        );
    }
    next.run(request).await
}

/// The kinds of fault in words, as `auth-stack fault list --all` prints them.
pub(crate) fn kinds_text() -> String {
    let mut text = String::new();
    for kind in FaultKind::ALL {
        let components = match kind.components() {
            [] => "the whole node".to_owned(),
            all if all.len() == crate::Component::ALL.len() => "any component".to_owned(),
            some => some.iter().map(|component| component.name()).collect::<Vec<_>>().join(", "),
        };
        text.push_str(&format!("  {:<24}  {}\n  {:<24}  touches: {components}\n", kind.name(), kind.summary(), ""));
    }
    text
}

async fn explain(State(provider): State<Arc<Provider>>) -> String {
    format!(
        "The reference auth stack at {origin}. This endpoint breaks it, and mends it again.\n\n\
         GET    /faults              the faults in force\n\
         POST   /faults              set one: {{\"fault\":\"slow\",\"node\":\"us-east-1\",\"component\":\"token\",\"ms\":3000,\"ratio\":0.5,\"for_ms\":60000}}\n\
         \x20                           only \"fault\" is needed; setting the same fault again replaces it\n\
         DELETE /faults              clear all; ?node=us-east-1 only those set for that node\n\
         DELETE /faults/ID-OR-KIND   clear one, or all of a kind\n\
         GET    /kinds               the kinds of fault, as JSON\n\
         POST   /keys/rotate         sign with a new key; the former stays in the JWKS\n\
         GET    /status              counters of what was dropped\n\n\
         Faults:\n\n{kinds}",
        origin = provider.origin,
        kinds = kinds_text(),
    )
}

async fn kinds() -> Json<Value> {
    let kinds: Vec<Value> = FaultKind::ALL
        .iter()
        .map(|kind| {
            json!({
                "fault": kind.name(),
                "summary": kind.summary(),
                "components": kind.components().iter().map(|component| component.name()).collect::<Vec<_>>(),
                "parameter": kind.parameter(),
            })
        })
        .collect();
    Json(json!({"kinds": kinds}))
}

async fn status(State(provider): State<Arc<Provider>>) -> Json<Value> {
    Json(json!({
        "issuer": provider.issuer,
        "access_log_lines_dropped": provider.access_log.dropped(),
        "metrics_dropped": provider.metrics.dropped(),
    }))
}

async fn list(State(provider): State<Arc<Provider>>) -> Json<Value> {
    Json(json!({"faults": provider.faults.list(now_ms())}))
}

async fn set(State(provider): State<Arc<Provider>>, body: Bytes) -> Response {
    let order: FaultOrder = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(error) => {
            let help = "write an object such as {\"fault\":\"slow\",\"ms\":3000}; GET / lists what there is";
            return refusal(StatusCode::BAD_REQUEST, format!("the fault does not parse: {error}; {help}"));
        }
    };
    match provider.faults.set(&order, now_ms()) {
        Ok(fault) => (StatusCode::CREATED, Json(fault)).into_response(),
        Err(error) => refusal(StatusCode::BAD_REQUEST, error),
    }
}

#[derive(Deserialize)]
struct OfNode {
    node: Option<String>,
}

async fn clear_all(State(provider): State<Arc<Provider>>, Query(query): Query<OfNode>) -> Json<Value> {
    let cleared = provider.faults.clear(None, query.node.as_deref(), now_ms());
    Json(json!({"cleared": cleared}))
}

async fn clear(
    State(provider): State<Arc<Provider>>,
    Path(selector): Path<String>,
    Query(query): Query<OfNode>,
) -> Response {
    let cleared = provider.faults.clear(Some(&selector), query.node.as_deref(), now_ms());
    if cleared.is_empty() {
        return refusal(StatusCode::NOT_FOUND, format!("no fault in force has the id or kind `{selector}`"));
    }
    Json(json!({"cleared": cleared})).into_response()
}

async fn rotate_keys(State(provider): State<Arc<Provider>>) -> Response {
    match provider.keys.rotate(&provider.store, now_ms()).await {
        Ok(key) => (StatusCode::CREATED, Json(json!({"kid": key.kid}))).into_response(),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_hosts_are_answered() {
        for (host, answered) in [
            ("127.0.0.1:9444", true),
            ("localhost:9444", true),
            ("localhost", true),
            ("[::1]:9444", true),
            ("127.0.0.9", true),
            ("evil.test:9444", false),
            ("localhost.evil.test", false),
            ("10.0.0.1:9444", false),
            ("", false),
        ] {
            assert_eq!(is_loopback_host(host), answered, "{host:?}");
        }
    }
}
