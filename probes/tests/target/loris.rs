//! Servers that answer a byte at a time, for ever.
//!
//! After a request for `/head` a header that never ends, `/headers` headers without end, `/body` a body of a gigabyte,
//! `/chunks` one of chunks; `/headers/fast` as fast as it is read. To whoever sends no HTTP, a record of TLS without end.

use super::{RawServer, read_head};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Between two bytes: slow, and never so slow that nothing comes.
const PAUSE: Duration = Duration::from_millis(5);

pub async fn slow_server() -> RawServer {
    RawServer::start(|_, mut stream| async move {
        let mut first = [0];
        // Not taken: a handshake of TLS begins with 22.
        let is_tls = stream.peek(&mut first).await.is_ok() && first == [22];
        let path = if is_tls { String::new() } else { read_head(&mut stream).await.unwrap_or_default() };
        let (at_once, again, fast): (&[u8], &[u8], bool) = match path.split(' ').nth(1).unwrap_or_default() {
            "/head" => (b"HTTP/1.1 200 OK\r\nx-slow: ", b"a", false),
            "/headers" => (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", false),
            "/headers/fast" => (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", true),
            "/body" => (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n", b"x", false),
            "/chunks" => (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", false),
            _ => (b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb", b"\0", false),
        };
        // The client goes when it has had enough.
        if stream.write_all(at_once).await.is_err() {
            return;
        }
        for byte in again.iter().cycle() {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            if !fast {
                tokio::time::sleep(PAUSE).await;
            }
        }
    })
    .await
}
