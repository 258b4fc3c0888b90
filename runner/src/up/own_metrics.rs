//! Tocsin's own metrics, sent over statsd to its own server: whatever forwards the metrics of programs (Graphite, Librato,
//! another statsd) then has these as well, `tocsin.own.*`.
//!
//! Runs are told as they end, everything else at an interval: counters as what was added since, queues as they are.
//! Sending never waits. What the queue or the network did not take is counted.

use super::metrics::Metrics;
use alerting::Alerting;
use cadence::{BufferedUdpMetricSink, Counted, Distributed, Gauged, MetricSink, QueuingMetricSink, StatsdClient};
use checks::{Outcome, RunResult};
use probes::sandbox::Sandbox;
use serde_json::Value;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

pub(super) const PREFIX: &str = "tocsin.own";
/// Between two looks at the counters and queues.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Lines that wait for the sending thread.
const QUEUED_LINES_MAX: usize = 8_192;

pub(super) struct OwnMetrics {
    client: StatsdClient,
    dropped: Arc<AtomicU64>,
}

impl OwnMetrics {
    /// # Errors
    /// No socket can be had.
    pub(super) fn to(server: SocketAddr) -> anyhow::Result<Self> {
        let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0))?;
        socket.set_nonblocking(true)?;
        // A server that listens everywhere is reached here.
        let reached = match server.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let sink = BufferedUdpMetricSink::from((reached, server.port()), socket)?;
        Ok(Self::over(QueuingMetricSink::with_capacity(sink, QUEUED_LINES_MAX)))
    }

    fn over(sink: impl MetricSink + Send + Sync + std::panic::RefUnwindSafe + 'static) -> Self {
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        let count = move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        Self { client: StatsdClient::builder(PREFIX, sink).with_error_handler(count).build(), dropped }
    }

    /// Lines that were not sent.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// How long the run and its steps took, and what did not fit into its result.
    pub(super) fn run(&self, result: &RunResult) {
        let outcome = match &result.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed(failure) => failure.class.as_str(),
            Outcome::Skipped { .. } => "skipped",
            // Nothing ran.
            Outcome::Missed { .. } => return self.count("slots.missed", 1, &of(result, &[])),
        };
        self.spread("run.seconds", result.duration_us, &of(result, &[("outcome", outcome)]));
        for step in &result.steps {
            if let Some(duration_us) = step.duration_us {
                self.spread("step.seconds", duration_us, &of(result, &[("step", &step.name)]));
            }
        }
        let dropped = serde_json::to_value(result.dropped).unwrap_or_default();
        for (what, count) in numbers(&dropped).filter(|(_, count)| *count > 0) {
            self.count("run.dropped", count, &of(result, &[("what", what)]));
        }
    }

    fn spread(&self, name: &str, us: u64, tags: &[(&str, &str)]) {
        let builder = self.client.distribution_with_tags(name, us as f64 / 1e6);
        tags.iter().fold(builder, |builder, (tag, value)| builder.with_tag(tag, value)).send();
    }

    fn count(&self, name: &str, added: u64, tags: &[(&str, &str)]) {
        let builder = self.client.count_with_tags(name, i64::try_from(added).unwrap_or(i64::MAX));
        tags.iter().fold(builder, |builder, (tag, value)| builder.with_tag(tag, value)).send();
    }

    fn gauge(&self, name: &str, value: u64, tag: (&str, &str)) {
        self.client.gauge_with_tags(name, value).with_tag(tag.0, tag.1).send();
    }

    fn counters(&self, of: &str, counters: &Value, before: &mut HashMap<String, u64>) {
        for (what, total) in numbers(counters) {
            let former = before.insert(format!("{of}.{what}"), total).unwrap_or(0);
            if total > former {
                self.count(of, total - former, &[("what", what)]);
            }
        }
    }

    /// What is under way: messages that have not been delivered, and runs.
    fn under_way(&self, messages: Option<u64>, runs: usize) {
        if let Some(messages) = messages {
            self.gauge("queue.depth", messages, ("queue", "outbox"));
        }
        self.gauge("queue.depth", runs as u64, ("queue", "runs"));
    }

    fn look(&self, metrics: &Metrics, alerting: &Alerting, before: &mut HashMap<String, u64>) {
        // Results and incidents, notifications and what became of them.
        let counters = serde_json::to_value(alerting.counters()).unwrap_or_default();
        self.counters("alerting", &counters, before);
        for (receiver, counters) in metrics.forwarded() {
            self.gauge("queue.depth", counters.waiting, ("queue", &format!("forward-{receiver}")));
            let counters = serde_json::to_value(&counters).unwrap_or_default();
            self.counters(&format!("forward.{receiver}"), &without(counters, &["waiting"]), before);
        }
        if let Some((_, counters)) = metrics.statsd() {
            let counters = serde_json::to_value(counters).unwrap_or_default();
            self.counters("statsd.dropped", &counters["refusals"], before);
            self.counters("statsd", &without(counters, &["connections", "series", "flush_us"]), before);
        }
        self.counters("own", &serde_json::json!({ "lines_dropped": self.dropped() }), before);
        self.flush();
    }

    /// Sends what waits for its packet to fill.
    pub(super) fn flush(&self) {
        if self.client.flush().is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn of<'a>(result: &'a RunResult, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [("check", result.key.check.as_str()), ("region", result.key.region.as_str())]
        .into_iter()
        .chain(more.iter().copied())
        .collect()
}

