//! What people answer and what becomes of messages, told by Slack and Twilio to the real binary: signed it counts, forged
//! it changes nothing.

use std::time::Duration;
use tests::doubles::slack::{SlackMessage, SlackRecord};
use tests::doubles::twilio::{Sms, Twilio};
use tests::doubles::{Answered, Callback};
use tests::harness::{Config, DEVOPS, Tocsin, World};

/// What the providers are told. Nothing listens there: the calls come by another way, as through a proxy.
const PUBLIC_URL: &str = "https://tocsin.example.com/hooks";

/// A minute is recent, ten are not.
const OLD: Duration = Duration::from_secs(600);

const ADA: &str = DEVOPS[0].1;
const GRACE: &str = DEVOPS[1].1;

struct Scene {
    config: Config,
    world: World,
    tocsin: Tocsin,
}

impl Scene {
    /// Everything is broken, and everybody has been paged.
    async fn paged(prepare: impl FnOnce(Config) -> Config, pages: usize) -> Self {
        let world = World::with_discovery().await;
        let config = prepare(Config { regions: 1, ..world.config().with_callbacks(PUBLIC_URL) });
        world.stack.break_everything().await;
        let tocsin = world.up_with(&config).await;
        world.slack_until("the P1 post", |slack| slack.posts("#p1").count() == 1).await;
        world.twilio_until("the pages", |twilio| twilio.messages.len() >= pages).await;
        Self { config, world, tocsin }
    }

    async fn send(&self, call: &Callback) -> Answered {
        self.named(call).send(&self.tocsin.callbacks()).await
    }

    /// A proxy takes its own part off the path.
    fn named(&self, call: &Callback) -> Callback {
        let path = call.path.strip_prefix("/hooks").unwrap_or(&call.path).to_owned();
        Callback { path, ..call.clone() }
    }

    #[track_caller]
    fn text_to(&self, number: &str) -> Sms {
        let texts = self.world.twilio.messages();
        let own: Vec<Sms> = texts.into_iter().filter(|sms| sms.to == number).collect();
        assert_eq!(own.len(), 1, "one text to {number}: {own:#?}");
        own.into_iter().next().expect("there is one")
    }

    async fn incident(&self) -> String {
        self.tocsin.page("/incident/1").await
    }

    async fn refused(&self, route: &str, reason: &str) -> String {
        let metrics = self.tocsin.page("/metrics").await;
        let name = format!("tocsin_callbacks_refused_total{{reason=\"{reason}\",route=\"{route}\"}}");
        let other = format!("tocsin_callbacks_refused_total{{route=\"{route}\",reason=\"{reason}\"}}");
        let line = metrics.lines().find(|line| line.starts_with(&name) || line.starts_with(&other));
        let line = line.unwrap_or_else(|| panic!("{route}, {reason}: not among\n{metrics}"));
        line.rsplit(' ').next().expect("a line of metrics ends with its value").to_owned()
    }
}

