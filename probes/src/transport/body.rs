//! Bodies, both ways.

use super::connection::Lease;
use super::error::{chain, http2_end};
use super::recorder::Exchange;
use super::{SecretWatch, TransportError, decode};
use futures_util::{Stream, StreamExt};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;

/// What a request carries.
#[derive(Debug)]
pub enum RequestBody {
    Empty,
    Full(Bytes),
    /// Pieces as they come; see [`RequestBody::stream`].
    Stream(BodyStream),
}

#[derive(Debug)]
pub struct BodyStream {
    pieces: mpsc::Receiver<Result<Bytes, BodyFailed>>,
    length_bytes: Option<u64>,
    /// Sees every piece before it leaves.
    watch: Option<SecretWatch>,
}

impl RequestBody {
    /// A body that is written while it is sent; one piece waits at most. Dropping the sender ends the body. Where its
    /// length is known it is announced, and HTTP/1.1 does without chunks.
    pub fn stream(length_bytes: Option<u64>) -> (BodySender, Self) {
        let (sender, pieces) = mpsc::channel(1);
        (BodySender { sender }, Self::Stream(BodyStream { pieces, length_bytes, watch: None }))
    }

    /// Looks for secrets that are not for where the body goes: now, or in a stream as it is sent.
    pub(super) fn guard(&mut self, mut watch: SecretWatch) -> Result<(), TransportError> {
        match self {
            Self::Empty => Ok(()),
            Self::Full(bytes) => watch.part("body", bytes),
            Self::Stream(stream) => {
                stream.watch = Some(watch);
                Ok(())
            }
        }
    }

    /// The same body again, where it is still there.
    pub(super) fn again(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Full(bytes) => Some(Self::Full(bytes.clone())),
            Self::Stream(_) => None,
        }
    }
}

/// The writing end of a streamed request body.
#[derive(Debug)]
pub struct BodySender {
    sender: mpsc::Sender<Result<Bytes, BodyFailed>>,
}

impl BodySender {
    /// Waits until there is room. `false` where the request is over, and nothing more will be read.
    pub async fn send(&self, piece: Bytes) -> bool {
        self.sender.send(Ok(piece)).await.is_ok()
    }

    /// Waits until the request is over.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }

    /// The body cannot be finished, and neither can the request.
    pub async fn fail(self, reason: String) {
        // A request that is over does not need to be told.
        let _ = self.sender.send(Err(BodyFailed(reason))).await;
    }
}

/// The script's stream threw.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct BodyFailed(pub String);

/// A request body on its way, counted.
#[derive(Debug)]
pub(super) struct WireBody {
    body: RequestBody,
    sent_bytes: Arc<AtomicU64>,
}

impl WireBody {
    pub(super) fn new(body: RequestBody, sent_bytes: Arc<AtomicU64>) -> Self {
        Self { body, sent_bytes }
    }