/// The whole numbers of a document of counters.
fn numbers(counters: &Value) -> impl Iterator<Item = (&str, u64)> {
    counters.as_object().into_iter().flatten().filter_map(|(what, count)| Some((what.as_str(), count.as_u64()?)))
}

fn without(mut counters: Value, names: &[&str]) -> Value {
    if let Some(counters) = counters.as_object_mut() {
        names.iter().for_each(|name| drop(counters.remove(*name)));
    }
    counters
}

/// Looks at the counters until the metrics end.
pub(super) async fn tell(metrics: Weak<Metrics>, alerting: Arc<Alerting>, sandbox: Arc<Sandbox>) {
    let mut before = HashMap::new();
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        // A journal that cannot be asked is told by its own errors.
        let messages = alerting.outbox_depth().await.ok();
        let Some(metrics) = metrics.upgrade() else { return };
        if let Some(own) = &metrics.own {
            own.under_way(messages, sandbox.runs_in_flight().len());
            own.look(&metrics, &alerting, &mut before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cadence::SpyMetricSink;
    use checks::{CheckId, Dropped, Failure, FailureClass, Prober, Region, RunKey, Step, UnixMs};

    fn result(outcome: Outcome) -> RunResult {
        let step = |name: &str, duration_us| Step {
            name: name.to_owned(),
            parent: None,
            start_us: 0,
            duration_us,
            error: None,
        };
        RunResult {
            key: RunKey {
                check: CheckId::new("login").unwrap(),
                region: Region::new("eu-west-1").unwrap(),
                slot: UnixMs(0),
                attempt: 0,
            },
            started_at: UnixMs(0),
            duration_us: 1_500_000,
            outcome,
            steps: vec![step("sign in", Some(250_000)), step("cut off", None)],
            requests: Vec::new(),
            console: Vec::new(),
            metrics: Vec::new(),
            dropped: Dropped { steps: 3, ..Dropped::default() },
            script_hash: String::new(),
            prober: Prober { version: "0.1.0".to_owned() },
        }
    }

    #[test]
    fn a_run_tells_its_times_and_what_it_dropped() {
        let failed = Outcome::Failed(Failure {
            class: FailureClass::Http,
            message: "expected status 200, received 503".to_owned(),
            step: None,
            location: None,
            stack: String::new(),
            soft: Vec::new(),
        });
        let missed = Outcome::Missed { reason: "late".to_owned(), still_running: false };
        let step = "tocsin.own.step.seconds:0.25|d|#check:login,region:eu-west-1,step:sign in";
        let dropped = "tocsin.own.run.dropped:3|c|#check:login,region:eu-west-1,what:steps";
        let run = |outcome| format!("tocsin.own.run.seconds:1.5|d|#check:login,region:eu-west-1,outcome:{outcome}");
        let cases = [
            (Outcome::Passed, vec![run("passed"), step.to_owned(), dropped.to_owned()]),
            (failed, vec![run("http"), step.to_owned(), dropped.to_owned()]),
            (missed, vec!["tocsin.own.slots.missed:1|c|#check:login,region:eu-west-1".to_owned()]),
        ];
        for (outcome, expected) in cases {
            let (lines, sink) = SpyMetricSink::new();
            OwnMetrics::over(sink).run(&result(outcome));
            let sent: Vec<String> = lines.try_iter().map(|line| String::from_utf8(line).unwrap()).collect();
            assert_eq!(sent, expected);
        }
    }

    #[test]
    fn what_is_under_way_is_told_as_it_is() {
        let (lines, sink) = SpyMetricSink::new();
        let own = OwnMetrics::over(sink);
        own.under_way(Some(7), 3);
        own.under_way(None, 0);
        let sent: Vec<String> = lines.try_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        let depth = |queue, depth| format!("tocsin.own.queue.depth:{depth}|g|#queue:{queue}");
        assert_eq!(sent, [depth("outbox", 7), depth("runs", 3), depth("runs", 0)]);
    }

    #[test]
    fn counters_are_sent_as_what_was_added() {
        let (lines, sink) = SpyMetricSink::new();
        let own = OwnMetrics::over(sink);
        let mut before = HashMap::new();
        for delivered in [2, 2, 7, 7] {
            own.counters("alerting", &serde_json::json!({ "delivered": delivered, "name": "x" }), &mut before);
        }
        let sent: Vec<String> = lines.try_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        assert_eq!(sent, ["tocsin.own.alerting:2|c|#what:delivered", "tocsin.own.alerting:5|c|#what:delivered"]);
    }
}
