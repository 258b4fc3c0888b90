//! The measured transport against real servers.

#[path = "../target/mod.rs"]
mod target;

mod bodies;
mod connections;
mod failures;
mod phases;

use http::{HeaderMap, Method};
use probes::transport::{
    Answer, Client, Dialer, NetworkSettings, Outgoing, Prepared, Recorder, RequestBody, TransportError,
};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A client that may reach the tests' servers.
fn client(ca_pem: Vec<String>) -> Client {
    client_with(NetworkSettings { allow_private: true, ca_pem, ..NetworkSettings::default() })
}

fn client_with(settings: NetworkSettings) -> Client {
    let prepared = Prepared::new(settings).expect("usable settings");
    let dialer = Dialer::direct(Arc::new(prepared.settings().clone()), Vec::new());
    Client::new(Arc::new(prepared), dialer, Recorder::new(Instant::now(), 100))
}

fn get(url: &str) -> Outgoing {
    outgoing(Method::GET, url, RequestBody::Empty)
}

fn outgoing(method: Method, url: &str, body: RequestBody) -> Outgoing {
    Outgoing { method, url: url.parse().expect("a URL"), headers: HeaderMap::new(), body, step: None }
}

/// The whole body.
async fn read(answer: &mut Answer) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(piece) = answer.body.piece(64 << 10).await? {
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Sends, and reads the whole answer.
async fn fetch(client: &Client, outgoing: Outgoing) -> Result<(u16, String), TransportError> {
    let mut answer = client.send(outgoing).await?;
    let body = read(&mut answer).await?;
    Ok((answer.status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
}

/// What was recorded of the last exchange.
fn last(client: &Client) -> checks::Request {
    client.recorder().recorded().requests.pop().expect("an exchange was recorded")
}

/// Lets a future that does not end go on until a state is reached.
async fn drive_until<F: Future>(mut future: Pin<&mut F>, reached: impl Fn() -> bool) {
    let driven = async {
        while !reached() {
            tokio::select! {
                _ = &mut future => panic!("the future ended before the state was reached"),
                () = tokio::task::yield_now() => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), driven).await.expect("the state is reached");
}
