//! Alert rules in the running program: from a metric to Slack and back, over SIGKILL, reloads and rules that fail.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::time::Instant;
use tests::doubles::slack::SlackRecord;
use tests::harness::{AuthStack, Config, DEVOPS, SOON, Tocsin, World};

fn config(world: &World) -> Config {
    let statsd = "[statsd]\nlisten = \"127.0.0.1:0\"\nflush = \"200ms\"\n";
    let rules = format!("[rules]\nfiles = [{:?}]\n", world.path().join("*.rules.yml"));
    Config { regions: 1, extra: format!("{statsd}{rules}"), ..world.config() }
}

fn write_rules(world: &World, text: &str) -> PathBuf {
    let path = world.path().join("test.rules.yml");
    std::fs::write(&path, text).expect("a test's own folder can be written");
    path
}

fn statsd_of(tocsin: &Tocsin) -> String {
    tocsin.ready["statsd"].as_str().expect("statsd listens").to_owned()
}

/// Sends a gauge.
fn gauge(tocsin: &Tocsin, line: &str) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of this machine is free");
    socket.send_to(line.as_bytes(), statsd_of(tocsin)).expect("loopback takes it");
}

/// The alerts of a rule, as `/api/v1/alerts` shows them.
async fn alerts(tocsin: &Tocsin, rule: &str) -> Vec<Value> {
    let answer: Value = serde_json::from_str(&tocsin.page("api/v1/alerts").await).expect("JSON");
    let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
    alerts.into_iter().filter(|alert| alert["labels"]["alertname"] == rule).collect()
}

async fn until(tocsin: &Tocsin, what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < SOON, "{what}: not within {SOON:?}; logs:\n{}", tocsin.process.logs());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn posts_about(slack: &SlackRecord, channel: &str, what: &str) -> usize {
    slack.posts(channel).filter(|post| post.everything().contains(what)).count()
}

/// Whether the post about it says that it is over, in its thread.
fn is_over(slack: &SlackRecord, channel: &str, what: &str) -> bool {
    let mut posts = slack.posts(channel).filter(|post| post.everything().contains(what));
    posts.any(|post| slack.replies(post).any(|reply| reply.everything().contains("recovered")))
}

/// Windows in seconds, where a person would write minutes.
const LOGINS: &str = "
groups:
- name: logins
  interval: 500ms
  rules:
  - alert: LoginsFalling
    expr: sum(derivative(rate(auth_logins[10s])[20s:1s])) < -1.6
    labels: {severity: p2}
    annotations:
      summary: 'logins fall by {{ $value | humanize }} a second, each second'
";

#[tokio::test(flavor = "multi_thread")]
async fn logins_that_fall_are_told_once_and_so_is_that_they_are_back() {
    let world = World::new().await;
    write_rules(&world, LOGINS);
    let tocsin = world.up_with(&config(&world)).await;
    // A stack of its own, since only now it is known where metrics go.
    let folder = world.path().join("with-people");
    std::fs::create_dir(&folder).expect("a test's own folder can be written");
    let stack = AuthStack::start_with_people(&folder, &statsd_of(&tocsin), 50).await;
    let rate = async || {
        let query = tocsin.page("api/v1/query?query=sum(rate(auth_logins%5B10s%5D))%20%3E%2040").await;
        query.contains("\"value\"")
    };
    until(&tocsin, "people log in", rate).await;
    assert_eq!(world.slack.with(|slack| slack.posts("#p2").count()), 0, "a rate that begins is no fall");

    stack.break_with(json!({ "fault": "logins-fall" })).await;
    world.slack_until("the fall", |slack| posts_about(slack, "#p2", "LoginsFalling") == 1).await;
    let post = world.only_post("#p2");
    assert!(post.everything().contains("logins fall by -"), "{}", post.everything());

    stack.repair().await;
    world.slack_until("that they are back", |slack| is_over(slack, "#p2", "LoginsFalling")).await;
    tocsin.stop().await;
    world.only_post("#p2");
    assert_eq!(world.slack.posts("#p1").len(), 0, "a P2 wakes nobody");
    assert_eq!(world.twilio.messages().len(), 0);
}

