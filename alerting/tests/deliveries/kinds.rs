//! Webhooks, mail and calls that are down for long: what falls back, and what is said when they are back.

use crate::clocks::SetForward;
use crate::scene::{ADA, BOB, P1, Scene, loop_until, settled};
use alerting::notification::{Address, ChannelKind, Notification};
use alerting::policy::Destination;
use alerting::{Alerting, Channel, Channels, DeliveryOutcome, Reconciled};
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Takes what is for a place that is up. The others want to be left alone, for as long as it says.
struct Places {
    down: Mutex<BTreeSet<String>>,
    retry_after_ms: Option<u64>,
    taken: Mutex<Vec<(String, String)>>,
}

impl Places {
    fn new(down: &[&Address], retry_after_ms: Option<u64>) -> Self {
        let down = down.iter().map(|address| address.lane()).collect();
        Self { down: Mutex::new(down), retry_after_ms, taken: Mutex::default() }
    }

    fn all_up(&self) {
        self.down.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn taken_at(&self, address: &Address) -> Vec<String> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.iter().filter(|(lane, _)| *lane == address.lane()).map(|(_, said)| said.clone()).collect()
    }
}

#[async_trait]
impl Channel for Places {
    async fn deliver(&self, notification: &Notification, _post: Option<&str>) -> DeliveryOutcome {
        let lane = notification.address.lane();
        if self.down.lock().unwrap_or_else(PoisonError::into_inner).contains(&lane) {
            return DeliveryOutcome::Refused { retry_after_ms: self.retry_after_ms, reason: "it is down".to_owned() };
        }
        let said = notification.saying.to_string();
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push((lane, said));
        DeliveryOutcome::Delivered { receipt: "taken".to_owned() }
    }

    async fn reconcile(
        &self,
        _notification: &Notification,
        _post: Option<&str>,
        _taken: &BTreeSet<String>,
    ) -> Reconciled {
        Reconciled::CannotBeAsked { reason: "it cannot be asked".to_owned() }
    }
}

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
        scene.policy.fallback_after_ms = 50;
        let places = Arc::new(Places::new(&[&address], None));
        let channels = scene.channels().with(kind, places.clone());
        let clock = Arc::new(SetForward::default());
        let alerting =
            Alerting::open_with_clock(scene.settings(), channels, scene.journal(), clock.clone()).await.unwrap();
        scene.fails(&alerting, "eu-west-1", 1).await;
        scene.fails(&alerting, "eu-west-1", 2).await;
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
        assert_eq!(places.taken_at(&address).len(), 1, "{kind}: the page itself, once");
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
        scene.policy.fallback_after_ms = 50;
        let places = Arc::new(Places::new(&[&down], None));
        let channels = Channels::new(places.clone(), places.clone());
        let clock = Arc::new(SetForward::default());
        let alerting =
            Alerting::open_with_clock(scene.settings(), channels, scene.journal(), clock.clone()).await.unwrap();
        scene.fails(&alerting, "eu-west-1", 1).await;
        scene.fails(&alerting, "eu-west-1", 2).await;
        loop_until(|| (places.taken_at(&other).len() == 1).then_some(())).await;
        clock.0.store(60_000, Ordering::Relaxed);
        places.all_up();
        let late = format!("{called} is back: its page came 1 min");
        let entry = loop_until(|| places.taken_at(&slack("#p2")).into_iter().find(|said| said.contains(&late))).await;
        assert!(entry.contains("SMS to Bob"), "{entry}");
        settled(&alerting).await;
        let pages = places.taken_at(&down).iter().filter(|said| said.starts_with("P1: ")).count();
        assert_eq!(pages, 1, "{called}: the page itself, once");
        assert_eq!(places.taken_at(&other).len(), 1, "{called}: told instead, once");
    }
}

#[tokio::test]
async fn a_receiver_that_wants_to_be_left_alone_holds_up_no_other_one() {
    let mut scene = Scene::new().await;
    scene.policy.rungs[1].destinations = ["busy", "pager"].map(|name| Destination::Webhook(name.to_owned())).to_vec();
    let places = Arc::new(Places::new(&[&webhook("busy")], Some(3_600_000)));
    let channels = scene.channels().with(ChannelKind::Webhook, places.clone());
    let alerting = Alerting::open(scene.settings(), channels, scene.journal()).await.unwrap();
    scene.fails(&alerting, "eu-west-1", 1).await;
    scene.fails(&alerting, "eu-west-1", 2).await;
    loop_until(|| (places.taken_at(&webhook("pager")).len() == 1).then_some(())).await;
    // The busy one has been asked by now, or is before what comes next.
    scene.passes(&alerting, "eu-west-1", 3).await;
    let told = loop_until(|| Some(places.taken_at(&webhook("pager"))).filter(|taken| taken.len() == 2)).await;
    assert!(told[1].starts_with("recovered after"), "{told:?}");
    assert_eq!(places.taken_at(&webhook("busy")).len(), 0);
}
