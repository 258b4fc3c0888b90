//! What templates are pointed at that no auth stack has: servers of a few lines, each for one test.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// Greets and closes.
pub async fn greets(greeting: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of this machine is free");
    let address = listener.local_addr().expect("a listener has an address");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            // A client that has gone is no failure of the server.
            let _ = connection.write_all(greeting.as_bytes()).await;
            let _ = connection.shutdown().await;
        }
    });
    address
}

/// Answers every HTTP request with this JSON.
pub async fn answers(json: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of this machine is free");
    let address = listener.local_addr().expect("a listener has an address");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            // The query is one line of JSON: it ends with a brace.
            while !request.ends_with(b"}") {
                let mut piece = [0; 4096];
                match connection.read(&mut piece).await {
                    Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let length = json.len();
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json";
            let _ = connection.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{json}").as_bytes()).await;
            let _ = connection.shutdown().await;
        }
    });
    address
}

/// A resolver for which every name is at 192.0.2.7.
pub async fn resolves() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port of this machine is free");
    let address = socket.local_addr().expect("a socket has an address");
    tokio::spawn(async move {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query).await {
            if length < 12 {
                continue;
            }
            // The question ends with the root's empty label, a type and a class (RFC 1035, section 4.1.2).
            let name = query[12..length].iter().position(|byte| *byte == 0).unwrap_or(0);
            let end = (12 + name + 5).min(length);
            let mut answer = query[..2].to_vec();
            // A response, recursion desired and available; one question, one answer.
            answer.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            answer.extend_from_slice(&query[12..end]);
            // The question's name, A, IN, 60 seconds, four bytes.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
            let _ = socket.send_to(&answer, from).await;
        }
    });
    address
}
