//! TCP: every address in turn, the first that answers. UDP: the first that there is a route to.

use super::TransportError;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, UdpSocket};

/// How long an address has before the next is tried beside it (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first address that answers. `addresses` is not empty.
pub(super) async fn tcp(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), TransportError> {
    let mut waiting = addresses.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let mut failures: Vec<(SocketAddr, io::Error)> = Vec::new();
    loop {
        if attempts.is_empty() {
            match waiting.next() {
                Some(address) => attempts.push(attempt(address)),
                None => return Err(TransportError::Connect(describe(&failures))),
            }
        }
        let ended = if waiting.len() == 0 {
            attempts.next().await
        } else {
            match tokio::time::timeout(ATTEMPT_DELAY, attempts.next()).await {
                Ok(ended) => ended,
                Err(_) => {
                    attempts.extend(waiting.next().map(attempt));
                    continue;
                }
            }
        };
        match ended {
            Some((address, Ok(stream))) => return Ok((stream, address)),
            Some((address, Err(error))) => failures.push((address, error)),
            None => {}
        }
    }
}

async fn attempt(address: SocketAddr) -> (SocketAddr, io::Result<TcpStream>) {
    let connected = TcpStream::connect(address).await.and_then(|stream| {
        // A request's head and body go out as they are written, not when Nagle's algorithm has collected them.
        stream.set_nodelay(true)?;
        Ok(stream)
    });
    (address, connected)
}

/// A socket that is connected to the first address that has a route. `addresses` is not empty.
pub(super) async fn udp(addresses: &[SocketAddr]) -> Result<(UdpSocket, SocketAddr), TransportError> {
    let mut failures: Vec<(SocketAddr, io::Error)> = Vec::new();
    for &address in addresses {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let connected = async {
            let socket = UdpSocket::bind(any).await?;
            socket.connect(address).await?;
            Ok(socket)
        };
        match connected.await {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => failures.push((address, error)),
        }
    }
    Err(TransportError::Connect(describe(&failures)))
}

/// An ICMP datagram socket that is connected to the first address. `addresses` is not empty.
pub(super) fn ping(addresses: &[SocketAddr]) -> Result<(UdpSocket, IpAddr), TransportError> {
    let mut failures: Vec<(SocketAddr, io::Error)> = Vec::new();
    for &address in addresses {
        let (domain, protocol) = match address {
            SocketAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            SocketAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let connected = Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), Some(protocol)).and_then(|socket| {
            socket.connect(&address.into())?;
            UdpSocket::from_std(socket.into())
        });
        match connected {
            Ok(socket) => return Ok((socket, address.ip())),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(TransportError::Request(
                    "this machine lets nobody ping; set the sysctl `net.ipv4.ping_group_range` to include this \
                     process's group"
                        .to_owned(),
                ));
            }
            Err(error) => failures.push((address, error)),
        }
    }
    Err(TransportError::Connect(describe(&failures)))
}

fn describe(failures: &[(SocketAddr, io::Error)]) -> String {
    let lines: Vec<String> = failures.iter().map(|(address, error)| describe_one(*address, error)).collect();
    lines.join("; ")
}

fn describe_one(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => format!("connection refused by {address}"),
        ErrorKind::TimedOut => format!("no answer from {address}"),
        ErrorKind::NetworkUnreachable => format!("no route to {address}: the network is unreachable"),
        ErrorKind::HostUnreachable => format!("no route to {address}: the host is unreachable"),
        ErrorKind::ConnectionReset => format!("connection reset by {address}"),
        _ => format!("cannot connect to {address}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_address_that_answers_is_taken_and_all_failures_are_told() {
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = open.local_addr().map(|address| (open, address)).unwrap();
        // Bound, not listening: refuses, and nobody else can take the port meanwhile.
        let closed = tokio::net::TcpSocket::new_v4().unwrap();
        closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let refusing = closed.local_addr().unwrap();

        let (_, reached) = tcp(&[refusing, open.1]).await.unwrap();
        assert_eq!(reached, open.1);
        let error = tcp(&[refusing]).await.unwrap_err();
        assert_eq!(error, TransportError::Connect(format!("connection refused by {refusing}")));
        let error = tcp(&[refusing, refusing]).await.unwrap_err().to_string();
        assert_eq!(error.matches("connection refused").count(), 2);
    }
}
