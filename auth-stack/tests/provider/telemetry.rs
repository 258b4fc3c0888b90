//! The access log and the metrics, as their readers get them.

use crate::site::{EMAIL, PASSWORD, VERIFIER, start_with};
use auth_stack::FaultOrder;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::net::UdpSocket;

#[tokio::test]
async fn every_request_is_one_line_and_no_secret_is_in_any() {
    let running = start_with(|options, folder| options.access_log = Some(folder.path().join("access.log"))).await;
    let mut site = running.site("eu");
    let back = site.log_in(PASSWORD).await;
    let code = back.redirected()["code"].clone();
    site.get(back.location()).await;
    let tokens = site.redeem(&code, VERIFIER).await.json();
    running
        .site("us")
        .get_with("/docs?q=needle", &[("user-agent", "a \"quoted\" one"), ("referer", "https://x.test/?y=needle")])
        .await;
    let folder = running.folder;
    running.stack.stop().await;

    let log = std::fs::read_to_string(folder.path().join("access.log")).expect("the log");
    let lines: Vec<&str> = log.lines().collect();
    let mut requests: Vec<String> = lines
        .iter()
        .map(|line| {
            let request = line.split('"').nth(1).expect("a request").split(' ').take(2).collect::<Vec<_>>().join(" ");
            let request = request.split('?').next().unwrap_or_default().to_owned();
            format!("{request} {}", line.split(' ').rev().take(2).collect::<Vec<_>>().join(" "))
        })
        .collect();
    // A line is written when a body has gone, which two connections may see in either order.
    requests.sort();
    assert_eq!(
        requests,
        [
            "GET /authorize component=authorize node=eu",
            "GET /callback component=callback node=eu",
            "GET /docs component=docs node=us",
            "GET /login component=login node=eu",
            "POST /login component=login node=eu",
            "POST /oauth/token component=token node=eu",
        ]
    );
    let last = lines.iter().find(|line| line.ends_with("component=docs")).expect("the line");
    let (start, end) = ("127.0.0.1 - - [", "\" rt=");
    assert!(last.starts_with(start) && last.contains(end), "{last}");
    assert!(last.contains("] \"GET /docs?q=*** HTTP/"), "{last}");
    assert!(last.contains(" \"https://x.test/?y=***\" \"a \\x22quoted\\x22 one\" rt=0."), "{last}");
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    for secret in [
        PASSWORD,
        VERIFIER,
        "state-1",
        "nonce-1",
        &code,
        &text("access_token"),
        &text("refresh_token"),
        "needle",
        EMAIL,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_early_is_in_the_log_with_499() {
    let running = start_with(|options, folder| options.access_log = Some(folder.path().join("access.log"))).await;
    running.break_it(FaultOrder { ms: Some(600_000), ..FaultOrder::of("slow") });
    let site = running.site("eu");
    let is_waiting = async {
        while running.stack.faults()[0].hit == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        _ = site.try_get("/test", &[]) => panic!("it was answered"),
        () = is_waiting => {}
    }
    drop(site);
    let line_is_there = async {
        loop {
            let log = std::fs::read_to_string(running.folder.path().join("access.log")).expect("the log");
            if !log.is_empty() {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let log = tokio::time::timeout(Duration::from_secs(20), line_is_there).await.expect("a line within 20 s");
    assert!(log.contains("\"GET /test HTTP/") && log.contains("\" 499 0 "), "{log}");
}

/// Receives until every name was seen, and returns the lines.
async fn receive(socket: &UdpSocket, names: &[&str]) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let mut packet = vec![0; 65_536];
    let all_seen = |lines: &BTreeSet<String>| {
        names.iter().all(|name| lines.iter().any(|line: &String| line.starts_with(&format!("{name}:"))))
    };
    while !all_seen(&lines) {
        let length = tokio::time::timeout(Duration::from_secs(20), socket.recv(&mut packet)).await;
        let length = length.unwrap_or_else(|_| panic!("no more metrics after {lines:?}")).expect("a packet");
        lines.extend(std::str::from_utf8(&packet[..length]).expect("text").lines().map(str::to_owned));
    }
    lines
}

#[tokio::test]
async fn metrics_arrive_over_statsd() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let address = socket.local_addr().expect("its address");
    let running = start_with(|options, _| options.statsd = Some(address)).await;
    let mut site = running.site("us");
    assert_eq!(site.log_in("wrong").await.status, 401);
    site.drop_cookies();
    assert_eq!(site.log_in(PASSWORD).await.status, 302);
    site.get("/v2/logout").await;
    site.password_grant().await;
    let account = serde_json::json!({"client_id": "tocsin-spa", "email": "a@b.test", "password": "long enough 1"});
    assert_eq!(site.post_json("/dbconnections/signup", &account).await.status, 200);
    let lines = receive(&socket, &["auth.signups", "auth.tokens", "auth.token_latency", "auth.request_time"]).await;
    for line in [
        "auth.failed_logins:1|c|#node:us,way:page",
        "auth.logins:1|c|#node:us,way:page",
        "auth.logins:1|c|#node:us,way:password-grant",
        "auth.logouts:1|c|#node:us",
        "auth.signups:1|c|#node:us",
        "auth.tokens:1|c|#node:us,grant:password",
        "auth.requests:1|c|#node:us,component:login,status:401",
    ] {
        assert!(lines.contains(line), "{line} in {lines:#?}");
    }
    let is_timer =
        |line: &&String| line.starts_with("auth.token_latency:") && line.ends_with("|ms|#node:us,grant:password");
    assert!(lines.iter().any(|line| is_timer(&line)), "{lines:#?}");

    // Logins fall: they succeed, and only their counter stands still.
    running.break_it(FaultOrder::of("logins-fall"));
    assert_eq!(site.password_grant().await.status, 200);
    site.get("/nowhere").await;
    let lines = receive(&socket, &["auth.tokens", "auth.requests", "auth.request_time"]).await;
    let mut all = lines;
    while !all.iter().any(|line| line.contains("component:other,status:404")) {
        all.extend(receive(&socket, &["auth.requests"]).await);
    }
    assert!(!all.iter().any(|line| line.starts_with("auth.logins:")), "{all:#?}");
}
