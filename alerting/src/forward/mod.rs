//! Series on their way out: to Graphite, to Librato, to another statsd, and to whoever scrapes `/metrics`.
//!
//! What a snapshot looks like to a receiver is a pure function: [`graphite::encode`], [`librato::encode`], [`statsd::encode`]
//! and [`prometheus::encode`]. Around the first three there is a [`Forwarder`] each: a bounded queue of snapshots and one
//! task that delivers them in order.
//!
//! A receiver that is down costs nobody anything: offering a snapshot never waits, attempts are repeated with growing
//! pauses, and where the queue is full the oldest snapshot makes place and is counted ([`ForwardCounters`]). A snapshot that the
//! receiver refuses for good (a wrong token, say) is counted and left behind. Another statsd answers nothing, so a
//! packet that is lost there is lost.

mod destination;
pub mod graphite;
pub mod librato;
mod points;
pub mod prometheus;
mod queue;
pub mod statsd;

pub use destination::{Destination, Token};
pub use queue::ForwardCounters;

use crate::statsd::aggregate::Snapshot;
use destination::Refusal;
use queue::Queue;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardSettings {
    /// Snapshots that wait while the receiver is down.
    pub queue_depth_max: usize,
    /// How long one attempt may take.
    pub timeout_ms: u64,
    pub retry_first_ms: u64,
    pub retry_max_ms: u64,
}

impl Default for ForwardSettings {
    fn default() -> Self {
        Self { queue_depth_max: 30, timeout_ms: 10_000, retry_first_ms: 500, retry_max_ms: 30_000 }
    }
}

/// Delivers snapshots to one receiver until it is stopped.
pub struct Forwarder {
    queue: Arc<Queue>,
    task: JoinHandle<()>,
}

impl Forwarder {
    /// Starts the task on the current runtime. The client is used for Librato alone; share one.
    pub fn start(destination: Destination, settings: ForwardSettings, client: reqwest::Client) -> Self {
        let queue = Arc::new(Queue::new(settings.queue_depth_max));
        let task = tokio::spawn(deliver_all(Arc::clone(&queue), destination, settings, client));
        Self { queue, task }
    }

    /// Puts a snapshot in line; from any thread, and without waiting.
    pub fn offer(&self, snapshot: &Arc<Snapshot>) {
        self.queue.push(Arc::clone(snapshot));
    }

    pub fn counters(&self) -> ForwardCounters {
        self.queue.counters()
    }

    /// Delivers what waits, for at most `grace`, and ends.
    pub async fn stop(self, grace: Duration) -> ForwardCounters {
        self.queue.close();
        let mut task = self.task;
        if tokio::time::timeout(grace, &mut task).await.is_err() {
            task.abort();
            self.queue.abandon();
        }
        self.queue.counters()
    }
}

/// How long to wait before the next attempt, after so many that failed.
fn pause_ms(settings: &ForwardSettings, failed: u32) -> u64 {
    let doubled = settings.retry_first_ms.saturating_mul(1 << failed.saturating_sub(1).min(30));
    doubled.min(settings.retry_max_ms)
}

async fn deliver_all(queue: Arc<Queue>, destination: Destination, settings: ForwardSettings, client: reqwest::Client) {
    let timeout = Duration::from_millis(settings.timeout_ms);
    // Counted over snapshots: a receiver that is down is not asked more often because the oldest one changed.
    let mut failed = 0;
    while let Some(snapshot) = queue.next().await {
        let attempt = tokio::time::timeout(timeout, destination.deliver(&snapshot, &client)).await;
        let refusal = match attempt {
            Ok(Ok(())) => {
                failed = 0;
                queue.settle(&snapshot, |counters| {
                    counters.delivered += 1;
                    counters.last_error.clear();
                });
                continue;
            }
            Ok(Err(refusal)) => refusal,
            Err(_) => Refusal::Later(format!("no answer within {} ms", settings.timeout_ms)),
        };
        match refusal {
            Refusal::Never(error) => {
                queue.note_error(&error, false);
                queue.settle(&snapshot, |counters| counters.dropped_refused += 1);
            }
            Refusal::Later(error) => {
                failed += 1;
                queue.note_error(&error, true);
                tokio::time::sleep(Duration::from_millis(pause_ms(&settings, failed))).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
