//! From values to series: pure, with the time passed in.
//!
//! Each receiving thread owns a [`Shard`], adds up what it reads in cells of its own, and asks the shared registry
//! only for names that it sees for the first time. A flush takes the cells of all shards, adds them to each series'
//! total, and gives a [`Snapshot`] out:
//!
//! - a counter is the sum since the series began, sampled values by their weight, so that `rate` and `increase` see
//!   it as any Prometheus counter; it begins at zero again with the process;
//! - a gauge keeps its value until it is set again; two threads' values are settled by the order of arrival;
//! - a set is the number of different members in the interval;
//! - a timer, histogram or distribution has a cumulative count and sum, and the quantiles, least and greatest value of
//!   the interval. Timers are in seconds.
//!
//! A timestamp of a client (`|T..`) is read but the value counts in the interval in which it arrives: totals that grow
//! cannot take a value into the past.
//!
//! Bounds ([`AggregateSettings`]): at `series_max` or `series_per_metric_max`, a new series takes the place of the one
//! that is idle for the longest time. Where none is idle the new one is refused, so that a flood of made-up names does not
//! displace what is watched. Both are counted ([`Refusals`]), and a few of the lines are kept ([`Problems`]).

mod cell;
mod distribution;
mod key;
mod key_table;
mod problems;
mod refusal;
mod registry;
mod settings;
mod shard;
mod snapshot;
mod total;

pub use distribution::{Distribution, QUANTILE_ERROR};
pub use key::{QUANTILES, SUFFIXES, SeriesKey};
pub use problems::{Problem, ProblemLines, Problems};
pub use refusal::{Refusal, Refusals};
pub use settings::AggregateSettings;
pub use shard::{Shard, ShardBatch, ShardCounters};
pub use snapshot::{Interval, IntervalValues, Measure, SeriesValue, Snapshot};

use checks::UnixMs;
use registry::Registry;
use std::sync::{Arc, Mutex, PoisonError};

/// Hashes the members of sets, alike in all threads of the process.
type MemberHash = hashbrown::DefaultHashBuilder;

/// The part that all threads share.
#[derive(Clone)]
pub struct Aggregator {
    registry: Arc<Mutex<Registry>>,
    members: MemberHash,
}

impl Aggregator {
    pub fn new(settings: AggregateSettings) -> Self {
        Self { registry: Arc::new(Mutex::new(Registry::new(settings))), members: MemberHash::default() }
    }

    /// A shard for one more thread.
    pub fn shard(&self) -> Shard {
        Shard::new(Arc::clone(&self.registry), self.members.clone())
    }

    /// Whether so many series have ended that shards should forget the names they know.
    fn should_forget(&self) -> bool {
        let mut registry = self.lock();
        let forget = registry.ended_since_forget > 1000.max(registry.alive() / 4);
        if forget {
            registry.ended_since_forget = 0;
        }
        forget
    }

    /// Takes from each shard, one after the other and only while it is borrowed, what it has seen.
    pub fn take<'a, S>(&self, shards: impl IntoIterator<Item = S>) -> Vec<ShardBatch>
    where
        S: std::ops::DerefMut<Target = Shard> + 'a,
    {
        let forget = self.should_forget();
        shards.into_iter().map(|mut shard| shard.take(forget)).collect()
    }

    /// Ends an interval: adds the batches up and shows every series. Calls come in order of `at`.
    pub fn flush(&self, at: UnixMs, interval_ms: u64, batches: Vec<ShardBatch>) -> Snapshot {
        let mut registry = self.lock();
        for (id, key, cell) in batches.into_iter().flat_map(|batch| batch.cells) {
            registry.absorb(id, &key, cell);
        }
        let series = registry.settle(at);
        registry.expire(at);
        let ended = std::mem::take(&mut registry.ended);
        Snapshot { at, interval_ms, series, ended }
    }

    pub fn refusals(&self) -> Refusals {
        self.lock().refusals
    }

    /// Living series.
    pub fn series(&self) -> usize {
        self.lock().alive()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
