use crate::page::{self, Asset};
use crate::{SourceError, StatusSource, state};
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use checks::CheckId;
use maud::Markup;
use serde_json::json;
use std::sync::Arc;

/// The pages over `source`.
pub fn router<S: StatusSource>(source: Arc<S>) -> Router {
    let stylesheet = Asset::stylesheet();
    let (path, body) = (stylesheet.path(), stylesheet.body);
    Router::new()
        .route("/", get(overview::<S>))
        .route("/check/{id}", get(check::<S>))
        .route("/incident/{number}", get(incident::<S>))
        .route("/metrics/problems", get(metric_problems::<S>))
        .route("/healthz", get(health::<S>))
        .route("/api/v1/status", get(status::<S>))
        .route(&path, get(move || std::future::ready(css(body))))
        .route("/favicon.svg", get(|| std::future::ready(svg(page::FAVICON))))
        .fallback(|| async { not_found("There is no such page.") })
        .with_state(source)
        .layer(middleware::map_response(protect))
}

/// No script at all, nothing from elsewhere, and nobody may frame the page.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

async fn protect(mut response: Response) -> Response {
    let fixed: [(HeaderName, &'static str); 4] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn overview<S: StatusSource>(State(source): State<Arc<S>>) -> Response {
    match source.overview().await {
        Ok(overview) => page::overview(&overview).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn check<S: StatusSource>(State(source): State<Arc<S>>, Path(id): Path<String>) -> Response {
    let Ok(id) = CheckId::new(&id) else { return not_found("There is no check of that name.") };
    match source.check(&id).await {
        Ok(Some(detail)) => page::check(&detail).into_response(),
        Ok(None) => not_found("There is no check of that name."),
        Err(error) => unavailable(&error),
    }
}

async fn incident<S: StatusSource>(State(source): State<Arc<S>>, Path(number): Path<String>) -> Response {
    let Ok(number) = number.parse() else { return not_found("There is no incident of that number.") };
    match source.incident(number).await {
        Ok(Some(detail)) => page::incident(&detail).into_response(),
        Ok(None) => not_found("There is no incident of that number."),
        Err(error) => unavailable(&error),
    }
}

async fn metric_problems<S: StatusSource>(State(source): State<Arc<S>>) -> Response {
    match source.metric_problems().await {
        Ok(problems) => page::metric_problems(&problems).into_response(),
        Err(error) => unavailable(&error),
    }
}

/// For a load balancer or a watchdog: 200 while results arrive, 503 once they have stopped.
async fn health<S: StatusSource>(State(source): State<Arc<S>>) -> Response {
    let overview = match source.overview().await {
        Ok(overview) => overview,
        Err(error) => {
            let body = json!({ "healthy": false, "reason": error.to_string() });
            return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
        }
    };
    let silent = matches!(state(&overview), crate::State::Silent { .. });
    let code = if silent { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let body = json!({
        "healthy": !silent,
        "version": overview.version,
        "checks": overview.checks.len(),
        "newest_result_at": overview.newest_result_at,
        "started_at": overview.started_at,
    });
    (code, Json(body)).into_response()
}

async fn status<S: StatusSource>(State(source): State<Arc<S>>) -> Response {
    match source.overview().await {
        Ok(overview) => Json(json!({ "overall": state(&overview), "status": overview })).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": error.to_string() }))).into_response(),
    }
}

fn not_found(sentence: &str) -> Response {
    let page: Markup = page::message("Not found", sentence);
    (StatusCode::NOT_FOUND, page).into_response()
}

fn unavailable(error: &SourceError) -> Response {
    tracing::warn!(%error, "the status page has nothing to show");
    let sentence = format!("The state of the checks cannot be read: {error}");
    (StatusCode::SERVICE_UNAVAILABLE, page::message("Unavailable", &sentence)).into_response()
}

/// The path names the content, so a browser may keep it for ever.
fn css(body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, body).into_response()
}

fn svg(body: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers, body).into_response()
}
