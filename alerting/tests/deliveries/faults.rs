use crate::providers::Fault;
use crate::scene::{ADA, BOB, P1, P2, Scene, loop_until, settled};
use alerting::journal::{IncidentRecord, Journal as _, NotificationRecord};
use alerting::notification::{ChannelKind, Folded, Notification, NotificationId, Role, Saying};
use alerting::outbox::DeliverySettings;
use alerting::{Channel as _, DeliveryOutcome, Reconciled};
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
    loop_until(|| (scene.texts(ADA).len() + scene.texts(BOB).len() == 2).then_some(())).await;
    assert!(scene.posts(P1).is_empty());
}

#[tokio::test]
async fn what_a_provider_takes_late_is_not_sent_again() {
    let mut scene = Scene::new().await;
    scene.delivery = DeliverySettings { retry_max_ms: 3_000, lag_ms_max: 2_000, ..scene.delivery };
    for provider in [&scene.slack, &scene.twilio] {
        provider.fail_next(Fault::TakeLater(400));
    }
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    settled(&alerting).await;
    assert_eq!((scene.posts(P2).len(), scene.posts(P1).len()), (1, 1));
    assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (1, 1));
    assert!(alerting.counters().reconciled >= 2, "{:?}", alerting.counters());
}

#[tokio::test]
async fn a_text_that_is_another_ones_is_not_taken_for_this_one() {
    let scene = Scene::new().await;
    let sms = scene.sms();
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    settled(&alerting).await;
    let journal = {
        drop(alerting);
        scene.journal_again().await
    };
    let record = journal.incident(1).await.unwrap().unwrap();
    let text = record.notifications.iter().find(|n| n.address.lane() == format!("sms:{ADA}")).unwrap();
    let receipt = text.attempts.last().unwrap().detail.clone();
    let page = made_again(&record, text);
    let asked = sms.reconcile(&page, None, &BTreeSet::new()).await;
    assert_eq!(asked, Reconciled::Has { receipt: receipt.clone() });
    assert_eq!(sms.reconcile(&page, None, &[receipt].into()).await, Reconciled::HasNot);
}

/// The value that a row of the outbox was made of, as far as a provider is asked about it.
fn made_again(record: &IncidentRecord, row: &NotificationRecord) -> Notification {
    Notification {
        id: row.id.clone(),
        incident: record.report.number,
        check: record.report.check.clone(),
        address: row.address.clone(),
        role: row.role,
        page: true,
        saying: Saying::Calming { for_ms: 1 },
        report: record.report.clone(),
        created_at: row.created_at,
        not_before: row.created_at,
        folded: Vec::new(),
        shared_with: Vec::new(),
    }
}

/// A post arrives long after its connection broke, and alone; meanwhile it was sent again and took another one along.
#[tokio::test]
async fn an_earlier_message_of_the_same_name_has_not_carried_what_the_last_one_carried() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    settled(&alerting).await;
    drop(alerting);
    let record = scene.journal_again().await.incident(1).await.unwrap().unwrap();
    let row = record.notifications.iter().find(|n| n.kind == ChannelKind::Slack && n.role == Role::Post).unwrap();
    let alone = made_again(&record, row);
    let other = Folded {
        id: NotificationId::new("journal", 2, 1),
        check: alone.check.clone(),
        address: alone.address.clone(),
        role: alone.role,
        page: true,
        created_at: alone.created_at,
        saying: alone.saying.clone(),
        report: alone.report.clone(),
    };
    let together = Notification { folded: vec![other], ..alone.clone() };
    let slack = scene.slack_channel();
    let ask = async |notification: &Notification| slack.reconcile(notification, None, &BTreeSet::new()).await;
    let Reconciled::Has { receipt: first } = ask(&alone).await else { panic!("it was posted") };
    assert_eq!(ask(&together).await, Reconciled::HasEarlier { receipt: first.clone() });
    let delivered = slack.deliver(&together, None).await;
    let DeliveryOutcome::Delivered { receipt: second } = delivered else { panic!("{delivered:?}") };
    assert_eq!(
        ask(&together).await,
        Reconciled::Has { receipt: second },
        "the one that says all, whichever came first"
    );
    assert_eq!(ask(&alone).await, Reconciled::Has { receipt: first });
}

/// Neither is a fault of the message: people are told in another way at once, and here when it has been mended.
#[tokio::test]
async fn a_provider_that_lets_nobody_in_falls_back_at_once_and_is_tried_again() {
    let refused = || Fault::Refuse("invalid_auth".to_owned());
    // What Slack, or somebody before it, answers; and where the rung pages that comes second.
    let cases = [
        (Fault::Status(401), "#p1"),
        (Fault::Status(403), "#p1"),
        (Fault::Status(404), "#p1"),
        (refused(), "#p1"),
        (refused(), "#p2"),
    ];
    for (refusal, channel) in cases {
        let mut scene = Scene::new().await;
        scene.policy.rungs[1].destinations = vec![alerting::policy::Destination::Slack(channel.to_owned())];
        scene.slack.log().always = Some(refusal.clone());
        let alerting = scene.open().await;
        scene.fails(&alerting, "eu-west-1", 1).await;
        scene.fails(&alerting, "eu-west-1", 2).await;
        loop_until(|| (!scene.texts(ADA).is_empty() && !scene.texts(BOB).is_empty()).then_some(())).await;
        let undelivered = format!("[Slack {channel} undelivered]");
        assert!(scene.texts(ADA)[0].contains(&undelivered), "{refusal:?}: {:?}", scene.texts(ADA));
        scene.slack.log().always = None;
        settled(&alerting).await;
        let posts = (scene.posts(P2).len(), scene.posts(P1).len());
        assert_eq!(posts, (1, usize::from(channel == "#p1")), "{refusal:?}: mended");
        assert_eq!((scene.texts(ADA).len(), alerting.counters().fallbacks), (1, 1), "{refusal:?}: once");
    }
}

#[tokio::test]
async fn whom_no_text_reaches_is_named_where_the_incident_is_known() {
    for refusal in [Fault::Status(401), Fault::Refuse("20003".to_owned()), Fault::Refuse("21211".to_owned())] {
        let scene = Scene::new().await;
        scene.twilio.log().always = Some(refusal.clone());
        let alerting = scene.open().await;
        scene.fails(&alerting, "eu-west-1", 1).await;
        scene.fails(&alerting, "eu-west-1", 2).await;
        let entries = loop_until(|| Some(scene.replies(P1)).filter(|replies| replies.len() == 2)).await;
        for member in ["SMS to Ada", "SMS to Bob"] {
            let said = |entry: &String| {
                entry.contains(&format!("{member} (")) && entry.contains("did not get its page: Twilio")
            };
            assert!(entries.iter().any(said), "{refusal:?}: {entries:?}");
        }
        // What was refused for good stays so; the others get their page when the account is mended.
        scene.twilio.log().always = None;
        settled(&alerting).await;
        let texts = if refusal == Fault::Refuse("21211".to_owned()) { 0 } else { 1 };
        assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (texts, texts), "{refusal:?}");
        assert!(scene.replies(P2).iter().all(|entry| !entry.contains("SMS to")), "{:?}", scene.replies(P2));
    }
}
