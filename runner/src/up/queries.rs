//! Prometheus's HTTP API over the recorder, so that Grafana can use Tocsin as a Prometheus data source.
//!
//! What is asked runs on threads of its own, at most [`QUERIES_AT_ONCE_MAX`] at a time and each for at most
//! [`QUERY_TIME_MAX`]: whoever writes to the store waits meanwhile, and rules must go on.

use super::ruling::Ruling;
use alerting::promql::api::{ApiAnswer, Endpoint, respond};
use alerting::promql::{Limits, duration};
use alerting::recorder::Recorder;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use checks::UnixMs;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use url::form_urlencoded;

const QUERIES_AT_ONCE_MAX: usize = 4;
/// A question may ask for less with `timeout`.
const QUERY_TIME_MAX: Duration = Duration::from_secs(10);
/// A query reads and makes values in memory: this many are a quarter of a gigabyte.
const QUERY_SAMPLES_MAX: u64 = 16_000_000;

const BASE: &str = "/api/v1/";
const FORM: &str = "application/x-www-form-urlencoded";

struct Api {
    recorder: Arc<Recorder>,
    ruling: Arc<Ruling>,
    places: Arc<Semaphore>,
    limits: Limits,
}

pub(super) fn router(recorder: Arc<Recorder>, ruling: Arc<Ruling>, interval: Duration) -> Router {
    let subquery_step_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    let limits = Limits { samples_max: QUERY_SAMPLES_MAX, subquery_step_ms, ..Limits::default() };
    let api = Arc::new(Api { recorder, ruling, places: Arc::new(Semaphore::new(QUERIES_AT_ONCE_MAX)), limits });
    // Prometheus takes both methods where a question may be long.
    let asked = || any(asked);
    Router::new()
        .route("/api/v1/query", asked())
        .route("/api/v1/query_range", asked())
        .route("/api/v1/series", asked())
        .route("/api/v1/labels", asked())
        .route("/api/v1/label/{name}/values", asked())
        .route("/api/v1/metadata", asked())
        .route("/api/v1/status/buildinfo", asked())
        .route("/api/v1/rules", get(rules))
        .route("/api/v1/alerts", get(alerts))
        // There are no exemplars, and Grafana asks for them all the same.
        .route("/api/v1/query_exemplars", any(async || json_answer(StatusCode::OK, &success(json!([])))))
        .route("/-/healthy", get(async || "Tocsin is healthy.\n"))
        .route("/-/ready", get(async || "Tocsin is ready.\n"))
        .with_state(api)
}

async fn asked(State(api): State<Arc<Api>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if method != Method::GET && method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, POST")]).into_response();
    }
    let Some(endpoint) = uri.path().strip_prefix(BASE).map(decoded).and_then(|path| Endpoint::from_path(&path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut parameters = pairs(uri.query().unwrap_or_default().as_bytes());
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if method == Method::POST && content_type.starts_with(FORM) {
        // What stands in the form goes before what stands in the address.
        parameters.splice(0..0, pairs(&body));
    }
    let started = Instant::now();
    let time_max = match time_max(&parameters) {
        Ok(time_max) => time_max,
        Err(problem) => return failure(StatusCode::BAD_REQUEST, "bad_data", &problem),
    };
    let Ok(Ok(place)) = tokio::time::timeout(time_max, Arc::clone(&api.places).acquire_owned()).await else {
        return failure(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "other queries took all the time there is for this one",
        );
    };
    let answer = tokio::task::spawn_blocking(move || {
        let used_up = || started.elapsed() > time_max;
        let answer =
            api.recorder.ask(|store| respond(store, &endpoint, &parameters, UnixMs::now().0, &api.limits, &used_up));
        drop(place);
        answer
    });
    match answer.await {
        Ok(ApiAnswer { status, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a query has failed");
            failure(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the query has failed; Tocsin's log says why")
        }
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

/// The path as `label/a name/values`; a plus sign stands for itself in a path.
fn decoded(path: &str) -> String {
    form_urlencoded::parse(format!("path={}", path.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, path)| path.into_owned())
        .unwrap_or_default()
}

fn time_max(parameters: &[(String, String)]) -> Result<Duration, String> {
    let Some((_, text)) = parameters.iter().find(|(key, value)| key == "timeout" && !value.is_empty()) else {
        return Ok(QUERY_TIME_MAX);
    };
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let written = seconds.or_else(|| Some(Duration::from_millis(duration::parse_ms(text)?.try_into().ok()?)));
    let problem = || format!("`timeout` is {text:?}: write seconds, or a duration such as 30s");
    written.map(|time| time.min(QUERY_TIME_MAX)).ok_or_else(problem)
}

async fn rules(State(api): State<Arc<Api>>) -> Response {
    json_answer(StatusCode::OK, &success(api.ruling.rules_document()))
}

async fn alerts(State(api): State<Arc<Api>>) -> Response {
    json_answer(StatusCode::OK, &success(api.ruling.alerts_document()))
}

fn success(data: serde_json::Value) -> serde_json::Value {
    json!({"status": "success", "data": data})
}

fn failure(status: StatusCode, kind: &str, message: &str) -> Response {
    json_answer(status, &json!({"status": "error", "errorType": kind, "error": message}))
}

fn json_answer(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_meant() {
        let cases = [
            ("label/region/values", "label/region/values"),
            ("label/a%20b/values", "label/a b/values"),
            ("label/a+b/values", "label/a+b/values"),
            ("label/a%26b=c/values", "label/a&b=c/values"),
        ];
        for (path, meant) in cases {
            assert_eq!(decoded(path), meant);
        }
    }

    #[test]
    fn a_question_may_ask_for_less_time_and_never_for_more() {
        let of = |text: &str| time_max(&[("timeout".to_owned(), text.to_owned())]).ok();
        let cases = [
            ("", Some(QUERY_TIME_MAX)),
            ("2", Some(Duration::from_secs(2))),
            ("1s", Some(Duration::from_secs(1))),
            ("1h", Some(QUERY_TIME_MAX)),
            ("soon", None),
            ("-1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text), expected, "{text}");
        }
    }
}
