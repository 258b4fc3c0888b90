//! `GET`, `POST` or `HEAD /heartbeats/NAME/TOKEN`, and with `/start`, `/fail` or an exit status behind it.

use super::Tally;
use crate::up::heartbeats::{Callers, Taken};
use alerting::heartbeat::Call;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;

const ROUTE: &str = "heartbeats";

type Sources = (Arc<Callers>, Arc<Tally>);

/// The token in the path is all the proof there is, and all that is needed.
pub(in crate::up) fn router(callers: Arc<Callers>, tally: Arc<Tally>) -> Router {
    Router::new()
        .route("/heartbeats/{name}/{token}", get(alive).post(alive))
        .route("/heartbeats/{name}/{token}/{what}", get(told).post(told))
        .with_state((callers, tally))
}

async fn alive(sources: State<Sources>, Path((name, token)): Path<(String, String)>) -> Response {
    answer(sources, &name, &token, None).await
}

async fn told(sources: State<Sources>, Path((name, token, what)): Path<(String, String, String)>) -> Response {
    answer(sources, &name, &token, Some(&what)).await
}

async fn answer(State((callers, tally)): State<Sources>, name: &str, token: &str, what: Option<&str>) -> Response {
    match callers.hear(name, token, Call::parse(what)).await {
        Taken::Yes => {
            tally.take(ROUTE);
            "heard\n".into_response()
        }
        Taken::Unknown => tally.refuse(ROUTE, "unknown", StatusCode::NOT_FOUND),
        Taken::NotKept => tally.refuse(ROUTE, "not-kept", StatusCode::SERVICE_UNAVAILABLE),
    }
}
