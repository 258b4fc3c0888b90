use crate::providers::Fault;
use crate::scene::{ADA, BOB, P1, P2, Scene, failure, loop_until, settled, watched};
use alerting::journal::IncidentFilter;
use alerting::notification::Role;
use alerting::policy::Destination;
use alerting::{Alerting, Channels, Decision};
use checks::{FailureClass, Outcome};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test]
async fn two_failures_page_and_recovery_is_told_to_all_who_were_told() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    alerting.set_checks(vec![watched("login", &["eu-west-1", "us-east-1"])]).await.unwrap();
    assert_eq!(scene.passes(&alerting, "eu-west-1", 1).await, Decision::Counted);
    assert!(matches!(scene.fails(&alerting, "eu-west-1", 2).await, Decision::Opened(_)));
    settled(&alerting).await;
    assert_eq!(scene.posts(P2).len(), 1);
    assert!(scene.posts(P2)[0].starts_with("P2 #1: login is failing (first failure in eu-west-1)"));
    assert!(scene.posts(P1).is_empty() && scene.texts(ADA).is_empty());

    assert!(matches!(scene.fails(&alerting, "eu-west-1", 3).await, Decision::Climbed(_)));
    assert_eq!(scene.fails(&alerting, "us-east-1", 3).await, Decision::Updated);
    settled(&alerting).await;
    assert_eq!((scene.posts(P2).len(), scene.posts(P1).len()), (1, 1), "one post for an incident and channel");
    assert!(scene.posts(P2)[0].starts_with("P1 #1: login is failing"), "the first post was edited");
    for member in [ADA, BOB] {
        let texts = scene.texts(member);
        assert_eq!(texts.len(), 1);
        assert!(texts[0].starts_with("P1 #1 login fails in eu-west-1 since "), "{texts:?}");
    }
    assert_eq!(scene.replies(P1), ["us-east-1 fails too (http): expected 200, got 503"]);

    assert_eq!(scene.passes(&alerting, "eu-west-1", 4).await, Decision::Updated);
    assert_eq!(scene.passes(&alerting, "us-east-1", 4).await, Decision::Recovered);
    settled(&alerting).await;
    for channel in [P1, P2] {
        assert!(scene.posts(channel)[0].starts_with("#1: login recovered after"), "{:?}", scene.posts(channel));
        let replies = scene.replies(channel);
        assert!(replies.last().unwrap().contains("recovered after"), "{replies:?}");
    }
    for member in [ADA, BOB] {
        assert!(scene.texts(member)[1].starts_with("OK #1 login recovered"), "{:?}", scene.texts(member));
        assert_eq!(scene.texts(member).len(), 2);
    }
    let counters = alerting.counters();
    assert_eq!((counters.incidents_opened, counters.incidents_ended, counters.results_counted), (1, 1, 6));
    assert_eq!((counters.retried, counters.undeliverable), (0, 0));
    let record = alerting.incident(1).await.unwrap().unwrap();
    assert!(record.report.runbook_url.is_some() && record.report.ended_at.is_some());
}

#[tokio::test]
async fn results_that_come_twice_count_once() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    let result = scene.result("eu-west-1", 1, Outcome::Failed(failure(FailureClass::Assertion)));
    let decisions = alerting.accept(vec![result.clone(), result.clone()]).await.unwrap();
    assert!(matches!(decisions[..], [Decision::Opened(_), Decision::Duplicate]), "{decisions:?}");
    assert_eq!(alerting.accept(vec![result.clone()]).await.unwrap(), [Decision::Duplicate]);
    settled(&alerting).await;
    assert_eq!(scene.posts(P2).len(), 1);
    assert!(scene.posts(P1).is_empty());
    assert_eq!(alerting.result(&result.key).await.unwrap(), Some(result));
    assert_eq!(alerting.counters().results_duplicate, 2);
    let late = scene.result("eu-west-1", 0, Outcome::Passed);
    let decisions = alerting.accept(vec![late.clone(), late.clone()]).await.unwrap();
    assert_eq!(decisions, [Decision::Late, Decision::Duplicate]);
    assert_eq!(alerting.recent_results(&late.key.check, None, 10).await.unwrap().len(), 2, "a late result is history");
}