const SESSIONS: &str = "
groups:
- name: quick
  interval: 200ms
  rules:
  - alert: RunsTakeTime
    expr: tocsin_check_duration_seconds{check=\"discovery\"} > 0
  - alert: TooManySessions
    expr: sessions > 5
    for: 1s
    labels: {severity: p1}
    annotations: {summary: '{{ $value }} sessions'}
";

#[tokio::test(flavor = "multi_thread")]
async fn what_fires_survives_sigkill_and_is_told_once() {
    let world = World::with_discovery().await;
    write_rules(&world, SESSIONS);
    let tocsin = world.up_with(&config(&world)).await;
    // A check's own numbers are there for rules from the first run on.
    world.slack_until("the runs", |slack| posts_about(slack, "#p2", "RunsTakeTime") == 1).await;
    gauge(&tocsin, "sessions:9|g");
    world.slack_until("the page", |slack| posts_about(slack, "#p1", "TooManySessions") == 1).await;
    let texted = |twilio: &tests::doubles::twilio::TwilioRecord, what: &str| {
        DEVOPS.iter().all(|(_, number)| twilio.to(number).any(|sms| sms.body.contains(what)))
    };
    world.twilio_until("the texts", |twilio| texted(twilio, "TooManySessions")).await;
    let before = alerts(&tocsin, "TooManySessions").await;
    assert_eq!((before.len(), &before[0]["state"]), (1, &json!("firing")), "{before:?}");
    let page = tocsin.page("/").await;
    assert!(page.contains("TooManySessions") && page.contains("firing"), "{page}");
    tocsin.kill().await;

    let again = world.up_with(&config(&world)).await;
    gauge(&again, "sessions:9|g");
    until(&again, "an evaluation", async || {
        again.page("metrics").await.lines().any(|line| {
            let count = line.strip_prefix("tocsin_rule_group_evaluations_total ");
            count.and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| count >= 10)
        })
    })
    .await;
    let after = alerts(&again, "TooManySessions").await;
    assert_eq!(after.len(), 1, "{after:?}");
    assert_eq!(after[0]["activeAt"], before[0]["activeAt"], "it has not begun anew");
    assert_eq!(world.slack.with(|slack| posts_about(slack, "#p1", "TooManySessions")), 1, "told once");

    gauge(&again, "sessions:1|g");
    world.slack_until("the end", |slack| is_over(slack, "#p1", "TooManySessions")).await;
    again.stop().await;
    assert_eq!(world.slack.with(|slack| posts_about(slack, "#p1", "TooManySessions")), 1);
    assert_eq!(world.slack.with(|slack| posts_about(slack, "#p2", "RunsTakeTime")), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_fail_are_seen_and_a_reload_takes_new_ones() {
    let world = World::with_discovery().await;
    write_rules(&world, "groups: [{name: quick, interval: 200ms, rules: [{alert: Ratio, expr: load / on () limit}]}]");
    let tocsin = world.up_with(&config(&world)).await;
    gauge(&tocsin, "load:1|g\nlimit:1|g|#of:a\nlimit:2|g|#of:b");
    until(&tocsin, "the notice", async || {
        tocsin.page("/").await.contains("The rule Ratio of the group quick cannot be evaluated")
    })
    .await;
    let metrics = tocsin.page("metrics").await;
    let failures = metrics.lines().find(|line| line.starts_with("tocsin_rule_evaluation_failures_total{"));
    assert!(failures.is_some_and(|line| line.contains("rule=\"Ratio\"") && !line.ends_with(" 0")), "{metrics}");

    // A slip of the pen keeps what was there, and is shown.
    write_rules(&world, "groups: [{name: quick, rules: [{alert: Ratio, expr: 'load /'}]}]");
    tocsin.process.signal(Signal::SIGHUP);
    until(&tocsin, "the refusal", async || {
        let page = tocsin.page("/").await;
        page.contains("Alert rules are refused") && page.contains("its former rules go on")
    })
    .await;

    write_rules(&world, "groups: [{name: quick, interval: 200ms, rules: [{alert: Loaded, expr: load > 0}]}]");
    tocsin.process.signal(Signal::SIGHUP);
    world.slack_until("the new rule", |slack| posts_about(slack, "#p2", "Loaded") == 1).await;
    until(&tocsin, "the notice goes", async || !tocsin.page("/").await.contains("cannot be evaluated")).await;
    tocsin.stop().await;

    // What `up` would refuse, `validate` refuses.
    write_rules(&world, "groups: [{name: quick, rules: [{alert: Ratio, expr: 'load /'}]}]");
    let validated = Tocsin::run(&config(&world), world.path(), &["validate"]).await;
    validated.assert_code(1).assert_says(&["test.rules.yml:1: the rule \"Ratio\" cannot be evaluated"]);
}
