//! `/test`: the node's own word on how it is, component by component.

use crate::clock::now_ms;
use crate::component::Component;
use crate::provider::Node;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// 200 with `"status": "ok"`, or 503 with `"failing"` when something that every login needs is not there. A component
/// whose last answer was a 5xx is shown as failing, and does not fail the node: its own checks do that.
pub(crate) async fn health(State(node): State<Arc<Node>>) -> Response {
    let provider = &node.provider;
    let now_ms = now_ms();
    let started = Instant::now();
    let store = provider.store.ping().await;
    let store_ms = started.elapsed().as_secs_f64() * 1_000.0;
    if let Err(error) = &store {
        tracing::error!(%error, "the store does not answer");
    }
    let days_left = (provider.certificate_expires_ms - now_ms).div_euclid(86_400_000);
    let status = |good: bool| if good { "ok" } else { "failing" };

    let mut components: Vec<Value> = Component::ALL
        .into_iter()
        .filter(|component| *component != Component::Other)
        .map(|component| {
            let counted = node.counted(component);
            json!({
                "name": component.name(),
                "status": status(counted.last_status.is_none_or(|status| status < 500)),
                "requests": counted.requests,
                "errors": counted.errors,
            })
        })
        .collect();
    components.push(json!({"name": "store", "status": status(store.is_ok()), "latency_ms": store_ms}));
    components.push(json!({"name": "signing-keys", "status": "ok", "keys": provider.keys.all().len()}));
    components.push(json!({"name": "certificate", "status": status(days_left >= 0), "days_left": days_left}));

    let well = store.is_ok() && days_left >= 0;
    let body = json!({
        "status": status(well),
        "node": node.name,
        "issuer": provider.issuer,
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": (now_ms - provider.started_ms) / 1_000,
        "components": components,
    });
    let code = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
