//! A restart in the middle of a ladder: counters survive, nothing is lost, and nothing is told twice.
//!
//! The checks run once after each start and then not for a long time, so that a test decides how many failures there
//! are: one for each start.

use std::time::{SystemTime, UNIX_EPOCH};
use tests::doubles::Behaviour;
use tests::harness::{Config, DEVOPS, Tocsin, World};

/// How far away the slot after the first one is, at least.
const NEXT_SLOT_S_MIN: u64 = 900;

/// Schedules for one start after another. A run belongs to its slot, and one that is run again after a restart is
/// the same run, which counts once; so each start gets a period whose current slot is younger than the one before.
/// Slots are aligned on the epoch.
#[derive(Default)]
struct Starts {
    last_slot_s: u64,
}

impl Starts {
    fn next(&mut self, world: &World) -> Config {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
        let slots = (3_600..36_000).map(|period_s| (now_s - now_s % period_s, period_s));
        let younger = slots
            .filter(|(slot_s, period_s)| *slot_s > self.last_slot_s && slot_s + period_s > now_s + NEXT_SLOT_S_MIN);
        let (slot_s, period_s) = younger.min().expect("there are thousands of periods to choose from");
        self.last_slot_s = slot_s;
        Config { regions: 1, schedule: Some(format!("every {period_s}s")), ..world.config() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// SIGTERM: it drains.
    Stop,
    /// SIGKILL, at once after the provider has the message: Tocsin may not have heard the answer yet.
    Kill,
}

async fn climbs_over_restarts(end: End) {
    let world = World::with_discovery().await;
    let mut starts = Starts::default();
    world.stack.break_everything().await;
    let finish = async |tocsin: Tocsin| match end {
        End::Stop => drop(tocsin.stop().await),
        End::Kill => tocsin.kill().await,
    };

    let first = world.up_with(&starts.next(&world)).await;
    world.slack_until("the P2 post", |slack| slack.posts("#p2").count() == 1).await;
    finish(first).await;
    assert_eq!(world.slack.posts("#p1").len(), 0, "one failure is no P1");

    let second = world.up_with(&starts.next(&world)).await;
    world.paged(1).await;
    finish(second).await;

    let third = world.up_with(&starts.next(&world)).await;
    third.failed_in_a_row("discovery", 3).await;
    finish(third).await;

    world.stack.repair().await;
    let fourth = world.up_with(&starts.next(&world)).await;
    world.paged_and_told(1).await;
    for channel in ["#p1", "#p2"] {
        world
            .slack_until("the recovery", |slack| {
                slack
                    .posts(channel)
                    .any(|post| slack.replies(post).any(|reply| reply.everything().contains("recovered")))
            })
            .await;
    }
    // A last run that changes nothing shows what the journal made of it all.
    fourth.stop().await;
    world.only_post("#p2");
    world.only_post("#p1");
    assert_eq!(world.twilio.messages().len(), 2 * DEVOPS.len(), "{:#?}", world.twilio.messages());
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_between_the_rungs() {
    climbs_over_restarts(End::Stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigkill_between_the_rungs() {
    climbs_over_restarts(End::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigkill_while_the_provider_keeps_quiet_about_what_it_accepted() {
    let world = World::with_discovery().await;
    let mut starts = Starts::default();
    // The answer would be waited for longer than the process lives.
    let mut patient = || Config { request_timeout: "30s".to_owned(), ..starts.next(&world) };
    world.stack.break_everything().await;
    world.slack.next("chat.postMessage", [Behaviour::HangAfterAccepting]);
    let first = world.up_with(&patient()).await;
    world.slack_until("the P2 post", |slack| slack.posts("#p2").count() == 1).await;
    first.kill().await;

    world.twilio.next("send", [Behaviour::HangAfterAccepting, Behaviour::HangBeforeAccepting]);
    let second = world.up_with(&patient()).await;
    world.slack_until("the P1 post", |slack| slack.posts("#p1").count() == 1).await;
    world.twilio_until("both texts on their way", |twilio| twilio.calls.len() >= DEVOPS.len()).await;
    second.kill().await;
    assert_eq!(world.twilio.messages().len(), 1, "one text was accepted, the other was not");

    let third = world.up_with(&patient()).await;
    world.paged(1).await;
    third.failed_in_a_row("discovery", 3).await;
    third.stop().await;
    world.only_post("#p2");
    world.only_post("#p1");
    assert_eq!(world.twilio.messages().len(), DEVOPS.len(), "{:#?}", world.twilio.messages());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_behind_by_a_sigkill() {
    let world = World::with_discovery().await;
    let tocsin = world.up().await;
    tocsin.passes("discovery").await;
    let group = tocsin.process.id();
    let children = tests::harness::descendants(group);
    assert!(!children.is_empty(), "the sandbox has processes of its own");
    tocsin.kill().await;
    tests::harness::all_gone(&children).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_is_refused() {
    let world = World::with_discovery().await;
    let tocsin = world.up().await;
    let second = Tocsin::run(&world.config(), world.path(), &["up"]).await;
    assert_ne!(second.status.code(), Some(0));
    second.assert_says(&["another Tocsin is running"]);
    tocsin.passes("discovery").await;
    tocsin.stop().await;
}
