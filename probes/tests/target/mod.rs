//! The servers that checks are made against in tests: real ones, in the test's own process.
//!
//! [`TargetServer`] is a hyper server with a few routes, plain or with TLS. [`RawServer`] writes bytes by hand, for answers
//! that no HTTP library would give. [`Authority`] signs certificates, good and bad. What is no HTTP has its own: lines of
//! text ([`talk`]), mail ([`mail`]), names ([`DnsServer`]), WebSockets ([`websocket`]), a certificate's status ([`ocsp`]), what never
//! ends ([`loris`]).
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

mod authority;
mod dns;
mod loris;
mod mail;
mod ocsp;
mod raw;
mod routes;
mod talk;
mod websocket;

pub use authority::{Authority, Leaf};
pub use dns::DnsServer;
pub use loris::slow_server;
pub use mail::{mail_server, mail_server_in_tls};
pub use ocsp::Says;
pub use raw::{RawServer, read_head};
pub use {ocsp::ocsp_responder, talk::talking_server, websocket::websocket_server};

use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Serves until it is dropped.
pub struct TargetServer {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl TargetServer {
    pub async fn plain() -> Self {
        Self::start(None).await
    }

    pub async fn tls(config: rustls::ServerConfig) -> Self {
        Self::start(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start(acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(routes::answer);
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    // A client that hangs up, or refuses the certificate, is a test's subject, not the server's error.
                    match acceptor {
                        None => drop(server.serve_connection(TokioIo::new(stream), service).await),
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                drop(server.serve_connection(TokioIo::new(stream), service).await);
                            }
                        }
                    }
                });
            }
        });
        Self { address, connections, task }
    }

    /// TCP connections accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// By name, for a certificate of `localhost`.
    pub fn https_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }
}

impl Drop for TargetServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
