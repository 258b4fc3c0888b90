//! What a provider says of a message after it has taken it.

use crate::providers::Fault;
use crate::scene::{ADA, BOB, P1, Scene, StandIn, loop_until, settled};
use alerting::Alerting;
use alerting::journal::Journal as _;
use alerting::notification::{Address, ChannelKind, Fate, HandsetReport, NotificationId};
use alerting::policy::{Destination, Policy, Rung};
use checks::UnixMs;
use std::sync::Arc;

/// Ada alone is texted, and everybody where that fails.
async fn ada_first() -> Scene {
    let mut policy = Policy::mission("#p2", "#p1", Some("first"));
    policy.fallback_team = Some("devops".to_owned());
    assert!(policy.rungs[1].destinations.contains(&Destination::SmsTeam("first".to_owned())));
    let mut scene = Scene::new().await;
    scene.policy = policy;
    scene
}

async fn page_to(alerting: &Alerting, number: &str) -> NotificationId {
    let record = alerting.incident(1).await.unwrap().expect("there is an incident");
    let page = record.notifications.iter().find(|n| match &n.address {
        Address::Sms { number: to, .. } => to.as_str() == number && n.page,
        _ => false,
    });
    page.expect("there is a page").id.clone()
}

async fn trail(alerting: &Alerting) -> String {
    let record = alerting.incident(1).await.unwrap().expect("there is an incident");
    record.trail.iter().map(|entry| format!("{}\n", entry.text)).collect()
}

const LOST: &str = "undelivered 30003: unreachable handset";

#[tokio::test]
async fn a_report_that_overtakes_the_answer_is_not_lost() {
    let scene = ada_first().await;
    let alerting = scene.open().await;
    scene.twilio.fail_next(Fault::HangAfter);
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    loop_until(|| (scene.texts(ADA).len() == 1).then_some(())).await;
    let page = page_to(&alerting, ADA).await;
    // Its own delivery is not written down yet: Twilio has the message, and has not answered.
    for _ in 0..3 {
        assert!(alerting.handset_report(page.clone(), Fate::Undelivered, LOST.to_owned()).await.unwrap());
    }
    loop_until(|| (scene.texts(BOB).len() == 1).then_some(())).await;
    settled(&alerting).await;
    assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (1, 1));
    assert_eq!(alerting.counters().fallbacks, 1);
    let trail = trail(&alerting).await;
    assert_eq!(trail.matches(&format!("{page}: {LOST}")).count(), 1, "{trail}");
    assert!(trail.contains("did not get its page") && trail.contains("instead: SMS to Bob"), "{trail}");
}

#[tokio::test]
async fn a_report_that_was_written_down_falls_back_in_the_next_process() {
    let scene = ada_first().await;
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    settled(&alerting).await;
    let notification = page_to(&alerting, ADA).await;
    drop(alerting);
    // As far as a process came that was killed before it decided.
    let journal = scene.journal_again().await;
    let report = HandsetReport { notification, at: UnixMs::now(), fate: Fate::Failed, text: LOST.to_owned() };
    assert!(journal.report(report).await.unwrap());
    drop(journal);
    let alerting = scene.reopen().await;
    loop_until(|| (scene.texts(BOB).len() == 1).then_some(())).await;
    settled(&alerting).await;
    assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (1, 1));
}

#[tokio::test]
async fn whom_a_text_does_not_reach_is_called_where_that_is_configured_and_nobody_else_is() {
    let mut scene = Scene::new().await;
    scene.can_call = true;
    let telephone = Arc::new(StandIn::default());
    let channels = scene.channels().with(ChannelKind::Voice, telephone.clone());
    let alerting = Alerting::open(scene.settings(), channels, scene.journal()).await.unwrap();
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    settled(&alerting).await;
    let page = page_to(&alerting, ADA).await;
    assert!(alerting.handset_report(page, Fate::Undelivered, LOST.to_owned()).await.unwrap());
    loop_until(|| (!telephone.arrivals().is_empty()).then_some(())).await;
    settled(&alerting).await;
    let calls: Vec<_> = telephone.arrivals().iter().map(|call| format!("{}: {}", call.address, call.saying)).collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let said = "call to Ada (+4915100000001): P1: SMS to Ada (+4915100000001) did not get its page: undelivered 30003";
    assert!(calls[0].starts_with(said), "{calls:?}");
    let named = scene.replies(P1).into_iter().find(|entry| entry.contains("SMS to Ada"));
    assert!(named.is_some_and(|entry| entry.ends_with("told instead: call to Ada (+4915100000001)")));
}

#[tokio::test]
async fn where_no_text_reaches_anybody_every_other_place_of_the_ladder_is_told() {
    let mut scene = Scene::new().await;
    let rung = scene.policy.rungs[1].clone();
    scene.policy.rungs[1].destinations = vec![Destination::SmsTeam("devops".to_owned())];
    let destinations = vec![Destination::Slack("#p1".to_owned())];
    scene.policy.rungs.push(Rung { label: "P0".to_owned(), failures_in_a_row: 9, destinations, ..rung });
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    settled(&alerting).await;
    for member in [ADA, BOB] {
        let page = page_to(&alerting, member).await;
        assert!(scene.posts(P1).is_empty(), "somebody may know yet");
        assert!(alerting.handset_report(page, Fate::Undelivered, LOST.to_owned()).await.unwrap());
        let fallbacks = if member == ADA { 1 } else { 2 };
        loop_until(|| (alerting.counters().fallbacks == fallbacks).then_some(())).await;
    }
    settled(&alerting).await;
    assert_eq!(scene.posts(P1).len(), 1);
    let trail = trail(&alerting).await;
    assert!(trail.contains("instead: everybody of the fallback has been told already"), "{trail}");
    assert!(trail.contains("instead: Slack #p1"), "{trail}");
}

#[tokio::test]
async fn whoever_was_told_is_not_told_again() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    settled(&alerting).await;
    let page = page_to(&alerting, ADA).await;
    assert!(alerting.handset_report(page, Fate::Undelivered, LOST.to_owned()).await.unwrap());
    loop_until(|| (alerting.counters().fallbacks == 1).then_some(())).await;
    settled(&alerting).await;
    assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (1, 1));
    let trail = trail(&alerting).await;
    assert!(trail.contains("everybody of the fallback has been told already"), "{trail}");
}
