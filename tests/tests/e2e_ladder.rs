//! From a broken target to somebody's phone and back: the real binaries, the real auth stack, recording providers.

use nix::sys::signal::Signal;
use serde_json::json;
use std::path::Path;
use tests::doubles::slack::SlackMessage;
use tests::doubles::twilio::Sms;
use tests::harness::{Config, DEVOPS, Process, Tocsin, World, program};
use tokio::process::Command;

/// A text's part that fits its first segment: <https://www.twilio.com/docs/glossary/what-sms-character-limit>
const SEGMENT_CHARS: usize = 160;

fn first_segment(sms: &Sms) -> String {
    sms.body.chars().take(SEGMENT_CHARS).collect()
}

#[track_caller]
fn assert_says(message: &SlackMessage, parts: &[&str]) {
    let text = message.everything();
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in the post:\n{text}");
    }
}

fn texts_to<'a>(texts: &'a [Sms], number: &'a str) -> Vec<&'a Sms> {
    texts.iter().filter(|sms| sms.to == number).collect()
}

/// Whether the channel's post says that it is over, and its thread too.
fn is_told_recovered(slack: &tests::doubles::slack::SlackRecord, channel: &str) -> bool {
    slack.posts(channel).next().is_some_and(|post| {
        post.everything().to_lowercase().contains("recovered")
            && slack.replies(post).any(|reply| reply.everything().contains("recovered"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_climbs_the_ladder_and_recovery_is_told_to_all() {
    let world = World::with_discovery().await;
    let tocsin = world.up().await;
    tocsin.passes("discovery").await;
    assert!(world.slack.with(|slack| slack.calls_of("chat.postMessage").next().is_none()), "all is well");

    world.stack.break_everything().await;
    world.slack_until("the P2 post", |slack| slack.posts("#p2").count() == 1).await;
    world.paged(1).await;
    let (p2, p1) = (world.only_post("#p2"), world.only_post("#p1"));
    assert!(p2.posted_at <= p1.posted_at, "one failure is told before two");
    assert_says(&p1, &["P1", "discovery", "The provider describes itself", "500", "second failure in a row"]);
    for (region, _) in tests::harness::REGIONS {
        assert_says(&p1, &[region]);
    }

    // Whoever opens the pages sees the same.
    let pages: [(&str, &[&str]); 2] = [
        ("/", &["discovery", "P1", "us-east-1"]),
        ("/incident/1", &["second failure in a row", "#p1", "Ada", "What failed", "Answered by"]),
    ];
    for (path, parts) in pages {
        let page = tocsin.page(path).await;
        for part in parts {
            assert!(page.contains(part), "`{part}` is not on {path}:\n{page}");
        }
    }

    world.stack.repair().await;
    for channel in ["#p1", "#p2"] {
        world.slack_until("the recovery", |slack| is_told_recovered(slack, channel)).await;
    }
    world.paged_and_told(1).await;
    tocsin.stop().await;

    // One post in each channel, edited as the incident went on, and nothing else in the channels.
    for channel in ["#p1", "#p2"] {
        let post = world.only_post(channel);
        assert!(!post.edits.is_empty(), "{channel}: edited");
        assert!(!world.slack.replies(&post).is_empty(), "{channel}: the history is in the thread");
    }
    let texts = world.twilio.messages();
    for (name, number) in DEVOPS {
        let [page, recovery] = texts_to(&texts, number)[..] else { panic!("{name}: a page and its end: {texts:#?}") };
        assert!(first_segment(page).contains("discovery") && first_segment(page).contains("P1"), "{page:?}");
        assert!(first_segment(recovery).contains("discovery") && recovery.body.contains("recovered"), "{recovery:?}");
    }
    assert_eq!(texts.len(), 2 * DEVOPS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_one_region_pages_once_and_further_regions_add_nothing() {
    let world = World::with_discovery().await;
    let tocsin = world.up().await;
    tocsin.passes("discovery").await;

    world.stack.break_with(json!({ "fault": "outage", "node": "us-east-1" })).await;
    world.paged(1).await;
    let p1 = world.only_post("#p1");
    assert_says(&p1, &["us-east-1", "second failure in a row in us-east-1", "network-connect"]);

    world.stack.break_node("ap-southeast-2").await;
    world
        .slack_until("the second region in the thread", |slack| {
            slack
                .posts("#p1")
                .any(|post| slack.replies(post).any(|reply| reply.everything().contains("ap-southeast-2")))
        })
        .await;
    world.stack.repair().await;
    world.slack_until("the recovery", |slack| is_told_recovered(slack, "#p1") && is_told_recovered(slack, "#p2")).await;
    world.paged_and_told(1).await;
    tocsin.stop().await;
    world.only_post("#p1");
    world.only_post("#p2");
    assert_eq!(world.twilio.messages().len(), 2 * DEVOPS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bug_in_a_script_stays_in_p2() {
    let world = World::new().await;
    world.write_check(
        "buggy",
        r#"
import { defineCheck } from "tocsin";
export default defineCheck({
  schedule: "every 1s",
  async run(ctx) {
    const user = undefined;
    return user.name;
  },
});
"#,
    );
    let tocsin = world.up().await;
    tocsin.failed_in_a_row("buggy", 3).await;
    world.slack_until("the P2 post", |slack| slack.posts("#p2").count() == 1).await;
    assert_says(&world.only_post("#p2"), &["buggy", "script", "buggy.check.js:7"]);
    tocsin.stop().await;
    world.only_post("#p2");
    assert_eq!(world.slack.posts("#p1").len(), 0, "a bug of ours is no P1");
    assert_eq!(world.twilio.messages().len(), 0, "a bug of ours wakes nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tokens_everything_is_printed_and_kept() {
    let world = World::with_discovery().await;
    let config = Config::new(world.checks(), &world.stack);
    let mut tocsin = world.up_with(&config).await;
    world.stack.break_everything().await;
    for text in ["#p2", "#p1", "Ada", "+4915100000001", "Grace", "+4915100000002", "discovery"] {
        tocsin.process.prints(text).await;
    }
    world.stack.repair().await;
    tocsin.process.prints("recovered").await;
    let up = tocsin.stop().await;
    up.assert_says(&["SLACK_TOKEN", "TWILIO", "second failure in a row"]);

    let incidents = Tocsin::run(&config, world.path(), &["incidents", "--all"]).await;
    incidents.assert_code(0).assert_says(&["discovery", "recovered"]);
    assert!(world.slack.with(|slack| slack.calls.is_empty()), "without a token nobody is called");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_removed_closes_its_incident_and_says_so() {
    let world = World::with_discovery().await;
    world.write_check("another", tests::harness::DISCOVERY);
    world.stack.break_node("eu-west-1").await;
    let config = Config { regions: 1, ..world.config() };
    let tocsin = world.up_with(&config).await;
    tocsin.failed_in_a_row("discovery", 2).await;
    tocsin.failed_in_a_row("another", 2).await;
    world.slack_until("both P1 posts", |slack| slack.posts("#p1").count() == 2).await;

    std::fs::remove_file(world.checks().join("discovery.check.js")).unwrap();
    tocsin.process.signal(Signal::SIGHUP);
    world
        .slack_until("the end in the thread", |slack| {
            let mut posts = slack.posts("#p1").filter(|post| post.text.contains("discovery"));
            posts.any(|post| slack.replies(post).any(|reply| reply.everything().contains("the check was removed")))
        })
        .await;
    let told = |twilio: &tests::doubles::twilio::TwilioRecord| {
        DEVOPS.iter().all(|(_, number)| twilio.to(number).any(|sms| sms.body.contains("is no longer checked")))
    };
    world.twilio_until("the end to each member", told).await;
    let status = tocsin.status().await;
    assert_eq!(status["incidents_open"].as_array().unwrap().len(), 1, "the other one goes on: {status:#}");
    tocsin.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_what_it_promises() {
    for tool in ["curl", "jq", "setsid", "setpriv"] {
        if !Command::new(tool).arg("--version").output().await.is_ok_and(|output| output.status.success()) {
            return tests::say_skipped(&format!("the demo ({tool} is not installed; run tools/prerequisites.sh)"));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let binaries = program("tocsin");
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/run.sh"));
    command.env("DEMO_EXIT", "1").env("DEMO_BIN", binaries.parent().unwrap()).env("TMPDIR", folder.path());
    for variable in tests::harness::NOT_FOR_TESTS {
        command.env_remove(variable);
    }
    let demo =
        Process::spawn("demo", command, folder.path()).finished_within(std::time::Duration::from_secs(120)).await;
    demo.assert_code(0).assert_says(&["#p2", "#p1", "SMS to", "LoginsFalling", "recovered", "an orderly end"]);
}
