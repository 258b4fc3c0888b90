//! What lies below HTTP, for scripts that import `tocsin/net`: TCP, TLS, DNS, ICMP echo, WebSocket.
//!
//! Connections come from the run's [`crate::transport::Dialer`], and so pass the same policy as a `fetch`; each exchange
//! is on the run's record beside the requests, with its phases, its peer and its failure. A message's format is a
//! library's business, never parsed here: rustls, x509-parser, x509-ocsp, hickory-proto, tungstenite. What is text (SMTP,
//! the shape of results, addresses) is JavaScript, below `src/library/net`.
//!
//! An operation is given its time by the script; without one it has the run's. It fails with a sentence and a class:
//! `network-dns`, `network-connect`, `network-tls`, `network-timeout`, or `assertion` where the peer answered against its
//! protocol. What a check wants to look at (an expired certificate, an unknown name, a revoked certificate) is a result,
//! not a failure.

mod dns;
mod ocsp;
mod ping;
mod stream;
mod tcp;
mod tls;
mod websocket;

use crate::fetch;
use crate::transport::{Client, Exchange, SecretGuard, SecretWatch, TransportError};
use deno_core::{Extension, OpState};
use deno_error::JsErrorBox;
use serde::Serialize;
use std::cell::RefCell;
use std::time::Duration;
use url::Host;

deno_core::extension!(
    tocsin_net,
    ops = [
        tcp::op_net_tcp,
        tcp::op_net_read,
        tcp::op_net_write,
        tcp::op_net_shutdown,
        tcp::op_net_close,
        tcp::op_net_start_tls,
        dns::op_net_dns,
        ocsp::op_net_ocsp,
        ping::op_net_ping,
        websocket::op_net_websocket,
        websocket::op_net_websocket_send,
        websocket::op_net_websocket_next,
        websocket::op_net_websocket_close,
    ],
);

pub(crate) fn extension() -> Extension {
    tocsin_net::init()
}

/// An exchange that a script asked for, on the run's record from now on.
struct Call {
    client: Client,
    exchange: Exchange,
    /// For errors.
    shown: String,
    timeout: Option<Duration>,
}

impl Call {
    /// `protocol` is shown where a request has its method.
    fn begin(state: &RefCell<OpState>, protocol: &str, url: String, timeout_ms: f64) -> Result<Self, JsErrorBox> {
        let found = fetch::client(&state.borrow());
        let Some((client, step)) = found else {
            return Err(JsErrorBox::type_error("the network is there only while a check runs"));
        };
        let exchange = client.recorder().begin(protocol, &url, step);
        Ok(Self { client, exchange, shown: url, timeout: duration(timeout_ms) })
    }

    /// Does it, in the time that there is for it; a failure is recorded, and becomes the script's.
    async fn within<T>(&self, work: impl Future<Output = Result<T, TransportError>>) -> Result<T, JsErrorBox> {
        let done = timed(self.timeout, &self.exchange, work).await;
        done.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &TransportError) -> JsErrorBox {
        self.exchange.failed(error);
        fetch::js_error(error, &self.shown)
    }
}

/// Milliseconds of a script's; zero or less is none.
fn duration(timeout_ms: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(timeout_ms / 1000.0).ok().filter(|timeout| !timeout.is_zero())
}

/// Gives up on `work` after its time, with what it waited for.
async fn timed<T>(
    limit: Option<Duration>,
    exchange: &Exchange,
    work: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    let Some(limit) = limit else { return work.await };
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => {
            let seconds = limit.as_millis() as f64 / 1000.0;
            Err(TransportError::Timeout(format!("no answer within {seconds} s: {}", exchange.waited_for())))
        }
    }
}

fn host(text: &str) -> Result<Host<String>, JsErrorBox> {
    Host::parse(text).map_err(|error| JsErrorBox::type_error(format!("`{text}` is no host: {error}")))
}

fn borrowed(host: &Host<String>) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}

/// Watches what is written to a place: a secret goes only to the hosts that it is for.
fn watch(state: &RefCell<OpState>, host: &Host<String>, port: u16) -> SecretWatch {
    let guard = state.borrow().try_borrow::<SecretGuard>().cloned().unwrap_or_default();
    guard.watch(host.to_string().trim_matches(['[', ']']), port)
}

/// The phases of an exchange in milliseconds, as scripts see them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Phases {
    #[serde(skip_serializing_if = "Option::is_none")]
    dns_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_byte_ms: Option<f64>,
}

impl Phases {
    fn of(exchange: &Exchange) -> Self {
        let phases = exchange.snapshot().map(|request| request.phases).unwrap_or_default();
        let ms = |us: Option<u64>| us.map(|us| us as f64 / 1000.0);
        Self {
            dns_ms: ms(phases.dns_us),
            connect_ms: ms(phases.connect_us),
            tls_ms: ms(phases.tls_us),
            first_byte_ms: ms(phases.first_byte_us),
        }
    }
}

/// A result on its way to the script.
fn json(value: &impl Serialize) -> Result<String, JsErrorBox> {
    serde_json::to_string(value).map_err(|error| JsErrorBox::generic(error.to_string()))
}
