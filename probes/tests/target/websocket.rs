//! A WebSocket server.
//!
//! The path `/refused` is answered with 403. A client that asks for the sub-protocol `tocsin.v1` gets it. Messages: what
//! is text or binary comes back, but for `close` (closed with 4001), `drop` (the connection breaks), `silence` (nothing),
//! and `header` (the request's `x-test`).

use super::RawServer;
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

#[allow(clippy::result_large_err, reason = "the type of the callback is tungstenite's")]
pub async fn websocket_server() -> RawServer {
    RawServer::start(|_, stream| async move {
        let mut header = String::new();
        let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            if request.uri().path() == "/refused" {
                let mut refusal = ErrorResponse::new(None);
                *refusal.status_mut() = StatusCode::FORBIDDEN;
                return Err(refusal);
            }
            let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            header = text("x-test").to_owned();
            if text("sec-websocket-protocol").contains("tocsin.v1") {
                let chosen = HeaderValue::from_static("tocsin.v1");
                response.headers_mut().insert("sec-websocket-protocol", chosen);
            }
            Ok(response)
        };
        let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, answer).await else { return };
        while let Some(Ok(message)) = socket.next().await {
            let answered = match &message {
                Message::Text(text) if text.as_str() == "close" => {
                    socket.close(Some(CloseFrame { code: 4001.into(), reason: "as you wish".into() })).await
                }
                Message::Text(text) if text.as_str() == "drop" => return,
                Message::Text(text) if text.as_str() == "silence" => continue,
                Message::Text(text) if text.as_str() == "header" => socket.send(Message::text(header.clone())).await,
                Message::Text(_) | Message::Binary(_) => socket.send(message).await,
                _ => continue,
            };
            if answered.is_err() {
                return;
            }
        }
    })
    .await
}
