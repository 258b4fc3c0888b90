//! WebSocket (RFC 6455) over the run's own connections. Frames and the handshake are tungstenite's.
#![allow(unsafe_code, reason = "the op2 macro writes the engine's calling convention out in full")]

use super::stream::Stream;
use super::tls::{self, Handshake};
use super::{Call, Phases, borrowed, duration, host, json, timed};
use crate::fetch;
use crate::transport::{DialProgress, DialTarget, Exchange, SecretWatch, TransportError, chain};
use deno_core::convert::Uint8Array;
use deno_core::{AsyncRefCell, CancelHandle, CancelTryFuture, OpState, RcRef, Resource, ResourceId, op2};
use deno_error::JsErrorBox;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use url::Url;

const MESSAGE_BYTES_MAX: usize = 4 << 20;
const BUFFER_BYTES: usize = 16 << 10;

struct Socket {
    incoming: AsyncRefCell<SplitStream<WebSocketStream<Stream>>>,
    outgoing: AsyncRefCell<SplitSink<WebSocketStream<Stream>, Message>>,
    cancel: CancelHandle,
    exchange: Exchange,
    shown: String,
    watch: RefCell<SecretWatch>,
}

impl Resource for Socket {
    fn name(&self) -> Cow<'_, str> {
        "webSocket".into()
    }

    fn close(self: Rc<Self>) {
        self.cancel.cancel();
        self.exchange.ended();
    }
}

impl Socket {
    fn get(state: &RefCell<OpState>, rid: ResourceId) -> Result<Rc<Self>, JsErrorBox> {
        state.borrow().resource_table.get::<Self>(rid).map_err(|_| JsErrorBox::type_error("the WebSocket is closed"))
    }

    fn failed(&self, error: &TransportError) -> JsErrorBox {
        self.exchange.failed(error);
        fetch::js_error(error, &self.shown)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Open {
    url: String,
    protocols: Vec<String>,
    headers: Vec<(String, String)>,
    timeout_ms: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    rid: ResourceId,
    remote_address: String,
    protocol: String,
    headers: BTreeMap<String, String>,
    phases: Phases,
}

/// Connects and makes the handshake; the answer is [`Opened`] in JSON.
#[op2]
#[string]
pub(super) async fn op_net_websocket(
    state: Rc<RefCell<OpState>>,
    #[string] options: String,
) -> Result<String, JsErrorBox> {
    let open: Open = serde_json::from_str(&options).map_err(JsErrorBox::from_err)?;
    let refuse = |message: String| JsErrorBox::type_error(message);
    let url = Url::parse(&open.url).map_err(|error| refuse(format!("`{}` is no URL: {error}", open.url)))?;
    let secure = match url.scheme() {
        "wss" => true,
        "ws" => false,
        _ => return Err(refuse(format!("`{}` is no URL of a WebSocket: write ws:// or wss://", open.url))),
    };
    let target = host(url.host_str().unwrap_or_default())?;
    let port = url.port_or_known_default().unwrap_or(if secure { 443 } else { 80 });
    let mut request = url.as_str().into_client_request().map_err(|error| refuse(error.to_string()))?;
    for (name, value) in &open.headers {
        let name = HeaderName::try_from(name).map_err(|_| refuse(format!("`{name}` is no name of a header")))?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| refuse(format!("the header `{name}` has a value that cannot be sent")))?;
        request.headers_mut().append(name, value);
    }
    if !open.protocols.is_empty() {
        let wanted = HeaderValue::try_from(open.protocols.join(", "))
            .map_err(|_| refuse("the sub-protocols cannot be sent".to_owned()))?;
        request.headers_mut().insert("sec-websocket-protocol", wanted);
    }
    let mut shown = url.clone();
    shown.set_query(None);
    let call = Call::begin(&state, "WEBSOCKET", url.to_string(), open.timeout_ms)?;
    let call = Call { shown: shown.to_string(), ..call };
    let mut watch = super::watch(&state, &target, port);
    let opening = async {
        watch.part("URL", url.as_str().as_bytes())?;
        for (name, value) in request.headers() {
            watch.part(&format!("header `{name}`"), value.as_bytes())?;
        }
        let mut progress = |progress: DialProgress<'_>| call.exchange.dialled(progress);
        let (tcp, remote) = call.client.dialer().tcp(DialTarget::Host(borrowed(&target), port), &mut progress).await?;
        call.exchange.speaking(remote.to_string());
        let stream = if secure {
            let handshake = Handshake {
                prepared: call.client.prepared(),
                exchange: &call.exchange,
                server_name: &target.to_string(),
                alpn: &["http/1.1".to_owned()],
                verify: true,
            };
            Stream::Tls(Box::new(tls::handshake(handshake, tcp).await?.0))
        } else {
            Stream::Plain(tcp)
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(2 * MESSAGE_BYTES_MAX)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let began = Instant::now();
        call.exchange.waits_for("the WebSocket's handshake");
        match tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, response)) => {
                call.exchange.came(began.elapsed(), 0);
                call.exchange.status(response.status().as_u16(), "HTTP/1.1");
                Ok((socket, response, remote))
            }
            Err(Error::Http(response)) => {
                let status = response.status();
                call.exchange.came(began.elapsed(), 0);
                call.exchange.status(status.as_u16(), "HTTP/1.1");
                Err(TransportError::Protocol(format!("the WebSocket's handshake was answered with {status}")))
            }
            Err(error) => Err(describe(&error)),
        }
    };
    let (socket, response, remote) = call.within(opening).await?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: BTreeMap<_, _> =
        response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let phases = Phases::of(&call.exchange);
    let (outgoing, incoming) = socket.split();
    let Call { exchange, shown, .. } = call;
    let socket = Socket {
        incoming: AsyncRefCell::new(incoming),
        outgoing: AsyncRefCell::new(outgoing),
        cancel: CancelHandle::new(),
        exchange,
        shown,
        watch: RefCell::new(watch),
    };
    let rid = state.borrow_mut().resource_table.add(socket);
    let protocol = headers.get("sec-websocket-protocol").cloned().unwrap_or_default();
    json(&Opened { rid, remote_address: remote.to_string(), protocol, headers, phases })
}

