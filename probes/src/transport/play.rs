//! An answer from a recording in place of the network's.

use super::body::ResponseBody;
use super::recorder::Exchange;
use super::{Answer, TransportError, decode};
use crate::recording::{Player, Verse};
use checks::{FailureClass, RequestFailure};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::Duration;

/// The longest body that is played: what a recording holds, it holds in full.
const BODY_BYTES_MAX: u64 = 64 << 20;

pub(super) async fn play(player: &Player, verse: &Verse<'_>, exchange: &Exchange) -> Result<Answer, TransportError> {
    exchange.plays();
    let Some(track) = player.track(verse) else {
        return Err(TransportError::Connect(
            "the recording has no answer to this: the recorded run asked for something else".to_owned(),
        ));
    };
    let late = Duration::from_millis(track.delay_ms);
    if !late.is_zero() {
        tokio::time::sleep(late).await;
    }
    let recorded = &track.exchange.request;
    let Some(received) = &track.exchange.received else {
        return match &recorded.failure {
            // The recorded run gave the request up, and so must this one.
            Some(RequestFailure { class: FailureClass::NetworkTimeout, .. }) | None => std::future::pending().await,
            Some(failure) => Err(failed(failure)),
        };
    };
    let mut headers = HeaderMap::with_capacity(received.headers.len());
    for (name, value) in &received.headers {
        // A recording that was edited by hand may hold what no server can send.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    exchange.played(recorded, late, Some(&headers));
    let status = recorded.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    Ok(Answer {
        status,
        reason: status.canonical_reason().unwrap_or_default().to_owned(),
        body_decoded: decode::Codings::of(&headers).is_some(),
        headers,
        length_bytes: None,
        body: ResponseBody::played(received.body.bytes().into(), exchange.clone(), BODY_BYTES_MAX),
    })
}

fn failed(failure: &RequestFailure) -> TransportError {
    let message = failure.message.clone();
    match failure.class {
        FailureClass::NetworkDns => TransportError::Dns(message),
        FailureClass::NetworkConnect => TransportError::Connect(message),
        FailureClass::NetworkTls => TransportError::Tls(message),
        FailureClass::NetworkTimeout => TransportError::Timeout(message),
        FailureClass::Http => TransportError::Protocol(message),
        FailureClass::Assertion => TransportError::Unexpected(message),
        FailureClass::Script | FailureClass::Prober => TransportError::Request(message),
    }
}
