use crate::act::{ActOutcome, ResolveOutcome, Via};
use crate::clock::{Clock, SystemClock};
use crate::counters::{Counters, Tally};
use crate::decider::{Decider, Incoming, QUEUE_DEPTH_MAX, Request};
use crate::incident::{Decision, Event, RunAgain, Watched};
use crate::journal::{IncidentFilter, IncidentRecord, IncidentSummary, Journal, JournalError, ResultSummary};
use crate::notification::{Fate, HandsetReport, NotificationId};
use crate::outbox::{Channels, DeliverySettings, Wakeups, Worker};
use crate::policy::Ladders;
use crate::signal::{Signal, SignalSource};
use crate::silence::{KeptSilence, MaintenanceWindow, SILENCES_MAX, Silence};
use checks::{CheckId, Region, RunKey, RunResult};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// How often undelivered pages are looked for when nothing says that there is one.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// A person's name, and the reason of a silence.
const NAME_CHARS_MAX: usize = 100;
const WHY_CHARS_MAX: usize = 300;

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
    #[error("there are {SILENCES_MAX} silences already; end one that is not needed any more")]
    TooManySilences,
    #[error("the silence would be over at once; write an instant that lies ahead")]
    SilenceIsOver,
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
    wakeups: Arc<Wakeups>,
    tally: Arc<Tally>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    others: Vec<JoinHandle<()>>,
    reruns: Mutex<Option<mpsc::Receiver<RunAgain>>>,
}

