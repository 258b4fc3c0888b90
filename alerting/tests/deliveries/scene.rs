//! A journal, two providers, and alerting between them.

use crate::providers::Provider;
use alerting::incident::Watched;
use alerting::journal::{Journal, SqliteJournal, SqliteSettings};
use alerting::notification::{Address, Notification};
use alerting::outbox::{DeliverySettings, Folding};
use alerting::policy::{Directory, Ladders, Member, Policy};
use alerting::slack::{SlackChannel, SlackSettings};
use alerting::sms::{Sender, TwilioChannel, TwilioSettings};
use alerting::{Alerting, AlertingSettings, Channel, Channels, Decision, DeliveryOutcome, Reconciled};
use async_trait::async_trait;
use checks::{
    CheckDefinition, Dropped, Failure, FailureClass, Outcome, Prober, RunKey, RunResult, ScriptSource, UnixMs,
};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// How long anything may take on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Scene {
    pub slack: Provider,
    pub twilio: Provider,
    pub policy: Policy,
    pub delivery: DeliverySettings,
    /// Whether members can be called.
    pub can_call: bool,
    folder: TempDir,
    slack_url: String,
    twilio_url: String,
    start: UnixMs,
}

impl Scene {
    pub async fn new() -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (slack, twilio) = (Provider::default(), Provider::default());
        Self {
            slack_url: format!("{}/api/", slack.serve().await),
            twilio_url: twilio.serve().await,
            slack,
            twilio,
            policy: Policy::mission_default(),
            // The providers here take a message at once or never; those that take it late have tests of their own.
            delivery: DeliverySettings {
                retry_first_ms: 20,
                retry_max_ms: 200,
                lag_ms_max: 0,
                ..DeliverySettings::default()
            },
            can_call: false,
            folder: tempfile::tempdir().unwrap(),
            start: UnixMs::now(),
        }
    }

    pub fn journal(&self) -> Arc<dyn Journal> {
        let path = self.folder.path().join("journal.db");
        Arc::new(SqliteJournal::open(unfolded(path)).unwrap())
    }

    pub fn settings(&self) -> AlertingSettings {
        let member =
            |name: &str, phone: &str| Member { name: name.to_owned(), phone: phone.parse().unwrap(), email: None };
        let devops = vec![member("Ada", "+4915100000001"), member("Bob", "+4915100000002")];
        let first = vec![devops[0].clone()];
        let teams = [("devops".to_owned(), devops), ("first".to_owned(), first)];
        let webhooks = ["pager", "busy"].map(str::to_owned).into();
        let directory = Directory { teams: teams.into(), webhooks, can_call: self.can_call, ..Directory::default() };
        let default = self.policy.ladder("default", &directory).unwrap();
        AlertingSettings { ladders: Ladders { default, named: [].into() }, delivery: self.delivery }
    }

    pub fn channels(&self) -> Channels {
        Channels::new(Arc::new(self.slack_channel()), Arc::new(self.sms()))
    }

    pub fn slack_channel(&self) -> SlackChannel {
        let slack =
            SlackSettings { api_url: self.slack_url.clone(), timeout_ms: 500, ..SlackSettings::new("xoxb-test") };
        SlackChannel::new(slack).unwrap()
    }

    pub fn sms(&self) -> TwilioChannel {
        let from = Sender::Number("+12025550123".parse().unwrap());
        let twilio = TwilioSettings::new(format!("AC{}", "0".repeat(32)), "secret", from);
        TwilioChannel::new(TwilioSettings { api_url: self.twilio_url.clone(), timeout_ms: 500, ..twilio }).unwrap()
    }

    pub async fn open(&self) -> Alerting {
        Alerting::open(self.settings(), self.channels(), self.journal()).await.unwrap()
    }

    /// The journal can be opened again once the process before has let go of it.
    pub async fn reopen(&self) -> Alerting {
        let journal = Arc::new(self.journal_again().await);
        Alerting::open(self.settings(), self.channels(), journal).await.unwrap()
    }

    pub async fn journal_again(&self) -> SqliteJournal {
        let path = self.folder.path().join("journal.db");
        loop_until(|| SqliteJournal::open(unfolded(path.clone())).ok()).await
    }

    pub fn result(&self, region: &str, slot: u64, outcome: Outcome) -> RunResult {
        RunResult {
            key: RunKey {
                check: "login".parse().unwrap(),
                region: region.parse().unwrap(),
                slot: self.start + slot * 30_000,
                attempt: 0,
            },
            started_at: self.start + slot * 30_000,
            duration_us: 12_000,
            outcome,
            steps: vec![],
            requests: vec![],
            console: vec![],
            metrics: vec![],
            dropped: Dropped::default(),
            script_hash: String::new(),
            prober: Prober { version: "0.1.0".to_owned() },
        }
    }

    pub async fn fails(&self, alerting: &Alerting, region: &str, slot: u64) -> Decision {
        let result = self.result(region, slot, Outcome::Failed(failure(FailureClass::Http)));
        alerting.accept(vec![result]).await.unwrap().remove(0)
    }

    pub async fn passes(&self, alerting: &Alerting, region: &str, slot: u64) -> Decision {
        alerting.accept(vec![self.result(region, slot, Outcome::Passed)]).await.unwrap().remove(0)
    }

    /// Posts of their own in a channel.
    pub fn posts(&self, channel: &str) -> Vec<String> {
        let log = self.slack.log();
        let posts = log.messages.iter().filter(|m| m["channel"] == channel && m.get("thread_ts").is_none());
        posts.map(|m| m["text"].as_str().unwrap().to_owned()).collect()
    }

    /// Entries in threads of a channel.
    pub fn replies(&self, channel: &str) -> Vec<String> {
        let log = self.slack.log();
        let replies = log.messages.iter().filter(|m| m["channel"] == channel && m.get("thread_ts").is_some());
        replies.map(|m| m["text"].as_str().unwrap().to_owned()).collect()
    }

    pub fn texts(&self, number: &str) -> Vec<String> {
        let log = self.twilio.log();
        let texts = log.messages.iter().filter(|m| m["to"] == number);
        texts.map(|m| m["body"].as_str().unwrap().to_owned()).collect()
    }
}

