//! A mail server, as far as a greeting goes.

use super::RawServer;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio_rustls::TlsAcceptor;

/// What it can do once nobody listens.
const IN_TLS: &str = "250-mail.test at your service\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 2000\r\n";

/// Greets with `greeting`, and offers STARTTLS.
pub async fn mail_server(greeting: &'static str, tls: rustls::ServerConfig) -> RawServer {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    RawServer::start(move |_, mut stream| {
        let acceptor = acceptor.clone();
        async move {
            // A client that goes away ends the conversation, not the test.
            if stream.write_all(format!("{greeting}\r\n").as_bytes()).await.is_err() {
                return;
            }
            let mut plain = BufReader::new(stream);
            if talk(&mut plain, "250-mail.test at your service\r\n250-STARTTLS\r\n250-8BITMIME\r\n250 SIZE 1000\r\n")
                .await
                && plain.buffer().is_empty()
                && let Ok(stream) = acceptor.accept(plain.into_inner()).await
            {
                talk(&mut BufReader::new(stream), IN_TLS).await;
            }
        }
    })
    .await
}

/// Greets after the handshake: TLS from the first byte.
pub async fn mail_server_in_tls(greeting: &'static str, tls: rustls::ServerConfig) -> RawServer {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    RawServer::start(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            if stream.write_all(format!("{greeting}\r\n").as_bytes()).await.is_ok() && stream.flush().await.is_ok() {
                talk(&mut BufReader::new(stream), IN_TLS).await;
            }
        }
    })
    .await
}

/// Answers until the end, or until TLS is wanted.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, capabilities: &str) -> bool {
    let mut line = String::new();
    loop {
        line.clear();
        if !stream.read_line(&mut line).await.is_ok_and(|length| length > 0) {
            return false;
        }
        let answer = match line.split_whitespace().next() {
            Some("EHLO") => capabilities,
            Some("STARTTLS") => "220 go ahead\r\n",
            Some("QUIT") => "221 bye\r\n",
            _ => "500 what?\r\n",
        };
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return false;
        }
        if line.starts_with("STARTTLS") {
            return true;
        }
    }
}
