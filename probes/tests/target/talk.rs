//! A server that obeys one command a line.
//!
//! - `echo TEXT`: the text, as a line; `bytes N`: so many `x`; `flood N`: so many `x` without a line's end;
//! - `end`: the end of the connection; `count`: reads to the client's end, and says how many bytes came;
//! - `silence`: nothing.

use super::RawServer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

pub async fn talking_server() -> RawServer {
    RawServer::start(|_, stream| async move {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await.is_ok_and(|length| length == 0) {
                return;
            }
            let (command, argument) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
            let answer = match command {
                "echo" => format!("{argument}\r\n"),
                "bytes" | "flood" => "x".repeat(argument.parse().unwrap_or(0)),
                "count" => {
                    let mut rest = Vec::new();
                    // A client that breaks off has sent what it has sent.
                    let _ = stream.read_to_end(&mut rest).await;
                    let _ = stream.write_all(format!("{} bytes", rest.len()).as_bytes()).await;
                    return;
                }
                "silence" => std::future::pending().await,
                _ => return,
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await
}
