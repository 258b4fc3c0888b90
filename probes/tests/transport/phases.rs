//! What is measured, and when.

use crate::target::{Authority, Leaf, TargetServer};
use crate::{client, client_with, drive_until, fetch, get, last, outgoing};
use checks::FailureClass;
use http::{HeaderValue, Method};
use probes::transport::{Client, Dialer, NetworkSettings, Recorder, RequestBody};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

#[tokio::test]
async fn a_plain_exchange_has_its_phases_and_its_peer() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    assert_eq!(fetch(&client, get(&server.url("/hello"))).await, Ok((200, "hello".to_owned())));
    let request = last(&client);
    let phases: Vec<&str> = request.phases.named().map(|(name, _)| name).collect();
    assert_eq!(phases, ["connect", "first byte", "download"], "an address needs no look-up, http no TLS");
    assert_eq!((request.method.as_str(), request.status), ("GET", Some(200)));
    assert_eq!(request.remote_addr, Some(server.address.to_string()));
    assert_eq!(request.http_version.as_deref(), Some("HTTP/1.1"));
    assert_eq!((request.sent_body_bytes, request.received_body_bytes), (0, 5));
    assert_eq!((request.tls, request.failure), (None, None));
}

#[tokio::test]
async fn tls_shows_version_protocol_and_certificates() {
    let authority = Authority::new("Tocsin Test CA");
    for (alpn, version) in [(&["h2", "http/1.1"][..], "HTTP/2"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")] {
        let names = &["localhost", "127.0.0.1"];
        let server = TargetServer::tls(authority.server(&Leaf { alpn, names, ..Leaf::default() })).await;
        let client = client(vec![authority.pem()]);
        assert_eq!(fetch(&client, get(&server.https_url("/hello"))).await, Ok((200, "hello".to_owned())));
        let request = last(&client);
        assert_eq!(request.http_version.as_deref(), Some(version));
        let phases: Vec<&str> = request.phases.named().map(|(name, _)| name).collect();
        assert_eq!(phases, ["connect", "tls", "first byte", "download"]);
        let tls = request.tls.expect("an https exchange");
        assert_eq!(tls.version, "TLSv1.3");
        assert_eq!(tls.alpn.as_deref(), alpn.first().copied());
        let [leaf, ca] = &tls.certificates[..] else { panic!("{:?}", tls.certificates) };
        assert_eq!(leaf.subject, "CN=localhost");
        assert_eq!(leaf.issuer, ca.subject);
        assert!(ca.subject.contains("Tocsin Test CA"), "{}", ca.subject);
        assert_eq!(leaf.names, ["localhost", "127.0.0.1"]);
        assert_eq!(leaf.not_after.to_string(), "2200-01-01T00:00:00Z");
        assert!(leaf.days_left > 60_000, "{}", leaf.days_left);
        assert_eq!(leaf.sha256.len(), 64);
    }
}

#[tokio::test]
async fn what_a_request_says_of_itself() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    let url = format!("http://ada:p%40ss@{}/request?q=1#part", server.address);
    let (_, text) = fetch(&client, get(&url)).await.unwrap();
    let seen: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(seen["path"], "/request?q=1");
    assert_eq!(seen["headers"]["host"], server.address.to_string());
    assert_eq!(seen["headers"]["user-agent"], format!("tocsin/{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen["headers"]["accept-encoding"], "gzip, deflate, br, zstd");
    assert_eq!(seen["headers"]["authorization"], "Basic YWRhOnBAc3M=");
    assert_eq!(last(&client).url, format!("http://{}/request?q=1", server.address), "no password, no fragment");

    let mut request = outgoing(Method::POST, &server.url("/request"), RequestBody::Empty);
    for (name, value) in [("host", "other.test"), ("user-agent", "me"), ("range", "bytes=0-1"), ("content-length", "9")]
    {
        request.headers.insert(name, HeaderValue::from_static(value));
    }
    let (_, text) = fetch(&client, request).await.unwrap();
    let seen: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(seen["headers"]["host"], "other.test");
    assert_eq!(seen["headers"]["user-agent"], "me");
    assert_eq!(seen["headers"]["accept-encoding"], "identity", "a range is of the encoded body");
    assert_eq!(seen["headers"]["content-length"], "0", "the length is what it is");
}

#[tokio::test]
async fn http_2_carries_the_host_that_was_asked_for() {
    let authority = Authority::new("CA");
    let server = TargetServer::tls(authority.server(&Leaf::default())).await;
    let client = client(vec![authority.pem()]);
    let mut request = get(&server.https_url("/request"));
    request.headers.insert("host", HeaderValue::from_static("virtual.test"));
    request.headers.insert("connection", HeaderValue::from_static("keep-alive"));
    let (_, text) = fetch(&client, request).await.unwrap();
    let seen: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((seen["version"].as_str(), seen["authority"].as_str()), (Some("HTTP/2.0"), Some("virtual.test")));
}

#[tokio::test]
async fn a_name_in_the_table_goes_to_its_address() {
    let server = TargetServer::plain().await;
    let settings = NetworkSettings {
        allow_private: true,
        resolve: [("auth.example.com".to_owned(), server.address.ip())].into(),
        ..NetworkSettings::default()
    };
    let client = client_with(settings);
    let url = format!("http://auth.example.com:{}/hello", server.address.port());
    assert_eq!(fetch(&client, get(&url)).await, Ok((200, "hello".to_owned())));
    assert_eq!(last(&client).phases.dns_us, None);
}

#[tokio::test]
async fn what_is_waited_for_can_be_told_at_any_time() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    let recorder = client.recorder();
    assert_eq!(recorder.in_flight_summary(), None);

    let mut never = pin!(client.send(get(&server.url("/never"))));
    let head = format!("GET {} waited for the first byte", server.url("/never"));
    drive_until(never.as_mut(), || recorder.in_flight_summary().as_deref() == Some(head.as_str())).await;

    // A body that nobody reads is not waited for; one that is read is.
    let mut stalled = client.send(get(&server.url("/stall"))).await.unwrap();
    assert_eq!(stalled.body.piece(100).await, Ok(Some("first".into())));
    assert_eq!(recorder.in_flight(), 1);
    let mut more = Box::pin(stalled.body.piece(100));
    drive_until(more.as_mut(), || recorder.in_flight() == 2).await;
    assert_eq!(recorder.in_flight_summary(), Some(format!("{head}, and 1 more waited too")));

    // Cut off in the middle, the record has what was measured, and no failure of its own.
    let cut_off = &recorder.recorded().requests[1];
    assert_eq!((cut_off.status, cut_off.received_body_bytes), (Some(200), 5));
    assert_eq!(cut_off.failure, None);

    // Given up by the script, it says so.
    drop(more);
    drop(stalled);
    let failure = last(&client).failure.expect("an exchange that was given up has a failure");
    assert_eq!(failure.class, FailureClass::NetworkTimeout);
    assert_eq!(failure.message, "the script gave the request up while it waited for the rest of the body");
}

#[tokio::test]
async fn past_the_bound_exchanges_are_counted_only() {
    let server = TargetServer::plain().await;
    let prepared =
        probes::transport::Prepared::new(NetworkSettings { allow_private: true, ..NetworkSettings::default() });
    let prepared = prepared.unwrap();
    let dialer = Dialer::direct(Arc::new(prepared.settings().clone()), Vec::new());
    let client = Client::new(Arc::new(prepared), dialer, Recorder::new(Instant::now(), 2));
    for _ in 0..5 {
        assert_eq!(fetch(&client, get(&server.url("/hello"))).await, Ok((200, "hello".to_owned())));
    }
    let recorded = client.recorder().recorded();
    assert_eq!((recorded.requests.len(), recorded.dropped), (2, 3));
}
