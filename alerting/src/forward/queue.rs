//! Snapshots on their way to one receiver.

use crate::statsd::aggregate::Snapshot;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What became of the snapshots since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ForwardCounters {
    pub delivered: u64,
    /// Dropped because the receiver was down for too long: the oldest go first.
    pub dropped_queue_full: u64,
    /// Dropped because the receiver said that it will never take them.
    pub dropped_refused: u64,
    /// Still waiting when the forwarder was stopped.
    pub dropped_at_stop: u64,
    /// Attempts that failed and were made again.
    pub retries: u64,
    pub waiting: u64,
    /// What went wrong last, in words; empty after a delivery.
    pub last_error: String,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Snapshot>>,
    closed: bool,
    counters: ForwardCounters,
}

/// Bounded: where it is full, the oldest makes place. What is new is worth more to somebody who looks.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    depth_max: usize,
}

impl Queue {
    pub fn new(depth_max: usize) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), depth_max: depth_max.max(1) }
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn push(&self, snapshot: Arc<Snapshot>) {
        self.with(|state| {
            if state.closed {
                state.counters.dropped_at_stop += 1;
                return;
            }
            if state.waiting.len() >= self.depth_max {
                state.waiting.pop_front();
                state.counters.dropped_queue_full += 1;
            }
            state.waiting.push_back(snapshot);
        });
        self.changed.notify_one();
    }

    /// The oldest snapshot, which stays in the queue until it is [`Queue::settle`]d; `None` once it is closed and empty.
    pub async fn next(&self) -> Option<Arc<Snapshot>> {
        loop {
            // Registered before looking, so that a push in between is not missed.
            let changed = self.changed.notified();
            let (oldest, closed) = self.with(|state| (state.waiting.front().cloned(), state.closed));
            match oldest {
                Some(snapshot) => return Some(snapshot),
                None if closed => return None,
                None => changed.await,
            }
        }
    }

    /// Removes the snapshot; `count` notes what became of it. If it made place meanwhile, that was counted already.
    pub fn settle(&self, snapshot: &Arc<Snapshot>, count: impl FnOnce(&mut ForwardCounters)) {
        self.with(|state| {
            if state.waiting.front().is_some_and(|oldest| Arc::ptr_eq(oldest, snapshot)) {
                state.waiting.pop_front();
                count(&mut state.counters);
            }
        });
    }

    pub fn note_error(&self, error: &str, again: bool) {
        self.with(|state| {
            state.counters.retries += u64::from(again);
            error.clone_into(&mut state.counters.last_error);
        });
    }

    pub fn close(&self) {
        self.with(|state| state.closed = true);
        self.changed.notify_one();
    }

    /// Gives up what still waits.
    pub fn abandon(&self) {
        self.with(|state| {
            state.closed = true;
            state.counters.dropped_at_stop += state.waiting.len() as u64;
            state.waiting.clear();
        });
        self.changed.notify_one();
    }

    pub fn counters(&self) -> ForwardCounters {
        self.with(|state| ForwardCounters { waiting: state.waiting.len() as u64, ..state.counters.clone() })
    }
}
