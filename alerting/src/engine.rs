use crate::clock::{Clock, SystemClock};
use crate::counters::{Counters, Tally};
use crate::decider::{Decider, Incoming, QUEUE_DEPTH_MAX, Request};
use crate::incident::{Decision, Watched};
use crate::journal::{IncidentFilter, IncidentRecord, IncidentSummary, Journal, JournalError, ResultSummary};
use crate::notification::ChannelKind;
use crate::outbox::{Channels, DeliverySettings, Signals, Worker};
use crate::policy::Ladders;
use checks::{CheckId, Region, RunKey, RunResult};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// How often undelivered pages are looked for when nothing says that there is one.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub struct AlertingSettings {
    pub ladders: Ladders,
    pub delivery: DeliverySettings,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum AlertingError {
    /// What was offered has not been consumed, or not all of it; offered again, it counts once.
    #[error("the journal did not take it: {0}")]
    Journal(Arc<JournalError>),
    #[error("alerting has shut down")]
    Closed,
}

impl From<JournalError> for AlertingError {
    fn from(error: JournalError) -> Self {
        Self::Journal(Arc::new(error))
    }
}

/// Decides and delivers. Dropped without [`Alerting::drain`], it stops like a process that is killed: what was accepted
/// is in the journal, and goes on when it is opened again.
pub struct Alerting {
    clock: Arc<dyn Clock>,
    journal: Arc<dyn Journal>,
    requests: mpsc::Sender<Request>,
    signals: Arc<Signals>,
    tally: Arc<Tally>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    others: Vec<JoinHandle<()>>,
}

impl Alerting {
    /// Takes up where the journal ends: deliveries that were under way are uncertain, and their provider is asked first.
    pub async fn open(
        settings: AlertingSettings,
        channels: Channels,
        journal: Arc<dyn Journal>,
    ) -> Result<Self, AlertingError> {
        Self::open_with_clock(settings, channels, journal, Arc::new(SystemClock)).await
    }

