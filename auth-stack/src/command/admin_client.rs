//! Requests to the admin endpoint of a running stack.

use anyhow::{Context as _, bail};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends a request and returns the JSON of its answer. An answer that is an error becomes one, with its own words.
pub(crate) async fn ask(admin: &str, method: Method, path: &str, body: Option<String>) -> anyhow::Result<Value> {
    let uri: Uri = admin.parse().with_context(|| format!("`{admin}` is not a URL; write http://127.0.0.1:9444"))?;
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        bail!("`{admin}` is not an http URL; write http://127.0.0.1:9444");
    };
    let exchange = async {
        let address = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let _connection = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", authority.as_str())
            .body(Full::new(Bytes::from(body.unwrap_or_default())))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        anyhow::Ok((status, bytes))
    };
    let (status, bytes) = tokio::time::timeout(TIMEOUT, exchange)
        .await
        .context("no answer within 10 s")
        .flatten()
        .with_context(|| {
            format!("cannot reach the auth stack's admin endpoint at {admin}; is it running? --admin gives another URL")
        })?;
    let value: Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("{admin} answers {status} with something that is not JSON"))?;
    if !status.is_success() {
        bail!("{}", value["error"].as_str().unwrap_or(status.as_str()));
    }
    Ok(value)
}
