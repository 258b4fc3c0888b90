//! What people do about incidents, from the command line and over HTTP, in the running program: acknowledged climbs no further,
//! silenced is held back and pages afterwards, and nobody acts who may not.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::path::Path;
use tests::harness::{Config, DEVOPS, Finished, Tocsin, World};

/// Who does not acknowledge is told of to others.
const WAITS_MS: i64 = 6_000;
const LEAD: &str = "+4915100000009";
const ESCALATES: &str = r##"
[[teams.leads]]
name = "Hedy"
phone = "+4915100000009"
[[policies.default.rungs]]
label = "P1"
failures_in_a_row = 1
slack = ["#p1"]
sms = ["devops"]
[[policies.default.rungs]]
label = "LEADS"
escalate_unacknowledged_after = "6s"
sms = ["leads"]
"##;

fn config(world: &World, extra: &str) -> Config {
    Config { regions: 1, extra: extra.to_owned(), ..world.config() }
}

async fn run(world: &World, config: &Config, arguments: &[&str]) -> Finished {
    Tocsin::run(config, world.path(), arguments).await
}

fn running(folder: &Path) -> Value {
    let text = std::fs::read(folder.join("data/running.json")).expect("the file of the running process");
    serde_json::from_slice(&text).expect("it is JSON")
}

fn token(folder: &Path) -> String {
    running(folder)["token"].as_str().expect("it has the token").to_owned()
}

fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client without certificates can be built")
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("the program answers");
    let status = response.status().as_u16();
    let text = response.text().await.expect("the answer is whole");
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} is no JSON: {text}")))
}

async fn get(tocsin: &Tocsin, path: &str) -> Value {
    let (status, document) = answer(client().get(format!("{}/api/v1/{path}", tocsin.status_url))).await;
    assert_eq!(status, 200, "{path}: {document:#}");
    document
}

/// The number of the only open incident.
async fn open_incident(tocsin: &Tocsin) -> u64 {
    let document = get(tocsin, "incidents").await;
    let [incident] = document["incidents"].as_array().expect("a list").as_slice() else { panic!("{document:#}") };
    incident["number"].as_u64().expect("a number")
}

