//! One connection: made, and spoken HTTP on.

use super::body::WireBody;
use super::error::{chain, http2_end};
use super::pool::Pool;
use super::recorder::Exchange;
use super::tls::Spoken;
use super::{BodyFailed, DialTarget, Dialer, Prepared, TransportError, tls};
use checks::Tls;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite};

/// Where requests may share a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) secure: bool,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Origin {
    pub(super) fn of(url: &url::Url) -> Result<Self, TransportError> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(TransportError::Request(format!("`{other}:` URLs cannot be fetched"))),
        };
        match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) => Ok(Self { secure, host: host.to_owned(), port }),
            _ => Err(TransportError::Request(format!("{url} names no host"))),
        }
    }
}

pub(super) struct Connection {
    sender: Sender,
    pub(super) remote: SocketAddr,
    pub(super) tls: Option<Tls>,
    /// Whether a request of this run used it before.
    pub(super) kept: bool,
}

enum Sender {
    Http1(http1::SendRequest<WireBody>),
    Http2(http2::SendRequest<WireBody>),
}

/// A request that failed.
pub(super) struct SendFailed {
    pub(super) error: TransportError,
    /// The request, where not a byte of it was sent.
    pub(super) unsent: Option<Request<WireBody>>,
    /// The peer closed before it said anything, as it may with a connection that was kept.
    pub(super) closed: bool,
}

/// Sets up a connection, and records each phase.
pub(super) async fn open(
    prepared: &Prepared,
    dialer: &Dialer,
    origin: &Origin,
    url: &url::Url,
    exchange: &Exchange,
) -> Result<Connection, TransportError> {
    let host = url.host().ok_or_else(|| TransportError::Request(format!("{url} names no host")))?;
    let (tcp, remote) =
        dialer.tcp(DialTarget::Host(host, origin.port), &mut |progress| exchange.dialled(progress)).await?;

    if origin.secure {
        exchange.handshaking();
        let began = Instant::now();
        let (stream, spoken) = tls::handshake(prepared, &origin.host, tcp, exchange).await?;
        exchange.handshaken(began.elapsed());
        speak(stream, spoken, remote, exchange.recorded_tls()).await
    } else {
        speak(tcp, Spoken::Http1, remote, None).await
    }
}

/// Starts HTTP. The connection's own work goes on in a task, which ends with the connection.
async fn speak<S>(stream: S, spoken: Spoken, remote: SocketAddr, tls: Option<Tls>) -> Result<Connection, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| describe(&error, remote, false);
    let io = TokioIo::new(stream);
    let sender = match spoken {
        Spoken::Http1 => {
            let (sender, connection) = http1::handshake(io).await.map_err(failed)?;
            // Its errors are told to the request that meets them.
            tokio::spawn(async { drop(connection.await) });
            Sender::Http1(sender)
        }
        Spoken::Http2 => {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.map_err(failed)?;
            tokio::spawn(async { drop(connection.await) });
            Sender::Http2(sender)
        }
    };
    Ok(Connection { sender, remote, tls, kept: false })
}

impl Connection {
    pub(super) fn spoken(&self) -> Spoken {
        match self.sender {
            Sender::Http1(_) => Spoken::Http1,
            Sender::Http2(_) => Spoken::Http2,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// Whether a request would go out now.
    pub(super) fn is_ready(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender) => sender.is_ready(),
        }
    }

    /// Another handle on the same connection, where requests share it.
    pub(super) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                remote: self.remote,
                tls: self.tls.clone(),
                kept: true,
            }),
        }
    }

    pub(super) async fn send(&mut self, request: Request<WireBody>) -> Result<Response<Incoming>, SendFailed> {
        let sent = match &mut self.sender {
            Sender::Http1(sender) => sender.try_send_request(request).await,
            Sender::Http2(sender) => sender.try_send_request(request).await,
        };
        sent.map_err(|mut failed| {
            let unsent = failed.take_message();
            let error = failed.into_error();
            let closed = was_closed(&error) || was_reset(&error);
            SendFailed { error: describe(&error, self.remote, true), unsent, closed }
        })
    }
}

/// A connection that is lent to one response, until its body has been read.
pub(super) struct Lease {
    pub(super) pool: Rc<Pool>,
    pub(super) origin: Origin,
    pub(super) connection: Connection,
}

impl Lease {
    pub(super) fn give_back(self) {
        self.pool.give_back(self.origin, self.connection);
    }
}

fn was_closed(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled()
}

fn was_reset(error: &hyper::Error) -> bool {
    let reset = |io: &io::Error| matches!(io.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
    sources(error).filter_map(|source| source.downcast_ref::<io::Error>()).any(reset)
}

fn sources(error: &hyper::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&source| source.source())
}

fn describe(error: &hyper::Error, remote: SocketAddr, request_sent: bool) -> TransportError {
    if let Some(BodyFailed(reason)) = sources(error).find_map(|source| source.downcast_ref::<BodyFailed>()) {
        return TransportError::RequestBody(reason.clone());
    }
    let when = if request_sent { "before it answered" } else { "at once" };
    if was_reset(error) {
        TransportError::Connect(format!("connection reset by {remote} {when}"))
    } else if let Some(end) = http2_end(error) {
        TransportError::Connect(format!("{remote} {end} {when}"))
    } else if error.is_parse_too_large() {
        TransportError::Protocol(format!("{remote} answered with a head that is too large"))
    } else if error.is_parse() {
        TransportError::Protocol(format!("{remote} answered with something that is not HTTP ({})", chain(error)))
    } else if error.is_user() {
        TransportError::Request(chain(error))
    } else if was_closed(error) {
        TransportError::Connect(format!("{remote} closed the connection {when}"))
    } else {
        TransportError::Connect(format!("the exchange with {remote} failed: {}", chain(error)))
    }
}
