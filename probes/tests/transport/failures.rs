//! What goes wrong, and how it is told.

use crate::target::{Authority, Leaf, RawServer, TargetServer};
use crate::{client, client_with, fetch, get, last};
use checks::FailureClass;
use probes::transport::{NetworkSettings, Prepared};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_told_and_shown() {
    let authority = Authority::new("Tocsin Test CA");
    let stranger = Authority::new("Stranger CA");
    let expired = Leaf { not_after: (2021, 3, 4), ..Leaf::default() };
    let early = Leaf { not_before: (2190, 1, 1), ..Leaf::default() };
    let other = Leaf { names: &["other.test", "more.test"], ..Leaf::default() };
    let cases = [
        (authority.server(&expired), "certificate of localhost expired", "days ago (2021-03-04)"),
        (authority.server(&early), "certificate of localhost is not valid before", "2190-01-01T00:00:00Z"),
        (authority.server(&other), "certificate is for other.test, more.test, and not for localhost", ""),
        (
            stranger.server(&Leaf::default()),
            "certificate of localhost is signed by",
            "Stranger CA, which is not trusted",
        ),
    ];
    for (config, start, part) in cases {
        let server = TargetServer::tls(config).await;
        let client = client(vec![authority.pem()]);
        let error = fetch(&client, get(&server.https_url("/hello"))).await.unwrap_err();
        assert!(error.to_string().starts_with(start) && error.to_string().contains(part), "{error}");
        assert_eq!(error.class(), FailureClass::NetworkTls);
        let request = last(&client);
        assert_eq!(request.failure.map(|failure| failure.class), Some(FailureClass::NetworkTls));
        let tls = request.tls.expect("the chain is shown all the same");
        assert_eq!(tls.certificates.len(), 2);
        assert!(request.phases.connect_us.is_some());
    }
}

#[tokio::test]
async fn tls_with_something_that_speaks_none() {
    let plain = RawServer::start(|_, mut stream| async move {
        // The client may have hung up; that is its business.
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let silent = RawServer::start(|_, stream| async move { drop(stream) }).await;
    let cases = [
        (&plain, "localhost does not speak TLS on this port"),
        (&silent, "localhost closed the connection during the TLS handshake"),
    ];
    for (server, expected) in cases {
        let client = client(vec![]);
        let error = fetch(&client, get(&format!("https://localhost:{}/", server.address.port()))).await.unwrap_err();
        assert_eq!((error.class(), error.to_string().as_str()), (FailureClass::NetworkTls, expected));
    }
}

#[tokio::test]
async fn connections_that_fail() {
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let refusing = closed.local_addr().unwrap();
    let closing = RawServer::answering("").await;
    let garbage = RawServer::answering("SSH-2.0-OpenSSH_9.6\r\n\r\n").await;
    let cases = [
        (format!("http://{refusing}/"), FailureClass::NetworkConnect, format!("connection refused by {refusing}")),
        (
            closing.url("/"),
            FailureClass::NetworkConnect,
            format!("{} closed the connection before it answered", closing.address),
        ),
        (garbage.url("/"), FailureClass::Http, format!("{} answered with something that is not HTTP", garbage.address)),
    ];
    for (url, class, message) in cases {
        let client = client(vec![]);
        let error = fetch(&client, get(&url)).await.unwrap_err();
        assert!(error.to_string().starts_with(&message), "{error}");
        assert_eq!(error.class(), class);
        assert_eq!(last(&client).failure.map(|failure| failure.message), Some(error.to_string()));
    }
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let client = client(vec![]);
    // RFC 6761 reserves the name: no resolver knows it, and none is needed to be there.
    let error = fetch(&client, get("http://auth.invalid/")).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::NetworkDns);
    assert!(error.to_string().contains("auth.invalid"), "{error}");
}

#[tokio::test]
async fn addresses_out_of_reach() {
    let server = TargetServer::plain().await;
    let closed = NetworkSettings {
        resolve: [("rebound.test".to_owned(), "169.254.169.254".parse().unwrap())].into(),
        ..NetworkSettings::default()
    };
    let open = NetworkSettings { allow_private: true, ..closed.clone() };
    let local = server.url("/hello");
    let cases: &[(&NetworkSettings, &str, &str)] = &[
        (&closed, &local, "127.0.0.1 is a loopback address; set `allow_private = true`"),
        (&closed, "http://localhost/", "127.0.0.1 is a loopback address"),
        (&open, "http://rebound.test/latest/meta-data/", "169.254.169.254 is a cloud metadata service"),
        (&open, "http://[::ffff:169.254.169.254]/", "::ffff:169.254.169.254 is a cloud metadata service"),
        (&open, "http://2852039166/", "169.254.169.254 is a cloud metadata service"),
        (&open, "http://0.0.0.0/", "0.0.0.0 is the unspecified address"),
    ];
    for (settings, url, message) in cases {
        let client = client_with((*settings).clone());
        let error = fetch(&client, get(url)).await.unwrap_err();
        assert!(error.to_string().starts_with(message), "{url}: {error}");
        assert_eq!(error.class(), FailureClass::Script, "{url}");
    }
    assert_eq!(server.connections(), 0, "refused before a connection is made");
}

#[test]
fn authorities_that_cannot_be_read_are_refused() {
    let cases = [
        ("", "CA 1: holds no certificate; give a PEM file with"),
        ("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "CA 1: cannot be read"),
    ];
    for (pem, message) in cases {
        let settings = NetworkSettings { ca_pem: vec![pem.to_owned()], ..NetworkSettings::default() };
        let error = Prepared::new(settings).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}
