use async_trait::async_trait;
use checks::UnixMs;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Time and chance as the engine's tasks meet them. Whoever gives another one runs the engine in a time of their own,
/// the same way each time.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The wall clock, which people and daylight saving may set.
    fn now(&self) -> UnixMs;

    /// Milliseconds of a clock that nobody sets, from an instant of its own.
    fn steady_ms(&self) -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns after `duration` of a clock that nobody sets.
    async fn sleep(&self, duration: Duration);

    /// From 0 to 1: spreads those apart who would try again at the same instant.
    fn jitter(&self) -> f64;
}

/// The machine's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> UnixMs {
        UnixMs::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn jitter(&self) -> f64 {
        rand::random()
    }
}
