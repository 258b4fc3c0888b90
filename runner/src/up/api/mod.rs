//! Incidents, acknowledgements and silences over HTTP, on the listener of the pages. Whoever may read the pages may read here;
//! who may act is decided by [`Caller`]. Answers and refusals are JSON, and a refusal says what to write instead.

mod incidents;
mod silence_order;
mod silences;

use super::board::Board;
use super::caller::{Caller, MayNot};
use alerting::{Alerting, AlertingError};
use axum::body::{Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The largest document that an act needs has a hundredth of it.
const BODY_BYTES_MAX: usize = 64 << 10;
/// How long a body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

struct Api {
    alerting: Arc<Alerting>,
    board: Arc<Board>,
}

pub(super) fn router(alerting: Arc<Alerting>, board: Arc<Board>) -> Router {
    Router::new()
        .route("/api/v1/incidents", get(incidents::list))
        .route("/api/v1/incidents/{number}", get(incidents::show))
        .route("/api/v1/incidents/{number}/acknowledge", post(incidents::acknowledge))
        .route("/api/v1/incidents/{number}/resolve", post(incidents::resolve))
        .route("/api/v1/silences", get(silences::list).post(silences::begin))
        .route("/api/v1/silences/{id}", delete(silences::end))
        .method_not_allowed_fallback(async || Refusal::new(StatusCode::METHOD_NOT_ALLOWED, METHODS))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(Api { alerting, board }))
}

const METHODS: &str = "no such method here; there are GET of incidents, incidents/N and silences, POST of incidents/N/acknowledge, incidents/N/resolve and silences, and DELETE of silences/ID";

/// Why something is not done, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    error: String,
}

impl Refusal {
    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }

    fn wrong(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    fn absent(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error }))).into_response()
    }
}

impl From<AlertingError> for Refusal {
    fn from(error: AlertingError) -> Self {
        let status = match &error {
            AlertingError::SilenceIsOver => StatusCode::BAD_REQUEST,
            AlertingError::TooManySilences => StatusCode::CONFLICT,
            AlertingError::Journal(_) | AlertingError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

/// Who acts, and the document that they send. Nothing is read from somebody who may not.
async fn act<T: DeserializeOwned>(request: Request, example: &str) -> Result<(Caller, T), Refusal> {
    let caller = actor(&request)?;
    let body = body(request).await?;
    let document = serde_json::from_slice(&body)
        .map_err(|error| Refusal::wrong(format!("the body is not as expected ({error}); write such as {example}")))?;
    Ok((caller, document))
}

fn actor(request: &Request) -> Result<Caller, Refusal> {
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or(Caller::Anybody);
    match caller.may_act(request.method(), request.headers()) {
        Ok(()) => Ok(caller),
        Err(MayNot::Unknown) => Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "who acts has to prove it; send `Authorization: Bearer TOKEN` with the token in `running.json` of the data folder",
        )),
        Err(MayNot::FromElsewhere) => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "pages of other sites may not act here; leave out `Origin`, or send the token of the data folder",
        )),
        Err(MayNot::NotJson) => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "who acts with user and password sends JSON; add `Content-Type: application/json`",
        )),
    }
}

async fn body(request: Request) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(BODY_TIME_MAX, to_bytes(request.into_body(), BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body did not arrive whole, or has more than {BODY_BYTES_MAX} bytes"),
        )),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time; send it again")),
    }
}

/// A document may say who acts; somebody with a password is who they are where it does not.
fn who(by: Option<String>, caller: &Caller) -> Result<String, Refusal> {
    let by = by.map(|by| by.trim().to_owned()).filter(|by| !by.is_empty());
    match (by, caller) {
        (Some(by), _) => Ok(by),
        (None, Caller::Person(name)) => Ok(name.clone()),
        (None, _) => Err(Refusal::wrong("who is it? write your name, such as \"by\": \"Ada\"")),
    }
}

fn number(text: &str, what: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::absent(format!("`{text}` is no number of {what}; write one such as 42")))
}
