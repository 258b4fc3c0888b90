//! What a provider says of a message after it has taken it.

use crate::providers::Fault;
use crate::scene::{ADA, BOB, Scene, loop_until, settled};
use alerting::Alerting;
use alerting::journal::Journal as _;
use alerting::notification::{Address, Fate, HandsetReport, NotificationId};
use alerting::policy::{Destination, Policy};
use checks::UnixMs;

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
