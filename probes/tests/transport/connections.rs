//! Connections that later requests of a run use again.

use crate::target::{Authority, Leaf, RawServer, TargetServer};
use crate::{client, fetch, get, last, outgoing, read};
use futures_util::future::join_all;
use http::Method;
use probes::transport::{RequestBody, TransportError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_kept_connection_has_no_set_up() {
    let authority = Authority::new("CA");
    for alpn in [&["h2"][..], &["http/1.1"]] {
        let server = TargetServer::tls(authority.server(&Leaf { alpn, ..Leaf::default() })).await;
        let client = client(vec![authority.pem()]);
        for n in 0..3 {
            fetch(&client, get(&server.https_url("/encoded/gzip"))).await.unwrap();
            let request = last(&client);
            let set_up = request.phases.named().any(|(name, _)| matches!(name, "connect" | "tls"));
            assert_eq!(set_up, n == 0, "{alpn:?} request {n}");
            assert!(request.tls.is_some() && request.remote_addr.is_some(), "{alpn:?} request {n}");
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn http_2_shares_one_connection_among_requests_that_start_together() {
    let authority = Authority::new("CA");
    let server = TargetServer::tls(authority.server(&Leaf::default())).await;
    let client = client(vec![authority.pem()]);
    let all = (0..20).map(|_| fetch(&client, get(&server.https_url("/bytes/100000"))));
    assert!(join_all(all).await.into_iter().all(|answer| answer.unwrap().1.len() == 100_000));
    assert_eq!(server.connections(), 1);

    let server = TargetServer::tls(authority.server(&Leaf { alpn: &["http/1.1"], ..Leaf::default() })).await;
    let all = (0..20).map(|_| fetch(&client, get(&server.https_url("/bytes/100000"))));
    assert!(join_all(all).await.into_iter().all(|answer| answer.unwrap().1.len() == 100_000));
    assert!(server.connections() > 1, "HTTP/1.1 needs a connection for each");
}

#[tokio::test]
async fn a_redirects_connection_is_free_for_where_it_leads() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    let redirected = client.send(get(&server.url("/redirect/302"))).await.unwrap();
    assert_eq!((redirected.status.as_u16(), &redirected.headers["location"]), (302, &"/hello".parse().unwrap()));
    // Its body is not read.
    drop(redirected);
    fetch(&client, get(&server.url("/hello"))).await.unwrap();
    assert_eq!(server.connections(), 1);
    assert_eq!(client.recorder().recorded().requests[0].failure, None);
}

#[tokio::test]
async fn a_body_that_is_not_read_costs_its_connection_only() {
    let server = TargetServer::plain().await;
    let client = client(vec![]);
    drop(client.send(get(&server.url("/bytes/10000000"))).await.unwrap());
    assert_eq!(fetch(&client, get(&server.url("/hello"))).await, Ok((200, "hello".to_owned())));
    assert_eq!(server.connections(), 2);
    assert_eq!(client.recorder().recorded().requests[0].failure, None, "nobody wanted it");
}

/// Answers one request, and closes the connection when the second comes, unanswered.
async fn answers_once_a_connection() -> RawServer {
    RawServer::start(|_, mut stream| async move {
        crate::target::read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        let _ = stream.read_u8().await;
    })
    .await
}

#[tokio::test]
async fn a_kept_connection_that_closes_is_replaced_where_that_is_safe() {
    let server = answers_once_a_connection().await;
    let client = client(vec![]);
    for _ in 0..3 {
        assert_eq!(fetch(&client, get(&server.url("/"))).await, Ok((200, "ok".to_owned())));
    }
    assert_eq!(server.connections(), 3);

    // The server may have acted on a POST before it closed: it is not sent twice.
    let post = outgoing(Method::POST, &server.url("/"), RequestBody::Full("x".into()));
    match fetch(&client, post).await {
        Err(TransportError::Connect(message)) => {
            assert!(message.ends_with("before it answered"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_connection_that_the_server_closes_is_not_kept() {
    let server = RawServer::answering("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end").await;
    let client = client(vec![]);
    for n in 1..=2 {
        let mut answer = client.send(get(&server.url("/"))).await.unwrap();
        assert_eq!(read(&mut answer).await, Ok(b"until the end".to_vec()));
        assert_eq!(server.connections(), n);
    }
}
