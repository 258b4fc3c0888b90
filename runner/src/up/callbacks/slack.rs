//! `POST /slack/interactions`: the buttons of the posts.

use super::acts::{Acts, Outcomes};
use super::tally::Tally;
use crate::config::Secret;
use alerting::AlertingError;
use alerting::act::Via;
use alerting::slack::{Button, NotPressed, NotSlack, Pressed, SIGNATURE_HEADER, TIMESTAMP_HEADER, pressed, verify};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use checks::UnixMs;
use std::sync::Arc;
use std::time::Duration;

const ROUTE: &str = "slack-interactions";

/// Slack waits for three seconds, and then tells whoever pressed that it failed.
const ANSWER_TIME_MAX: Duration = Duration::from_millis(2500);

const SILENCE_MS: u64 = 3_600_000;

#[derive(Clone)]
struct Interactions {
    signing_secret: Secret,
    acts: Arc<Acts>,
    tally: Arc<Tally>,
}

pub(super) fn router(signing_secret: Secret, acts: &Arc<Acts>, tally: &Arc<Tally>) -> Router {
    let state = Interactions { signing_secret, acts: Arc::clone(acts), tally: Arc::clone(tally) };
    Router::new().route("/slack/interactions", post(interactions)).with_state(state)
}

async fn interactions(
    State(state): State<Interactions>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let tally = &state.tally;
    let Ok(body) = body else { return tally.refuse(ROUTE, "too-large", StatusCode::PAYLOAD_TOO_LARGE) };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (timestamp, signature) = (header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
    if let Err(problem) = verify(state.signing_secret.expose(), timestamp, signature, &body, UnixMs::now()) {
        let reason = match problem {
            NotSlack::Unsigned => "unsigned",
            NotSlack::WrongSignature => "wrong-signature",
            NotSlack::TooOld => "too-old",
        };
        return tally.refuse(ROUTE, reason, StatusCode::UNAUTHORIZED);
    }
    let all = match pressed(&body) {
        Ok(all) => all,
        Err(problem) => {
            let reason = match problem {
                NotPressed::NoPayload => "no-payload",
                NotPressed::Unreadable => "unreadable-payload",
                NotPressed::NotAButton => "not-a-button",
                NotPressed::UnreadableButton => "unreadable-button",
            };
            return tally.refuse(ROUTE, reason, StatusCode::BAD_REQUEST);
        }
    };
    // A task of its own: what was begun is ended, whether or not Slack waits for it.
    let acts = Arc::clone(&state.acts);
    let done = tokio::spawn(async move {
        for pressed in &all {
            let outcomes = act(&acts, pressed).await?;
            tracing::info!(by = pressed.by, button = ?pressed.button, ?outcomes, "a button was pressed in Slack");
        }
        Ok::<_, AlertingError>(())
    });
    match tokio::time::timeout(ANSWER_TIME_MAX, done).await {
        Ok(Ok(Ok(()))) => {
            tally.take(ROUTE);
            StatusCode::OK.into_response()
        }
        Ok(Ok(Err(error))) => {
            tracing::error!(%error, "a button that was pressed in Slack has no effect");
            tally.refuse(ROUTE, "not-done", StatusCode::SERVICE_UNAVAILABLE)
        }
        Ok(Err(_)) => tally.refuse(ROUTE, "broke-off", StatusCode::INTERNAL_SERVER_ERROR),
        Err(_) => tally.refuse(ROUTE, "not-in-time", StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn act(acts: &Acts, pressed: &Pressed) -> Result<Outcomes, AlertingError> {
    let Pressed { by, button, incidents, at } = pressed;
    match button {
        Button::Acknowledge => acts.acknowledge(incidents, by, Via::Slack).await,
        Button::Silence => acts.silence(incidents, by, Via::Slack, *at + SILENCE_MS).await,
    }
}