/// Runs that would confirm a failure and wait for somebody to make them.
const RERUNS_QUEUED_MAX: usize = 1024;

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
        let (wakeups, tally) = (Arc::new(Wakeups::new()), Arc::new(Tally::default()));
        let (requests, queue) = mpsc::channel(QUEUE_DEPTH_MAX);
        let fallback_after_ms =
            settings.ladders.named.values().map(|ladder| ladder.fallback_after_ms).min().unwrap_or(u64::MAX);
        let fallback_after_ms = fallback_after_ms.min(settings.ladders.default.fallback_after_ms);
        let (asks, reruns) = mpsc::channel(RERUNS_QUEUED_MAX);
        let decider = Decider::new(
            Arc::clone(&journal),
            settings.ladders,
            Arc::clone(&wakeups),
            Arc::clone(&tally),
            Arc::clone(&clock),
            asks,
        );
        let workers = channels
            .kinds()
            .filter_map(|kind| Some((kind, channels.of(kind)?)))
            .map(|(kind, channel)| {
                let worker = Worker {
                    kind,
                    journal: Arc::clone(&journal),
                    channel: Arc::clone(channel),
                    settings: settings.delivery,
                    wakeups: Arc::clone(&wakeups),
                    tally: Arc::clone(&tally),
                    clock: Arc::clone(&clock),
                    requests: requests.downgrade(),
                };
                tokio::spawn(worker.run())
            })
            .collect();
        let sweep = sweep(
            Arc::clone(&journal),
            Arc::clone(&wakeups),
            requests.downgrade(),
            fallback_after_ms,
            Arc::clone(&clock),
        );
        let reruns = Mutex::new(Some(reruns));
        let others = vec![tokio::spawn(decider.run(queue)), tokio::spawn(sweep)];
        Ok(Self { clock, journal, requests, wakeups, tally, workers: Mutex::new(workers), others, reruns })
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

    /// Opens, changes and closes incidents that no check stands behind. Durable when it returns. The same signal twice is
    /// one incident, and the end of what never began is nothing.
    pub async fn signal(&self, signals: Vec<Signal>) -> Result<Vec<Decision>, AlertingError> {
        let events = signals.into_iter().map(|signal| (signal.key.subject(), Event::Signalled(signal))).collect();
        self.ask(|reply| Request::Events { events, reply: Some(reply) }).await
    }

    /// Somebody takes care of an incident: nobody is told again, and no rung is climbed by time.
    pub async fn acknowledge(&self, incident: u64, by: &str, via: Via) -> Result<ActOutcome, AlertingError> {
        let Some(record) = self.journal.incident(incident).await? else { return Ok(ActOutcome::Unknown) };
        let event = Event::Acknowledged { incident, by: crate::incident::shorten(by, NAME_CHARS_MAX), via };
        let events = vec![(record.report.check, event)];
        let decisions = self.ask(|reply| Request::Events { events, reply: Some(reply) }).await?;
        Ok(decisions.first().map_or(ActOutcome::NotOpen, ActOutcome::of))
    }

    /// Somebody says that an incident is over which only its source could end, and everybody who was told is told so. What
    /// Tocsin itself still sees stays open. Should the source say again that it fires, a new incident opens.
    pub async fn resolve(
        &self,
        incident: u64,
        by: &str,
        via: Via,
        because: &str,
    ) -> Result<ResolveOutcome, AlertingError> {
        let Some(record) = self.journal.incident(incident).await? else { return Ok(ResolveOutcome::Unknown) };
        let (by, because) =
            (crate::incident::shorten(by, NAME_CHARS_MAX), crate::incident::shorten(because, WHY_CHARS_MAX));
        let events = vec![(record.report.check, Event::Resolved { incident, by, via, because })];
        let decisions = self.ask(|reply| Request::Events { events, reply: Some(reply) }).await?;
        Ok(decisions.first().map_or(ResolveOutcome::NotOpen, ResolveOutcome::of))
    }

    /// Closes the open incidents of sources that are not configured any more: nobody would ever say that they are over.
    pub async fn remove_sources(&self, gone: &[SignalSource]) -> Result<(), AlertingError> {
        let is_gone = |incident: &IncidentSummary| {
            incident.report.signal.as_ref().is_some_and(|signal| gone.contains(&signal.key.source))
        };
        let open = IncidentFilter { check: None, open_only: true, rows_max: usize::MAX };
        let open = self.journal.incidents(open).await?.into_iter().filter(is_gone);
        let events: Vec<_> = open.map(|incident| (incident.check, Event::Removed)).collect();
        if !events.is_empty() {
            self.ask(|reply| Request::Events { events, reply: Some(reply) }).await?;
        }
        Ok(())
    }

    /// What became of a message or a call after its provider had taken it: on the trail once, whatever the order. A page
    /// that nobody got falls back like one that was not delivered. Returns whether there is such a notification.
    pub async fn handset_report(
        &self,
        notification: NotificationId,
        fate: Fate,
        text: String,
    ) -> Result<bool, AlertingError> {
        let report = HandsetReport { notification, at: self.clock.now(), fate, text };
        let is_known = self.journal.report(report).await?;
        if is_known && fate.is_lost() {
            self.wakeups.undelivered.notify_one();
        }
        self.wakeups.changed();
        Ok(is_known)
    }

    /// Tells nobody of what matches until it is over. Counting goes on, and what still fails then pages.
    pub async fn silence(&self, mut silence: Silence) -> Result<u64, AlertingError> {
        let now = self.clock.now();
        if silence.until <= now.max(silence.from.unwrap_or(now)) {
            return Err(AlertingError::SilenceIsOver);
        }
        silence.by = crate::incident::shorten(&silence.by, NAME_CHARS_MAX);
        silence.why = crate::incident::shorten(&silence.why, WHY_CHARS_MAX);
        let id = self.journal.put_silence(silence, now).await?.ok_or(AlertingError::TooManySilences)?;
        self.ask(|reply| Request::Silences { reply }).await?;
        Ok(id)
    }

    /// Ends a silence. Returns it, or `None` where there is none of that number.
    pub async fn unsilence(&self, id: u64) -> Result<Option<KeptSilence>, AlertingError> {
        let dropped = self.journal.drop_silence(id).await?;
        self.ask(|reply| Request::Silences { reply }).await?;
        Ok(dropped)
    }

    /// The silences that are not over, those that have not begun included.
    pub async fn silences(&self) -> Result<Vec<KeptSilence>, AlertingError> {
        Ok(self.journal.silences(self.clock.now()).await?)
    }

    /// The windows of maintenance near the present; whoever knows the calendar names them again as time goes on.
    pub async fn set_maintenance(&self, windows: Vec<MaintenanceWindow>) -> Result<(), AlertingError> {
        self.requests.send(Request::Maintenance(windows)).await.map_err(|_| AlertingError::Closed)
    }

    /// Where runs are asked for that confirm a first failure. `None` after the first call: one caller makes them.
    pub fn reruns(&self) -> Option<mpsc::Receiver<RunAgain>> {
        self.reruns.lock().unwrap_or_else(PoisonError::into_inner).take()
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
        self.wakeups.draining.send_replace(true);
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
        self.wakeups.changes.subscribe()
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
    wakeups: Arc<Wakeups>,
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
            () = wakeups.undelivered.notified() => {}
            () = clock.sleep(SWEEP_EVERY) => {}
        }
    }
}
