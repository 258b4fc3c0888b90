//! Programs that call in and the call that goes out, in the running program: who stops is missed, who comes back ends it,
//! nothing that was heard is lost with a SIGKILL, and nobody is heard who has no token.

use reqwest::{Client, Method};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::harness::{Config, DEVOPS, Tocsin, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// `backup` is missed after seconds, `report` not within any test.
const HEARTBEATS: &str = r#"
[heartbeats.backup]
every = "2s"
grace = "1s"
severity = "p1"
description = "the nightly backup"
[heartbeats.report]
every = "1d"
"#;

/// A check of which nobody hears, not even that a slot was missed, so that what is told is a heartbeat's.
const QUIET: &str = r#"
import { defineCheck } from "tocsin";
export default defineCheck({ schedule: "every 1h", async run() {} });
"#;

async fn world() -> World {
    let world = World::new().await;
    world.write_check("quiet", QUIET);
    std::fs::write(world.path().join("secret"), "correct horse battery staple").expect("a test's own folder");
    world
}

fn config(world: &World, extra: &str) -> Config {
    let secret = format!("[heartbeats]\nsecret = {{ file = {:?} }}\n", world.path().join("secret"));
    Config { regions: 1, extra: format!("{secret}{extra}"), ..world.config() }
}

fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client without certificates can be built")
}

/// The last URL that the command prints for a heartbeat: that of the running process.
async fn url(world: &World, config: &Config, name: &str) -> String {
    let printed = Tocsin::run(config, world.path(), &["heartbeat", name]).await;
    printed.assert_code(0);
    let mut urls = printed.stdout.lines().map(str::trim).filter(|line| line.starts_with("http"));
    urls.next_back().unwrap_or_else(|| panic!("no URL: {}", printed.output())).to_owned()
}

async fn call(method: Method, url: &str) -> u16 {
    client().request(method, url).send().await.expect("the program answers").status().as_u16()
}