    /// The body of a request that was never sent.
    pub(super) fn into_unsent(self) -> RequestBody {
        self.body
    }
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = BodyFailed;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFailed>>> {
        let piece = match &mut self.body {
            RequestBody::Empty => None,
            RequestBody::Full(bytes) if bytes.is_empty() => None,
            RequestBody::Full(bytes) => Some(Ok(std::mem::take(bytes))),
            RequestBody::Stream(stream) => match stream.pieces.poll_recv(cx) {
                Poll::Ready(Some(Ok(bytes))) => {
                    let passed = stream.watch.as_mut().map_or(Ok(()), |watch| watch.pass("body", &bytes));
                    Some(passed.map(|()| bytes).map_err(|error| BodyFailed(error.to_string())))
                }
                Poll::Ready(piece) => piece,
                Poll::Pending => return Poll::Pending,
            },
        };
        if let Some(Ok(bytes)) = &piece {
            self.sent_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            if let RequestBody::Stream(BodyStream { length_bytes: Some(left), .. }) = &mut self.body {
                *left = left.saturating_sub(bytes.len() as u64);
            }
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            RequestBody::Empty => true,
            RequestBody::Full(bytes) => bytes.is_empty(),
            RequestBody::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            RequestBody::Empty => SizeHint::with_exact(0),
            RequestBody::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            RequestBody::Stream(stream) => stream.length_bytes.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}

/// A response body as it comes from the wire. At its end the connection is given back for the run's next request.
pub(super) struct Wire {
    incoming: Incoming,
    /// Read already, for nobody yet.
    ahead: VecDeque<Bytes>,
    /// Met while reading ahead; told to the one who reads the body.
    broken: Option<TransportError>,
    ended: bool,
    lease: Option<Lease>,
    exchange: Exchange,
    /// For the error.
    remote: String,
    received_bytes: u64,
}

impl Wire {
    pub(super) fn new(incoming: Incoming, lease: Lease, exchange: Exchange, remote: String) -> Self {
        let mut wire = Self {
            ended: incoming.is_end_stream(),
            incoming,
            ahead: VecDeque::new(),
            broken: None,
            lease: Some(lease),
            exchange,
            remote,
            received_bytes: 0,
        };
        if wire.ended {
            wire.end();
        }
        wire
    }

    fn end(&mut self) {
        self.ended = true;
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }

    /// The length of the body, where it was announced.
    pub(super) fn length_bytes(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// Reads a short body to its end before anybody asks, so that its connection is free at once. Gives up after
    /// `patience`, or past `max_bytes`; nothing is lost then.
    pub(super) async fn read_ahead(&mut self, patience: Duration, max_bytes: u64) {
        let deadline = tokio::time::Instant::now() + patience;
        while !self.ended && self.received_bytes <= max_bytes {
            match tokio::time::timeout_at(deadline, self.incoming.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.tally(data.len());
                        self.ahead.push_back(data);
                    }
                }
                Ok(None) => self.end(),
                Ok(Some(Err(error))) => {
                    self.broken = Some(self.describe(&error));
                    return;
                }
                Err(_) => return,
            }
        }
    }

    fn tally(&mut self, bytes: usize) {
        self.received_bytes += bytes as u64;
        self.exchange.received(bytes);
    }

    fn describe(&self, error: &hyper::Error) -> TransportError {
        let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
        match source.map(io::Error::kind) {
            Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => {
                TransportError::Protocol(format!("{} sent a malformed body: {}", self.remote, chain(error)))
            }
            _ => {
                let (remote, received_bytes) = (&self.remote, self.received_bytes);
                let what = http2_end(error).unwrap_or_else(|| format!("broke the connection ({})", chain(error)));
                TransportError::Connect(format!(
                    "{remote} {what} in the middle of the body, after {received_bytes} bytes"
                ))
            }
        }
    }
}

impl Stream for Wire {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(data) = self.ahead.pop_front() {
            return Poll::Ready(Some(Ok(data)));
        }
        if let Some(error) = self.broken.take() {
            (self.ended, self.lease) = (true, None);
            return Poll::Ready(Some(Err(io::Error::other(error))));
        }
        while !self.ended {
            match std::task::ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
                None => self.end(),
                Some(Err(error)) => {
                    (self.ended, self.lease) = (true, None);
                    return Poll::Ready(Some(Err(io::Error::other(self.describe(&error)))));
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        self.tally(data.len());
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
        Poll::Ready(None)
    }
}

/// A response's body, decoded where its content encoding is known.
pub struct ResponseBody {
    reader: Reader,
    exchange: Exchange,
    read_bytes: u64,
    limit_bytes: u64,
    ended: bool,
}

enum Reader {
    /// From a recording.
    Played(Bytes),
    Plain {
        wire: Box<Wire>,
        left: Bytes,
    },
    Decoded {
        reader: Pin<Box<dyn AsyncRead>>,
        encoding: String,
    },
}

/// The most that a decoder gives at once.
const DECODED_PIECE_BYTES_MAX: usize = 64 << 10;

impl ResponseBody {
    pub(super) fn new(wire: Wire, coding: Option<decode::Codings>, exchange: Exchange, limit_bytes: u64) -> Self {
        let ended = wire.ended && wire.ahead.is_empty();
        if ended {
            exchange.ended();
            exchange.heard_all(0);
        }
        let reader = match coding {
            Some(codings) if !ended => Reader::Decoded { encoding: codings.to_string(), reader: codings.decoder(wire) },
            _ => Reader::Plain { wire: Box::new(wire), left: Bytes::new() },
        };
        Self { reader, exchange, read_bytes: 0, limit_bytes, ended }
    }

