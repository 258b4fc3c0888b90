//! Whether this process gets to run. A task wakes up again and again; what it wakes up too late by, everything else was
//! late by too: a processor that others have, a limit of the container, a machine that stood still, a thread that blocks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const BEAT: Duration = Duration::from_millis(50);
/// Less is what timers are late by on any machine.
const LATE_MIN: Duration = Duration::from_millis(50);
/// Stalls that are remembered; each lasts [`LATE_MIN`] or longer.
const STALLS_MAX: usize = 1_024;

#[derive(Debug)]
pub(super) struct Stalls {
    /// When the next beat is due.
    due: Instant,
    /// From and to, in order.
    stalls: VecDeque<(Instant, Instant)>,
}

impl Stalls {
    fn new(now: Instant) -> Self {
        Self { due: now + BEAT, stalls: VecDeque::new() }
    }

    fn beat(&mut self, now: Instant) {
        if now.saturating_duration_since(self.due) >= LATE_MIN {
            if self.stalls.len() >= STALLS_MAX {
                self.stalls.pop_front();
            }
            self.stalls.push_back((self.due, now));
        }
        self.due = now + BEAT;
    }

    /// How long of the time between the two nothing happened.
    fn between(&self, from: Instant, to: Instant) -> Duration {
        // A result may be looked at before the beat that is late.
        let pending = (to.saturating_duration_since(self.due) >= LATE_MIN).then_some((self.due, to));
        let within = |&(begun, ended): &(Instant, Instant)| ended.min(to).saturating_duration_since(begun.max(from));
        self.stalls.iter().chain(&pending).map(within).sum()
    }
}

/// Beats until it is dropped.
pub(super) struct Pulse {
    stalls: Arc<Mutex<Stalls>>,
    task: tokio::task::JoinHandle<()>,
}

impl Pulse {
    pub fn start() -> Self {
        let stalls = Arc::new(Mutex::new(Stalls::new(Instant::now())));
        let beaten = Arc::clone(&stalls);
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                beaten.lock().unwrap_or_else(PoisonError::into_inner).beat(Instant::now());
            }
        });
        Self { stalls, task }
    }

    /// How long this process stood still in the last `ran`.
    pub fn stalled_in_the_last(&self, ran: Duration) -> Duration {
        let now = Instant::now();
        let from = now.checked_sub(ran).unwrap_or(now);
        self.stalls.lock().unwrap_or_else(PoisonError::into_inner).between(from, now)
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_counts_as_far_as_it_lies_in_the_run() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        // On time, 30 ms late, a second late, on time.
        let mut stalls = Stalls::new(at(0));
        for ms in [50, 130, 1_180, 1_230] {
            stalls.beat(at(ms));
        }
        let cases = [
            ((0, 1_240), 1_000),
            ((0, 680), 500),
            ((680, 1_240), 500),
            ((1_180, 1_240), 0),
            ((0, 150), 0),
            // Not heard of since 1280.
            ((1_230, 1_320), 0),
            ((1_230, 2_280), 1_000),
            ((0, 2_280), 2_000),
        ];
        for ((from, to), expected) in cases {
            assert_eq!(stalls.between(at(from), at(to)).as_millis(), expected, "{from} to {to}");
        }
        for ms in 0..5_000 {
            stalls.beat(at(10_000 + ms * 200));
        }
        assert_eq!(stalls.stalls.len(), STALLS_MAX);
    }
}
