//! Time that passes only when nobody has anything to do: the runtime's thread, about to park, moves it to the next
//! timer. The wall clock is this one and a skew, which jumps both ways.

use alerting::Clock;
use async_trait::async_trait;
use checks::UnixMs;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// 2026-11-23T20:40:00Z, when every simulation starts.
const EPOCH_MS: i64 = 1_795_466_400_000;

#[derive(Debug, Default)]
struct Dial {
    passed_ms: u64,
    skew_ms: i64,
    timers: BTreeMap<(u64, u64), Waker>,
    serial: u64,
    jitter: u64,
}

#[derive(Debug, Clone, Default)]
pub struct SimClock(Arc<Mutex<Dial>>);

impl SimClock {
    fn dial(&self) -> MutexGuard<'_, Dial> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since the simulation began, by the clock that nobody sets.
    pub fn passed_ms(&self) -> u64 {
        self.dial().passed_ms
    }

    /// Sets the wall clock forward or back.
    pub fn jump(&self, by_ms: i64) {
        self.dial().skew_ms += by_ms;
    }

    /// Nobody can go on: it is the time of the next timer.
    pub fn advance(&self) {
        let mut dial = self.dial();
        if let Some(((due_ms, _), waker)) = dial.timers.pop_first() {
            dial.passed_ms = dial.passed_ms.max(due_ms);
            drop(dial);
            waker.wake();
        }
    }

    pub fn after(&self, ms: u64) -> Timer {
        let due_ms = self.dial().passed_ms + ms;
        Timer { clock: self.clone(), due_ms, key: None }
    }
}

pub struct Timer {
    clock: SimClock,
    due_ms: u64,
    key: Option<(u64, u64)>,
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.get_mut();
        let mut dial = timer.clock.0.lock().unwrap_or_else(PoisonError::into_inner);
        if dial.passed_ms >= timer.due_ms {
            return Poll::Ready(());
        }
        let key = *timer.key.get_or_insert_with(|| {
            dial.serial += 1;
            (timer.due_ms, dial.serial)
        });
        dial.timers.insert(key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.clock.dial().timers.remove(&key);
        }
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> UnixMs {
        let dial = self.dial();
        UnixMs(EPOCH_MS + dial.skew_ms + i64::try_from(dial.passed_ms).unwrap_or(i64::MAX / 2))
    }

    fn steady_ms(&self) -> u64 {
        self.passed_ms()
    }

    async fn sleep(&self, duration: Duration) {
        self.after(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)).await;
    }

    fn jitter(&self) -> f64 {
        let mut dial = self.dial();
        dial.jitter = (dial.jitter + 37) % 101;
        dial.jitter as f64 / 100.0
    }
}
