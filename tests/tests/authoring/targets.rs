//! What templates are pointed at that no auth stack has: servers of a few lines, each for one test.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

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

/// A WebSocket server that sends every frame back (RFC 6455): a ping as a pong, all else as it was.
pub async fn echoes() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of this machine is free");
    let address = listener.local_addr().expect("a listener has an address");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            // A client that goes away ends its conversation, and nothing else.
            tokio::spawn(async move { drop(converse(connection).await) });
        }
    });
    address
}

async fn converse(mut connection: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    };
    let key = head.lines().find_map(header).unwrap_or_default();
    // Section 4.2.2: what shows that this is no cached answer.
    let accept = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, accept.as_bytes()));
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade";
    connection.write_all(format!("{upgrade}\r\nsec-websocket-accept: {accept}\r\n\r\n").as_bytes()).await?;
    loop {
        const PING: u8 = 0x89;
        const PONG: u8 = 0x8a;
        // Section 5.2; a client's frames are masked, and those of a template are short.
        let [kind, length] = [connection.read_u8().await?, connection.read_u8().await?];
        let mut mask = [0; 4];
        connection.read_exact(&mut mask).await?;
        let mut payload = vec![0; usize::from(length & 0x7f)];
        connection.read_exact(&mut payload).await?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        connection.write_all(&[if kind == PING { PONG } else { kind }, length & 0x7f]).await?;
        connection.write_all(&payload).await?;
    }
}