/// Until every message of the incident is delivered.
async fn delivered(tocsin: &Tocsin, number: u64) -> Value {
    let path = format!("incidents/{number}");
    let bound = std::time::Instant::now() + tests::harness::SOON;
    loop {
        let document = get(tocsin, &path).await;
        let waits = |row: &Value| matches!(row["state"].as_str(), Some("pending" | "leased"));
        if !document["notifications"].as_array().expect("a list").iter().any(waits) {
            return document;
        }
        assert!(std::time::Instant::now() < bound, "not delivered: {document:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Until so many of the last runs have failed.
async fn fails(tocsin: &Tocsin, times: usize) {
    tocsin
        .status_until(&format!("{times} failures"), |status| {
            let recent = status["checks"][0]["cells"][0]["recent"].as_array().map_or(&[][..], Vec::as_slice);
            recent.iter().filter(|run| run["verdict"] == "failed").count() >= times
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acknowledges_from_the_command_line_ends_the_climb_and_is_named_everywhere() {
    let world = World::with_discovery().await;
    let config = config(&world, ESCALATES);
    let tocsin = world.up_with(&config).await;
    world.stack.break_everything().await;
    world.paged(1).await;

    let number = open_incident(&tocsin).await.to_string();
    let ack = run(&world, &config, &["ack", &number, "--by", "Ada"]).await;
    ack.assert_code(0).assert_says(&[&format!("incident #{number} is acknowledged by Ada")]);
    let early = run(&world, &config, &["resolve", &number, "--by", "Ada"]).await;
    early
        .assert_code(1)
        .assert_says(&["the check discovery still fails, and it ends when that passes", "tocsin silence"]);
    let again = run(&world, &config, &["ack", &number, "--by", "Grace"]).await;
    again.assert_code(0).assert_says(&["was acknowledged before, by Ada"]);
    world
        .slack_until("the name in post and thread", |slack| {
            let said = |text: String| text.contains("acknowledged by Ada over the command line");
            slack
                .posts("#p1")
                .any(|post| said(post.everything()) && slack.replies(post).any(|reply| said(reply.everything())))
        })
        .await;
    let record = delivered(&tocsin, number.parse().unwrap()).await;
    assert_eq!(record["report"]["acknowledged"]["by"], "Ada", "{record:#}");
    for (_, number) in DEVOPS {
        assert!(!record.to_string().contains(number), "telephone numbers are not for everybody: {record:#}");
    }
    // Long after the lead would have been told; a machine that was too slow for the acknowledgement proves nothing.
    fails(&tocsin, 10).await;
    let record = delivered(&tocsin, number.parse().unwrap()).await;
    let opened_at = record["report"]["opened_at"].as_i64().expect("an instant");
    let acknowledged_at = record["report"]["acknowledged"]["at"].as_i64().expect("an instant");
    let is_told = world.twilio.with(|twilio| twilio.to(LEAD).count() > 0);
    assert!(!is_told || acknowledged_at >= opened_at + WAITS_MS, "nobody else is told: {record:#}");
    assert!(tocsin.page(&format!("incident/{number}")).await.contains("acknowledged by Ada over the command line"));

    for arguments in [["incident", "show", &number].as_slice(), &["incidents", &number]] {
        let story = run(&world, &config, arguments).await;
        story.assert_code(0).assert_says(&["acknowledged by Ada over the command line", "discovery", "delivered"]);
    }
    let other = run(&world, &config, &["incident", "show", "99999"]).await;
    other.assert_code(1).assert_says(&["there is no incident 99999"]);

    world.stack.repair().await;
    tocsin.recovered("discovery").await;
    let late = run(&world, &config, &["ack", &number]).await;
    late.assert_code(1).assert_says(&["is over: recovered"]);
    run(&world, &config, &["resolve", &number]).await.assert_code(1).assert_says(&["is over: recovered"]);
    run(&world, &config, &["ack", "99999"]).await.assert_code(1).assert_says(&["there is no incident 99999"]);
    tocsin.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_holds_a_page_back_over_sigkill_and_ends_with_it() {
    let world = World::with_discovery().await;
    let config = config(&world, "");
    let tocsin = world.up_with(&config).await;
    tocsin.passes("discovery").await;
    let wrong = run(&world, &config, &["silence", "discovry", "--for", "1h"]).await;
    wrong.assert_code(1).assert_says(&["there is no check `discovry`; did you mean `discovery`?"]);
    let silence = ["silence", "discovery", "--for", "1h", "--by", "Ada", "--why", "deploying"];
    run(&world, &config, &silence).await.assert_code(0).assert_says(&["silence 1 holds back check discovery until"]);
    run(&world, &config, &["silences"]).await.assert_code(0).assert_says(&["check discovery", "by Ada: deploying"]);
    let page = tocsin.page("/").await;
    assert!(page.contains("Silenced") && page.contains("check discovery") && page.contains("deploying"), "{page}");

    world.stack.break_everything().await;
    fails(&tocsin, 2).await;
    tocsin.kill().await;
    let tocsin = world.up_with(&config).await;
    fails(&tocsin, 4).await;
    let number = open_incident(&tocsin).await;
    let record = delivered(&tocsin, number).await;
    assert_eq!(record["notifications"], json!([]), "nobody is told: {record:#}");
    let status = tocsin.status().await;
    assert_eq!(status["silences"][0]["about"], "check discovery", "{status:#}");
    let standing = status["incidents_open"][0]["standing"].as_str().unwrap_or_default();
    assert!(standing.contains("silenced by Ada until"), "{status:#}");

    run(&world, &config, &["unsilence", "1"]).await.assert_code(0).assert_says(&["check discovery is over"]);
    world.paged(1).await;
    run(&world, &config, &["unsilence", "1"]).await.assert_code(1).assert_says(&["there is no silence 1"]);
    run(&world, &config, &["silences"]).await.assert_code(0).assert_says(&["nothing is silenced"]);
    tocsin.stop().await;
    world.only_post("#p1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_a_process_says_so() {
    let world = World::with_discovery().await;
    let config = config(&world, "");
    let file = world.path().join("data/running.json");
    let ack = async || run(&world, &config, &["ack", "1"]).await;
    ack().await.assert_code(2).assert_says(&["nothing runs on", "start it with `tocsin up`"]);

    let tocsin = world.up_with(&config).await;
    assert!(file.exists());
    tocsin.stop().await;
    assert!(!file.exists(), "gone at an orderly end");

    let tocsin = world.up_with(&config).await;
    tocsin.kill().await;
    ack().await.assert_code(2).assert_says(&["has ended without an orderly end", "Start `tocsin up` again"]);
    // Somebody else has its address since.
    let stranger = world.slack.addr();
    let mut stale = running(world.path());
    stale["url"] = format!("http://{stranger}").into();
    std::fs::write(&file, stale.to_string()).expect("a test's own folder can be written");
    ack().await.assert_code(2).assert_says(&["is not the process"]);
    assert_eq!(world.slack.take_violations().len(), 1, "it was asked for what it does not know");

    let tocsin = world.up_with(&config).await;
    ack().await.assert_code(1).assert_says(&["there is no incident 1"]);
    tocsin.stop().await;
}

/// Method, path, body, whether the token comes along; the status, and a part of the answer.
type Case<'a> = (Method, &'a str, &'a str, bool, u16, &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn the_api_does_what_it_is_told_by_those_who_may() {
    let world = World::with_discovery().await;
    let tocsin = world.up_with(&config(&world, "")).await;
    tocsin.passes("discovery").await;
    let silence = r#"{"check": "discovery", "for": "1h", "by": "Ada"}"#;
    let large = format!("{{\"by\": \"{}\"}}", "x".repeat(70_000));
    let cases: [Case<'_>; 18] = [
        (Method::GET, "incidents", "", false, 200, "incidents"),
        (Method::GET, "incidents?all=true", "", false, 200, "incidents"),
        (Method::GET, "incidents?all=maybe", "", false, 400, "write ?all=true"),
        (Method::GET, "incidents/7", "", false, 404, "there is no incident 7"),
        (Method::GET, "incidents/seven", "", false, 404, "is no number"),
        (Method::POST, "incidents/7/acknowledge", "{\"by\": \"Ada\"}", false, 401, "Authorization: Bearer"),
        (Method::POST, "incidents/7/acknowledge", "{\"by\": \"Ada\"}", true, 404, "there is no incident 7"),
        (Method::POST, "incidents/7/acknowledge", "{}", true, 400, "write your name"),
        (Method::POST, "incidents/7/acknowledge", "by=Ada", true, 400, "write such as {\\\"by\\\": \\\"Ada\\\"}"),
        (Method::POST, "incidents/7/acknowledge", &large, true, 413, "more than 65536 bytes"),
        (Method::POST, "incidents/7/resolve", "{\"by\": \"Ada\"}", false, 401, "Authorization: Bearer"),
        (Method::POST, "incidents/7/resolve", "{\"by\": \"Ada\"}", true, 404, "there is no incident 7"),
        (Method::POST, "incidents/7/resolve", "{\"because\": \"over\"}", true, 400, "write your name"),
        (Method::POST, "incidents/7/resolve", "{\"why\": \"over\"}", true, 400, "the alarm was deleted"),
        (Method::PUT, "silences", silence, true, 405, "no such method"),
        (Method::POST, "silences", silence, false, 401, "Authorization: Bearer"),
        (Method::POST, "silences", silence, true, 201, "check discovery"),
        (Method::DELETE, "silences/1", "", false, 401, "Authorization: Bearer"),
    ];
    let token = token(world.path());
    for (method, path, body, has_token, expected, part) in cases {
        let request = client().request(method.clone(), format!("{}/api/v1/{path}", tocsin.status_url));
        let request = if has_token { request.bearer_auth(&token) } else { request };
        let (status, document) = answer(request.body(body.to_owned())).await;
        assert_eq!(status, expected, "{method} {path} {body}: {document}");
        assert!(document.to_string().contains(part), "{method} {path}: {document}");
    }
    let silences = get(&tocsin, "silences").await;
    assert_eq!(silences["silences"][0]["by"], "Ada", "{silences:#}");
    let one = format!("{}/api/v1/silences/1", tocsin.status_url);
    assert_eq!(answer(client().delete(&one).bearer_auth(&token)).await.0, 200);
    assert_eq!(answer(client().delete(&one).bearer_auth(&token)).await.0, 404);
    // A web page elsewhere that points a name of its own here reads nothing.
    let rebound = client().get(format!("{}/api/v1/incidents", tocsin.status_url)).header("host", "evil.example.com");
    assert_eq!(rebound.send().await.expect("an answer").status().as_u16(), 421);
    tocsin.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_acts_too_and_not_for_a_foreign_page() {
    let world = World::with_discovery().await;
    let password = world.path().join("password");
    std::fs::write(&password, "a long enough password").expect("a test's own folder can be written");
    let extra = format!("[authentication]\nuser = \"oncall\"\npassword = {{ file = {password:?} }}");
    let config = config(&world, &extra);
    let tocsin = world.up_with(&config).await;
    let url = format!("{}/api/v1/silences", tocsin.status_url);
    let document = json!({ "everything": true, "for": "1h" });
    let post = || client().post(&url).json(&document);
    let allowed = || post().basic_auth("oncall", Some("a long enough password"));

    assert_eq!(client().get(&url).send().await.expect("an answer").status().as_u16(), 401);
    assert_eq!(post().send().await.expect("an answer").status().as_u16(), 401);
    let (status, foreign) = answer(allowed().header("origin", "https://evil.example.com")).await;
    assert_eq!(status, 403, "{foreign}");
    let form = client().post(&url).basic_auth("oncall", Some("a long enough password")).body(document.to_string());
    assert_eq!(answer(form.header("content-type", "text/plain")).await.0, 415);
    let (status, silence) = answer(allowed()).await;
    assert_eq!((status, silence["silence"]["by"].as_str()), (201, Some("oncall")), "{silence}");

    let token = token(world.path());
    assert_eq!(answer(client().get(&url).bearer_auth(&token)).await.0, 200);
    assert_eq!(client().get(&tocsin.status_url).bearer_auth(&token).send().await.expect("an answer").status(), 401);
    let silenced = run(&world, &config, &["silence", "discovery", "--for", "1h"]).await;
    silenced.assert_code(0).assert_says(&["silence 2 holds back check discovery"]);
    tocsin.stop().await;
}
