//! Channels that Slack does not have, in the running program: refused at start with the place and the correction, where
//! Slack is certain; said, and no reason not to watch, where it is not.

use tests::doubles::Behaviour;
use tests::doubles::slack::{Channel, SCOPES, Slack};
use tests::harness::{Config, Finished, Tocsin};

/// Passes without a target.
const CALM: &str = r#"
import { defineCheck } from "tocsin";

export default defineCheck({ schedule: "every 1h", async run() {} });
"#;

const POLICY: &str = r##"
[policies.login]
tags = ["login"]
[[policies.login.rungs]]
failures_in_a_row = 1
slack = ["#p2", "#lgin"]
"##;

struct Scene {
    slack: Slack,
    folder: tempfile::TempDir,
    config: Config,
}

impl Scene {
    async fn new(channels: Vec<Channel>, scopes: &str, extra: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::create_dir(folder.path().join("checks")).expect("a test's own folder can be written");
        let check = folder.path().join("checks/calm.check.js");
        std::fs::write(check, CALM).expect("a test's own folder can be written");
        let slack = Slack::workspace_of(channels, scopes).await.expect("a port of this machine is free");
        let config = Config {
            regions: 1,
            slack_url: Some(slack.api_url()),
            extra: extra.to_owned(),
            ..Config::for_target(folder.path().join("checks"), "http://127.0.0.1:1")
        };
        Self { slack, folder, config }
    }

    async fn refused(&self) -> Finished {
        Tocsin::run(&self.config, self.folder.path(), &["up"]).await
    }

    /// It watches, and the page says this.
    async fn watches(&self, notices: &[&str]) {
        let tocsin = Tocsin::up(&self.config, self.folder.path()).await;
        tocsin.passes("calm").await;
        let status = tocsin.status().await;
        let said = status["notices"].to_string();
        for notice in notices {
            assert!(said.contains(notice), "{notice}: {said}");
        }
        if notices.is_empty() {
            assert!(!said.contains("Slack"), "{said}");
        }
        tocsin.stop().await;
    }

    fn looked_up(&self) -> usize {
        self.slack.with(|slack| slack.calls_of("conversations.list").count())
    }
}

fn usual() -> Vec<Channel> {
    vec![Channel::joined("general"), Channel::joined("random"), Channel::joined("p1"), Channel::joined("p2")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_does_not_exist_is_refused_with_its_place_and_what_was_meant() {
    let mut channels = usual();
    channels.push(Channel::joined("login"));
    let scene = Scene::new(channels, SCOPES, POLICY).await;
    let refused = scene.refused().await;
    let line = 1 + std::fs::read_to_string(scene.folder.path().join("tocsin.toml"))
        .unwrap()
        .lines()
        .position(|line| line.contains("#lgin"))
        .expect("the configuration names it");
    refused.assert_code(2).assert_says(&[
        &format!("tocsin.toml:{line}:17 (key policies.login.rungs[1].slack[2])"),
        "Slack has no channel `#lgin`; did you mean `#login`?",
    ]);
    assert!(!refused.output().contains("`#p2`"), "{}", refused.output());
    assert_eq!(scene.looked_up(), 3, "every page, two channels each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_takes_no_post_is_refused() {
    let channels = vec![Channel::archived("p1"), Channel::public("p2"), Channel::private("hidden", false)];
    let scene = Scene::new(channels, SCOPES, "").await;
    let refused = scene.refused().await;
    refused.assert_code(2).assert_says(&[
        "(key slack.p1_channel): the channel `#p1` is archived in Slack",
        "(key slack.p2_channel): Tocsin's app is not in the channel `#p2`, and its token lacks the scope",
    ]);

    let channels = vec![Channel::joined("p1"), Channel::private("p2", false)];
    let scene = Scene::new(channels, SCOPES, "").await;
    scene.refused().await.assert_code(2).assert_says(&["Slack has no channel `#p2`", "where it is private"]);

    let channels = vec![Channel::private("p1", true), Channel::public("p2")];
    let scene = Scene::new(channels, &format!("{SCOPES},chat:write.public"), "").await;
    scene.watches(&[]).await;
    assert_eq!(scene.looked_up(), 1);
}

/// A process that is started anew at night has nobody who would read why it does not start.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_was_there_keeps_nobody_from_watching_again() {
    let mut scene = Scene::new(vec![Channel::joined("p1"), Channel::joined("p2")], SCOPES, "").await;
    scene.watches(&[]).await;
    let later = vec![Channel::archived("p1")];
    let slack = Slack::workspace_of(later, SCOPES).await.expect("a port of this machine is free");
    scene.config.slack_url = Some(slack.api_url());
    for _ in 0..2 {
        scene.watches(&["the channel `#p1` is archived in Slack", "Slack has no channel `#p2`"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_that_cannot_be_asked_keeps_nobody_from_watching() {
    let misbehaves = [
        (Behaviour::Status(503), "Slack answered HTTP 503"),
        (Behaviour::CloseBeforeAccepting, "Slack cannot be reached"),
        (Behaviour::HangBeforeAccepting, "Slack cannot be reached"),
        (Behaviour::GarbageBeforeAccepting, "Slack's answer cannot be read"),
        (Behaviour::WrongContentType, "Slack's answer cannot be read"),
        (Behaviour::RateLimited { retry_after_s: 60 }, "Slack's rate limit"),
    ];
    let scene = Scene::new(vec![Channel::joined("p1")], SCOPES, "").await;
    for (behaviour, notice) in misbehaves {
        scene.slack.always("conversations.list", behaviour);
        scene.watches(&[notice, "whether #p1, #p2 can be posted to is not known"]).await;
    }
    // It is asked again as soon as it says that it may be.
    scene.slack.behave();
    scene.slack.next("conversations.list", [Behaviour::RateLimited { retry_after_s: 1 }]);
    scene.refused().await.assert_code(2).assert_says(&["Slack has no channel `#p2`; did you mean `#p1`?"]);

    // Without the scope for private channels, it may be one of them; without any, nothing is known.
    let scene = Scene::new(vec![Channel::joined("p1")], "chat:write,channels:read", "").await;
    scene.watches(&["the channel `#p2` was not found", "groups:read"]).await;
    let scene = Scene::new(vec![Channel::joined("p1")], "chat:write", "").await;
    scene.watches(&["the token lacks a scope", "whether #p1, #p2 can be posted to is not known"]).await;
}