#[tokio::test]
async fn a_removed_check_closes_its_incident_and_says_so() {
    let scene = Scene::new().await;
    let alerting = scene.open().await;
    alerting.set_checks(vec![watched("login", &["eu-west-1"])]).await.unwrap();
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    alerting.set_checks(vec![watched("log-in", &["eu-west-1"])]).await.unwrap();
    settled(&alerting).await;
    assert!(scene.texts(ADA)[1].starts_with("CLOSED #1 login is no longer checked"), "{:?}", scene.texts(ADA));
    assert!(scene.replies(P1).last().unwrap().contains("the check was removed"));
    // A run that was under way when the check was removed.
    assert_eq!(scene.fails(&alerting, "eu-west-1", 3).await, Decision::NotWatched);
    let open = IncidentFilter { open_only: true, ..IncidentFilter::default() };
    assert!(alerting.incidents(open).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_that_slack_refuses_for_good_falls_back_to_an_sms() {
    let mut scene = Scene::new().await;
    scene.policy.rungs[1].destinations = vec![Destination::Slack("#p1".to_owned())];
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    settled(&alerting).await;
    scene.slack.log().always = Some(Fault::Refuse("is_archived".to_owned()));
    scene.fails(&alerting, "eu-west-1", 2).await;
    loop_until(|| (!scene.texts(ADA).is_empty() && !scene.texts(BOB).is_empty()).then_some(())).await;
    assert!(scene.texts(ADA)[0].contains("[Slack #p1 undelivered]"), "{:?}", scene.texts(ADA));
    let record = alerting.incident(1).await.unwrap().unwrap();
    let trail: Vec<_> = record.trail.iter().map(|entry| entry.text.as_str()).collect();
    let told = "Slack #p1 did not get its page: Slack says `is_archived`: the channel is archived; instead: SMS to Ada";
    assert!(trail.iter().any(|text| text.starts_with(told)), "{trail:#?}");
    // Who was told by fallback is told of the recovery too.
    scene.slack.log().always = None;
    scene.passes(&alerting, "eu-west-1", 3).await;
    settled(&alerting).await;
    assert!(scene.texts(ADA)[1].starts_with("OK #1"));
    assert_eq!(alerting.counters().fallbacks, 1);
}

#[tokio::test]
async fn a_rung_that_comes_back_to_its_channel_pages_there_and_falls_back() {
    // What Slack answers to the first post, and to what follows.
    let not_in_channel = || Some(Fault::Refuse("not_in_channel".to_owned()));
    let cases = [
        (not_in_channel(), not_in_channel(), "the post that it belongs to was not delivered"),
        (None, not_in_channel(), "invite Tocsin's app into the channel"),
        (None, Some(Fault::Status(503)), "HTTP 503"),
    ];
    for (first, then, because) in cases {
        let mut scene = Scene::new().await;
        scene.policy.rungs[0].destinations = vec![Destination::Slack("#p1".to_owned())];
        scene.policy.rungs[1].destinations = vec![Destination::Slack("#p1".to_owned())];
        scene.policy.fallback_after_ms = 50;
        let alerting = scene.open().await;
        scene.slack.log().always = first;
        scene.fails(&alerting, "eu-west-1", 1).await;
        settled(&alerting).await;
        scene.slack.log().always = then;
        scene.fails(&alerting, "eu-west-1", 2).await;
        loop_until(|| (!scene.texts(ADA).is_empty() && !scene.texts(BOB).is_empty()).then_some(())).await;
        assert!(scene.texts(ADA)[0].contains("[Slack #p1 undelivered]"), "{:?}", scene.texts(ADA));
        let record = alerting.incident(1).await.unwrap().unwrap();
        let page = record.notifications.iter().find(|n| n.page).expect("the entry is a page");
        assert_eq!((page.role, page.address.to_string().as_str()), (Role::Broadcast, "Slack #p1"));
        let fell_back = |text: &str| text.starts_with("Slack #p1 did not get its page") && text.contains(because);
        assert!(record.trail.iter().any(|entry| fell_back(&entry.text)), "{because}: {:#?}", record.trail);
    }
}

#[tokio::test]
async fn a_page_that_waits_too_long_falls_back_once() {
    let mut scene = Scene::new().await;
    scene.policy.rungs[1].destinations = vec![Destination::Slack("#p1".to_owned())];
    scene.policy.fallback_after_ms = 50;
    scene.slack.log().always = Some(Fault::Status(503));
    let alerting = scene.open().await;
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    loop_until(|| (!scene.texts(ADA).is_empty() && !scene.texts(BOB).is_empty()).then_some(())).await;
    scene.slack.log().always = None;
    settled(&alerting).await;
    assert_eq!((scene.posts(P1).len(), scene.posts(P2).len()), (1, 1), "Slack gets its posts when it is back");
    assert_eq!(scene.texts(ADA).len(), 1);
}

/// Shared with a test that reads what was printed.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Screen {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn without_tokens_everything_is_printed_and_kept() {
    let scene = Scene::new().await;
    let screen = Screen::default();
    let terminal = Arc::new(alerting::terminal::TerminalChannel::new(Box::new(screen.clone())));
    let channels = Channels::new(terminal.clone(), terminal);
    let alerting = Alerting::open(scene.settings(), channels, scene.journal()).await.unwrap();
    for slot in 1..=2 {
        scene.fails(&alerting, "eu-west-1", slot).await;
    }
    scene.passes(&alerting, "eu-west-1", 3).await;
    assert_eq!(alerting.drain(Duration::from_secs(30)).await, 0);
    let printed = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
    for part in
        ["Slack #p2", "Slack #p1", "SMS to Ada (+4915100000001)", "SMS to Bob", "expected 200, got 503", "OK #1"]
    {
        assert!(printed.contains(part), "{part} is not in\n{printed}");
    }
    let record = alerting.incident(1).await.unwrap().unwrap();
    assert!(record.notifications.iter().any(|n| n.text.contains("second failure in a row in eu-west-1")));
}
