//! A target with one switch: it answers with a status, or keeps whoever asks waiting.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The largest head of a request that is read.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Gone when it is dropped, with all its connections.
#[derive(Debug)]
pub struct Switch {
    pub address: SocketAddr,
    status: watch::Sender<Option<u16>>,
    server: tokio::task::JoinHandle<()>,
}

impl Switch {
    /// A target that answers 200, at a free port of `address`, or at this one.
    pub async fn start(address: Ipv4Addr, port: u16) -> Self {
        let listener = TcpListener::bind((address, port)).await.expect("a port of this machine is free");
        let address = listener.local_addr().expect("it is bound");
        let (status, switched) = watch::channel(Some(200));
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(answer(stream, switched.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, status, server }
    }

    /// Answers with this from now on, also whoever waits.
    pub fn answer(&self, status: u16) {
        self.status.send_replace(Some(status));
    }

    /// Keeps everybody waiting from now on.
    pub fn hold(&self) {
        self.status.send_replace(None);
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(mut stream: TcpStream, mut switched: watch::Receiver<Option<u16>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let Ok(status) = switched.wait_for(Option::is_some).await.map(|status| status.unwrap_or_default()) else { return };
    let answer = format!("HTTP/1.1 {status} Switched\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    // An error is a client that has gone.
    let _ = stream.write_all(answer.as_bytes()).await;
}
