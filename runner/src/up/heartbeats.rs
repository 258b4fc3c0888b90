//! Programs that call in: from their calls, and from the time, to incidents. What is decided is [`alerting::heartbeat`]'s.

use crate::config::HeartbeatsSettings;
use alerting::Alerting;
use alerting::heartbeat::{Call, Heard, Heartbeat, Heartbeats, OWN_NAME, Tokens};
use alerting::journal::{IncidentFilter, Journal, JournalError};
use anyhow::Context;
use checks::UnixMs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How often it is looked at who is missed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it is written down that somebody listens, so that the next process knows how long nobody did.
const MARK_EVERY: Duration = Duration::from_secs(15);
/// A wall clock that goes another way than the steady one by more has been set.
const CLOCK_STEP_MS: u64 = 5_000;
/// Open incidents that are taken up at start.
const OPEN_MAX: usize = 10_000;

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// Nobody is called so, or the token is another's.
    Unknown,
    /// It could not be written down, or not what follows from it.
    NotKept,
}

pub(super) struct Callers {
    tokens: Option<Tokens>,
    journal: Arc<dyn Journal>,
    alerting: Arc<Alerting>,
    heartbeats: Mutex<Heartbeats>,
}

impl Callers {
    pub(super) async fn start(
        settings: &HeartbeatsSettings,
        journal: Arc<dyn Journal>,
        alerting: Arc<Alerting>,
    ) -> anyhow::Result<Arc<Self>> {
        let mut heard = journal.heartbeats().await.context("what was heard of heartbeats cannot be read")?;
        let gone_at = heard.remove(OWN_NAME).and_then(|own| own.at);
        let open = IncidentFilter { check: None, open_only: true, rows_max: OPEN_MAX };
        let open = alerting.incidents(open).await.context("open incidents cannot be read")?;
        let open = open.iter().filter_map(|incident| incident.report.signal.as_ref());
        let known: Vec<String> = heard.keys().cloned().collect();
        let heartbeats = Heartbeats::new(settings.all.clone(), heard, open, gone_at, UnixMs::now());
        for (heartbeat, heard) in heartbeats.all() {
            journal.put_heartbeat(&heartbeat.name, Some(heard.clone())).await.context("heartbeats cannot be kept")?;
        }
        for name in known.iter().filter(|name| settings.all.iter().all(|heartbeat| heartbeat.name != **name)) {
            journal.put_heartbeat(name, None).await.context("heartbeats cannot be kept")?;
        }
        let is_idle = heartbeats.is_empty();
        let tokens = settings.secret.as_ref().map(|secret| Tokens::new(secret.expose()));
        let callers = Arc::new(Self { tokens, journal, alerting, heartbeats: Mutex::new(heartbeats) });
        if !is_idle {
            tokio::spawn(Arc::clone(&callers).watch());
        }
        Ok(callers)
    }

    /// Durable, with what follows from it, before it is answered with [`Taken::Yes`].
    pub(super) async fn hear(&self, name: &str, token: &str, call: Option<Call>) -> Taken {
        if !self.tokens.as_ref().is_some_and(|tokens| tokens.is_of(token, name)) {
            return Taken::Unknown;
        }
        let Some(call) = call else { return Taken::Unknown };
        let mut heartbeats = self.heartbeats.lock().await;
        let now = UnixMs::now();
        let Some(heard) = heartbeats.hear(name, call, now) else { return Taken::Unknown };
        if let Err(error) = self.journal.put_heartbeat(name, Some(heard.clone())).await {
            tracing::error!(%error, heartbeat = name, "a call cannot be written down");
            return Taken::NotKept;
        }
        heartbeats.take(name, heard);
        match self.tell(&mut heartbeats, now).await {
            Ok(()) => Taken::Yes,
            Err(()) => Taken::NotKept,
        }
    }

