//! Connections that a script reads from and writes to as its protocol wants.
#![allow(unsafe_code, reason = "the op2 macro writes the engine's calling convention out in full")]

use super::stream::Stream;
use super::tls::{self, Handshake};
use super::{Call, Phases, borrowed, duration, host, json, timed};
use crate::fetch;
use crate::transport::{Client, DialTarget, Exchange, SecretWatch, TransportError};
use deno_core::convert::Uint8Array;
use deno_core::{AsyncRefCell, CancelHandle, CancelTryFuture, OpState, RcRef, Resource, ResourceId, op2};
use deno_error::JsErrorBox;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

/// The most that one read gives, whatever the script asks for.
const READ_BYTES_MAX: usize = 8 << 20;

/// A connection of the script's. Reading and writing go on side by side; each of them one at a time.
struct Connection {
    reader: AsyncRefCell<Option<Reader>>,
    writer: AsyncRefCell<Option<WriteHalf<Stream>>>,
    cancel: CancelHandle,
    client: Client,
    exchange: Exchange,
    remote: SocketAddr,
    shown: String,
    watch: RefCell<SecretWatch>,
}

struct Reader {
    half: ReadHalf<Stream>,
    /// Read from the peer, and not by the script yet.
    waiting: Vec<u8>,
}

impl Resource for Connection {
    fn name(&self) -> Cow<'_, str> {
        "tcpConnection".into()
    }

    fn close(self: Rc<Self>) {
        self.cancel.cancel();
        self.exchange.ended();
    }
}

impl Connection {
    fn get(state: &RefCell<OpState>, rid: ResourceId) -> Result<Rc<Self>, JsErrorBox> {
        state.borrow().resource_table.get::<Self>(rid).map_err(|_| JsErrorBox::type_error("the connection is closed"))
    }

    fn failed(&self, error: &TransportError) -> JsErrorBox {
        self.exchange.failed(error);
        fetch::js_error(error, &self.shown)
    }

    fn broken(&self, error: &io::Error) -> TransportError {
        TransportError::Connect(match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                format!("connection reset by {}", self.remote)
            }
            _ => format!("the connection to {} broke: {error}", self.remote),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    rid: ResourceId,
    remote_address: String,
    phases: Phases,
}

/// Connects; the answer is [`Opened`] in JSON.
#[op2]
#[string]
pub(super) async fn op_net_tcp(
    state: Rc<RefCell<OpState>>,
    #[string] protocol: String,
    #[string] name: String,
    #[smi] port: u16,
    timeout_ms: f64,
) -> Result<String, JsErrorBox> {
    let target = host(&name)?;
    let url = format!("{}://{target}:{port}", protocol.to_ascii_lowercase());
    let call = Call::begin(&state, &protocol, url, timeout_ms)?;
    let watch = super::watch(&state, &target, port);
    let connecting = async {
        let mut progress = |progress: crate::transport::DialProgress<'_>| call.exchange.dialled(progress);
        call.client.dialer().tcp(DialTarget::Host(borrowed(&target), port), &mut progress).await
    };
    let (tcp, remote) = call.within(connecting).await?;
    call.exchange.speaking(remote.to_string());
    let phases = Phases::of(&call.exchange);
    let (half, writer) = tokio::io::split(Stream::Plain(tcp));
    let Call { client, exchange, shown, .. } = call;
    let connection = Connection {
        reader: AsyncRefCell::new(Some(Reader { half, waiting: Vec::new() })),
        writer: AsyncRefCell::new(Some(writer)),
        cancel: CancelHandle::new(),
        client,
        exchange,
        remote,
        shown,
        watch: RefCell::new(watch),
    };
    let rid = state.borrow_mut().resource_table.add(connection);
    json(&Opened { rid, remote_address: remote.to_string(), phases })
}

/// Where a read ends.
enum Until {
    Bytes(usize),
    /// With these bytes, which are given along.
    Delimiter(Vec<u8>),
    /// With the peer's end of the connection.
    End,
}

impl Until {
    /// How many of the waiting bytes make the answer, where they do.
    fn satisfied(&self, waiting: &[u8], ended: bool) -> Option<usize> {
        match self {
            Self::Bytes(count) => (waiting.len() >= *count).then_some(*count),
            Self::Delimiter(delimiter) => waiting
                .windows(delimiter.len())
                .position(|window| window == delimiter.as_slice())
                .map(|at| at + delimiter.len()),
            Self::End => ended.then_some(waiting.len()),
        }
    }

    fn what(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytes",
            Self::Delimiter(delimiter) if delimiter == b"\n" => "a line",
            Self::Delimiter(_) => "the end of what it reads",
            Self::End => "the end of the connection",
        }
    }
}

