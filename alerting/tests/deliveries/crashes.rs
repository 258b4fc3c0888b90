use crate::providers::Fault;
use crate::scene::{ADA, BOB, P1, P2, Scene, loop_until, settled};
use alerting::Decision;
use std::time::Duration;

#[tokio::test]
async fn a_restart_in_the_middle_of_the_ladder_goes_on_climbing() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    settled(&alerting).await;
    drop(alerting);
    let alerting = scene.reopen().await;
    assert!(matches!(scene.fails(&alerting, "eu-west-1", 2).await, Decision::Climbed(_)));
    settled(&alerting).await;
    assert_eq!((scene.posts(P2).len(), scene.posts(P1).len()), (1, 1));
    assert!(scene.posts(P2)[0].starts_with("P1 #1"), "the post of the process before is edited");
    drop(alerting);
    let alerting = scene.reopen().await;
    assert_eq!(scene.passes(&alerting, "eu-west-1", 3).await, Decision::Recovered);
    settled(&alerting).await;
    assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (2, 2));
}

#[tokio::test]
async fn what_was_committed_and_not_sent_is_sent_by_the_next_process() {
    let scene = Scene::new().await;
    for provider in [&scene.slack, &scene.twilio] {
        provider.log().always = Some(Fault::HangBefore);
    }
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    loop_until(|| (scene.slack.log().sends >= 2 && scene.twilio.log().sends >= 2).then_some(())).await;
    drop(alerting);
    for provider in [&scene.slack, &scene.twilio] {
        provider.log().always = None;
    }
    let alerting = scene.reopen().await;
    settled(&alerting).await;
    assert_eq!((scene.posts(P2).len(), scene.posts(P1).len()), (1, 1));
    assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (1, 1));
}

#[tokio::test]
async fn what_was_sent_and_not_written_down_is_not_sent_again() {
    let scene = Scene::new().await;
    for provider in [&scene.slack, &scene.twilio] {
        provider.log().always = Some(Fault::HangAfter);
    }
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    loop_until(|| {
        let taken = scene.slack.log().messages.len() >= 2 && scene.twilio.log().messages.len() >= 2;
        taken.then_some(())
    })
    .await;
    drop(alerting);
    for provider in [&scene.slack, &scene.twilio] {
        provider.log().always = None;
    }
    let alerting = scene.reopen().await;
    settled(&alerting).await;
    assert_eq!((scene.posts(P2).len(), scene.posts(P1).len()), (1, 1));
    assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (1, 1));
    assert!(alerting.counters().reconciled >= 4, "{:?}", alerting.counters());
}

#[tokio::test]
async fn a_drain_ends_what_is_under_way_and_leaves_what_waits() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    assert_eq!(alerting.drain(Duration::from_secs(30)).await, 0, "what is due is delivered");
    assert_eq!(scene.posts(P2).len(), 1);
    // Decided afterwards: durable, and the next process delivers it.
    scene.fails(&alerting, "eu-west-1", 2).await;
    assert!(alerting.outbox_depth().await.unwrap() > 0);
    assert!(scene.posts(P1).is_empty());
    drop(alerting);
    let alerting = scene.reopen().await;
    settled(&alerting).await;
    assert_eq!(scene.posts(P1).len(), 1);
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_provider_that_hangs() {
    let scene = Scene::new().await;
    scene.slack.log().always = Some(Fault::Status(503));
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    loop_until(|| (scene.slack.log().sends > 0).then_some(())).await;
    assert_eq!(alerting.drain(Duration::from_secs(30)).await, 1, "it stays in the journal");
}
