//! A target, both providers and a folder of checks, wired together.

use super::{AuthStack, Config, DEVOPS, SOON, Tocsin};
use crate::doubles::slack::{Slack, SlackMessage, SlackRecord};
use crate::doubles::twilio::{Twilio, TwilioRecord};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct World {
    pub stack: AuthStack,
    pub slack: Slack,
    pub twilio: Twilio,
    pub folder: TempDir,
}

/// Asks the provider for its discovery document, once a second.
pub const DISCOVERY: &str = r#"
import { defineCheck, expect, step } from "tocsin";

export default defineCheck({
  description: "The provider describes itself",
  schedule: "every 1s",
  timeout: "5s",
  async run(ctx) {
    await step("discovery", async () => {
      const response = await fetch(`${ctx.vars.AUTH_URL}/.well-known/openid-configuration`);
      expect(response).toBeOk();
    });
  },
});
"#;

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::create_dir(folder.path().join("checks")).expect("a test's own folder can be written");
        Self {
            stack: AuthStack::start(folder.path()).await,
            slack: Slack::workspace().await.expect("a port of this machine is free"),
            twilio: Twilio::account().await.expect("a port of this machine is free"),
            folder,
        }
    }

    /// A world whose only check is `discovery`, once a second in each region.
    pub async fn with_discovery() -> Self {
        let world = Self::new().await;
        world.write_check("discovery", DISCOVERY);
        world
    }

    pub fn checks(&self) -> PathBuf {
        self.folder.path().join("checks")
    }

    pub fn write_check(&self, id: &str, script: &str) {
        std::fs::write(self.checks().join(format!("{id}.check.js")), script)
            .expect("a test's own folder can be written");
    }

    /// This world's checks, target and providers.
    pub fn config(&self) -> Config {
        Config::new(self.checks(), &self.stack).with_providers(&self.slack, &self.twilio)
    }

    pub async fn up(&self) -> Tocsin {
        self.up_with(&self.config()).await
    }

    pub async fn up_with(&self, config: &Config) -> Tocsin {
        Tocsin::up(config, self.path()).await
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub async fn slack_until(&self, what: &str, until: impl Fn(&SlackRecord) -> bool) {
        self.slack.wait_until(what, SOON, until).await;
    }

    pub async fn twilio_until(&self, what: &str, until: impl Fn(&TwilioRecord) -> bool) {
        self.twilio.wait_until(what, SOON, until).await;
    }

    /// Waits until `#p1` and every member of devops have `count` messages each.
    pub async fn paged(&self, count: usize) {
        self.slack_until("the P1 post", |slack| slack.posts("#p1").count() == count).await;
        self.twilio_until("a text for each member", |twilio| {
            DEVOPS.iter().all(|(_, number)| twilio.to(number).count() >= count)
        })
        .await;
    }

    /// Waits until every member of devops has been told of the beginning and of the end of `count` incidents.
    pub async fn paged_and_told(&self, count: usize) {
        self.twilio_until("the end told to each member", |twilio| {
            DEVOPS.iter().all(|(_, number)| twilio.to(number).count() >= 2 * count)
        })
        .await;
    }

    /// The only post of a channel.
    ///
    /// # Panics
    /// Where there is another number of them.
    #[track_caller]
    pub fn only_post(&self, channel: &str) -> SlackMessage {
        let posts = self.slack.posts(channel);
        assert_eq!(posts.len(), 1, "one post in {channel}: {posts:#?}");
        posts.into_iter().next().expect("there is one")
    }
}