    /// A body that comes from a recording, decoded.
    pub(super) fn played(bytes: Bytes, exchange: Exchange, limit_bytes: u64) -> Self {
        Self { reader: Reader::Played(bytes), exchange, read_bytes: 0, limit_bytes, ended: false }
    }

    /// The next piece, of at most `max_bytes`; `None` at the end.
    pub async fn piece(&mut self, max_bytes: usize) -> Result<Option<Bytes>, TransportError> {
        if self.ended {
            return Ok(None);
        }
        self.exchange.reading();
        let began = Instant::now();
        let piece = self.reader.piece(max_bytes.max(1)).await;
        self.exchange.read(began.elapsed());
        let bounded = piece.and_then(|piece| {
            self.read_bytes += piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
            match self.read_bytes > self.limit_bytes {
                true => Err(TransportError::BodyTooLarge { limit_bytes: self.limit_bytes }),
                false => Ok(piece),
            }
        });
        match &bounded {
            Ok(Some(bytes)) => self.exchange.hears(bytes),
            Ok(None) => {
                self.ended = true;
                self.exchange.ended();
                self.exchange.heard_all(self.read_bytes);
            }
            Err(error) => {
                self.ended = true;
                self.exchange.failed(error);
            }
        }
        bounded
    }

    /// Looks at the beginning of a body that nobody reads any more, for the record. Nobody's time is counted.
    pub async fn overhear(&mut self) {
        while !self.ended && self.exchange.wants_to_hear() {
            match self.reader.piece(DECODED_PIECE_BYTES_MAX).await {
                Ok(Some(bytes)) => {
                    self.read_bytes += bytes.len() as u64;
                    self.exchange.hears(&bytes);
                }
                Ok(None) => {
                    self.ended = true;
                    self.exchange.heard_all(self.read_bytes);
                }
                // The run is over: what breaks now is nothing that it met.
                Err(_) => self.ended = true,
            }
        }
    }
}

impl Reader {
    async fn piece(&mut self, max_bytes: usize) -> Result<Option<Bytes>, TransportError> {
        match self {
            Self::Played(left) => Ok((!left.is_empty()).then(|| left.split_to(left.len().min(max_bytes)))),
            Self::Plain { wire, left } => {
                if left.is_empty() {
                    match wire.next().await {
                        None => return Ok(None),
                        Some(Err(error)) => return Err(transport_error(error, "")),
                        Some(Ok(data)) => *left = data,
                    }
                }
                Ok(Some(left.split_to(left.len().min(max_bytes))))
            }
            Self::Decoded { reader, encoding } => {
                let mut piece = vec![0; max_bytes.min(DECODED_PIECE_BYTES_MAX)];
                let read = reader.read(&mut piece).await.map_err(|error| transport_error(error, encoding))?;
                piece.truncate(read);
                Ok((read > 0).then(|| Bytes::from(piece)))
            }
        }
    }
}

/// What went wrong on the wire passes through a decoder as an I/O error; everything else is the decoder's.
fn transport_error(error: io::Error, encoding: &str) -> TransportError {
    match error.downcast::<TransportError>() {
        Ok(on_the_wire) => on_the_wire,
        Err(error) => TransportError::Protocol(format!("the response body is no valid {encoding}: {}", chain(&error))),
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if !self.ended {
            self.exchange.abandoned();
        }
    }
}