/// Reads. `count` bytes where there is no delimiter, and to the end where `count` is 0 too; `bytes_max` at most.
#[op2]
pub(super) async fn op_net_read(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    #[smi] count: u32,
    delimiter: Uint8Array,
    #[smi] bytes_max: u32,
    timeout_ms: f64,
) -> Result<Uint8Array, JsErrorBox> {
    let connection = Connection::get(&state, rid)?;
    let until = match (delimiter.0.is_empty(), count) {
        (false, _) => Until::Delimiter(delimiter.0.to_vec()),
        (true, 0) => Until::End,
        (true, count) => Until::Bytes(count as usize),
    };
    let bytes_max = (bytes_max as usize).min(READ_BYTES_MAX);
    let mut reader = RcRef::map(&connection, |this| &this.reader).borrow_mut().await;
    let Some(reader) = reader.as_mut() else { return Err(JsErrorBox::type_error("the connection is closed")) };
    let reading = async {
        let began = Instant::now();
        connection.exchange.waits_for(until.what());
        let mut came = 0;
        let mut ended = false;
        loop {
            if let Some(length) = until.satisfied(&reader.waiting, ended) {
                connection.exchange.came(began.elapsed(), came);
                let rest = reader.waiting.split_off(length);
                return Ok(std::mem::replace(&mut reader.waiting, rest));
            }
            if ended {
                return Err(TransportError::Connect(format!(
                    "{} closed the connection, and {} had not come: {} bytes had",
                    connection.remote,
                    until.what(),
                    reader.waiting.len()
                )));
            }
            if reader.waiting.len() >= bytes_max {
                return Err(TransportError::Unexpected(format!(
                    "{} sent {bytes_max} bytes without {}",
                    connection.remote,
                    until.what()
                )));
            }
            let mut piece = [0; 16 << 10];
            let read = reader.half.read(&mut piece).await.map_err(|error| match error.kind() {
                // TLS without a close_notify: the peer has gone, which a script may have waited for.
                io::ErrorKind::UnexpectedEof => None,
                _ => Some(connection.broken(&error)),
            });
            let length = match read {
                Ok(length) => length,
                Err(None) => 0,
                Err(Some(error)) => return Err(error),
            };
            ended = length == 0;
            came += length;
            reader.waiting.extend_from_slice(&piece[..length]);
        }
    };
    let cancel = RcRef::map(&connection, |this| &this.cancel);
    let done = async {
        timed(duration(timeout_ms), &connection.exchange, reading).await.map_err(|error| connection.failed(&error))
    };
    done.try_or_cancel(cancel).await.map(Uint8Array::from)
}

#[op2]
pub(super) async fn op_net_write(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    bytes: Uint8Array,
    timeout_ms: f64,
) -> Result<(), JsErrorBox> {
    let connection = Connection::get(&state, rid)?;
    let mut writer = RcRef::map(&connection, |this| &this.writer).borrow_mut().await;
    let Some(writer) = writer.as_mut() else { return Err(JsErrorBox::type_error("the connection is closed")) };
    let bytes = bytes.0.to_vec();
    let passed = connection.watch.borrow_mut().pass("data", &bytes);
    passed.map_err(|error| connection.failed(&error))?;
    let writing = async {
        connection.exchange.waits_for("room to send");
        let written = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        written.await.map_err(|error| connection.broken(&error))?;
        connection.exchange.sent(bytes.len());
        connection.exchange.speaking(connection.remote.to_string());
        Ok(())
    };
    timed(duration(timeout_ms), &connection.exchange, writing).await.map_err(|error| connection.failed(&error))
}

/// Half-closes: the peer reads to its end, and may still answer.
#[op2]
pub(super) async fn op_net_shutdown(state: Rc<RefCell<OpState>>, #[smi] rid: ResourceId) -> Result<(), JsErrorBox> {
    let connection = Connection::get(&state, rid)?;
    let mut writer = RcRef::map(&connection, |this| &this.writer).borrow_mut().await;
    let Some(writer) = writer.as_mut() else { return Ok(()) };
    writer.shutdown().await.map_err(|error| connection.failed(&connection.broken(&error)))
}

#[op2(fast)]
pub(super) fn op_net_close(state: &mut OpState, #[smi] rid: ResourceId) {
    if let Ok(connection) = state.resource_table.take_any(rid) {
        connection.close();
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartTls {
    server_name: String,
    #[serde(default)]
    alpn: Vec<String>,
    /// Whether a certificate that is not trusted is a failure, or only reported.
    verify: bool,
    timeout_ms: f64,
}

/// Speaks TLS from here on; the answer is a [`tls::Report`] in JSON.
#[op2]
#[string]
pub(super) async fn op_net_start_tls(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    #[string] options: String,
) -> Result<String, JsErrorBox> {
    let connection = Connection::get(&state, rid)?;
    let options: StartTls = serde_json::from_str(&options).map_err(JsErrorBox::from_err)?;
    let closed = || JsErrorBox::type_error("the connection is closed");
    let mut reader = RcRef::map(&connection, |this| &this.reader).borrow_mut().await;
    let mut writer = RcRef::map(&connection, |this| &this.writer).borrow_mut().await;
    let Reader { half, waiting } = reader.take().ok_or_else(closed)?;
    let stream = half.unsplit(writer.take().ok_or_else(closed)?);
    let Stream::Plain(tcp) = stream else {
        return Err(JsErrorBox::type_error("the connection speaks TLS already"));
    };
    if !waiting.is_empty() {
        // What came in the clear could be taken for what was said in secret (CVE-2011-0411).
        let text = format!("{} sent {} bytes before the TLS handshake", connection.remote, waiting.len());
        return Err(connection.failed(&TransportError::Unexpected(text)));
    }
    let handshake = Handshake {
        prepared: connection.client.prepared(),
        exchange: &connection.exchange,
        server_name: &options.server_name,
        alpn: &options.alpn,
        verify: options.verify,
    };
    let done = timed(duration(options.timeout_ms), &connection.exchange, tls::handshake(handshake, tcp)).await;
    let (stream, mut report) = done.map_err(|error| connection.failed(&error))?;
    connection.exchange.speaking(connection.remote.to_string());
    report.remote_address = connection.remote.to_string();
    report.phases = Some(Phases::of(&connection.exchange));
    let (half, written) = tokio::io::split(Stream::Tls(Box::new(stream)));
    *reader = Some(Reader { half, waiting: Vec::new() });
    *writer = Some(written);
    json(&report)
}