    /// The same in another time.
    pub async fn open_with_clock(
        settings: AlertingSettings,
        channels: Channels,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AlertingError> {
        let uncertain = journal.recover(clock.now()).await?;
        if uncertain > 0 {
            tracing::warn!(
                uncertain,
                "deliveries were under way when the last process ended; their providers are asked"
            );
        }
        let (signals, tally) = (Arc::new(Signals::new()), Arc::new(Tally::default()));
        let (requests, queue) = mpsc::channel(QUEUE_DEPTH_MAX);
        let fallback_after_ms =
            settings.ladders.named.values().map(|ladder| ladder.fallback_after_ms).min().unwrap_or(u64::MAX);
        let fallback_after_ms = fallback_after_ms.min(settings.ladders.default.fallback_after_ms);
        let decider = Decider::new(
            Arc::clone(&journal),
            settings.ladders,
            Arc::clone(&signals),
            Arc::clone(&tally),
            Arc::clone(&clock),
        );
        let workers = ChannelKind::ALL
            .into_iter()
            .map(|kind| {
                let worker = Worker {
                    kind,
                    journal: Arc::clone(&journal),
                    channels: channels.clone(),
                    settings: settings.delivery,
                    signals: Arc::clone(&signals),
                    tally: Arc::clone(&tally),
                    clock: Arc::clone(&clock),
                };
                tokio::spawn(worker.run())
            })
            .collect();
        let sweep = sweep(
            Arc::clone(&journal),
            Arc::clone(&signals),
            requests.downgrade(),
            fallback_after_ms,
            Arc::clone(&clock),
        );
        let others = vec![tokio::spawn(decider.run(queue)), tokio::spawn(sweep)];
        Ok(Self { clock, journal, requests, signals, tally, workers: Mutex::new(workers), others })
    }

    /// Decides the results, in order, and returns what was decided on each. Durable when it returns.
    pub async fn accept(&self, results: Vec<RunResult>) -> Result<Vec<Decision>, AlertingError> {
        let now = self.clock.now();
        let results = results.iter().map(|result| Incoming::of(result, now)).collect();
        self.ask(|reply| Request::Accept { results, reply }).await
    }

    /// Names the checks that exist, at start and whenever the configuration changes. An incident of a check that is gone
    /// is closed, and everybody who was told is told so.
    pub async fn set_checks(&self, checks: Vec<Watched>) -> Result<(), AlertingError> {
        self.ask(|reply| Request::Configure { checks, reply }).await
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, Arc<JournalError>>>) -> Request,
    ) -> Result<T, AlertingError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| AlertingError::Closed)?;
        answer.await.map_err(|_| AlertingError::Closed)?.map_err(AlertingError::Journal)
    }

    /// Delivers what is due and ends what is under way, at most for `limit`. Returns how many rows still wait: they stay
    /// in the journal. Results that are accepted afterwards are decided, and delivered by the next process.
    pub async fn drain(&self, limit: Duration) -> u64 {
        self.signals.draining.send_replace(true);
        let mut workers = std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async {
            for worker in &mut workers {
                // A worker that panicked has nothing under way any more.
                let _ = worker.await;
            }
        };
        if tokio::time::timeout(limit, all).await.is_err() {
            for worker in &workers {
                worker.abort();
            }
        }
        self.journal.outbox_depth().await.unwrap_or(0)
    }

    /// Changes its value whenever a result was consumed or a delivery ended.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.signals.changes.subscribe()
    }

    pub fn counters(&self) -> Counters {
        self.tally.snapshot()
    }

    pub async fn incidents(&self, filter: IncidentFilter) -> Result<Vec<IncidentSummary>, AlertingError> {
        Ok(self.journal.incidents(filter).await?)
    }

    pub async fn incident(&self, number: u64) -> Result<Option<IncidentRecord>, AlertingError> {
        Ok(self.journal.incident(number).await?)
    }

    /// The newest result of every check and region, those of removed checks included.
    pub async fn latest_results(&self) -> Result<Vec<ResultSummary>, AlertingError> {
        Ok(self.journal.latest_results().await?)
    }

    /// Newest first.
    pub async fn recent_results(
        &self,
        check: &CheckId,
        region: Option<&Region>,
        rows_max: usize,
    ) -> Result<Vec<ResultSummary>, AlertingError> {
        Ok(self.journal.recent_results(check, region, rows_max).await?)
    }

    /// A result in full, where it is still kept.
    pub async fn result(&self, key: &RunKey) -> Result<Option<RunResult>, AlertingError> {
        let Some(document) = self.journal.result(key).await? else { return Ok(None) };
        let result = checks::wire::decode(&document)
            .map_err(|e| JournalError::Malformed { what: "result", problem: e.to_string() })?;
        Ok(Some(result))
    }

    /// Notifications that wait or are being delivered.
    pub async fn outbox_depth(&self) -> Result<u64, AlertingError> {
        Ok(self.journal.outbox_depth().await?)
    }
}

impl Drop for Alerting {
    fn drop(&mut self) {
        let workers = self.workers.get_mut().unwrap_or_else(PoisonError::into_inner);
        for task in workers.iter().chain(&self.others) {
            task.abort();
        }
    }
}

/// Looks for pages that stay undelivered, and hands them to the decider, which takes each fallback once.
async fn sweep(
    journal: Arc<dyn Journal>,
    signals: Arc<Signals>,
    requests: mpsc::WeakSender<Request>,
    fallback_after_ms: u64,
    clock: Arc<dyn Clock>,
) {
    loop {
        match journal.undelivered_pages(clock.now() - fallback_after_ms).await {
            Ok(pages) if pages.is_empty() => {}
            Ok(pages) => {
                let Some(requests) = requests.upgrade() else { return };
                if requests.send(Request::Undelivered(pages)).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::error!(%error, "undelivered pages cannot be looked for"),
        }
        tokio::select! {
            biased;
            () = signals.undelivered.notified() => {}
            () = clock.sleep(SWEEP_EVERY) => {}
        }
    }
}
