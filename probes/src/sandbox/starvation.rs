//! How long a process wanted a processor and was given none.

use super::process;
use std::cell::Cell;
use std::convert::Infallible;
use std::time::{Duration, Instant};

const BEAT: Duration = Duration::from_millis(100);

/// Who stood still for less has measured the target all the same.
const STARVED_MIN: Duration = Duration::from_millis(500);

/// Whether a run that took so long, and stood still for so much of it, has measured itself where its time was up.
pub fn explains_a_time_out(starved: Duration, ran: Duration) -> bool {
    starved >= STARVED_MIN && starved * 2 >= ran
}

/// Looks ten times a second whether its own process gets to look. What it comes late, and did not compute meanwhile, it was
/// kept waiting.
pub(super) struct Pulse {
    looked: Cell<Look>,
    starved: Cell<Duration>,
}

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    /// The time that a processor had spent on this process.
    computed: Duration,
}

impl Look {
    fn now() -> Self {
        Self { at: Instant::now(), computed: process::processor_time() }
    }

    fn kept_waiting(self, next: Self) -> Duration {
        let late = next.at.saturating_duration_since(self.at).saturating_sub(BEAT);
        late.saturating_sub(next.computed.saturating_sub(self.computed))
    }
}

impl Pulse {
    pub fn new() -> Self {
        Self { looked: Cell::new(Look::now()), starved: Cell::default() }
    }

    pub async fn beat(&self) -> Infallible {
        loop {
            tokio::time::sleep(BEAT).await;
            self.look();
        }
    }

    fn look(&self) {
        let now = Look::now();
        self.starved.set(self.starved.get() + self.looked.replace(now).kept_waiting(now));
    }

    /// Until now.
    pub fn starved(&self) -> Duration {
        self.look();
        self.starved.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_and_was_not_computed_was_waited() {
        let ms = Duration::from_millis;
        let start = Instant::now();
        // How long after the last look, what was computed, what was waited.
        for (after, computed, waited) in
            [(100, 0, 0), (50, 50, 0), (130, 0, 30), (1_100, 0, 1_000), (1_100, 1_000, 0), (1_100, 400, 600)]
        {
            let look = Look { at: start, computed: ms(7) };
            let next = Look { at: start + ms(after), computed: ms(7 + computed) };
            assert_eq!(look.kept_waiting(next), ms(waited), "{after} {computed}");
        }
    }

    #[test]
    fn half_of_the_run_and_half_a_second() {
        let ms = Duration::from_millis;
        for (starved, ran, explains) in
            [(500, 1_000, true), (499, 600, false), (600, 1_201, false), (9_000, 10_000, true), (0, 0, false)]
        {
            assert_eq!(explains_a_time_out(ms(starved), ms(ran)), explains, "{starved} of {ran}");
        }
    }
}
