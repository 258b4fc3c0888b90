//! The server under both doubles: accepts, hands whole requests to the provider, and does to the answer what the
//! script of behaviours says.

use super::behaviour::{Behaviour, EVERY, Script};
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// Far above anything that either provider takes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A request, whole.
#[derive(Debug)]
pub struct Arrival {
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// When its head had arrived.
    pub at: Instant,
    pub at_wall: SystemTime,
}

impl Arrival {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The content type without its parameters, lower-cased.
    pub fn media_type(&self) -> Option<String> {
        let text = self.header("content-type")?;
        Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The body's fields where it is a form.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// The provider's own answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

/// What makes a double one provider's.
pub trait Provider: Send + 'static {
    /// What a test waits on and asserts about.
    type Record: fmt::Debug + Send + 'static;

    fn record(&self) -> &Self::Record;
    /// The name under which the script of behaviours knows the request.
    fn operation(&self, arrival: &Arrival) -> String;
    /// What is wrong with the request, in words.
    fn violations(&self, arrival: &Arrival) -> Vec<String>;
    /// Keeps what is to be kept, and answers.
    fn accept(&mut self, arrival: &Arrival) -> Answer;
    /// What stands in the head of each of its own answers.
    fn headers(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// The body of a 429.
    fn rate_limited(&self) -> Value;
    /// Writes the call down, once it is known whether it was accepted and answered.
    fn note(&mut self, operation: &str, arrival: &Arrival, behaviour: Behaviour, answered: Option<&Answer>);
}

struct State<P> {
    provider: P,
    script: Script,
    violations: Vec<String>,
}

struct Shared<P> {
    state: Mutex<State<P>>,
    changed: Notify,
}

impl<P> Shared<P> {
    fn lock(&self) -> MutexGuard<'_, State<P>> {
        // A panic in an assertion closure poisons the lock; what was recorded is still what happened.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A running double. Dropping it stops the server and fails the test where there were violations.
pub struct Double<P: Provider> {
    shared: Arc<Shared<P>>,
    addr: SocketAddr,
    server: Option<JoinHandle<()>>,
}

impl<P: Provider> Double<P> {
    pub(super) async fn start(provider: P) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State { provider, script: Script::default(), violations: Vec::new() }),
            changed: Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let server = Some(tokio::spawn(serve(listener, shared.clone())));
        Ok(Self { shared, addr, server })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next calls of `operation` (`*`: of any) meet these, in order, and then the standing behaviour.
    pub fn next(&self, operation: &str, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.lock().script.push(operation, behaviours);
    }

    /// Every call of `operation` meets this until [`Self::behave`].
    pub fn always(&self, operation: &str, behaviour: Behaviour) {
        self.shared.lock().script.stand(operation, behaviour);
    }

    /// Every call of any operation meets this until [`Self::behave`].
    pub fn always_everything(&self, behaviour: Behaviour) {
        self.always(EVERY, behaviour);
    }

    /// Back to answering. Calls that hang go on hanging.
    pub fn behave(&self) {
        self.shared.lock().script.clear();
    }

    /// Stops listening: connections are refused until [`Self::listen_again`].
    pub async fn refuse_connections(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            // Wait until the socket is really closed. The error is the abort itself.
            let _ = server.await;
        }
    }

    pub async fn listen_again(&mut self) -> io::Result<()> {
        let listener = TcpListener::bind(self.addr).await?;
        self.server = Some(tokio::spawn(serve(listener, self.shared.clone())));
        Ok(())
    }

    /// Reads the record.
    pub fn with<T>(&self, read: impl FnOnce(&P::Record) -> T) -> T {
        read(self.shared.lock().provider.record())
    }

    /// Waits until the record satisfies `until`; looks again after each call that comes in.
    ///
    /// # Panics
    /// After `bound`, with the whole record.
    pub async fn wait_until(&self, what: &str, bound: Duration, until: impl Fn(&P::Record) -> bool) {
        let started = Instant::now();
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.with(&until) {
                return;
            }
            let left = bound.saturating_sub(started.elapsed());
            if tokio::time::timeout(left, changed).await.is_err() && !self.with(&until) {
                panic!("waited {bound:?} in vain for {what}; recorded: {:#?}", self.shared.lock().provider.record());
            }
        }
    }