fn texts_to_each(world: &World) -> Vec<usize> {
    DEVOPS.iter().map(|(_, number)| world.twilio.with(|twilio| twilio.to(number).count())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_calling_pages_once_over_sigkill_and_who_calls_again_ends_it() {
    let world = world().await;
    let config = config(&world, HEARTBEATS);
    let tocsin = world.up_with(&config).await;
    assert_eq!(call(Method::GET, &url(&world, &config, "backup").await).await, 200);
    assert_eq!(call(Method::GET, &url(&world, &config, "report").await).await, 200);
    world.paged(1).await;
    let page = world.only_post("#p1").everything();
    assert!(page.contains("heartbeat backup") && page.contains("it has not called since"), "{page}");
    assert!(page.contains("the nightly backup"), "{page}");
    tocsin.kill().await;

    let tocsin = world.up_with(&config).await;
    let status = tocsin.status().await;
    assert_eq!(status["incidents_open"].as_array().map(Vec::len), Some(1), "only that one: {status:#}");
    let report = Tocsin::run(&config, world.path(), &["heartbeat", "report"]).await;
    report.assert_code(0).assert_says(&["last heard at", "due by", "curl -fsS"]);
    let backup = Tocsin::run(&config, world.path(), &["heartbeat", "backup"]).await;
    backup.assert_code(0).assert_says(&["missed since"]);
    assert_eq!(texts_to_each(&world), [1, 1], "nobody is told twice");
    let silent =
        Tocsin::run(&config, world.path(), &["silence", "--label", "heartbeat=backup", "--for", "1h", "--by", "Ada"]);
    silent.await.assert_code(0).assert_says(&["holds back heartbeat=backup"]);

    assert_eq!(call(Method::POST, &url(&world, &config, "backup").await).await, 200);
    world.paged_and_told(1).await;
    let over = |slack: &tests::doubles::slack::SlackRecord| {
        slack.posts("#p1").any(|post| slack.replies(post).any(|reply| reply.everything().contains("recovered")))
    };
    world.slack_until("the end in the thread", over).await;
    tocsin.stop().await;
    let again = Tocsin::run(&config, world.path(), &["heartbeat", "bakup"]).await;
    again.assert_code(2).assert_says(&["did you mean `backup`?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_says_that_it_failed_climbs_as_a_check_does_and_one_that_is_removed_ends() {
    let world = world().await;
    let report = config(&world, "[heartbeats.report]\nevery = \"1d\"\n");
    let tocsin = world.up_with(&report).await;
    let report_url = url(&world, &report, "report").await;
    assert_eq!(call(Method::GET, &format!("{report_url}/start")).await, 200);
    assert_eq!(call(Method::GET, &format!("{report_url}/3")).await, 200);
    world.slack_until("the P2 post", |slack| slack.posts("#p2").count() == 1).await;
    let post = world.only_post("#p2").everything();
    assert!(post.contains("heartbeat report") && post.contains("failed with exit status 3"), "{post}");
    assert_eq!((world.slack.posts("#p1").len(), texts_to_each(&world)), (0, vec![0, 0]), "once wakes nobody");

    assert_eq!(call(Method::GET, &format!("{report_url}/fail")).await, 200);
    world.paged(1).await;
    assert_eq!(call(Method::HEAD, &format!("{report_url}/0")).await, 200);
    world.paged_and_told(1).await;

    assert_eq!(call(Method::GET, &format!("{report_url}/1")).await, 200);
    world.slack_until("a second P2 post", |slack| slack.posts("#p2").count() == 2).await;
    tocsin.stop().await;
    let none = config(&world, "");
    let tocsin = world.up_with(&none).await;
    let is_over = |status: &serde_json::Value| status["incidents_open"].as_array().is_some_and(Vec::is_empty);
    tocsin.status_until("the incident of a heartbeat that is gone ends", is_over).await;
    assert_eq!(
        call(Method::GET, &report_url.replace(report_url.split("/heartbeats").next().unwrap(), &tocsin.status_url))
            .await,
        404
    );
    tocsin.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_token_is_heard_and_on_both_listeners() {
    let world = world().await;
    let password = world.path().join("password");
    std::fs::write(&password, "a long enough password").expect("a test's own folder");
    let more = format!(
        "[heartbeats.report]\nevery = \"1d\"\n[callbacks]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://tocsin.example.com\"\n\
         [authentication]\nuser = \"oncall\"\npassword = {{ file = {password:?} }}"
    );
    let config = config(&world, &more);
    let tocsin = world.up_with(&config).await;
    let printed = Tocsin::run(&config, world.path(), &["heartbeat"]).await;
    printed.assert_code(0).assert_says(&["never heard", "https://tocsin.example.com/heartbeats/report/"]);
    let local = url(&world, &config, "report").await;
    let path = local.strip_prefix(&tocsin.status_url).expect("it is the running process's").to_owned();
    let callbacks = format!("http://{}", tocsin.ready["callbacks"].as_str().expect("they listen"));
    let cases = [
        (Method::GET, path.clone(), 200),
        (Method::POST, path.clone(), 200),
        (Method::HEAD, path.clone(), 200),
        (Method::GET, format!("{path}/start"), 200),
        (Method::GET, format!("{path}/0"), 200),
        (Method::GET, format!("{path}/256"), 404),
        (Method::GET, format!("{path}0"), 404),
        (Method::GET, path.replace("/report/", "/backup/"), 404),
        (Method::GET, "/heartbeats/report/".to_owned(), 404),
        (Method::PUT, path.clone(), 405),
    ];
    for base in [&callbacks, &tocsin.status_url] {
        for (method, path, expected) in &cases {
            let status = call(method.clone(), &format!("{base}{path}")).await;
            // Where the pages are closed, no path but a heartbeat's says whether it exists.
            assert_eq!(status, *expected, "{method} {base}{path}");
        }
    }
    assert_eq!(call(Method::GET, &tocsin.status_url).await, 401, "the pages stay closed");
    let metrics =
        client().get(format!("{}/metrics", tocsin.status_url)).basic_auth("oncall", Some("a long enough password"));
    let metrics = metrics.send().await.expect("the program answers").text().await.expect("text");
    for line in [
        "tocsin_callbacks_total{route=\"heartbeats\"} 10",
        "tocsin_callbacks_refused_total{reason=\"unknown\",route=\"heartbeats\"} 6",
        "tocsin_heartbeat_missed{heartbeat=\"report\"} 0",
    ] {
        assert!(metrics.contains(line), "`{line}` is not in\n{metrics}");
    }
    let stopped = tocsin.stop().await;
    let token = path.rsplit('/').next().expect("the token");
    assert!(!stopped.output().contains(token), "the token is in the log");
}

/// Somebody who is called: answers with `status`, and counts.
async fn outside(status: Arc<AtomicUsize>, calls: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of this machine is free");
    let url = format!("http://{}/ping/a-very-secret-path", listener.local_addr().expect("it has an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            assert!(request[..read].starts_with(b"GET /ping/a-very-secret-path "), "another path was asked for");
            let status = status.load(Ordering::SeqCst);
            let answer = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
            calls.fetch_add(1, Ordering::SeqCst);
        }
    });
    url
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let started = std::time::Instant::now();
    while !holds().await {
        assert!(started.elapsed() < tests::harness::SOON, "{what}: not in time");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outside_is_called_while_all_is_well_and_its_trouble_is_shown() {
    let world = world().await;
    let (status, calls) = (Arc::new(AtomicUsize::new(200)), Arc::new(AtomicUsize::new(0)));
    let url = outside(Arc::clone(&status), Arc::clone(&calls)).await;
    std::fs::write(world.path().join("url"), url).expect("a test's own folder");
    let extra = format!("[heartbeat_out]\nurl = {{ file = {:?} }}\nevery = \"1s\"\n", world.path().join("url"));
    let config = Config { regions: 1, extra, ..world.config() };
    let tocsin = world.up_with(&config).await;
    until("three calls", async || calls.load(Ordering::SeqCst) >= 3).await;
    assert!(!tocsin.page("/").await.contains("heartbeat_out"), "nothing to say");
    status.store(503, Ordering::SeqCst);
    until("the notice", async || tocsin.page("/").await.contains("[heartbeat_out] fails: the answer is 503")).await;
    status.store(200, Ordering::SeqCst);
    until("the end of the notice", async || !tocsin.page("/").await.contains("heartbeat_out")).await;
    let metrics = tocsin.page("metrics").await;
    let count = |outcome: &str| {
        let start = format!("tocsin_heartbeat_out_total{{outcome=\"{outcome}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(start.as_str()));
        line.and_then(|count| count.parse::<u64>().ok()).unwrap_or_else(|| panic!("{outcome} is not in\n{metrics}"))
    };
    assert!(count("sent") >= 3 && count("failed") >= 1, "{metrics}");
    let stopped = tocsin.stop().await;
    stopped.assert_says(&["the answer is 503", "is called again"]);
    assert!(!stopped.output().contains("a-very-secret-path"), "the URL is a secret");
}