pub const P1: &str = "C0000000P1";
pub const P2: &str = "C0000000P2";
/// Each message on its own, at once: what folds has tests of its own.
fn unfolded(path: PathBuf) -> SqliteSettings {
    SqliteSettings { folding: Folding::OFF, ..SqliteSettings::new(path) }
}

pub const ADA: &str = "+4915100000001";
pub const BOB: &str = "+4915100000002";

pub fn failure(class: FailureClass) -> Failure {
    let message = "expected 200, got 503".to_owned();
    Failure { class, message, step: Some("token".to_owned()), location: None, stack: String::new(), soft: vec![] }
}

pub fn watched(check: &str, regions: &[&str]) -> Watched {
    let definition = CheckDefinition {
        id: check.parse().unwrap(),
        description: "A user logs in".to_owned(),
        schedule: "every 30s".to_owned(),
        time_zone: None,
        timeout_ms: 10_000,
        regions: vec![],
        tags: vec![],
        secrets: vec![],
        reach: checks::Reach::default(),
        policy: None,
        depends_on: Vec::new(),
        runbook_url: Some("https://runbooks.example/login".to_owned()),
        script: ScriptSource { path: "checks/login.check.ts".to_owned(), hash: "00".to_owned() },
    };
    Watched { definition, regions: regions.iter().map(|r| r.parse().unwrap()).collect() }
}

/// A provider without a network: takes what it is given, unless the test says that it is slow or down.
#[derive(Default)]
pub struct StandIn {
    arrivals: Mutex<Vec<Notification>>,
    /// Lanes that refuse what comes, and for how long they want to be left alone.
    down: Mutex<BTreeSet<String>>,
    retry_after_ms: Option<u64>,
    /// Where there is one, each message waits for a permit after it has arrived.
    lets_through: Option<Semaphore>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StandIn {
    /// Nobody is told what becomes of a message before it is let through.
    pub fn slow() -> Self {
        Self { lets_through: Some(Semaphore::new(0)), ..Self::default() }
    }

    pub fn down_at(down: &[&Address], retry_after_ms: Option<u64>) -> Self {
        let down = down.iter().map(|address| address.lane()).collect();
        Self { down: Mutex::new(down), retry_after_ms, ..Self::default() }
    }

    pub fn let_through(&self, messages: usize) {
        self.lets_through.as_ref().expect("it is slow").add_permits(messages);
    }

    pub fn all_up(&self) {
        locked(&self.down).clear();
    }

    pub fn arrivals(&self) -> Vec<Notification> {
        locked(&self.arrivals).clone()
    }

    /// What the messages to a place said.
    pub fn said_to(&self, address: &Address) -> Vec<String> {
        let arrivals = locked(&self.arrivals);
        let to_it = arrivals.iter().filter(|message| message.address.lane() == address.lane());
        to_it.map(|message| message.saying.to_string()).collect()
    }
}

#[async_trait]
impl Channel for StandIn {
    async fn deliver(&self, notification: &Notification, _post: Option<&str>) -> DeliveryOutcome {
        if locked(&self.down).contains(&notification.address.lane()) {
            return DeliveryOutcome::Refused { retry_after_ms: self.retry_after_ms, reason: "it is down".to_owned() };
        }
        locked(&self.arrivals).push(notification.clone());
        if let Some(lets_through) = &self.lets_through {
            lets_through.acquire().await.expect("the semaphore stays open").forget();
        }
        DeliveryOutcome::Delivered { receipt: "C/1".to_owned() }
    }

    async fn reconcile(
        &self,
        _notification: &Notification,
        _post: Option<&str>,
        _taken: &BTreeSet<String>,
    ) -> Reconciled {
        Reconciled::HasNot
    }
}

/// Waits until nothing is left in the outbox.
pub async fn settled(alerting: &Alerting) {
    let mut changes = alerting.changes();
    let all = async {
        while alerting.outbox_depth().await.unwrap() > 0 {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("everything is delivered or given up in time");
}

/// The same of the first incident, but for what goes to a place that is down.
pub async fn settled_but_for(alerting: &Alerting, down: &Address) {
    let mut changes = alerting.changes();
    let all = async {
        loop {
            let record = alerting.incident(1).await.unwrap();
            let rows = record.iter().flat_map(|record| &record.notifications);
            let mut others = rows.filter(|row| row.address.lane() != down.lane());
            if record.is_some() && others.all(|row| !row.state.is_waiting()) {
                return;
            }
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("everything that is up has it in time")
}

/// Waits until a provider or a file is as it should be, asking again and again.
pub async fn loop_until<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(value) = ready() {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the state is reached in time")
}