fn thread_says(slack: &SlackRecord, post: &SlackMessage, part: &str) -> usize {
    slack.replies(post).filter(|reply| reply.everything().contains(part)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_acknowledges_and_a_forged_one_does_nothing() {
    let scene = Scene::paged(|config| config, DEVOPS.len()).await;
    let (world, slack) = (&scene.world, &scene.world.slack);
    let post = world.only_post("#p1");
    assert_eq!(post.buttons().len(), 2, "{:?}", post.buttons());
    assert!(post.button("Silence 1 h").is_some_and(|button| button["confirm"].is_object()), "it asks first");

    let press = slack.press(&post, "Acknowledge", "Ada", Duration::ZERO);
    let old = slack.press(&post, "Acknowledge", "Ada", OLD);
    let ahead = Callback { headers: old.headers.clone(), ..press.clone() };
    for (forged, reason) in [
        (press.clone().unsigned(), "unsigned"),
        (press.clone().tampered("Ada", "Eve"), "wrong-signature"),
        (ahead, "wrong-signature"),
        (old, "too-old"),
    ] {
        let answered = scene.send(&forged).await;
        assert_eq!((answered.status.as_u16(), answered.text.trim()), (401, reason));
    }
    assert_eq!(scene.refused("slack-interactions", "wrong-signature").await, "2");
    assert!(!scene.incident().await.contains("acknowledged"), "nothing forged has an effect");

    // Twice, as somebody who listened would.
    for _ in 0..2 {
        assert_eq!(scene.send(&press).await.status, 200);
    }
    for channel in ["#p1", "#p2"] {
        world
            .slack_until("the post says who takes care of it", |slack| {
                slack.posts(channel).any(|post| {
                    post.everything().contains("acknowledged by Ada over Slack") && post.buttons().is_empty()
                })
            })
            .await;
    }
    assert!(scene.incident().await.contains("acknowledged by Ada over Slack"));
    world.stack.repair().await;
    world.paged_and_told(1).await;
    scene.tocsin.stop().await;
    let said = world.slack.with(|slack| thread_says(slack, &post, "acknowledged by Ada"));
    assert_eq!(said, 1, "the same press twice is one");
    assert_eq!(world.twilio.messages().len(), 2 * DEVOPS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_silences_for_an_hour_once() {
    let scene = Scene::paged(|config| config, DEVOPS.len()).await;
    let (world, post) = (&scene.world, scene.world.only_post("#p1"));
    let press = world.slack.press(&post, "Silence 1 h", "Grace", Duration::from_secs(60));
    for _ in 0..2 {
        assert_eq!(scene.send(&press).await.status, 200);
    }
    world
        .slack_until("the post says that it is silent", |slack| {
            slack.posts("#p1").any(|post| {
                let texts: Vec<_> = post.buttons().iter().map(|button| button["text"]["text"].clone()).collect();
                post.everything().contains("silenced by Grace until") && texts == ["Acknowledge"]
            })
        })
        .await;
    scene.tocsin.stop().await;
    let shown = Tocsin::run(&scene.config, world.path(), &["incidents", "1"]).await;
    let told = shown.assert_code(0).stdout.matches("nobody is told for now: silenced by Grace").count();
    assert_eq!(told, 1, "the same press twice is one silence:\n{}", shown.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_answer_by_sms_and_strangers_are_not_heard() {
    let scene = Scene::paged(|config| config, DEVOPS.len()).await;
    let text = scene.text_to(ADA);
    assert!(text.body.contains("Reply ACK 1"), "{text:?}");
    let says = async |from: &str, body: &str, sid: &str| {
        let answered = scene.send(&Twilio::reply(PUBLIC_URL, from, body, sid)).await;
        (answered.status.as_u16(), answered.text)
    };

    let ack = Twilio::reply(PUBLIC_URL, GRACE, "ACK 1", "SM1");
    let elsewhere = Twilio::reply("https://evil.example", GRACE, "ACK 1", "SM1");
    for (forged, reason) in [
        (ack.clone().unsigned(), "unsigned"),
        (ack.clone().tampered("ACK", "MUTE"), "wrong-signature"),
        (ack.clone().tampered("4915100000002", "4915100000001"), "wrong-signature"),
        (elsewhere, "wrong-signature"),
    ] {
        let answered = scene.send(&forged).await;
        assert_eq!((answered.status.as_u16(), answered.text.trim()), (403, reason));
    }
    assert_eq!(says("+4915100000099", "ACK 1", "SM2").await.0, 403, "a stranger");
    assert_eq!(scene.refused("twilio-sms", "stranger").await, "1");
    for (body, answer) in [
        ("HELP", "you take care of incident 42"),
        ("what is this?", "Not understood. Write ACK 42"),
        ("ACK 77", "#77 unknown."),
    ] {
        let (status, text) = says(ADA, body, &format!("SM-{body}")).await;
        assert!(status == 200 && text.contains("<Response><Message>") && text.contains(answer), "{body}: {text}");
    }
    assert_eq!(says(ADA, "STOP", "SM3").await.1.matches("<Message>").count(), 0, "Twilio answers that itself");
    assert!(!scene.incident().await.contains("acknowledged"), "nothing of this has an effect");

    let first = says(GRACE, "ack", "SM4").await;
    assert!(first.1.contains("#1 acknowledged by you."), "{first:?}");
    assert_eq!(says(GRACE, "ack", "SM4").await, first, "Twilio asks again, and gets the same");
    assert!(says(ADA, "ACK #1", "SM5").await.1.contains("#1 acknowledged before by Grace."));
    assert!(says(ADA, "mute 1 2h", "SM6").await.1.contains("#1 silent for 2 h 0 min."));
    scene
        .world
        .slack_until("the post says who takes care of it", |slack| {
            let says = |post: &SlackMessage| {
                let text = post.everything();
                text.contains("acknowledged by Grace over SMS") && text.contains("silenced by Ada")
            };
            slack.posts("#p1").any(says)
        })
        .await;
    scene.tocsin.stop().await;
}

/// Ada is called first, and everybody else where that fails.
const ADA_FIRST: &str = r##"
[[teams.first]]
name = "Ada"
phone = "+4915100000001"
[policies.default]
fallback = "devops"
[[policies.default.rungs]]
failures_in_a_row = 1
counts = "every-failure"
slack = ["#p2"]
[[policies.default.rungs]]
failures_in_a_row = 2
slack = ["#p1"]
sms = ["first"]
"##;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_the_handset_does_not_get_falls_back_once() {
    let scene = Scene::paged(|config| Config { extra: ADA_FIRST.to_owned(), ..config }, 1).await;
    let page = scene.text_to(ADA);
    let lost = Twilio::report(&page, "undelivered", Some(30_003));
    for (forged, reason) in [
        (lost.clone().unsigned(), "unsigned"),
        (lost.clone().tampered("30003", "30004"), "wrong-signature"),
        (Callback { path: lost.path.replace("notification=", "notification=x"), ..lost.clone() }, "wrong-signature"),
    ] {
        let answered = scene.send(&forged).await;
        assert_eq!((answered.status.as_u16(), answered.text.trim()), (403, reason));
    }
    let unknown =
        Twilio::call(&format!("{PUBLIC_URL}/twilio/status?notification=x.1.1"), &[("MessageStatus", "failed")]);
    assert_eq!(scene.send(&unknown).await.status, 404);
    assert_eq!(scene.send(&Twilio::report(&page, "sent", None)).await.status, 204, "on its way");
    assert_eq!(scene.world.twilio.messages().len(), 1, "nothing of this falls back");

    for _ in 0..3 {
        assert_eq!(scene.send(&lost).await.status, 204);
    }
    scene.world.twilio_until("the fallback", |twilio| twilio.to(GRACE).count() == 1).await;
    let instead = scene.text_to(GRACE);
    let reached = Twilio::report(&instead, "delivered", None);
    for _ in 0..2 {
        assert_eq!(scene.send(&reached).await.status, 204);
    }
    let trail = scene.incident().await;
    for part in ["undelivered 30003: unreachable handset", "did not get its page", "delivered to the handset"] {
        assert!(trail.contains(part), "`{part}` is not on the trail:\n{trail}");
    }
    scene.tocsin.stop().await;
    let texts = scene.world.twilio.messages();
    assert_eq!(texts.len(), 2, "the page and its fallback: {texts:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_telephone_acknowledges() {
    let scene = Scene::paged(|config| config, DEVOPS.len()).await;
    let url = format!("{PUBLIC_URL}/twilio/voice?notification=x&incidents=1");
    let key = |digits: &'static str| {
        Twilio::call(&url, &[("CallSid", "CA1"), ("From", Twilio::FROM), ("To", ADA), ("Digits", digits)])
    };
    assert_eq!(scene.send(&key("1").unsigned()).await.status, 403);
    assert_eq!(scene.send(&key("2").tampered("Digits=2", "Digits=1")).await.status, 403);
    let answered = scene.send(&key("2")).await;
    assert!(answered.text.contains("<Say>Nothing was acknowledged.</Say>"), "{answered:?}");
    assert!(!scene.incident().await.contains("acknowledged"));
    let answered = scene.send(&key("1")).await;
    assert!(answered.text.contains("<Say>You have acknowledged incident 1.</Say>"), "{answered:?}");
    assert!(scene.incident().await.contains("acknowledged by Ada over the telephone"));
    scene.tocsin.stop().await;
}
