//! Requests of one run.

use super::body::{RequestBody, ResponseBody, Wire, WireBody};
use super::connection::{Connection, Lease, Origin};
use super::pool::Pool;
use super::recorder::{Exchange, Recorder};
use super::tls::Spoken;
use super::{Dialer, Prepared, SecretGuard, TransportError, decode, play};
use crate::recording::{Player, Verse};
use base64::Engine;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, HOST, RANGE, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Bytes, Incoming};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// How a check shows itself, where its author says nothing else.
const AGENT: &str = concat!("tocsin/", env!("CARGO_PKG_VERSION"));

/// How long and how far the body of a redirect is read, which nobody wants, so that its connection can be used again.
const REDIRECT_BODY_PATIENCE: Duration = Duration::from_millis(50);
const REDIRECT_BODY_BYTES_MAX: u64 = 64 << 10;

/// A request as its author wrote it.
#[derive(Debug)]
pub struct Outgoing {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: RequestBody,
    /// The step of the run that it belongs to.
    pub step: Option<u32>,
}

/// A response, when its head is there.
pub struct Answer {
    pub status: StatusCode,
    /// As the server wrote it (HTTP/1.1), or the usual one.
    pub reason: String,
    pub headers: HeaderMap,
    /// Whether `body` is decoded, so that `content-encoding` and `content-length` speak of something else.
    pub body_decoded: bool,
    /// The body's length, where it was announced and the body is not decoded.
    pub length_bytes: Option<u64>,
    pub body: ResponseBody,
}

/// The HTTP client of one run.
#[derive(Clone)]
pub struct Client {
    prepared: Arc<Prepared>,
    dialer: Dialer,
    guard: SecretGuard,
    pool: Rc<Pool>,
    recorder: Recorder,
    /// Answers in the network's place.
    player: Option<Player>,
}

impl Client {
    pub fn new(prepared: Arc<Prepared>, dialer: Dialer, recorder: Recorder) -> Self {
        Self { prepared, dialer, guard: SecretGuard::default(), pool: Rc::default(), recorder, player: None }
    }

    /// Has a recording answer, and reaches no network.
    pub(crate) fn played_by(self, player: Option<Player>) -> Self {
        Self { player, ..self }
    }

    pub(crate) fn player(&self) -> Option<&Player> {
        self.player.as_ref()
    }

    /// Lets no request leave with a secret that is not for its host.
    pub fn guarding(self, guard: SecretGuard) -> Self {
        Self { guard, ..self }
    }

    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Sends a request; it is on record from now on. Dropping the future gives it up.
    pub fn send(&self, outgoing: Outgoing) -> impl Future<Output = Result<Answer, TransportError>> + use<> {
        let mut shown = outgoing.url.clone();
        shown.set_fragment(None);
        // Neither fails on a URL that has a host; one without is refused below.
        let _ = shown.set_username("").and_then(|()| shown.set_password(None));
        let exchange = self.recorder.begin(outgoing.method.as_str(), shown.as_str(), outgoing.step);
        let client = self.clone();
        async move {
            let guard = Guard { exchange, armed: true };
            let answered = client.exchange(outgoing, &guard.exchange).await;
            guard.disarm(answered.as_ref().err());
            answered
        }
    }

    async fn exchange(&self, outgoing: Outgoing, exchange: &Exchange) -> Result<Answer, TransportError> {
        let Outgoing { method, url, headers, mut body, .. } = outgoing;
        let origin = Origin::of(&url)?;
        let headers = complete(headers, &method, &url, &body);
        self.keep_secrets(&origin, &url, &headers, &mut body)?;
        exchange.says(&headers, &body);
        if let Some(player) = &self.player {
            return play::play(player, &Verse { method: &method, url: &url, headers: &headers, body: &body }, exchange)
                .await;
        }
        loop {
            let mut connection = self.pool.acquire(&self.prepared, &self.dialer, &origin, &url, exchange).await?;
            exchange.sending(connection.remote, connection.tls.as_ref());
            let again = body.again().filter(|_| method.is_idempotent());
            let request = compose(&method, &url, &headers, body, connection.spoken(), exchange)?;
            let began = Instant::now();
            let failed = match connection.send(request).await {
                Ok(response) => {
                    let version = if response.version() == Version::HTTP_2 { "HTTP/2" } else { version_1(&response) };
                    let status = response.status().as_u16();
                    exchange.answered(began.elapsed(), status, version, response.headers());
                    return Ok(self.answer(response, connection, origin, exchange).await);
                }
                Err(failed) => failed,
            };
            // A server may close a kept connection at any time, also at the moment that it is used again. That says
            // nothing about the server, so such a request goes out once more, on a connection that is not kept.
            body = match (failed.unsent, again) {
                (Some(request), _) if connection.kept => request.into_body().into_unsent(),
                (None, Some(again)) if connection.kept && failed.closed => again,
                _ => return Err(failed.error),
            };
        }
    }

