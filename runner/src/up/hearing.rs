//! Events and service checks that programs send over statsd: from the server's threads to the incidents.

use alerting::Alerting;
use alerting::journal::IncidentFilter;
use alerting::noticed::Noticed;
use alerting::signal::Signal;
use alerting::statsd::Notice;
use checks::UnixMs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// Notices between the server's threads and the decider.
const WAITING_MAX: usize = 1_024;
/// Open incidents that are taken up at start.
const OPEN_MAX: usize = 1_000;
/// How often events are looked at that nobody ended.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Where the server's threads put a notice. They never wait: what does not fit is counted.
#[derive(Clone)]
pub(super) struct Ear {
    notices: mpsc::Sender<Notice>,
    dropped: Arc<AtomicU64>,
}

pub(super) fn ear() -> (Ear, mpsc::Receiver<Notice>) {
    let (notices, heard) = mpsc::channel(WAITING_MAX);
    (Ear { notices, dropped: Arc::default() }, heard)
}

impl Ear {
    pub(super) fn hear(&self, notice: Notice) {
        if self.notices.try_send(notice).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts the notices that nothing followed from, because too many came.
    pub(super) fn unheard(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }
}

/// Turns notices into incidents until the server has ended.
pub(super) async fn listen(ear: Ear, mut heard: mpsc::Receiver<Notice>, alerting: Arc<Alerting>) {
    let Ear { notices, dropped } = ear;
    // So that the channel ends with the server's threads.
    drop(notices);
    let open = IncidentFilter { check: None, open_only: true, rows_max: OPEN_MAX };
    let mut noticed = match alerting.incidents(open).await {
        Ok(open) => Noticed::with_open(open.iter().filter_map(|incident| incident.report.signal.as_ref())),
        Err(error) => {
            tracing::error!(%error, "open incidents cannot be read; events that opened one end with the next of their kind");
            Noticed::default()
        }
    };
    let mut every = tokio::time::interval(LOOK_EVERY);
    loop {
        let before = noticed.dropped();
        let signals = tokio::select! {
            notice = heard.recv() => match notice {
                Some(notice) => noticed.hear(&notice, UnixMs::now()).into_iter().collect(),
                None => return,
            },
            _ = every.tick() => noticed.ended(UnixMs::now()),
        };
        dropped.fetch_add(noticed.dropped() - before, Ordering::Relaxed);
        if !signals.is_empty() {
            tell(&alerting, signals).await;
        }
    }
}

/// Until the journal has them: what a program says once is not said again.
async fn tell(alerting: &Alerting, signals: Vec<Signal>) {
    while let Err(error) = alerting.signal(signals.clone()).await {
        tracing::error!(%error, "an event cannot be written down; trying again");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}
