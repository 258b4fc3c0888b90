//! Where series go, and one attempt to take a snapshot there.

use super::{graphite, librato, statsd};
use crate::statsd::aggregate::Snapshot;
use std::collections::BTreeMap;
use std::fmt;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

/// A packet of this size passes every Ethernet unsplit.
const PACKET_BYTES_MAX: usize = 1432;
/// Packets sent without a pause: another statsd's kernel buffer holds them.
const PACKETS_AT_ONCE: usize = 64;

/// A password or token; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A receiver. `prefix` goes in front of each metric's name, with its dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `host:port` of the plaintext protocol over TCP, usually port 2003.
    Graphite { address: String, prefix: String },
    /// `host:port` of another statsd's UDP.
    Statsd { address: String, prefix: String },
    Librato {
        /// `https://metrics-api.librato.com`, without the path.
        url: String,
        email: String,
        token: Token,
        prefix: String,
        /// Added to every measurement; the API wants one at least.
        tags: BTreeMap<String, String>,
    },
}

/// Why a snapshot was not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The receiver is down or busy.
    Later(String),
    /// It will not take this one, however often it is asked.
    Never(String),
}

fn later(error: impl fmt::Display) -> Refusal {
    Refusal::Later(error.to_string())
}

impl Destination {
    /// One attempt. Graphite and Librato key values by name and time, so that a second attempt changes nothing.
    pub(super) async fn deliver(&self, snapshot: &Snapshot, client: &reqwest::Client) -> Result<(), Refusal> {
        match self {
            Self::Graphite { address, prefix } => {
                let text = graphite::encode(snapshot, prefix);
                let mut stream = TcpStream::connect(address).await.map_err(later)?;
                stream.write_all(text.as_bytes()).await.map_err(later)?;
                // The end of the stream is the only answer that the protocol has.
                stream.shutdown().await.map_err(later)
            }
            Self::Statsd { address, prefix } => {
                let target = tokio::net::lookup_host(address).await.map_err(later)?.next();
                let target = target.ok_or_else(|| Refusal::Later(format!("{address} has no address")))?;
                let any = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(any).await.map_err(later)?;
                socket.connect(target).await.map_err(later)?;
                for (index, packet) in statsd::encode(snapshot, prefix, PACKET_BYTES_MAX).iter().enumerate() {
                    if index > 0 && index % PACKETS_AT_ONCE == 0 {
                        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                    }
                    if let Err(error) = socket.send(packet.as_bytes()).await {
                        // Once a packet is out, sending all again would count twice; before that nothing has arrived.
                        return Err(if index == 0 { later(error) } else { Refusal::Never(error.to_string()) });
                    }
                }
                Ok(())
            }
            Self::Librato { url, email, token, prefix, tags } => {
                let url = format!("{}/v1/measurements", url.trim_end_matches('/'));
                for body in librato::encode(snapshot, prefix, tags) {
                    let request = client.post(&url).basic_auth(email, Some(&token.0));
                    let request = request.header("content-type", "application/json").body(body);
                    let status = request.send().await.map_err(|error| later(error.without_url()))?.status();
                    let said = format!("Librato answered {status}");
                    if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
                        return Err(Refusal::Later(said));
                    } else if !status.is_success() {
                        return Err(Refusal::Never(said));
                    }
                }
                Ok(())
            }
        }
    }
}