    /// What the provider would have refused, so far. Taking them keeps them from failing the test.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().violations)
    }
}

impl<P: Provider> Drop for Double<P> {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
        let violations = self.take_violations();
        if !violations.is_empty() {
            let text = violations.join("\n  ");
            if std::thread::panicking() {
                eprintln!("requests that the provider would refuse:\n  {text}");
            } else {
                panic!("requests that the provider would refuse:\n  {text}");
            }
        }
    }
}

async fn serve<P: Provider>(listener: TcpListener, shared: Arc<Shared<P>>) {
    // Connections end with the server: the set aborts them when it is dropped.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        // A page must not wait for the kernel to collect more bytes, and neither must a measurement.
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| exchange(request, shared.clone()));
            // An error here is a client that went away, or a connection closed on purpose.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Makes hyper close the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

async fn exchange<P: Provider>(
    request: http::Request<Incoming>,
    shared: Arc<Shared<P>>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let (at, at_wall) = (Instant::now(), SystemTime::now());
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            if error.is::<LengthLimitError>() {
                shared.lock().violations.push(format!("{}: a body over {BODY_BYTES_MAX} bytes", head.uri.path()));
            }
            return Err(Closed);
        }
    };
    let query = head.uri.query().unwrap_or_default();
    let arrival = Arrival {
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        path: head.uri.path().to_owned(),
        method: head.method,
        headers: head.headers,
        body,
        at,
        at_wall,
    };
    let (behaviour, answer, rate_limited, headers) = {
        let mut state = shared.lock();
        let operation = state.provider.operation(&arrival);
        let behaviour = state.script.take(&operation);
        let found = state.provider.violations(&arrival);
        state.violations.extend(found.into_iter().map(|text| format!("{operation}: {text}")));
        let answer = behaviour.accepts().then(|| state.provider.accept(&arrival));
        state.provider.note(&operation, &arrival, behaviour, answer.as_ref());
        (behaviour, answer, state.provider.rate_limited(), state.provider.headers())
    };
    shared.changed.notify_waiters();
    let mut response = misbehave(behaviour, answer, &rate_limited).await?;
    if behaviour == Behaviour::Answer {
        for (name, value) in headers {
            response.headers_mut().insert(name, value.try_into().expect("a double's headers are ASCII"));
        }
    }
    Ok(response)
}

async fn misbehave(
    behaviour: Behaviour,
    answer: Option<Answer>,
    rate_limited: &Value,
) -> Result<Response<Full<Bytes>>, Closed> {
    const JSON: &str = "application/json; charset=utf-8";
    let respond = |status: StatusCode, content_type: &str, body: Bytes| {
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        let content_type = content_type.try_into().expect("the content types here are ASCII");
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    };
    Ok(match behaviour {
        Behaviour::Answer => {
            let answer = answer.expect("this behaviour accepts");
            match answer.body {
                // Whoever speaks JSON answers with an object: a text is meant as it stands.
                Value::String(text) => respond(answer.status, "text/plain", text.into()),
                body => respond(answer.status, JSON, body.to_string().into()),
            }
        }
        Behaviour::HangBeforeAccepting | Behaviour::HangAfterAccepting => std::future::pending().await,
        Behaviour::RateLimited { retry_after_s } => {
            let mut response = respond(StatusCode::TOO_MANY_REQUESTS, JSON, rate_limited.to_string().into());
            response.headers_mut().insert(RETRY_AFTER, retry_after_s.into());
            response
        }
        Behaviour::Status(status) | Behaviour::StatusAfterAccepting(status) => {
            let status = StatusCode::from_u16(status).expect("a behaviour's status is a valid one");
            respond(status, "text/html", Bytes::from_static(b"<html><body>upstream connect error</body></html>"))
        }
        Behaviour::CloseBeforeAccepting | Behaviour::CloseAfterAccepting => return Err(Closed),
        Behaviour::GarbageBeforeAccepting | Behaviour::GarbageAfterAccepting => {
            respond(StatusCode::OK, JSON, Bytes::from_static(b"\x00\x01{\"ok\": tru"))
        }
        Behaviour::WrongContentType => {
            respond(StatusCode::OK, "text/html", Bytes::from_static(b"<html><body>Please sign in</body></html>"))
        }
    })
}
