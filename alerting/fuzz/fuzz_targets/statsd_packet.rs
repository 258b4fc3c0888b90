//! Any bytes as a statsd packet: nothing may panic, no line may pass in silence, and no bound may be exceeded.
//!
//! `cargo +nightly fuzz run statsd_packet` from this crate's folder above looks on for as long as it is let; the test
//! `statsd_fuzz` of the `tests` package runs it for a set number of packets.
#![no_main]

// The modules themselves and not the crate: with it would come a database and two HTTP clients, all built a second time.
#[allow(dead_code, reason = "the library uses the rest")]
#[path = "../../src/sample.rs"]
mod sample;
#[allow(dead_code, unused_imports, unsafe_code, reason = "the library uses the rest; the server's sockets are unsafe")]
#[path = "../../src/statsd/mod.rs"]
mod statsd;

use checks::UnixMs;
use libfuzzer_sys::fuzz_target;
use statsd::aggregate::{AggregateSettings, Aggregator};

const SERIES_MAX: usize = 50;

fuzz_target!(|packet: &[u8]| {
    let settings =
        AggregateSettings { series_max: SERIES_MAX, series_per_metric_max: 10, ..AggregateSettings::default() };
    let aggregator = Aggregator::new(settings);
    let mut shard = aggregator.shard();
    shard.ingest(packet, 0);
    shard.ingest(packet, 1);
    let is_line = |line: &&[u8]| !matches!(*line, [] | [b'\r']);
    let lines = packet.split(|byte| *byte == b'\n').filter(is_line).count() as u64;
    let counters = shard.counters();
    let heard = counters.values + counters.events + counters.service_checks + shard.problems().invalid();
    assert!(heard >= 2 * lines, "of {lines} lines sent twice, {heard} were heard");

    let batches = aggregator.take([&mut shard]);
    let snapshot = aggregator.flush(UnixMs(10_000), 10_000, batches);
    assert!(snapshot.series.len() <= SERIES_MAX);
    snapshot.samples(1_000, |samples| {
        // A stale marker is the one number that may be none.
        assert!(samples.iter().all(|sample| sample.value.is_finite() || sample::is_stale(sample.value)));
    });
});
