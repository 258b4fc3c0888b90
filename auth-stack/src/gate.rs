//! What happens around every request, whatever handles it: faults, security headers, counters and the access log.

use crate::access_log::Entry;
use crate::clock::now_ms;
use crate::component::Component;
use crate::fault::FaultKind;
use crate::pages;
use crate::provider::Node;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The address of the client, put into each request by the listener.
#[derive(Clone, Copy)]
pub(crate) struct Remote(pub IpAddr);

/// What nginx logs for a client that left before it was answered.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// How long the fault `drop` leaves the first half of a body time to reach the network.
const BREAK_AFTER: Duration = Duration::from_millis(20);

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
];

pub(crate) async fn gate(State(node): State<Arc<Node>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let component = Component::of_path(request.uri().path());
    let at_ms = now_ms();
    let hits = node.provider.faults.hits(&node.name, component, at_ms);
    let entry = entry_of(&node, component, &request, at_ms);
    let mut record = Record { entry, started, node: Arc::clone(&node) };

    if let Some(delay_ms) = hits.delay_ms() {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
    let mut response = match hits.error_status() {
        Some(status) => injected_error(status, component),
        None => {
            request.extensions_mut().insert(hits.clone());
            next.run(request).await
        }
    };
    if hits.has(FaultKind::TruncatedBody) {
        response = cut(response, Cut::Clean).await;
    } else if hits.has(FaultKind::Drop) {
        response = cut(response, Cut::Abrupt).await;
    }
    set_security_headers(response.headers_mut(), hits.has(FaultKind::MissingSecurityHeaders));

    let status = response.status();
    record.entry.status = status.as_u16();
    node.count(component, status);
    response.map(|body| Body::new(Logged { body, record }))
}

fn entry_of(node: &Node, component: Component, request: &Request, at_ms: i64) -> Entry {
    let text = |name: HeaderName| {
        request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Entry {
        remote: request.extensions().get::<Remote>().map_or(node.address, |remote| remote.0),
        at_ms,
        method: request.method().to_string(),
        target: request.uri().path_and_query().map_or_else(|| "*".to_owned(), ToString::to_string),
        version: match request.version() {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        },
        status: CLIENT_CLOSED_REQUEST,
        body_bytes: 0,
        referer: text(header::REFERER),
        user_agent: text(header::USER_AGENT),
        took: Duration::ZERO,
        node: node.name.clone(),
        component,
    }
}

fn injected_error(status: u16, component: Component) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if component.is_page() {
        (status, pages::message("Something went wrong", "Please try again in a moment.")).into_response()
    } else {
        crate::oauth::error_json(status, "server_error", "the service cannot answer at the moment")
    }
}

fn set_security_headers(headers: &mut HeaderMap, missing: bool) {
    for (name, value) in SECURITY_HEADERS {
        if missing {
            headers.remove(name);
        } else {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
    }
}

enum Cut {
    /// The half is all there is, by its own content-length.
    Clean,
    /// The whole is announced, half is sent, and the connection closes.
    Abrupt,
}

async fn cut(response: Response, how: Cut) -> Response {
    let (mut head, body) = response.into_parts();
    // Every body here is made in memory, so collecting it cannot fail half way.
    let whole = body.collect().await.map(|collected| collected.to_bytes()).unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    match how {
        Cut::Clean => {
            head.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(head, Body::from(half))
        }
        Cut::Abrupt => {
            // Without a body there is no middle: the length that is announced never comes.
            head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len().max(1)));
            Response::from_parts(head, Body::new(Broken::new(half)))
        }
    }
}

/// A body that sends its half and fails. The failure waits until the half has been written out: what is still
/// buffered when a body fails is thrown away.
struct Broken {
    half: Option<Bytes>,
    pause: Pin<Box<tokio::time::Sleep>>,
}

impl Broken {
    fn new(half: Bytes) -> Broken {
        let pause = Box::pin(tokio::time::sleep(BREAK_AFTER));
        Broken { half: (!half.is_empty()).then_some(half), pause }
    }
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        self.pause.as_mut().poll(context).map(|()| Some(Err(std::io::ErrorKind::ConnectionAborted.into())))
    }
}

/// One request's line in the access log and its metrics, written when this is dropped: when the body has ended or was
/// given up, or when the client left before there was an answer.
struct Record {
    entry: Entry,
    started: Instant,
    node: Arc<Node>,
}

impl Drop for Record {
    fn drop(&mut self) {
        self.entry.took = self.started.elapsed();
        let provider = &self.node.provider;
        provider.metrics.request(&self.node.name, self.entry.component, self.entry.status, self.entry.took);
        provider.access_log.record(&self.entry);
    }
}

/// Passes a body on and counts its bytes.
struct Logged {
    body: Body,
    record: Record,
}

impl HttpBody for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.record.entry.body_bytes += data.len() as u64;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
