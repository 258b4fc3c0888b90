//! The sockets of a node: bind, accept, TLS, serve, and refuse while an outage holds.

use crate::clock::now_ms;
use crate::gate::Remote;
use crate::provider::Node;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const CONNECTIONS_MAX: usize = 1_024;
const BACKLOG: u32 = 1_024;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests may take to end once the stack is told to stop.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
const BIND_ATTEMPTS: usize = 50;

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("cannot listen on {address}: {source}; is another auth stack running? Give another --port, or 0 for any")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("found no port that is free on all of the addresses in {BIND_ATTEMPTS} attempts; give a --port")]
    NoCommonPort,
}

/// A port that is held though nobody listens on it: connections are refused, and no other program gets the
/// number. Linux lets a second socket with SO_REUSEADDR listen while the first is only bound.
pub(crate) struct HeldPort {
    pub address: SocketAddr,
    _held: TcpSocket,
}

fn bound_socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl HeldPort {
    fn hold(address: SocketAddr) -> io::Result<HeldPort> {
        let held = bound_socket(address)?;
        let address = held.local_addr()?;
        // A socket that merely holds the port would not notice another program that listens there already.
        drop(bound_socket(address)?.listen(1)?);
        Ok(HeldPort { address, _held: held })
    }

    fn listen(&self) -> io::Result<TcpListener> {
        bound_socket(self.address)?.listen(BACKLOG)
    }

    /// The listener that a node starts with, so that connections queue from the moment the stack says it is ready.
    pub fn listen_first(&self) -> Result<TcpListener, ListenError> {
        self.listen().map_err(|source| ListenError::Bind { address: self.address, source })
    }
}

/// Holds the same port on every address. With port 0 the first address chooses, until all agree.
pub(crate) fn hold_ports(addresses: &[IpAddr], port: u16) -> Result<Vec<HeldPort>, ListenError> {
    for _ in 0..BIND_ATTEMPTS {
        let mut held: Vec<HeldPort> = Vec::with_capacity(addresses.len());
        for address in addresses {
            let address = SocketAddr::new(*address, held.first().map_or(port, |first| first.address.port()));
            match HeldPort::hold(address) {
                Ok(port) => held.push(port),
                Err(error) if port == 0 && !held.is_empty() && error.kind() == io::ErrorKind::AddrInUse => break,
                Err(source) => return Err(ListenError::Bind { address, source }),
            }
        }
        if held.len() == addresses.len() {
            return Ok(held);
        }
    }
    Err(ListenError::NoCommonPort)
}

/// Serves a node until `stop`, and not while an outage of it is in force.
pub(crate) async fn serve(
    node: Arc<Node>,
    port: HeldPort,
    first: TcpListener,
    tls: TlsAcceptor,
    router: Router,
    stop: CancellationToken,
) {
    let mut first = Some(first);
    let faults = &node.provider.faults;
    let mut changes = faults.watch();
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while !stop.is_cancelled() {
        changes.mark_unchanged();
        let (out, until_ms) = faults.outage(&node.name, now_ms());
        if out {
            first = None;
            let wait = until_ms.map_or(Duration::MAX, |until_ms| {
                Duration::from_millis(until_ms.saturating_sub(now_ms()).max(1).unsigned_abs())
            });
            tokio::select! {
                () = stop.cancelled() => break,
                _ = changes.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
            continue;
        }
        let listener = match first.take().map_or_else(|| port.listen(), Ok) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(node = node.name, %error, "cannot listen again after an outage; trying on");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let connections = Connections {
            tracker: TaskTracker::new(),
            finish: stop.child_token(),
            abort: CancellationToken::new(),
            tls: tls.clone(),
            router: router.clone(),
        };
        let accepting = async {
            loop {
                // The permits are closed by nobody.
                let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, remote)) => connections.spawn(stream, remote, slot),
                    Err(error) => {
                        tracing::warn!(node = node.name, %error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        };
        let outage = async {
            while !faults.outage(&node.name, now_ms()).0 {
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {
                drop(listener);
                connections.drain().await;
                return;
            }
            () = outage => {
                drop(listener);
                connections.abort.cancel();
            }
            () = accepting => {}
        }
    }
}

struct Connections {
    tracker: TaskTracker,
    /// Ends each connection after the request that it is at.
    finish: CancellationToken,
    /// Ends each connection now.
    abort: CancellationToken,
    tls: TlsAcceptor,
    router: Router,
}

impl Connections {
    fn spawn(&self, stream: TcpStream, remote: SocketAddr, slot: tokio::sync::OwnedSemaphorePermit) {
        let (finish, abort) = (self.finish.clone(), self.abort.clone());
        let (tls, router) = (self.tls.clone(), self.router.clone());
        self.tracker.spawn(async move {
            let _slot = slot;
            tokio::select! {
                () = abort.cancelled() => {}
                () = serve_connection(stream, remote, tls, router, finish) => {}
            }
        });
    }

    /// Lets the requests that are under way end, for a while.
    async fn drain(&self) {
        self.tracker.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, self.tracker.wait()).await.is_err() {
            self.abort.cancel();
            self.tracker.wait().await;
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    remote: SocketAddr,
    tls: TlsAcceptor,
    router: Router,
    finish: CancellationToken,
) {
    // Nagle's delay would show up in the times that probes measure.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await else { return };
    let service = tower::ServiceBuilder::new()
        .map_request(move |mut request: http::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Remote(remote.ip()));
            request.map(axum::body::Body::new)
        })
        .service(router);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30)).max_concurrent_streams(128);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    // How a connection ends (reset, timeout, an injected break) is the client's business; the request is in the log.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = finish.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_held_port_is_the_same_everywhere_and_refuses_until_it_listens() {
        let addresses: Vec<IpAddr> =
            ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(|text| text.parse().expect("an address")).into();
        let held = hold_ports(&addresses, 0).expect("held ports");
        for (port, address) in held.iter().zip(&addresses) {
            assert_eq!(port.address, SocketAddr::new(*address, held[0].address.port()));
            let refused = TcpStream::connect(port.address).await.expect_err("a refusal");
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            for _ in 0..2 {
                let listener = port.listen().expect("a listener");
                TcpStream::connect(port.address).await.expect("a connection");
                drop(listener);
            }
        }
    }

    #[tokio::test]
    async fn a_port_that_somebody_listens_on_is_refused_with_its_address() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = taken.local_addr().expect("its address");
        let error = hold_ports(&[address.ip()], address.port()).err().expect("a refusal").to_string();
        assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
    }
}
