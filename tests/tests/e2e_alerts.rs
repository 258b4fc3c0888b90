//! Alerts of others in the running program: from their webhooks to Slack and telephones, and back.

use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Instant;
use tests::doubles::Behaviour;
use tests::doubles::slack::SlackRecord;
use tests::doubles::sns::Sns;
use tests::harness::{Alertmanager, Config, SOON, Tocsin, World};

const TOKEN: &str = "0f3c2a9d41b7e6550f3c2a9d41b7e655";

fn token_file(world: &World) -> PathBuf {
    let path = world.path().join("token");
    std::fs::write(&path, TOKEN).expect("a test's own folder can be written");
    path
}

fn config(world: &World, alerts: &str) -> Config {
    let callbacks = "[callbacks]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:9\"\n";
    Config { regions: 1, extra: format!("{callbacks}{alerts}"), ..world.config() }
}

/// Without checks, so that whatever is posted came from outside.
async fn up(world: &World, alerts: &str) -> (Tocsin, String) {
    let tocsin = world.up_with(&config(world, alerts)).await;
    let address = tocsin.ready["callbacks"].as_str().expect("it listens for callbacks").to_owned();
    (tocsin, format!("http://{address}/alerts"))
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

async fn post(url: &str, token: Option<&str>, body: impl Into<String>) -> u16 {
    let mut request = client().post(url).body(body.into());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap_or_else(|error| panic!("{url}: {error}")).status().as_u16()
}

/// How many calls of the route were refused for the reason, as `/metrics` says.
async fn refused(tocsin: &Tocsin, route: &str, reason: &str) -> u64 {
    let text = tocsin.page("metrics").await;
    let labels = [format!("route=\"{route}\""), format!("reason=\"{reason}\"")];
    let mut lines = text.lines().filter(|line| line.starts_with("tocsin_callbacks_refused_total{"));
    let line = lines.find(|line| labels.iter().all(|label| line.contains(label)));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

fn posts_about(slack: &SlackRecord, channel: &str, what: &str) -> usize {
    slack.posts(channel).filter(|post| post.everything().contains(what)).count()
}

fn is_over(slack: &SlackRecord, channel: &str, what: &str) -> bool {
    let mut posts = slack.posts(channel).filter(|post| post.everything().contains(what));
    posts.any(|post| slack.replies(post).any(|reply| reply.everything().contains("recovered")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_alertmanager_opens_and_ends_incidents() {
    let world = World::new().await;
    let token = token_file(&world);
    let (tocsin, url) = up(&world, &format!("[alerts.alertmanager]\ntoken = {{ file = {token:?} }}\n")).await;
    let Some(alertmanager) = Alertmanager::that_tells(&format!("{url}/alertmanager"), &token, world.path()).await
    else {
        return;
    };
    let alert = |name: &str, severity: &str, ends: Option<&str>| {
        let mut alert = json!({
            "labels": { "alertname": name, "severity": severity, "instance": "login-1" },
            "annotations": {
                "summary": format!("{name} on login-1"),
                "runbook_url": "https://runbooks.example.com/login",
            },
            "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=up",
        });
        if let Some(at) = ends {
            alert["endsAt"] = json!(at);
        }
        alert
    };
    alertmanager.post(&json!([alert("LoginErrors", "critical", None), alert("DiskFills", "warning", None)])).await;
    world.paged(1).await;
    world.slack_until("the P2", |slack| posts_about(slack, "#p2", "DiskFills") == 1).await;
    let page = world.only_post("#p1");
    let text = page.everything();
    assert!(text.contains("LoginErrors on login-1") && text.contains("https://runbooks.example.com/login"), "{text}");

    // What fires again in the same group is said again with the rest, and is no second incident.
    let mut second = alert("LoginErrors", "critical", None);
    second["labels"]["instance"] = json!("login-2");
    second["annotations"]["summary"] = json!("LoginErrors on login-2");
    alertmanager.post(&json!([second])).await;
    world.slack_until("the second", |slack| posts_about(slack, "#p1", "LoginErrors on login-2") == 1).await;
    assert_eq!(world.slack.with(|slack| posts_about(slack, "#p1", "LoginErrors on login-1")), 1);

    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    alertmanager
        .post(&json!([alert("LoginErrors", "critical", Some(&now)), alert("DiskFills", "warning", Some(&now))]))
        .await;
    world
        .slack_until("both ends", |slack| {
            is_over(slack, "#p1", "LoginErrors on login-1") && is_over(slack, "#p2", "DiskFills")
        })
        .await;
    assert!(!world.slack.with(|slack| is_over(slack, "#p1", "LoginErrors on login-2")), "it fires on");
    assert_eq!(refused(&tocsin, "alerts-alertmanager", "token").await, 0, "{}", alertmanager.logs());
    tocsin.stop().await;
    assert_eq!(world.slack.posts("#p1").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_stands_between_the_world_and_incidents() {
    let world = World::new().await;
    let token = token_file(&world);
    let source = format!("token = {{ file = {token:?} }}");
    let (tocsin, url) = up(&world, &format!("[alerts.pingdom]\n{source}\n[alerts.new_relic]\n{source}\n")).await;
    let change = |state: &str, at: i64| {
        json!({
            "check_id": 12345, "check_name": "Login page", "check_type": "HTTP", "current_state": state,
            "importance_level": "HIGH", "state_changed_timestamp": at, "description": "HTTP error 503",
        })
        .to_string()
    };
    let issue = |state: &str, at: i64| {
        json!({
            "id": "0ea2df1c", "title": "Logins are slow", "state": state, "priority": "MEDIUM", "updatedAt": at,
            "issueUrl": "https://one.newrelic.com/issue/0ea2df1c",
        })
        .to_string()
    };
    let at = chrono::Utc::now().timestamp();
    let (pingdom, new_relic) = (format!("{url}/pingdom"), format!("{url}/new-relic"));
    let huge = "x".repeat(9 << 20);
    /// URL, token, body; status, and the route and reason that it is counted by.
    type Refused<'a> = (&'a str, Option<&'a str>, &'a str, u16, &'a str, &'a str);
    let refusals: [Refused<'_>; 8] = [
        (&pingdom, None, "", 401, "alerts-pingdom", "token"),
        (&pingdom, Some("0f3c2a9d41b7e6550f3c2a9d41b7e656"), "", 401, "alerts-pingdom", "token"),
        (&new_relic, None, &huge, 401, "alerts-new-relic", "token"),
        (&new_relic, Some(TOKEN), &huge, 413, "alerts-new-relic", "too-large-or-broken-off"),
        (&pingdom, Some(TOKEN), "{\"check_id\":", 400, "alerts-pingdom", "malformed"),
        (
            &pingdom,
            Some(TOKEN),
            "{\"check_id\":1,\"check_name\":\"a\",\"current_state\":\"PAUSED\",\"state_changed_timestamp\":1}",
            400,
            "alerts-pingdom",
            "unknown-state",
        ),
        // Sources that nobody configured are not there.
        (&format!("{url}/alertmanager"), Some(TOKEN), "{}", 404, "unknown", "path"),
        (&format!("{url}/cloudwatch"), Some(TOKEN), "{}", 404, "unknown", "path"),
    ];
    for (url, token, body, status, route, reason) in refusals {
        let before = refused(&tocsin, route, reason).await;
        assert_eq!(post(url, token, body).await, status, "{url} {token:?}");
        assert_eq!(refused(&tocsin, route, reason).await, before + 1, "{route} {reason}");
    }
    assert_eq!(tocsin.status().await["incidents_open"], json!([]), "no effect");

    // Pingdom can be given a URL, and nothing else.
    let with_token = format!("{pingdom}?token={TOKEN}");
    for _ in 0..2 {
        assert_eq!(post(&with_token, None, change("DOWN", at)).await, 200);
        assert_eq!(post(&new_relic, Some(TOKEN), issue("ACTIVATED", at * 1_000)).await, 200);
    }
    world.paged(1).await;
    world.slack_until("the P2", |slack| posts_about(slack, "#p2", "Logins are slow") == 1).await;
    assert!(world.only_post("#p1").everything().contains("Login page"));
    let open = tocsin.status().await["incidents_open"].as_array().map_or(0, Vec::len);
    assert_eq!(open, 2, "what is told twice is one incident");

    assert_eq!(post(&with_token, None, change("UP", at + 60)).await, 200);
    assert_eq!(post(&new_relic, Some(TOKEN), issue("CLOSED", at * 1_000 + 1)).await, 200);
    // What was under way when it ended, and comes after it.
    assert_eq!(post(&with_token, None, change("DOWN", at)).await, 200);
    assert_eq!(post(&new_relic, Some(TOKEN), issue("ACTIVATED", at * 1_000)).await, 200);
    world
        .slack_until("the ends", |slack| {
            is_over(slack, "#p1", "Login page") && is_over(slack, "#p2", "Logins are slow")
        })
        .await;
    let logs = tocsin.stop().await.output();
    assert_eq!(world.slack.posts("#p1").len(), 1);
    assert!(!logs.contains(TOKEN), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_source_never_ends_is_ended_by_hand_or_with_its_source() {
    let world = World::new().await;
    let token = token_file(&world);
    let alerts = format!("[alerts.pingdom]\ntoken = {{ file = {token:?} }}\n");
    let (tocsin, url) = up(&world, &alerts).await;
    let down = |id: u64, name: &str| {
        let at = chrono::Utc::now().timestamp();
        json!({
            "check_id": id, "check_name": name, "check_type": "HTTP", "current_state": "DOWN", "importance_level": "HIGH",
            "state_changed_timestamp": at, "description": "HTTP error 503",
        })
        .to_string()
    };
    let url = format!("{url}/pingdom");
    assert_eq!(post(&url, Some(TOKEN), down(1, "Login page")).await, 200);
    let number = tocsin.status().await["incidents_open"][0]["number"].as_u64().expect("it is open").to_string();
    assert_eq!(post(&url, Some(TOKEN), down(2, "Sign-up page")).await, 200);
    world.slack_until("both", |slack| posts_about(slack, "#p1", "Sign-up page") == 1).await;

    let config = config(&world, &alerts);
    let resolve = ["resolve", &number, "--by", "Ada", "--because", "the check was deleted"];
    let resolved = Tocsin::run(&config, world.path(), &resolve).await;
    resolved.assert_code(0).assert_says(&[&format!("incident #{number} is over, by Ada")]);
    let says = |slack: &SlackRecord, what: &str, said: &str| {
        let mut posts = slack.posts("#p1").filter(|post| post.everything().contains(what));
        posts.any(|post| slack.replies(post).any(|reply| reply.everything().contains(said)))
    };
    let by_ada = "resolved by Ada over the command line: the check was deleted";
    world.slack_until("who ended it", |slack| says(slack, "Login page", by_ada)).await;
    let shown = Tocsin::run(&config, world.path(), &["incident", "show", &number]).await;
    shown.assert_code(0).assert_says(&[by_ada]);
    Tocsin::run(&config, world.path(), &resolve).await.assert_code(1).assert_says(&["is over: closed"]);
    let open = tocsin.status().await["incidents_open"].as_array().map_or(0, Vec::len);
    assert_eq!(open, 1, "the other fires on");

    tocsin.stop().await;
    let (tocsin, _) = up(&world, "").await;
    world
        .slack_until("its source is gone", |slack| says(slack, "Sign-up page", "pingdom is not configured any more"))
        .await;
    assert_eq!(tocsin.status().await["incidents_open"], json!([]));
    tocsin.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudwatch_is_believed_by_its_signature() {
    let world = World::new().await;
    let sns = Sns::topic().await.expect("a port of this machine is free");
    let alerts = format!(
        "[alerts.cloudwatch]\napi_url = {:?}\n[[alerts.cloudwatch.topics]]\narn = \"{}\"\nseverity = \"p1\"\n",
        sns.api_url(),
        Sns::TOPIC
    );
    let (tocsin, url) = up(&world, &alerts).await;
    let url = format!("{url}/cloudwatch");
    let send = async |message: &Value| post(&url, None, message.to_string()).await;

    // As long as SNS cannot be asked, it is asked to send again.
    sns.next("certificate", [Behaviour::Status(500), Behaviour::CloseBeforeAccepting]);
    let subscription = sns.message("SubscriptionConfirmation", "You have chosen to subscribe.");
    assert_eq!([send(&subscription).await, send(&subscription).await, send(&subscription).await], [503, 503, 200]);
    assert_eq!(sns.with(|record| record.subscriptions_confirmed), 1);

    let changed = |field: &str, value: Value| {
        let mut message = sns.alarm("logins", "ALARM", "OK");
        message[field] = value;
        message
    };
    let elsewhere =
        changed("SigningCertURL", json!("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0f3c.pem"));
    let made_up = [
        (changed("Message", json!("{}")), "signature"),
        (changed("TopicArn", json!("arn:aws:sns:eu-west-1:123456789012:other")), "topic"),
        (changed("Timestamp", json!("2026-01-01T00:00:00.000Z")), "too-old"),
        (changed("SignatureVersion", json!("3")), "signature-version"),
        (elsewhere, "address"),
        (sns.message("Notification", "Hello"), "malformed"),
        (json!({ "AlarmName": "raw delivery" }), "malformed"),
    ];
    for (message, reason) in made_up {
        let before = refused(&tocsin, "alerts-cloudwatch", reason).await;
        assert_eq!(send(&message).await, 400, "{message}");
        assert_eq!(refused(&tocsin, "alerts-cloudwatch", reason).await, before + 1, "{reason}");
    }
    assert_eq!(tocsin.status().await["incidents_open"], json!([]), "no effect");

    let alarm = sns.alarm("no-logins", "ALARM", "OK");
    assert_eq!([send(&alarm).await, send(&alarm).await], [200, 200]);
    world.paged(1).await;
    assert!(world.only_post("#p1").everything().contains("no-logins"));
    // Without data it has not recovered.
    assert_eq!(send(&sns.alarm("no-logins", "INSUFFICIENT_DATA", "ALARM")).await, 200);
    assert_eq!(tocsin.status().await["incidents_open"].as_array().map_or(0, Vec::len), 1);
    assert_eq!(send(&sns.alarm("no-logins", "OK", "INSUFFICIENT_DATA")).await, 200);
    world.slack_until("the end", |slack| is_over(slack, "#p1", "no-logins")).await;

    assert_eq!(send(&sns.message("UnsubscribeConfirmation", "You have unsubscribed.")).await, 200);
    world
        .slack_until("the silence", |slack| posts_about(slack, "#p1", "CloudWatch alarms no longer arrive") == 1)
        .await;
    tocsin.stop().await;
    assert_eq!(sns.with(|record| record.certificates_fetched), 1, "kept once it is known");
    assert_eq!(sns.with(|record| record.subscriptions_confirmed), 1);
    assert_eq!(world.slack.posts("#p1").len(), 2);
}

/// What was answered with 200 is there after SIGKILL.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_survives_sigkill() {
    let world = World::new().await;
    let token = token_file(&world);
    let alerts = format!("[alerts.pingdom]\ntoken = {{ file = {token:?} }}\n");
    let (tocsin, url) = up(&world, &alerts).await;
    let change = json!({
        "check_id": 1, "check_name": "Login page", "current_state": "DOWN",
        "state_changed_timestamp": chrono::Utc::now().timestamp(),
    });
    world.slack.always_everything(Behaviour::HangBeforeAccepting);
    assert_eq!(post(&format!("{url}/pingdom"), Some(TOKEN), change.to_string()).await, 200);
    tocsin.kill().await;
    world.slack.behave();
    let (tocsin, _) = up(&world, &alerts).await;
    let started = Instant::now();
    world.slack_until("the post", |slack| posts_about(slack, "#p2", "Login page") == 1).await;
    assert!(started.elapsed() < SOON);
    tocsin.stop().await;
    world.only_post("#p2");
}
