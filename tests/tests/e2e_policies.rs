//! What a policy says besides counting, in the running program: confirmed at once, repeated, in more than one region,
//! flapping, explained by another check, in maintenance.

use alerting::journal::{Commit, Journal as _, SqliteJournal, SqliteSettings};
use checks::{CheckId, UnixMs};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::time::{Duration, UNIX_EPOCH};
use tests::harness::{Config, DEVOPS, DISCOVERY, Switch, Tocsin, World};

/// A ladder of two rungs, with `more` of the policy.
fn ladder(more: &str, of_p1: &str) -> String {
    format!(
        r##"
[policies.default]
{more}
[[policies.default.rungs]]
label = "P2"
failures_in_a_row = 1
slack = ["#p2"]
[[policies.default.rungs]]
label = "P1"
failures_in_a_row = 2
{of_p1}
slack = ["#p1"]
sms = ["devops"]
"##
    )
}

fn config(world: &World, extra: String) -> Config {
    Config { regions: 1, extra, ..world.config() }
}

/// The open incident of a check.
fn open<'a>(status: &'a Value, check: &str) -> Option<&'a Value> {
    status["incidents_open"].as_array()?.iter().find(|incident| incident["check"] == check)
}

fn failures(status: &Value, check: &str) -> u64 {
    let regions = open(status, check).and_then(|incident| incident["regions"].as_array());
    let count = |region: &Value| region["failures_in_a_row"].as_u64();
    regions.and_then(|regions| regions.iter().filter_map(count).max()).unwrap_or(0)
}

async fn until_open(tocsin: &Tocsin, check: &str) -> u64 {
    tocsin.status_until(&format!("an incident of {check}"), |status| open(status, check).is_some()).await;
    let status = tocsin.status().await;
    open(&status, check).and_then(|incident| incident["number"].as_u64()).expect("it has just been open")
}

