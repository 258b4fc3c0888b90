//! Providers that are down, slow or strange, and come back: everything arrives, and once.

use futures_util::future::join_all;
use tests::doubles::Behaviour;
use tests::doubles::slack::Slack;
use tests::doubles::twilio::Twilio;
use tests::harness::{AuthStack, Config, DEVOPS, DISCOVERY, SOON, Tocsin, World};

/// A Tocsin with providers of its own, on a target that others share.
struct Pager {
    tocsin: Tocsin,
    slack: Slack,
    twilio: Twilio,
    _folder: tempfile::TempDir,
}

impl Pager {
    async fn start(stack: &AuthStack, prepare: impl AsyncFnOnce(&mut Slack, &mut Twilio)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let checks = folder.path().join("checks");
        std::fs::create_dir(&checks).unwrap();
        std::fs::write(checks.join("discovery.check.js"), DISCOVERY).unwrap();
        let (mut slack, mut twilio) = (Slack::workspace().await.unwrap(), Twilio::account().await.unwrap());
        let config = Config { regions: 1, ..Config::new(checks, stack).with_providers(&slack, &twilio) };
        prepare(&mut slack, &mut twilio).await;
        let tocsin = Tocsin::up(&config, folder.path()).await;
        Self { tocsin, slack, twilio, _folder: folder }
    }

    async fn paged(&self, trouble: &str) {
        let what = format!("the posts after {trouble}");
        self.slack
            .wait_until(&what, SOON, |slack| ["#p1", "#p2"].iter().all(|channel| slack.posts(channel).count() >= 1))
            .await;
        let what = format!("a text for each member after {trouble}");
        let reached = |twilio: &tests::doubles::twilio::TwilioRecord| {
            DEVOPS.iter().all(|(_, number)| twilio.to(number).count() >= 1)
        };
        self.twilio.wait_until(&what, SOON, reached).await;
    }

    /// Lets it drain, and counts.
    async fn once(self, trouble: &str) {
        self.tocsin.stop().await;
        for channel in ["#p1", "#p2"] {
            let posts = self.slack.posts(channel);
            assert_eq!(posts.len(), 1, "{trouble}: one post in {channel}: {posts:#?}");
        }
        let texts = self.twilio.messages();
        assert_eq!(texts.len(), DEVOPS.len(), "{trouble}: one text for each member: {texts:#?}");
    }
}

const TROUBLES: [Behaviour; 11] = [
    Behaviour::Status(503),
    Behaviour::StatusAfterAccepting(500),
    Behaviour::HangBeforeAccepting,
    Behaviour::HangAfterAccepting,
    Behaviour::RateLimited { retry_after_s: 1 },
    Behaviour::CloseBeforeAccepting,
    Behaviour::CloseAfterAccepting,
    Behaviour::GarbageBeforeAccepting,
    Behaviour::GarbageAfterAccepting,
    Behaviour::WrongContentType,
    Behaviour::Answer,
];

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_a_provider_delays_and_neither_loses_nor_doubles() {
    let folder = tempfile::tempdir().unwrap();
    let stack = AuthStack::start(folder.path()).await;
    stack.break_everything().await;
    let stack = &stack;
    // A few at a time: the machine that runs this may have two cores.
    for some in TROUBLES.chunks(4) {
        join_all(some.iter().map(|&trouble| async move {
            let name = format!("{trouble:?}");
            let pager = Pager::start(stack, async |slack, twilio| {
                for method in ["chat.postMessage", "conversations.history"] {
                    slack.next(method, [trouble]);
                }
                for operation in ["send", "list"] {
                    twilio.next(operation, [trouble]);
                }
            })
            .await;
            pager.paged(&name).await;
            pager.once(&name).await;
        }))
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_gets_everything_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let stack = AuthStack::start(folder.path()).await;
    stack.break_everything().await;
    let mut pager = Pager::start(&stack, async |slack, twilio| {
        slack.refuse_connections().await;
        twilio.always_everything(Behaviour::Status(503));
    })
    .await;
    pager.tocsin.failed_in_a_row("discovery", 3).await;
    pager.twilio.wait_until("tries", SOON, |twilio| twilio.calls.len() > 2 * DEVOPS.len()).await;
    pager.slack.listen_again().await.unwrap();
    pager.twilio.behave();
    pager.paged("a while").await;
    pager.once("a while").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_comes_and_goes_while_the_providers_are_down_is_told_in_full() {
    let world = World::with_discovery().await;
    let config = Config { regions: 1, ..world.config() };
    world.slack.always_everything(Behaviour::Status(503));
    world.twilio.always_everything(Behaviour::Status(503));
    let tocsin = world.up_with(&config).await;
    tocsin.passes("discovery").await;
    world.stack.break_everything().await;
    tocsin.failed_in_a_row("discovery", 2).await;
    world.stack.repair().await;
    tocsin.recovered("discovery").await;
    // The journal, not the memory, has what is to be told.
    tocsin.kill().await;
    world.slack.behave();
    world.twilio.behave();
    let tocsin = world.up_with(&config).await;
    for channel in ["#p1", "#p2"] {
        world
            .slack_until("how it ended", |slack| {
                slack.posts(channel).any(|post| {
                    let thread = slack.replies(post).map(|reply| reply.everything());
                    std::iter::once(post.everything())
                        .chain(thread)
                        .any(|text| text.to_lowercase().contains("recovered"))
                })
            })
            .await;
    }
    world.paged_and_told(1).await;
    tocsin.stop().await;
    world.only_post("#p1");
    world.only_post("#p2");
    assert_eq!(world.twilio.messages().len(), 2 * DEVOPS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_is_left_alone_for_as_long_as_it_asks() {
    let folder = tempfile::tempdir().unwrap();
    let stack = AuthStack::start(folder.path()).await;
    stack.break_everything().await;
    let pager = Pager::start(&stack, async |slack, _| {
        slack.next("chat.postMessage", [Behaviour::RateLimited { retry_after_s: 2 }]);
    })
    .await;
    pager.paged("a limit").await;
    let gap = pager.slack.with(|slack| {
        let posts: Vec<_> =
            slack.calls_of("chat.postMessage").filter(|call| call.channel.as_deref() == Some("#p2")).collect();
        posts[1].at - posts[0].at
    });
    // The instants are arrivals; the request may have been on its way a little longer than its predecessor.
    assert!(gap.as_millis() >= 1_950, "asked again after {gap:?}, and Slack had said 2 s");
    pager.once("a limit").await;
}
