//! Bodies, both ways.

use crate::target::{Authority, Leaf, RawServer, TargetServer};
use crate::{client, client_with, fetch, get, last, outgoing, read};
use checks::FailureClass;
use http::Method;
use hyper::body::Bytes;
use probes::transport::{NetworkSettings, RequestBody, TransportError};

#[tokio::test]
async fn every_encoding_is_decoded_and_counted_as_it_came() {
    let authority = Authority::new("CA");
    let secure = TargetServer::tls(authority.server(&Leaf::default())).await;
    let plain = TargetServer::plain().await;
    let client = client(vec![authority.pem()]);
    for coding in ["gzip", "deflate", "br", "zstd", "gzip-br"] {
        for url in [plain.url(&format!("/encoded/{coding}")), secure.https_url(&format!("/encoded/{coding}"))] {
            let mut answer = client.send(get(&url)).await.unwrap();
            assert!(answer.body_decoded, "{url}");
            assert!(answer.headers.contains_key("content-encoding"), "{url}");
            assert_eq!(read(&mut answer).await, Ok("hello ".repeat(1_000).into_bytes()), "{url}");
            let received = last(&client).received_body_bytes;
            assert!((10..1_000).contains(&received), "{url}: {received} bytes");
        }
    }
    let mut unknown = client.send(get(&plain.url("/encoded/pack200"))).await.unwrap();
    assert!(!unknown.body_decoded);
    assert_eq!(read(&mut unknown).await, Ok(b"as it is".to_vec()));
    let mut empty = client.send(get(&plain.url("/encoded/empty-gzip"))).await.unwrap();
    assert_eq!(read(&mut empty).await, Ok(vec![]));
    assert_eq!(plain.connections(), 1, "a decoded body is read to its end");
}

#[tokio::test]
async fn what_cannot_be_decoded_is_the_targets_fault() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    for route in ["/encoded/broken-gzip", "/encoded/cut-gzip"] {
        let error = fetch(&client, get(&server.url(route))).await.unwrap_err();
        assert!(error.to_string().starts_with("the response body is no valid gzip"), "{error}");
        assert_eq!(error.class(), FailureClass::Http);
        assert_eq!(last(&client).failure.map(|failure| failure.message), Some(error.to_string()));
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_bound_also_when_it_is_small_on_the_wire() {
    let server = TargetServer::plain().await;
    let settings =
        NetworkSettings { allow_private: true, decoded_body_bytes_max: 100_000, ..NetworkSettings::default() };
    let client = client_with(settings);
    let (_, body) = fetch(&client, get(&server.url("/zeros/100000"))).await.unwrap();
    assert_eq!(body.len(), 100_000);
    for route in ["/zeros/100001", "/bytes/100001"] {
        let error = fetch(&client, get(&server.url(route))).await.unwrap_err();
        assert_eq!(error, TransportError::BodyTooLarge { limit_bytes: 100_000 });
    }
}

#[tokio::test]
async fn large_bodies_stream_in_pieces_of_the_size_asked_for() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    let mut answer = client.send(get(&server.url("/bytes/5000000"))).await.unwrap();
    let mut total = 0;
    while let Some(piece) = answer.body.piece(1_000).await.unwrap() {
        assert!(!piece.is_empty() && piece.len() <= 1_000);
        total += piece.len();
    }
    assert_eq!((total, last(&client).received_body_bytes), (5_000_000, 5_000_000));
}

#[tokio::test]
async fn a_request_body_streams_while_the_response_does() {
    let authority = Authority::new("CA");
    let secure = TargetServer::tls(authority.server(&Leaf::default())).await;
    let plain = TargetServer::plain().await;
    let client = client(vec![authority.pem()]);
    for url in [plain.url("/echo"), secure.https_url("/echo")] {
        let (sender, body) = RequestBody::stream(None);
        let answer = client.send(outgoing(Method::POST, &url, body));
        let (sent, answer) = tokio::join!(sender.send(Bytes::from_static(b"one ")), answer);
        assert!(sent);
        let mut answer = answer.unwrap();
        // The first piece has been there and back before the second is written.
        assert_eq!(answer.body.piece(100).await, Ok(Some("one ".into())), "{url}");
        assert!(sender.send(Bytes::from_static(b"two")).await);
        drop(sender);
        assert_eq!(read(&mut answer).await, Ok(b"two".to_vec()), "{url}");
        assert_eq!(last(&client).sent_body_bytes, 7);
    }
}

