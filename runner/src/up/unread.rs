//! Answers that reach a caller who is still sending.
//!
//! A request can be answered before its body was read: it lacks a token, or is too large. The connection is closed then,
//! and while bytes that nobody read lie in it, the kernel closes it with a reset, which throws away the answer on the
//! other side: the caller sees a broken connection, and sends the same again. So what is left of such a body is read
//! first and thrown away, within bounds. nginx calls this a lingering close.

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// Twice what the largest call may have.
const UNREAD_BYTES_MAX: usize = 16 << 20;
const UNREAD_TIME_MAX: Duration = Duration::from_secs(2);

/// A body that is still there when its reader has let go of it.
#[derive(Clone)]
struct Shared(Arc<Mutex<BodyDataStream>>);

impl Shared {
    fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(body.into_data_stream())))
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_next(context)
    }
}

/// The layer around routes that may answer early.
pub(super) async fn read_to_the_end(request: Request, next: Next) -> Response {
    answered_to_the_end(request, |request| next.run(request)).await
}

/// The same for whoever has more to do around the answer, and waits for the end of the reading too.
pub(super) async fn answered_to_the_end<F>(request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let (head, body) = request.into_parts();
    // Whoever waits to be told to go on is told the answer instead, and has sent nothing.
    let asks_first = head.headers.contains_key(EXPECT);
    let body = Shared::new(body);
    let response = answer(Request::from_parts(head, Body::from_stream(body.clone()))).await;
    if !asks_first {
        discard(body, UNREAD_TIME_MAX).await;
    }
    response
}

async fn discard(mut body: Shared, patience: Duration) {
    let rest = async {
        let mut bytes = 0;
        while bytes <= UNREAD_BYTES_MAX {
            let Some(Ok(part)) = body.next().await else { return };
            bytes += part.len();
        }
    };
    // Who takes longer, or sends more, sees the reset.
    let _ = tokio::time::timeout(patience, rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tower::ServiceExt as _;

    /// Sends `parts` of 1 MiB to a handler that reads nothing, and returns how many of them were taken.
    async fn taken(parts: usize, expects: bool) -> usize {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&taken);
        let body = Body::from_stream(futures_util::stream::iter((0..parts).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(vec![0_u8; 1 << 20])
        })));
        let routes =
            Router::new().fallback(async || StatusCode::UNAUTHORIZED).layer(middleware::from_fn(read_to_the_end));
        let mut request = Request::builder().method("POST").uri("/");
        if expects {
            request = request.header(EXPECT, "100-continue");
        }
        let response = routes.oneshot(request.body(body).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        taken.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn what_is_left_is_read_up_to_a_bound_and_never_asked_for() {
        assert_eq!(taken(9, false).await, 9, "all of it");
        assert_eq!(taken(64, false).await, 17, "as much as is allowed, and the part that goes beyond it");
        assert_eq!(taken(9, true).await, 0, "nothing was sent yet");
    }

    #[tokio::test]
    async fn a_caller_that_stops_sending_is_not_waited_for() {
        let body = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
        discard(Shared::new(body), Duration::from_millis(1)).await;
    }
}