async fn story(world: &World, config: &Config, number: u64) -> String {
    let story = Tocsin::run(config, world.path(), &["incident", "show", &number.to_string()]).await;
    story.assert_code(0);
    story.output()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_confirmed_long_before_the_next_slot() {
    // At once, and after a while: neither waits an hour.
    for confirm_after in ["0s", "1s"] {
        let world = World::new().await;
        world.write_check("discovery", &DISCOVERY.replace("every 1s", "every 1h"));
        world.stack.break_everything().await;
        let config = config(&world, ladder(&format!("confirm_after = {confirm_after:?}"), ""));
        let tocsin = world.up_with(&config).await;
        world.paged(1).await;
        tocsin
            .status_until("the run and the one that confirms it", |status| {
                let recent = status["checks"][0]["cells"][0]["recent"].as_array().map_or(&[][..], Vec::as_slice);
                recent.len() == 2 && recent[0]["slot"] == recent[1]["slot"]
            })
            .await;
        let number = until_open(&tocsin, "discovery").await;
        tocsin.stop().await;
        let story = story(&world, &config, number).await;
        assert!(story.contains("second failure in a row in eu-west-1"), "{story}");
        assert_eq!(world.only_post("#p1").channel, "#p1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_repeated_until_somebody_acknowledges_also_over_a_restart() {
    let world = World::with_discovery().await;
    let config = config(&world, ladder("repeat_every = \"1m\"", ""));
    let check: CheckId = "discovery".parse().expect("an id");
    let tocsin = world.up_with(&config).await;
    world.stack.break_everything().await;
    world.paged(1).await;
    let number = until_open(&tocsin, "discovery").await;
    tocsin.stop().await;
    paged_a_minute_ago(&world, &check).await;

    let tocsin = world.up_with(&config).await;
    world.paged_and_told(1).await;
    let texts: Vec<_> = world.twilio.with(|twilio| twilio.to(DEVOPS[0].1).cloned().collect());
    let [first, again] = texts.as_slice() else { panic!("one page and its repetition: {texts:#?}") };
    assert_ne!(first.body, again.body, "it says that it says it again");
    let thread = |slack: &tests::doubles::slack::SlackRecord| {
        let said = |post| slack.replies(post).any(|reply| reply.broadcast && reply.everything().contains("P1 again"));
        slack.posts("#p1").any(said)
    };
    world.slack_until("the channel sees it", thread).await;
    world.only_post("#p1");

    let ack = Tocsin::run(&config, world.path(), &["ack", &number.to_string(), "--by", "Ada"]).await;
    ack.assert_code(0);
    tocsin.stop().await;
    paged_a_minute_ago(&world, &check).await;
    let tocsin = world.up_with(&config).await;
    let before = failures(&tocsin.status().await, "discovery");
    tocsin.failed_in_a_row("discovery", before + 3).await;
    tocsin.stop().await;
    assert_eq!(world.twilio.messages().len(), 2 * DEVOPS.len(), "who has acknowledged hears nothing more");
    let story = story(&world, &config, number).await;
    assert!(story.contains("P1 again") || story.contains("P1: "), "{story}");
}

/// A minute passes while the program is away, as far as its journal knows.
async fn paged_a_minute_ago(world: &World, check: &CheckId) {
    let file = world.path().join("data/tocsin.db");
    let journal = SqliteJournal::open(SqliteSettings::new(file)).expect("nobody else has it");
    let known = journal.load(check).await.expect("it reads").expect("it has a state");
    let mut state = known.value;
    let incident = state.incident.as_mut().expect("it is open");
    incident.paged_at = incident.paged_at.map(|at: UnixMs| at - 60_000);
    let commit = Commit {
        check: check.clone(),
        expected_revision: known.revision,
        state,
        consumed: Vec::new(),
        notifications: Vec::new(),
        trail: Vec::new(),
        reports: Vec::new(),
    };
    for committed in journal.commit(vec![commit]).await {
        committed.expect("nobody else decides");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_region_is_not_enough_where_a_rung_asks_for_two() {
    let world = World::with_discovery().await;
    let config = Config { regions: 2, ..config(&world, ladder("", "min_regions = 2")) };
    let tocsin = world.up_with(&config).await;
    tocsin.passes("discovery").await;
    world.stack.break_node("eu-west-1").await;
    tocsin.failed_in_a_row("discovery", 4).await;
    assert!(world.slack.posts("#p1").is_empty() && world.twilio.messages().is_empty(), "one region wakes nobody");
    world.only_post("#p2");

    world.stack.break_node("us-east-1").await;
    world.paged(1).await;
    let text = world.only_post("#p1").everything();
    assert!(text.contains("2 failures in a row in each of eu-west-1, us-east-1"), "{text}");
    tocsin.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_coming_back_stays_open_until_it_is_calm() {
    let world = World::with_discovery().await;
    let rule = "flapping_openings = 2\nflapping_window = \"10m\"\ncalm_after = \"6s\"";
    let config = config(&world, ladder(rule, ""));
    let tocsin = world.up_with(&config).await;
    world.stack.break_everything().await;
    world.paged(1).await;
    world.stack.repair().await;
    tocsin.recovered("discovery").await;
    world.paged_and_told(1).await;

    world.stack.break_everything().await;
    let second = until_open(&tocsin, "discovery").await;
    world.paged(2).await;
    for _ in 0..2 {
        world.stack.repair().await;
        tocsin
            .status_until("it passes and stays open", |status| {
                open(status, "discovery").is_some_and(|open| open["number"] == second) && passes_now(status)
            })
            .await;
        world.stack.break_everything().await;
        tocsin.status_until("it fails again", |status| failures(status, "discovery") >= 2).await;
    }
    world.stack.repair().await;
    tocsin.status_until("it is over when it is calm", |status| open(status, "discovery").is_none()).await;
    world.paged_and_told(2).await;
    tocsin.stop().await;
    assert_eq!(world.slack.posts("#p1").len(), 2, "one post for each incident");
    assert_eq!(world.twilio.messages().len(), 4 * DEVOPS.len(), "each begun and ended once");
    let story = story(&world, &config, second).await;
    for part in ["flapping: it keeps coming back", "passes again; it flaps", "recovered after"] {
        assert!(story.contains(part), "`{part}` is not in\n{story}");
    }
}

fn passes_now(status: &Value) -> bool {
    status["checks"][0]["cells"][0]["recent"][0]["verdict"] == "passed"
}

/// Asks a target of its own.
const CHILD: &str = r#"
import { defineCheck, expect } from "tocsin";

export default defineCheck({
  schedule: "every 1s",
  timeout: "5s",
  async run(ctx) {
    expect(await fetch(ctx.vars.CHILD_URL)).toBeOk();
  },
});
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_another_check_explains_is_held_back_and_names_it() {
    let world = World::with_discovery().await;
    world.write_check("child", CHILD);
    let target = Switch::start(Ipv4Addr::LOCALHOST, 0).await;
    let config = Config {
        vars: format!("CHILD_URL = \"http://{}/\"", target.address),
        ..config(&world, "[depends_on]\nchild = [\"discovery\"]\n".to_owned())
    };
    let tocsin = world.up_with(&config).await;
    tocsin.passes("child").await;
    world.stack.break_everything().await;
    world.paged(1).await;
    let parent = until_open(&tocsin, "discovery").await;

    target.answer(500);
    tocsin.status_until("the child fails", |status| failures(status, "child") >= 4).await;
    let child = until_open(&tocsin, "child").await;
    let why = format!("it depends on discovery, which fails too (incident #{parent})");
    let status = tocsin.status().await;
    let standing = open(&status, "child").and_then(|open| open["standing"].as_str()).unwrap_or_default();
    assert!(standing.contains(&why), "{status:#}");
    let story_so_far = story(&world, &config, child).await;
    assert!(story_so_far.contains(&format!("held back: {why}")), "{story_so_far}");
    assert_eq!(world.slack.posts("#p1").len(), 1, "only the parent pages");
    assert_eq!(world.twilio.messages().len(), DEVOPS.len());

    // The parent passes and the child does not: it was not explained after all.
    world.stack.repair().await;
    tocsin.recovered("discovery").await;
    world.slack_until("the child's page", |slack| slack.posts("#p1").any(|post| post.text.contains("child"))).await;
    let texted = |twilio: &tests::doubles::twilio::TwilioRecord| {
        DEVOPS.iter().all(|(_, number)| twilio.to(number).any(|sms| sms.body.contains("child")))
    };
    world.twilio_until("the child's texts", texted).await;
    target.answer(200);
    tocsin.recovered("child").await;
    tocsin.stop().await;
    assert_eq!(world.slack.posts("#p1").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_tells_nobody_and_what_still_fails_afterwards_pages() {
    let world = World::with_discovery().await;
    let until = UnixMs::now() + 8_000;
    let window = format!(
        "[[maintenance]]\nname = \"moving house\"\nchecks = [\"discovery\"]\nfrom = \"{}\"\nuntil = \"{until}\"\n",
        until - 60_000
    );
    let config = config(&world, window);
    world.stack.break_everything().await;
    let tocsin = world.up_with(&config).await;
    tocsin.failed_in_a_row("discovery", 3).await;
    let number = until_open(&tocsin, "discovery").await;
    let status = tocsin.status().await;
    // A machine that was too slow to fail within the window proves nothing about it.
    if UnixMs::now() < until {
        let standing = status["incidents_open"][0]["standing"].as_str().unwrap_or_default();
        assert!(standing.contains("moving house"), "{status:#}");
    }
    world.paged(1).await;
    tocsin.stop().await;
    let over_at = UNIX_EPOCH + Duration::from_millis(u64::try_from(until.0).expect("this is after 1970"));
    for channel in ["#p1", "#p2"] {
        let posted_at = world.only_post(channel).posted_at_wall;
        assert!(posted_at >= over_at, "{channel} is told after {until}: {posted_at:?}");
    }
    let story = story(&world, &config, number).await;
    assert!(story.contains("held back: in maintenance until") && story.contains("moving house"), "{story}");
}
