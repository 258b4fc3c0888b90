//! Something to aim at: a small HTTP server of our own, or nginx where it is installed.

use crate::harness::Process;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How long nginx may take to start.
const NGINX_STARTS_WITHIN: Duration = Duration::from_secs(5);

/// A server in this process.
#[derive(Debug)]
pub struct Target {
    pub addr: SocketAddr,
    server: JoinHandle<()>,
}

impl Target {
    /// Answers every path with what `respond` says: a delay and a status.
    ///
    /// # Panics
    /// Where this machine has no port left.
    pub async fn start(respond: impl Fn(&str) -> (Duration, StatusCode) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of this machine is free");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let respond = Arc::new(respond);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let respond = respond.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request: http::Request<Incoming>| {
                        let (delay, status) = respond(request.uri().path());
                        async move {
                            if !delay.is_zero() {
                                tokio::time::sleep(delay).await;
                            }
                            let mut response = Response::new(Full::new(Bytes::from_static(b"{\"ok\":true}\n")));
                            *response.status_mut() = status;
                            Ok::<_, Infallible>(response)
                        }
                    });
                    // An error is a client that went away.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { addr, server }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Nginx with one worker, which costs the measured machine as little as a target can.
#[derive(Debug)]
pub struct Nginx {
    pub addr: SocketAddr,
    _process: Process,
}

impl Nginx {
    /// `None` where nginx is not installed or does not start.
    pub async fn start(folder: &Path) -> Option<Self> {
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).is_file())?;
        // Nginx cannot be given port 0. The port is free now, and a benchmark runs alone.
        let addr = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?;
        let config = folder.join("nginx.conf");
        let text = format!(
            "daemon off; worker_processes 1; pid {0}/nginx.pid; error_log {0}/nginx.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0};\n\
             uwsgi_temp_path {0}; scgi_temp_path {0};\n\
             server {{ listen {addr}; location / {{ default_type application/json; return 200 '{{\"ok\":true}}\\n'; }} }} }}\n",
            folder.display()
        );
        std::fs::write(&config, text).ok()?;
        let mut command = tokio::process::Command::new(program);
        command.arg("-p").arg(folder).arg("-c").arg(&config);
        let process = Process::spawn("nginx", command, folder);
        let listening = async {
            while TcpStream::connect(addr).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(NGINX_STARTS_WITHIN, listening).await.ok()?;
        Some(Self { addr, _process: process })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}
