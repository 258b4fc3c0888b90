//! What the server did since it started.

use super::{Shared, locked};
use crate::statsd::aggregate::Refusals;
use serde::Serialize;
use std::sync::atomic::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ServerCounters {
    /// Datagrams, and reads of TCP connections.
    pub packets: u64,
    pub bytes: u64,
    /// Values of metrics, packed ones each, those that were refused included.
    pub values: u64,
    pub events: u64,
    pub service_checks: u64,
    /// Lines, or single values of them, that could not be read.
    pub invalid: u64,
    /// Datagrams that the kernel dropped because the buffer was full.
    pub packets_lost: u64,
    pub receive_errors: u64,
    pub notices_dropped: u64,
    /// TCP connections that are open.
    pub connections: u64,
    pub connections_refused: u64,
    /// Living series.
    pub series: u64,
    pub refusals: Refusals,
    pub flushes: u64,
    /// How long the last flush took, with its handler.
    pub flush_us: u64,
}

pub(super) fn of(shared: &Shared) -> ServerCounters {
    let mut all = ServerCounters {
        packets_lost: shared.packets_lost.load(Ordering::Relaxed),
        receive_errors: shared.receive_errors.load(Ordering::Relaxed),
        connections: shared.connections.load(Ordering::Relaxed),
        connections_refused: shared.connections_refused.load(Ordering::Relaxed),
        series: shared.aggregator.series() as u64,
        refusals: shared.aggregator.refusals(),
        flushes: shared.flushes.load(Ordering::Relaxed),
        flush_us: shared.flush_us.load(Ordering::Relaxed),
        ..ServerCounters::default()
    };
    for shard in &shared.shards {
        let shard = locked(shard);
        let own = shard.counters();
        all.packets += own.packets;
        all.bytes += own.bytes;
        all.values += own.values;
        all.events += own.events;
        all.service_checks += own.service_checks;
        all.notices_dropped += own.notices_dropped;
        all.invalid += shard.problems().invalid();
    }
    all
}