fn describe(error: &Error) -> TransportError {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => TransportError::Connect("the WebSocket is closed".to_owned()),
        Error::Io(error) => TransportError::Connect(format!("the connection broke: {error}")),
        Error::Capacity(_) => {
            TransportError::Unexpected(format!("a message of more than {MESSAGE_BYTES_MAX} bytes came"))
        }
        Error::Protocol(tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            TransportError::Connect("the server ended the connection without closing the WebSocket".to_owned())
        }
        other => TransportError::Unexpected(chain(other)),
    }
}

/// What a message is, in front of its bytes on their way to and from the script.
const TEXT: u8 = 0;
const BINARY: u8 = 1;
const PING: u8 = 2;
const PONG: u8 = 3;
const CLOSE: u8 = 4;

#[op2]
pub(super) async fn op_net_websocket_send(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    #[smi] kind: u8,
    bytes: Uint8Array,
) -> Result<(), JsErrorBox> {
    let socket = Socket::get(&state, rid)?;
    let bytes = bytes.0.to_vec();
    let length = bytes.len();
    let passed = socket.watch.borrow_mut().part("message", &bytes);
    passed.map_err(|error| socket.failed(&error))?;
    let message = match kind {
        TEXT => Message::text(String::from_utf8(bytes).map_err(|error| JsErrorBox::type_error(error.to_string()))?),
        PING => Message::Ping(bytes.into()),
        _ => Message::binary(bytes),
    };
    let mut outgoing = RcRef::map(&socket, |this| &this.outgoing).borrow_mut().await;
    outgoing.send(message).await.map_err(|error| socket.failed(&describe(&error)))?;
    socket.exchange.sent(length);
    Ok(())
}

/// The next message: its kind, and its bytes. Of a close these are the code and the reason; 1005 where it had none.
#[op2]
pub(super) async fn op_net_websocket_next(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    timeout_ms: f64,
) -> Result<Uint8Array, JsErrorBox> {
    let socket = Socket::get(&state, rid)?;
    let mut incoming = RcRef::map(&socket, |this| &this.incoming).borrow_mut().await;
    let reading = async {
        socket.exchange.waits_for("a message");
        let began = Instant::now();
        loop {
            let message = match incoming.next().await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(describe(&error)),
                None => return Err(TransportError::Connect("the WebSocket is closed".to_owned())),
            };
            let (kind, bytes) = match message {
                Message::Text(text) => (TEXT, text.as_bytes().to_vec()),
                Message::Binary(bytes) => (BINARY, bytes.to_vec()),
                Message::Pong(bytes) => (PONG, bytes.to_vec()),
                Message::Close(frame) => {
                    let (code, reason) = frame.map_or((1005, String::new()), |CloseFrame { code, reason }| {
                        (u16::from(code), reason.to_string())
                    });
                    (CLOSE, [&code.to_be_bytes()[..], reason.as_bytes()].concat())
                }
                // Answered by tungstenite itself.
                Message::Ping(_) | Message::Frame(_) => continue,
            };
            socket.exchange.came(began.elapsed(), bytes.len());
            return Ok([&[kind], bytes.as_slice()].concat());
        }
    };
    let done =
        async { timed(duration(timeout_ms), &socket.exchange, reading).await.map_err(|error| socket.failed(&error)) };
    done.try_or_cancel(RcRef::map(&socket, |this| &this.cancel)).await.map(Uint8Array::from)
}

/// Sends a close frame; the peer's is the last that `op_net_websocket_next` gives.
#[op2]
pub(super) async fn op_net_websocket_close(
    state: Rc<RefCell<OpState>>,
    #[smi] rid: ResourceId,
    #[smi] code: u16,
    #[string] reason: String,
) -> Result<(), JsErrorBox> {
    let socket = Socket::get(&state, rid)?;
    let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
    let mut outgoing = RcRef::map(&socket, |this| &this.outgoing).borrow_mut().await;
    match outgoing.send(Message::Close(Some(frame))).await {
        // The peer was faster.
        Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => Ok(()),
        Err(error) => Err(socket.failed(&describe(&error))),
    }
}
