//! Who calls in: providers with what people answered and what became of a message, programs that say that they live, other
//! alerting systems. One listener of its own, since it may face the world; no page and no part of the API is served here.
//!
//! Each route verifies its caller before it does anything, and answers only when what follows is durable. What is refused
//! is answered with 4xx, counted by route and reason ([`Tally`], `tocsin_callbacks_refused_total`), and has no effect.

mod acts;
mod alerts;
pub(super) mod heartbeats;
mod slack;
mod sns;
mod tally;
mod twilio;

pub(super) use alerts::{router as alerts, sources_gone};
pub(super) use tally::Tally;
pub(super) use twilio::message_reports;

use super::unread;
use crate::config::{CallbacksSettings, Settings};
use acts::Acts;
use alerting::Alerting;
use anyhow::Context;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The largest call that is read; an alert of the largest sender has a tenth of it.
const BODY_BYTES_MAX: usize = 1 << 20;
/// How long a call may take, its body included.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);
const CALLS_AT_ONCE_MAX: usize = 256;

pub(super) async fn bind(settings: &CallbacksSettings) -> anyhow::Result<TcpListener> {
    let address = settings.listen;
    TcpListener::bind(address).await.with_context(|| {
        format!("callbacks cannot be taken on {address}; write another `listen` in [callbacks], or stop what is listening there")
    })
}

/// Where Slack and Twilio tell what people answer, and what became of messages; each where its secret is set.
pub(super) fn of_people(settings: &Settings, alerting: &Arc<Alerting>, tally: &Arc<Tally>) -> Router {
    let acts = Arc::new(Acts::new(Arc::clone(alerting)));
    let slack = settings.slack.signing_secret.clone().map(|secret| slack::router(secret, &acts, tally));
    let twilio = twilio::router(settings, &acts, tally);
    [slack, twilio].into_iter().flatten().fold(Router::new(), Router::merge)
}

/// Puts the bounds and the counting of unknown paths around the routes.
pub(super) fn bounded(routes: Router, tally: &Arc<Tally>) -> Router {
    let unknown = Arc::clone(tally);
    within_bounds(routes.fallback(async move || unknown.refuse("unknown", "path", StatusCode::NOT_FOUND)), tally)
}

/// The same for routes that stand beside others.
pub(super) fn within_bounds(routes: Router, tally: &Arc<Tally>) -> Router {
    let places = Arc::new(Semaphore::new(CALLS_AT_ONCE_MAX));
    routes
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state((places, Arc::clone(tally)), in_bounds))
}

pub(super) async fn serve(listener: TcpListener, routes: Router) {
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::error!(%error, "callbacks are not taken any more");
    }
}

async fn in_bounds(
    State((places, tally)): State<(Arc<Semaphore>, Arc<Tally>)>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_place) = places.try_acquire() else {
        return tally.refuse("any", "too-many-at-once", StatusCode::SERVICE_UNAVAILABLE);
    };
    let answer = async |request| match tokio::time::timeout(CALL_TIME_MAX, next.run(request)).await {
        Ok(response) => response,
        // Not 408: several of those who call do not call again after a 4xx.
        Err(_) => tally.refuse("any", "too-slow", StatusCode::SERVICE_UNAVAILABLE),
    };
    // The place is held until the rest of the body is read. Whoever has none is not waited for, and may see a reset.
    unread::answered_to_the_end(request, answer).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use futures_util::FutureExt as _;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn whoever_dawdles_with_the_rest_of_a_body_takes_a_place() {
        let tally = Arc::new(Tally::default());
        let routes = within_bounds(Router::new().fallback(async || StatusCode::UNAUTHORIZED), &tally);
        let call = || {
            let body = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
            Box::pin(routes.clone().oneshot(Request::builder().method("POST").uri("/").body(body).unwrap()))
        };
        let mut dawdling: Vec<_> = (0..CALLS_AT_ONCE_MAX).map(|_| call()).collect();
        assert!(dawdling.iter_mut().all(|call| call.now_or_never().is_none()), "refused, and read to the end");
        let refused = call().now_or_never().expect("nobody without a place is waited for").unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(tally.refused(), [("any", "too-many-at-once", 1)]);
        dawdling.pop();
        assert!(call().now_or_never().is_none(), "a place is free again");
    }
}
