use crate::providers::Fault;
use crate::scene::{ADA, BOB, P1, P2, Scene, settled};
use std::collections::BTreeSet;

fn faults(refusal: &str) -> Vec<(Fault, bool)> {
    // The fault, and whether it leaves open if the message was taken.
    vec![
        (Fault::RateLimit(0), false),
        (Fault::RateLimit(1), false),
        (Fault::Status(500), true),
        (Fault::Status(503), true),
        (Fault::HangBefore, true),
        (Fault::HangAfter, true),
        (Fault::Garbage, true),
        (Fault::Break, true),
        (Fault::Refuse(refusal.to_owned()), false),
    ]
}

#[tokio::test]
async fn slack_gets_every_message_once_whatever_happens_to_the_first_attempt() {
    for (fault, ambiguous) in faults("ratelimited") {
        let scene = Scene::new().await;
        let alerting = scene.open().await;
        scene.slack.fail_next(fault.clone());
        scene.fails(&alerting, "eu-west-1", 1).await;
        settled(&alerting).await;
        assert_eq!(scene.posts(P2).len(), 1, "{fault:?}");
        let asked = scene.slack.log().questions;
        assert_eq!(asked > 0, ambiguous, "{fault:?}: asked {asked} times");
        // The thread is no different.
        scene.slack.fail_next(fault.clone());
        scene.fails(&alerting, "us-east-1", 1).await;
        settled(&alerting).await;
        assert_eq!((scene.posts(P2).len(), scene.replies(P2).len()), (1, 1), "{fault:?}");
        let ids: Vec<_> =
            scene.slack.log().messages.iter().map(|m| m["metadata"]["event_payload"]["id"].clone()).collect();
        let distinct: BTreeSet<_> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(ids.len(), distinct.len(), "{fault:?}: {ids:?}");
        assert_eq!(alerting.counters().retried, 2, "{fault:?}");
    }
}

#[tokio::test]
async fn twilio_gets_every_message_once_whatever_happens_to_the_first_attempt() {
    for (fault, ambiguous) in faults("21611") {
        let scene = Scene::new().await;
        let alerting = scene.open().await;
        scene.twilio.fail_next(fault.clone());
        scene.fails(&alerting, "eu-west-1", 1).await;
        scene.fails(&alerting, "eu-west-1", 2).await;
        settled(&alerting).await;
        assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (1, 1), "{fault:?}");
        let asked = scene.twilio.log().questions;
        assert_eq!(asked > 0, ambiguous, "{fault:?}: asked {asked} times");
        assert_eq!(alerting.counters().retried, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_number_that_does_not_exist_is_given_up_and_recorded() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    scene.twilio.fail_next(Fault::Refuse("21211".to_owned()));
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    settled(&alerting).await;
    assert_eq!(scene.texts(ADA).len() + scene.texts(BOB).len(), 1);
    let record = alerting.incident(1).await.unwrap().unwrap();
    let why = record.trail.iter().find(|entry| entry.text.contains("error 21211")).expect("it is on the trail");
    assert!(why.text.contains("the number does not exist: correct it in the team"), "{}", why.text);
}

#[tokio::test]
async fn a_long_outage_leaves_only_the_newest_state_of_a_post() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    settled(&alerting).await;
    scene.slack.log().always = Some(Fault::Status(502));
    for slot in 1..=8 {
        let region = format!("region-{slot}");
        scene.fails(&alerting, &region, 1).await;
    }
    scene.slack.log().always = None;
    settled(&alerting).await;
    let edits = scene.slack.log().edits.len();
    assert!(edits <= 2, "{edits} edits for eight changes: one that was under way, one with everything");
    assert_eq!(scene.replies(P2).len(), 8, "the thread has every change");
    let last = scene.slack.log().edits.last().unwrap().to_string();
    assert!(last.contains("region-8"), "{last}");
    assert!(scene.posts(P1).is_empty());
}

#[tokio::test]
async fn slack_that_hangs_does_not_hold_up_an_sms() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    scene.slack.log().always = Some(Fault::HangBefore);
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    crate::scene::loop_until(|| (scene.texts(ADA).len() + scene.texts(BOB).len() == 2).then_some(())).await;
    assert!(scene.posts(P1).is_empty());
}
