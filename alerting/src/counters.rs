use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What the engine has done since it was opened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
        pub struct Counters { $($(#[$doc])* pub $name: u64),* }

        #[derive(Default)]
        pub(crate) struct Tally { $(pub $name: Count),* }

        impl Tally {
            pub fn snapshot(&self) -> Counters {
                Counters { $($name: self.$name.get()),* }
            }
        }
    };
}

counters! {
    /// Results that changed a counter of their check.
    results_counted,
    /// Results that had been consumed before.
    results_duplicate,
    /// Results older than one that was counted.
    results_late,
    /// Results of checks or regions that had been removed.
    results_not_watched,
    /// Slots that nobody ran.
    slots_missed,
    incidents_opened,
    incidents_ended,
    /// Rows put into the outbox.
    notifications,
    delivered,
    /// Of those delivered: the provider had them already from an attempt without an answer.
    reconciled,
    /// Attempts that have to be repeated.
    retried,
    undeliverable,
    fallbacks,
    /// Decisions made again, because somebody else had decided in between.
    conflicts,
    /// Groups of results that could not be written down, and were handed back to the caller.
    commits_failed,
    /// Runs that would have confirmed a failure, and were not made: too many waited.
    reruns_dropped,
}