    /// Nothing has been connected to yet.
    fn keep_secrets(
        &self,
        origin: &Origin,
        url: &Url,
        headers: &HeaderMap,
        body: &mut RequestBody,
    ) -> Result<(), TransportError> {
        let mut watch = self.guard.watch(origin.host.trim_matches(['[', ']']), origin.port);
        watch.part("URL", url.as_str().as_bytes())?;
        for (name, value) in headers {
            watch.part("name of a header", name.as_str().as_bytes())?;
            watch.part(&format!("header `{name}`"), value.as_bytes())?;
        }
        body.guard(watch)
    }

    async fn answer(
        &self,
        response: Response<Incoming>,
        connection: Connection,
        origin: Origin,
        exchange: &Exchange,
    ) -> Answer {
        let (head, incoming) = response.into_parts();
        let remote = connection.remote.to_string();
        let lease = Lease { pool: Rc::clone(&self.pool), origin, connection };
        let mut wire = Wire::new(incoming, lease, exchange.clone(), remote);
        let length_bytes = wire.length_bytes();
        if head.status.is_redirection() && length_bytes.is_none_or(|bytes| bytes <= REDIRECT_BODY_BYTES_MAX) {
            wire.read_ahead(REDIRECT_BODY_PATIENCE, REDIRECT_BODY_BYTES_MAX).await;
        }
        let reason = match head.extensions.get::<hyper::ext::ReasonPhrase>() {
            Some(written) => String::from_utf8_lossy(written.as_bytes()).into_owned(),
            None => head.status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let codings = decode::Codings::of(&head.headers);
        let body_decoded = codings.is_some();
        let limit_bytes = self.prepared.settings().decoded_body_bytes_max;
        Answer {
            status: head.status,
            reason,
            headers: head.headers,
            body_decoded,
            length_bytes: length_bytes.filter(|_| !body_decoded),
            body: ResponseBody::new(wire, codings, exchange.clone(), limit_bytes),
        }
    }
}

/// Records that an exchange was given up, where its future is dropped.
struct Guard {
    exchange: Exchange,
    armed: bool,
}

impl Guard {
    fn disarm(mut self, failure: Option<&TransportError>) {
        self.armed = false;
        if let Some(failure) = failure {
            self.exchange.failed(failure);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.armed {
            self.exchange.abandoned();
        }
    }
}

fn version_1(response: &Response<Incoming>) -> &'static str {
    if response.version() == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" }
}

/// The author's headers with what every request has.
fn complete(mut headers: HeaderMap, method: &Method, url: &Url, body: &RequestBody) -> HeaderMap {
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    if !headers.contains_key(ACCEPT_ENCODING) {
        // A range is of the encoded body, and decodes to nothing (Fetch, HTTP-network-or-cache fetch).
        let accepted = if headers.contains_key(RANGE) { "identity" } else { decode::ACCEPTED };
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
    }
    if !headers.contains_key(AUTHORIZATION) && (!url.username().is_empty() || url.password().is_some()) {
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
        let pair = [decoded(url.username()), b":".to_vec(), decoded(url.password().unwrap_or_default())].concat();
        let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        if let Ok(mut value) = HeaderValue::try_from(basic) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
    }
    // The body's length is what it is, whatever the author wrote.
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    let length_bytes = match body {
        RequestBody::Full(bytes) => Some(bytes.len()),
        RequestBody::Empty if matches!(*method, Method::POST | Method::PUT | Method::PATCH) => Some(0),
        RequestBody::Empty | RequestBody::Stream(_) => None,
    };
    if let Some(length_bytes) = length_bytes {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length_bytes));
    }
    headers
}

/// The request as the connection's protocol wants it.
fn compose(
    method: &Method,
    url: &Url,
    headers: &HeaderMap,
    body: RequestBody,
    spoken: Spoken,
    exchange: &Exchange,
) -> Result<Request<WireBody>, TransportError> {
    let refused = |problem: String| TransportError::Request(problem);
    let authority = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let mut headers = headers.clone();
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let uri = match spoken {
        Spoken::Http1 => {
            let host = HeaderValue::try_from(&authority).map_err(|error| refused(error.to_string()))?;
            headers.entry(HOST).or_insert(host);
            Uri::try_from(path)
        }
        // HTTP/2 has an author's Host in `:authority`, and forbids what speaks of the connection (RFC 9113, 8.2.2).
        Spoken::Http2 => {
            for name in ["connection", "keep-alive", "proxy-connection", "upgrade"] {
                headers.remove(name);
            }
            let named = headers.remove(HOST);
            let named = named.as_ref().and_then(|host| host.to_str().ok()).unwrap_or(&authority);
            Uri::try_from(format!("https://{named}{path}"))
        }
    };
    let uri = uri.map_err(|error| refused(format!("{url} cannot be requested: {error}")))?;
    let mut request = Request::new(WireBody::new(body, Arc::clone(&exchange.sent_body_bytes)));
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// For callers that hold a whole body.
impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self::Full(bytes)
    }
}
