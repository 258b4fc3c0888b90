//! Webhooks, mail and calls that are down for long: what falls back, and what is said when they are back.

use crate::clocks::SetForward;
use crate::scene::{ADA, BOB, P1, Scene, StandIn, loop_until, settled, settled_but_for};
use alerting::notification::{Address, ChannelKind};
use alerting::policy::Destination;
use alerting::{Alerting, Channels};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Longer than any test waits: what is up has delivered before the clock is set forward by as much, however busy the machine is.
const FALLBACK_AFTER_MS: u64 = 50_000;

fn webhook(name: &str) -> Address {
    Address::Webhook { name: name.to_owned() }
}

fn mail() -> Address {
    Address::Email { member: None, address: "oncall@example.com".to_owned() }
}

fn call() -> Address {
    Address::Voice { member: "Ada".to_owned(), number: ADA.parse().unwrap() }
}

#[tokio::test]
async fn a_kind_that_is_down_for_long_falls_back_and_says_when_it_is_back() {
    let cases = [
        (ChannelKind::Webhook, Destination::Webhook("pager".to_owned()), webhook("pager"), "webhook pager"),
        (
            ChannelKind::Email,
            Destination::Email("oncall@example.com".to_owned()),
            mail(),
            "e-mail to oncall@example.com",
        ),
        (ChannelKind::Voice, Destination::VoiceTeam("devops".to_owned()), call(), "call to Ada (+4915100000001)"),
    ];
    for (kind, destination, address, called) in cases {
        let mut scene = Scene::new().await;
        scene.policy.rungs[1].destinations = vec![Destination::Slack("#p1".to_owned()), destination];
        scene.policy.fallback_after_ms = FALLBACK_AFTER_MS;
        let places = Arc::new(StandIn::down_at(&[&address], None));
        let channels = scene.channels().with(kind, places.clone());
        let clock = Arc::new(SetForward::default());
        let alerting =
            Alerting::open_with_clock(scene.settings(), channels, scene.journal(), clock.clone()).await.unwrap();
        scene.fails(&alerting, "eu-west-1", 1).await;
        scene.fails(&alerting, "eu-west-1", 2).await;
        settled_but_for(&alerting, &address).await;
        clock.0.store(FALLBACK_AFTER_MS, Ordering::Relaxed);
        loop_until(|| (!scene.texts(ADA).is_empty() && !scene.texts(BOB).is_empty()).then_some(())).await;
        let text = &scene.texts(ADA)[0];
        assert!(text.contains(&format!("[{called} undelivered]")), "{kind}: {text}");

        // It is back a minute later.
        clock.0.store(60_000, Ordering::Relaxed);
        places.all_up();
        let late = format!("{called} is back: its page came 1 min");
        let entry = loop_until(|| scene.replies(P1).into_iter().find(|reply| reply.contains(&late))).await;
        assert!(entry.contains("told instead: ") && entry.contains("SMS to Ada"), "{kind}: {entry}");
        settled(&alerting).await;
        assert_eq!(places.said_to(&address).len(), 1, "{kind}: the page itself, once");
        let trail = alerting.incident(1).await.unwrap().unwrap().trail;
        assert!(trail.iter().any(|entry| entry.text.contains(&late)), "{kind}: {trail:#?}");
        assert_eq!((scene.texts(ADA).len(), scene.texts(BOB).len()), (1, 1), "{kind}: told instead, once");
    }
}

#[tokio::test]
async fn so_do_slack_and_texts() {
    let slack = |channel: &str| Address::Slack { channel: channel.to_owned() };
    let text = Address::Sms { member: "Ada".to_owned(), number: ADA.parse().unwrap() };
    let other = Address::Sms { member: "Bob".to_owned(), number: BOB.parse().unwrap() };
    for (down, called) in [(slack("#p1"), "Slack #p1"), (text.clone(), "SMS to Ada (+4915100000001)")] {
        let mut scene = Scene::new().await;
        scene.policy.rungs[1].destinations =
            vec![Destination::Slack("#p1".to_owned()), Destination::SmsTeam("first".to_owned())];
        scene.policy.fallback_after_ms = FALLBACK_AFTER_MS;
        let places = Arc::new(StandIn::down_at(&[&down], None));
        let channels = Channels::new(places.clone(), places.clone());
        let clock = Arc::new(SetForward::default());
        let alerting =
            Alerting::open_with_clock(scene.settings(), channels, scene.journal(), clock.clone()).await.unwrap();
        scene.fails(&alerting, "eu-west-1", 1).await;
        scene.fails(&alerting, "eu-west-1", 2).await;
        settled_but_for(&alerting, &down).await;
        clock.0.store(FALLBACK_AFTER_MS, Ordering::Relaxed);
        loop_until(|| (places.said_to(&other).len() == 1).then_some(())).await;
        clock.0.store(60_000, Ordering::Relaxed);
        places.all_up();
        let late = format!("{called} is back: its page came 1 min");
        let entry = loop_until(|| places.said_to(&slack("#p2")).into_iter().find(|said| said.contains(&late))).await;
        assert!(entry.contains("SMS to Bob"), "{entry}");
        settled(&alerting).await;
        let pages = places.said_to(&down).iter().filter(|said| said.starts_with("P1: ")).count();
        assert_eq!(pages, 1, "{called}: the page itself, once");
        assert_eq!(places.said_to(&other).len(), 1, "{called}: told instead, once");
    }
}

#[tokio::test]
async fn a_receiver_that_wants_to_be_left_alone_holds_up_no_other_one() {
    let mut scene = Scene::new().await;
    scene.policy.rungs[1].destinations = ["busy", "pager"].map(|name| Destination::Webhook(name.to_owned())).to_vec();
    let places = Arc::new(StandIn::down_at(&[&webhook("busy")], Some(3_600_000)));
    let channels = scene.channels().with(ChannelKind::Webhook, places.clone());
    let alerting = Alerting::open(scene.settings(), channels, scene.journal()).await.unwrap();
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    loop_until(|| (places.said_to(&webhook("pager")).len() == 1).then_some(())).await;
    // The busy one has been asked by now, or is before what comes next.
    scene.passes(&alerting, "eu-west-1", 3).await;
    let told = loop_until(|| Some(places.said_to(&webhook("pager"))).filter(|taken| taken.len() == 2)).await;
    assert!(told[1].starts_with("recovered after"), "{told:?}");
    assert_eq!(places.said_to(&webhook("busy")).len(), 0);
}