#[tokio::test]
async fn a_body_of_known_length_is_announced() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    let seen = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();

    let full = outgoing(Method::PUT, &server.url("/request"), RequestBody::Full("12345".into()));
    let request = seen(fetch(&client, full).await.unwrap().1);
    assert_eq!((&request["headers"]["content-length"], &request["body"]), (&"5".into(), &"12345".into()));

    let (sender, body) = RequestBody::stream(Some(5));
    let answer = fetch(&client, outgoing(Method::POST, &server.url("/request"), body));
    let ((), answer) = tokio::join!(
        async {
            assert!(sender.send(Bytes::from_static(b"12345")).await);
            drop(sender);
        },
        answer
    );
    let request = seen(answer.unwrap().1);
    assert_eq!((&request["headers"]["content-length"], &request["body"]), (&"5".into(), &"12345".into()));
    assert_eq!(request["headers"]["transfer-encoding"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_request_body_that_fails_fails_the_request() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    let (sender, body) = RequestBody::stream(None);
    let answer = fetch(&client, outgoing(Method::POST, &server.url("/request"), body));
    let ((), answer) = tokio::join!(
        async {
            assert!(sender.send(Bytes::from_static(b"half")).await);
            sender.fail("the stream threw".to_owned()).await;
        },
        answer
    );
    assert_eq!(answer, Err(TransportError::RequestBody("the stream threw".to_owned())));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_with_what_had_come() {
    let cases: &[(&'static str, FailureClass, &str)] = &[
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
            FailureClass::NetworkConnect,
            "in the middle of the body, after 4 bytes",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            FailureClass::NetworkConnect,
            "in the middle of the body, after 4 bytes",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nrubbish\r\n",
            FailureClass::Http,
            "sent a malformed body",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 10\r\n\r\nhalf",
            FailureClass::NetworkConnect,
            "in the middle of the body, after 4 bytes",
        ),
    ];
    for (answer, class, part) in cases {
        let server = RawServer::answering(answer).await;
        let client = client(vec![]);
        let mut answer = client.send(get(&server.url("/"))).await.unwrap();
        let error = read(&mut answer).await.unwrap_err();
        assert!(error.to_string().contains(part) && error.to_string().contains("127.0.0.1"), "{error}");
        assert_eq!(error.class(), *class);
        let request = last(&client);
        assert_eq!((request.status.is_some(), request.received_body_bytes), (true, 4));
        assert_eq!(request.failure.map(|failure| failure.message), Some(error.to_string()));
    }
}

#[tokio::test]
async fn an_http_2_stream_that_is_reset_is_told_with_the_reason() {
    let authority = Authority::new("CA");
    let server = TargetServer::tls(authority.server(&Leaf::default())).await;
    let client = client(vec![authority.pem()]);
    let mut answer = client.send(get(&server.https_url("/cut"))).await.unwrap();
    assert_eq!(answer.body.piece(100).await, Ok(Some("half".into())));
    fetch(&client, get(&server.https_url("/cut/now"))).await.unwrap();
    let error = read(&mut answer).await.unwrap_err();
    let expected =
        format!("{} reset the stream (INTERNAL_ERROR) in the middle of the body, after 4 bytes", server.address);
    assert_eq!((error.to_string(), error.class()), (expected, FailureClass::NetworkConnect));
}

#[tokio::test]
async fn an_answer_without_a_body_ends_at_once() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    for (method, route) in [(Method::HEAD, "/hello"), (Method::GET, "/status/204"), (Method::GET, "/status/304")] {
        let mut answer = client.send(outgoing(method, &server.url(route), RequestBody::Empty)).await.unwrap();
        assert_eq!(answer.body.piece(10).await, Ok(None), "{route}");
    }
    assert_eq!(server.connections(), 1);
}
