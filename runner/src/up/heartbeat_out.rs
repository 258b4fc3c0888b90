//! Calls an outside URL for as long as this process does what it is for, so that its own death is seen: the decider answers,
//! the journal commits, the schedule goes on and runs have results. The URL is a secret, and in no message.

use super::board::Board;
use super::status::Status;
use crate::config::HeartbeatOutSettings;
use alerting::Alerting;
use alerting::heartbeat::Heard;
use alerting::journal::Journal;
use anyhow::Context;
use checks::UnixMs;
use dashboards::{State, StatusSource};
use reqwest::Client;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the outside may take to answer, and each part of this process.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// After a failure it is not waited for longer.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(10);
/// The loop of the schedule turns once a second.
const SCHEDULE_STILL_MAX: Duration = Duration::from_secs(15);
/// Under this name the journal shows that it commits.
const ROW: &str = ".heartbeat-out";

#[derive(Default)]
pub(super) struct HeartbeatOut {
    pub sent: AtomicU64,
    pub failed: AtomicU64,
    /// Times at which it was not called, because this process was not healthy.
    pub withheld: AtomicU64,
    problem: Mutex<Option<(UnixMs, String)>>,
}

/// What is looked at before each call.
pub(super) struct Health {
    pub board: Arc<Board>,
    pub alerting: Arc<Alerting>,
    pub journal: Arc<dyn Journal>,
    pub status: Arc<Status>,
}

enum Problem {
    /// This process is not healthy.
    Own(String),
    /// The outside did not take the call.
    Outside(String),
}

impl HeartbeatOut {
    pub(super) fn start(settings: &HeartbeatOutSettings, health: Health) -> anyhow::Result<Arc<Self>> {
        let out = Arc::new(Self::default());
        let client = Client::builder().timeout(ANSWER_TIME_MAX).build().context("[heartbeat_out]")?;
        tokio::spawn(Arc::clone(&out).call_on(client, settings.clone(), health));
        Ok(out)
    }

    async fn call_on(self: Arc<Self>, client: Client, settings: HeartbeatOutSettings, health: Health) {
        loop {
            let called = match health.problem().await {
                Some(problem) => Err(Problem::Own(problem)),
                None => call(&client, settings.url.expose()).await.map_err(Problem::Outside),
            };
            let pause = if called.is_ok() { settings.every } else { settings.every.min(AGAIN_AFTER_MAX) };
            self.note(called);
            tokio::time::sleep(pause).await;
        }
    }

    fn note(&self, called: Result<(), Problem>) {
        let (count, problem) = match called {
            Ok(()) => (&self.sent, None),
            Err(Problem::Own(problem)) => (&self.withheld, Some(format!("[heartbeat_out] is not called: {problem}"))),
            Err(Problem::Outside(problem)) => (&self.failed, Some(format!("[heartbeat_out] fails: {problem}"))),
        };
        count.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match (&problem, kept.is_some()) {
            (Some(problem), false) => tracing::error!("{problem}"),
            (None, true) => tracing::info!("[heartbeat_out] is called again"),
            _ => {}
        }
        let since = kept.as_ref().map(|(since, _)| *since);
        *kept = problem.map(|problem| (since.unwrap_or_else(UnixMs::now), problem));
    }

    pub(super) fn notice(&self) -> Option<String> {
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.as_ref().map(|(since, problem)| format!("{problem}, since {since}"))
    }
}

/// The error never names the URL.
async fn call(client: &Client, url: &str) -> Result<(), String> {
    let response = client.get(url).send().await.map_err(|error| chain(&error.without_url()))?;
    match response.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("the answer is {status}")),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

impl Health {
    async fn problem(&self) -> Option<String> {
        let still = self.board.schedule_still_for();
        if still > SCHEDULE_STILL_MAX {
            return Some(format!("the schedule stands still for {} s", still.as_secs()));
        }
        let now = UnixMs::now();
        let commits = self.journal.put_heartbeat(ROW, Some(Heard::new(now)));
        match tokio::time::timeout(ANSWER_TIME_MAX, commits).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(format!("the journal takes nothing: {error}")),
            Err(_) => return Some("the journal does not answer".to_owned()),
        }
        match tokio::time::timeout(ANSWER_TIME_MAX, self.alerting.signal(Vec::new())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Some(format!("nothing is decided: {error}")),
            Err(_) => return Some("nothing is decided".to_owned()),
        }
        match self.status.overview().await.map(|overview| dashboards::state(&overview)) {
            Ok(State::Silent { silent_ms }) => Some(format!("there are no results for {} s", silent_ms / 1_000)),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }
}