    /// What follows now. What cannot be written down stays to be told.
    async fn tell(&self, heartbeats: &mut Heartbeats, now: UnixMs) -> Result<(), ()> {
        let signals = heartbeats.look(now);
        if signals.is_empty() {
            return Ok(());
        }
        for signal in &signals {
            tracing::warn!(heartbeat = signal.key.id, state = ?signal.state, "{}", signal.summary);
        }
        match self.alerting.signal(signals.clone()).await {
            Ok(_) => {
                heartbeats.told(&signals);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the incident of a heartbeat cannot be written down; trying again");
                Err(())
            }
        }
    }

    async fn watch(self: Arc<Self>) {
        let (mut before, mut marked_at) = ((UnixMs::now(), Instant::now()), None::<Instant>);
        loop {
            let now = (UnixMs::now(), Instant::now());
            if let Some(by_ms) = clock_step(before, now) {
                tracing::warn!(by_ms, "the clock was set; what was heard of heartbeats is taken along");
                self.shift(by_ms).await;
            }
            before = now;
            // Before it is looked at: where it cannot be written, nobody is missed for that reason alone.
            if marked_at.is_none_or(|at| at.elapsed() >= MARK_EVERY) && self.mark(now.0).await.is_ok() {
                marked_at = Some(now.1);
            }
            let mut heartbeats = self.heartbeats.lock().await;
            // A failure has been logged, and is tried again with the next look.
            let _ = self.tell(&mut heartbeats, UnixMs::now()).await;
            drop(heartbeats);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn shift(&self, by_ms: i64) {
        let mut heartbeats = self.heartbeats.lock().await;
        let shifted: Vec<(String, Heard)> =
            heartbeats.all().map(|(heartbeat, heard)| (heartbeat.name.clone(), heard.shifted(by_ms))).collect();
        for (name, heard) in shifted {
            if let Err(error) = self.journal.put_heartbeat(&name, Some(heard.clone())).await {
                tracing::error!(%error, heartbeat = name, "what was heard cannot be kept");
            }
            heartbeats.take(&name, heard);
        }
    }

    async fn mark(&self, now: UnixMs) -> Result<(), JournalError> {
        let own = Heard { at: Some(now), ..Heard::new(now) };
        self.journal.put_heartbeat(OWN_NAME, Some(own)).await
    }

    /// At an orderly end: nobody listens from now on.
    pub(super) async fn stop(&self) {
        if let Err(error) = self.mark(UnixMs::now()).await {
            tracing::warn!(%error, "it cannot be written down that nobody listens to heartbeats from now on");
        }
    }

    /// For `/metrics`: each heartbeat, and when it was heard and is due. Not for a task of the event loop.
    pub(super) fn times(&self) -> Vec<(Heartbeat, Heard)> {
        let heartbeats = self.heartbeats.blocking_lock();
        heartbeats.all().map(|(heartbeat, heard)| (heartbeat.clone(), heard.clone())).collect()
    }
}

/// By how much the wall clock was set between two looks.
fn clock_step(before: (UnixMs, Instant), now: (UnixMs, Instant)) -> Option<i64> {
    let steady_ms = i64::try_from(now.1.duration_since(before.1).as_millis()).unwrap_or(i64::MAX);
    let by_ms = now.0.0.saturating_sub(before.0.0).saturating_sub(steady_ms);
    (by_ms.unsigned_abs() >= CLOCK_STEP_MS).then_some(by_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_set_when_it_goes_another_way_than_time() {
        let (wall, steady) = (UnixMs(1_795_521_600_000), Instant::now());
        let cases = [(1_000, 1_000, None), (90_000, 90_000, None), (3_000, 1_000, None)];
        let steps = [(3_601_000, 1_000, Some(3_600_000)), (-3_599_000, 1_000, Some(-3_600_000))];
        for (wall_ms, steady_ms, expected) in cases.into_iter().chain(steps) {
            let now = (UnixMs(wall.0 + wall_ms), steady + Duration::from_millis(steady_ms));
            assert_eq!(clock_step((wall, steady), now), expected, "{wall_ms} {steady_ms}");
        }
    }
}
