//! One process after another on one journal.

use crate::verdict::{Sent, verdict};
use alerting::journal::SqliteReader;
use http::StatusCode;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tests::doubles::Behaviour;
use tests::doubles::slack::Slack;
use tests::doubles::twilio::Twilio;
use tests::harness::{Config, SOON, Tocsin};
use tests::measure::Target;

pub const CHECKS: u64 = 4;
/// How far apart the messages of a storm are: not at all, and so far that many go together.
const MESSAGE_EVERY: [&str; 3] = ["0s", "2s", "5s"];
/// The mission's ladder; but for what flaps, which would be one incident where the verdict counts each.
const POLICY: &str = r##"
[policies.default]
flapping_openings = 0
[[policies.default.rungs]]
label = "P2"
failures_in_a_row = 1
counts = "every-failure"
slack = ["#p2"]
[[policies.default.rungs]]
label = "P1"
failures_in_a_row = 2
slack = ["#p1"]
sms = ["devops"]
"##;
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// A storm's whole backlog takes its time on a busy machine.
const CALM_WITHIN: Duration = Duration::from_secs(240);

pub struct Storm {
    random: u64,
    folder: TempDir,
    broken: Arc<Mutex<BTreeSet<u64>>>,
    _target: Target,
    slack: Slack,
    twilio: Twilio,
    config: Config,
}

pub fn check_name(n: u64) -> String {
    format!("storm-{n}")
}

/// The data folder of a storm's configuration.
fn journal(folder: &Path) -> std::path::PathBuf {
    folder.join("data").join("tocsin.db")
}

impl Storm {
    pub async fn start(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let broken = Arc::new(Mutex::new(BTreeSet::<u64>::new()));
        let seen = Arc::clone(&broken);
        let target = Target::start(move |path| {
            let check = path.trim_start_matches('/').parse().unwrap_or(u64::MAX);
            let is_broken = seen.lock().unwrap_or_else(PoisonError::into_inner).contains(&check);
            (Duration::ZERO, if is_broken { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK })
        })
        .await;
        let checks = folder.path().join("checks");
        std::fs::create_dir(&checks).expect("a test's own folder can be written");
        for n in 0..CHECKS {
            let script = format!(
                r#"import {{ defineCheck, expect }} from "tocsin";
export default defineCheck({{
  schedule: "every 1s",
  timeout: "900ms",
  async run({{ vars }}) {{
    expect(await fetch(`${{vars.AUTH_URL}}/{n}`)).toBeOk();
  }},
}});
"#
            );
            std::fs::write(checks.join(format!("{}.check.js", check_name(n))), script)
                .expect("a test's own folder can be written");
        }
        let slack = Slack::workspace().await.expect("a port of this machine is free");
        let twilio = Twilio::account().await.expect("a port of this machine is free");
        // One region, so that the order of a check's results is that of their slots.
        let message_every = std::env::var("TOCSIN_KILLS_MESSAGE_EVERY");
        let message_every = message_every.unwrap_or_else(|_| MESSAGE_EVERY[(seed % 3) as usize].to_owned());
        let config = Config {
            regions: 1,
            message_every,
            extra: POLICY.to_owned(),
            ..Config::for_target(checks, &target.url()).with_providers(&slack, &twilio)
        };
        Self { random: seed, folder, broken, _target: target, slack, twilio, config }
    }

    /// SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub async fn rage(mut self, kills: u64) -> Sent {
        for kill in 0..kills {
            self.stir(kill);
            // Some die before they have started, the others in the middle of their work.
            if self.below(4) == 0 {
                let early = Duration::from_millis(self.below(400));
                let up = tokio::time::timeout(early, Tocsin::up(&self.config, self.folder.path())).await;
                // Dropping either, the started or the half started, is a SIGKILL.
                drop(up);
            } else {
                let tocsin = Tocsin::up(&self.config, self.folder.path()).await;
                tokio::time::sleep(Duration::from_millis(self.below(2_000))).await;
                tocsin.kill().await;
            }
            self.is_let_go().await;
        }
        self.calm().await
    }

    /// Breaks and repairs checks, and gives the providers a bad time.
    fn stir(&mut self, kill: u64) {
        let broken: BTreeSet<u64> = match kill % 3 {
            // At least one stays broken for two rounds, which is what it takes to climb to a page.
            0 | 1 => (0..CHECKS).filter(|n| *n == kill / 3 % CHECKS || self.below(2) == 0).collect(),
            _ => (0..CHECKS).filter(|_| self.below(4) == 0).collect(),
        };
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = broken;
        let troubles = [
            Behaviour::Answer,
            Behaviour::Answer,
            Behaviour::Answer,
            Behaviour::HangBeforeAccepting,
            Behaviour::HangAfterAccepting,
            Behaviour::CloseBeforeAccepting,
            Behaviour::CloseAfterAccepting,
            Behaviour::Status(503),
            Behaviour::StatusAfterAccepting(500),
            Behaviour::RateLimited { retry_after_s: 1 },
        ];
        for _ in 0..3 {
            let trouble = troubles[self.below(troubles.len() as u64) as usize];
            self.slack.next("chat.postMessage", [trouble]);
            let trouble = troubles[self.below(troubles.len() as u64) as usize];
            self.twilio.next("send", [trouble]);
        }
    }

    /// Waits until the kernel has taken the journal from the process that was killed.
    async fn is_let_go(&self) {
        let path = journal(self.folder.path()).with_extension("db.lock");
        let started = Instant::now();
        while File::open(&path).is_ok_and(|lock| lock.try_lock().is_err()) {
            assert!(started.elapsed() < SOON, "the killed process holds on to the journal");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Everything is well again: what was begun is brought to its end, and counted.
    async fn calm(mut self) -> Sent {
        self.slack.behave();
        self.twilio.behave();
        let tocsin = Tocsin::up(&self.config, self.folder.path()).await;
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = [0].into();
        tocsin.failed_in_a_row(&check_name(0), 3).await;
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clear();
        // Whatever is decided from here on is the end of an incident; even that may be cut short.
        tokio::time::sleep(Duration::from_millis(self.below(1_500))).await;
        tocsin.kill().await;
        let tocsin = Tocsin::up(&self.config, self.folder.path()).await;
        let path = journal(self.folder.path());
        let started = Instant::now();
        loop {
            let reader = SqliteReader::open(&path).expect("the journal can be read beside its writer");
            let (open, depth) = (reader.open_checks(), reader.outbox_depth());
            let (open, depth) = (open.expect("the journal answers"), depth.expect("the journal answers"));
            if open.is_empty() && depth == 0 {
                break;
            }
            assert!(started.elapsed() < CALM_WITHIN, "{depth} rows wait, open: {open:?}\n{}", tocsin.process.logs());
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        tocsin.stop().await;
        let reader = SqliteReader::open(&path).expect("the journal can be read");
        verdict(&reader, &self.slack, &self.twilio, self.config.message_every != "0s")
    }
}
