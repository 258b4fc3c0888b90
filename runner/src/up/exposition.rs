//! `GET /metrics`: the newest statsd snapshot, the latest run of each check in each region, and Tocsin's own counters.

use super::callbacks::Tally;
use super::heartbeat_out::HeartbeatOut;
use super::heartbeats::Callers;
use super::metrics::Metrics;
use super::ruling::Ruling;
use alerting::Alerting;
use alerting::forward::{ForwardCounters, prometheus};
use alerting::ruler::RulerView;
use alerting::run_series;
use alerting::sample::{STALE_NAN, Sample, SampleKind, SampleLabels};
use alerting::statsd::{ServerCounters, Snapshot};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use checks::{CheckId, Region, RunResult, UnixMs};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names that are Tocsin's own. A program that sends such a metric is not shown, so that no name appears twice.
const OWN: &str = "tocsin_";
/// What Tocsin itself sends over statsd: shown as it comes.
const OWN_OVER_STATSD: &str = "tocsin_own_";

/// The samples of the latest run of each check in each region; those of removed checks go.
#[derive(Default)]
pub(super) struct LatestRuns {
    runs: Mutex<BTreeMap<(CheckId, Region), Vec<Sample>>>,
}

impl LatestRuns {
    fn runs(&self) -> MutexGuard<'_, BTreeMap<(CheckId, Region), Vec<Sample>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a run in, and returns its samples, with an end for each series that the run before it had and this one has
    /// not: a failure is over as soon as a run passes.
    pub(super) fn record(&self, result: &RunResult) -> Vec<Sample> {
        let mut samples = run_series::samples_of(result).samples;
        // A missed slot has none, and says nothing about the run before it.
        let Some(at) = samples.first().map(|sample| sample.at) else { return samples };
        let key = (result.key.check.clone(), result.key.region.clone());
        let former = self.runs().insert(key, samples.clone()).unwrap_or_default();
        let gone = former.into_iter().filter(|former| samples.iter().all(|sample| sample.labels != former.labels));
        let ended: Vec<Sample> = gone.map(|former| ended(former, at)).collect();
        samples.extend(ended);
        samples
    }

    /// Forgets the checks that are no longer watched, and returns the ends of their series.
    pub(super) fn retain(&self, is_watched: impl Fn(&CheckId, &Region) -> bool, at: UnixMs) -> Vec<Sample> {
        let mut runs = self.runs();
        let gone: Vec<_> = runs.extract_if(.., |(check, region), _| !is_watched(check, region)).collect();
        gone.into_iter().flat_map(|(_, samples)| samples).map(|former| ended(former, at)).collect()
    }

    fn text(&self) -> String {
        prometheus::encode_samples(self.runs().values().flatten())
    }
}

/// The series ends at this instant.
fn ended(former: Sample, at: UnixMs) -> Sample {
    Sample { at, value: STALE_NAN, ..former }
}

type Sources = (Arc<Metrics>, Arc<Alerting>, Arc<Ruling>, Arc<Tally>, Beats);
/// Who calls in, and whom this process calls.
type Beats = (Arc<Callers>, Option<Arc<HeartbeatOut>>);

pub(super) fn router(
    metrics: Arc<Metrics>,
    alerting: Arc<Alerting>,
    ruling: Arc<Ruling>,
    calls: Arc<Tally>,
    beats: Beats,
) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state((metrics, alerting, ruling, calls, beats))
}

async fn scrape(State((metrics, alerting, ruling, calls, beats)): State<Sources>) -> Response {
    // There may be many series; the event loop has pages to deliver.
    match tokio::task::spawn_blocking(move || text(&metrics, &alerting, &ruling, &calls, &beats)).await {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "/metrics cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn text(metrics: &Metrics, alerting: &Alerting, ruling: &Ruling, calls: &Tally, beats: &Beats) -> String {
    let mut own = Own { samples: Vec::new(), at: UnixMs::now() };
    own.count_all("tocsin_", &serde_json::to_value(alerting.counters()).unwrap_or_default(), &[]);
    let mut text = String::new();
    if let Some((snapshot, counters)) = metrics.statsd() {
        let (snapshot, shadowed) = snapshot.map_or((None, 0), |snapshot| without_own_names(&snapshot));
        own.statsd(&counters, shadowed);
        let unheard = metrics.unheard.load(Ordering::Relaxed) as f64;
        own.put("tocsin_statsd_notices_unheard_total", SampleKind::Counter, &[], unheard);
        text = snapshot.map(|snapshot| prometheus::encode(&snapshot)).unwrap_or_default();
    }
    own.calls(calls);
    own.heartbeats(beats);
    own.store(metrics);
    ruling.view(|view| own.rules(view));
    for (receiver, counters) in metrics.forwarded() {
        own.forward(receiver, &counters);
    }
    text + &metrics.latest_runs.text() + &prometheus::encode_samples(&own.samples)
}

/// The snapshot without names that are Tocsin's own, and how many series that took away.
fn without_own_names(snapshot: &Arc<Snapshot>) -> (Option<Arc<Snapshot>>, usize) {
    let is_own = |series: &&alerting::statsd::aggregate::SeriesValue| {
        let metric = series.key.labels.metric();
        metric.starts_with(OWN) && !metric.starts_with(OWN_OVER_STATSD)
    };
    let shadowed = snapshot.series.iter().filter(is_own).count();
    if shadowed == 0 {
        return (Some(Arc::clone(snapshot)), 0);
    }
    let mut kept = Snapshot::clone(snapshot);
    kept.series.retain(|series| !is_own(&series));
    (Some(Arc::new(kept)), shadowed)
}

/// Tocsin's own numbers, as samples.
struct Own {
    samples: Vec<Sample>,
    at: UnixMs,
}

impl Own {
    fn put(&mut self, metric: &str, kind: SampleKind, labels: &[(&str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value)));
        self.samples.push(Sample { labels: SampleLabels::new(metric, labels), kind, at: self.at, value });
    }

    /// Every number of a document of counters as `PREFIXname_total`.
    fn count_all(&mut self, prefix: &str, counters: &Value, labels: &[(&str, &str)]) {
        for (name, value) in counters.as_object().into_iter().flatten() {
            if let Some(value) = value.as_f64() {
                self.put(&format!("{prefix}{name}_total"), SampleKind::Counter, labels, value);
            }
        }
    }

    fn statsd(&mut self, counters: &ServerCounters, shadowed: usize) {
        for (name, value) in [
            ("tocsin_statsd_connections", counters.connections as f64),
            ("tocsin_statsd_series", counters.series as f64),
            ("tocsin_statsd_series_shadowed", shadowed as f64),
            ("tocsin_statsd_flush_duration_seconds", counters.flush_us as f64 / 1e6),
        ] {
            self.put(name, SampleKind::Gauge, &[], value);
        }
        // What is left counts up; the refusals are a document of their own.
        let mut document = serde_json::to_value(counters).unwrap_or_default();
        let refusals = document["refusals"].take();
        if let Some(document) = document.as_object_mut() {
            ["connections", "series", "flush_us"].iter().for_each(|gauge| drop(document.remove(*gauge)));
        }
        self.count_all("tocsin_statsd_", &document, &[]);
        for (what, count) in refusals.as_object().into_iter().flatten() {
            if let Some(count) = count.as_f64() {
                self.put("tocsin_statsd_dropped_total", SampleKind::Counter, &[("what", what)], count);
            }
        }
    }

    fn rules(&mut self, view: &RulerView) {
        self.count_all("tocsin_rule_group_", &serde_json::to_value(view.counters).unwrap_or_default(), &[]);
        for group in &view.groups {
            let of_group = [("file", &*group.path), ("group", &*group.name)];
            self.put("tocsin_rule_group_duration_seconds", SampleKind::Gauge, &of_group, group.took.as_secs_f64());
            let refused = group.recordings_refused as f64;
            self.put("tocsin_rule_samples_refused_total", SampleKind::Counter, &of_group, refused);
            // The group's rules may share a name: each name once.
            let mut failures: BTreeMap<&str, u64> = BTreeMap::new();
            group.rules.iter().for_each(|rule| *failures.entry(&rule.name).or_default() += rule.failures);
            for (rule, count) in failures {
                let labels = [of_group[0], of_group[1], ("rule", rule)];
                self.put("tocsin_rule_evaluation_failures_total", SampleKind::Counter, &labels, count as f64);
            }
        }
    }

    fn calls(&mut self, calls: &Tally) {
        for (route, count) in calls.taken() {
            self.put("tocsin_callbacks_total", SampleKind::Counter, &[("route", route)], count as f64);
        }
        for (route, reason, count) in calls.refused() {
            let labels = [("route", route), ("reason", reason)];
            self.put("tocsin_callbacks_refused_total", SampleKind::Counter, &labels, count as f64);
        }
    }

    fn heartbeats(&mut self, (callers, out): &Beats) {
        let seconds = |at: UnixMs| at.0 as f64 / 1e3;
        for (heartbeat, heard) in callers.times() {
            let labels = [("heartbeat", heartbeat.name.as_str())];
            if let Some(at) = heard.at {
                self.put("tocsin_heartbeat_heard_timestamp_seconds", SampleKind::Gauge, &labels, seconds(at));
            }
            let due = seconds(heard.due_at(&heartbeat));
            self.put("tocsin_heartbeat_due_timestamp_seconds", SampleKind::Gauge, &labels, due);
            let is_missed = heard.missed(&heartbeat, self.at).is_some();
            self.put("tocsin_heartbeat_missed", SampleKind::Gauge, &labels, f64::from(u8::from(is_missed)));
        }
        let Some(out) = out else { return };
        for (outcome, count) in [("sent", &out.sent), ("failed", &out.failed), ("withheld", &out.withheld)] {
            let count = count.load(Ordering::Relaxed) as f64;
            self.put("tocsin_heartbeat_out_total", SampleKind::Counter, &[("outcome", outcome)], count);
        }
    }

    fn store(&mut self, metrics: &Metrics) {
        let (series, chunk_bytes, counters) = metrics
            .recorder
            .ask(|store| (store.series_count(), store.chunk_bytes(), serde_json::to_value(store.counters())));
        self.put("tocsin_store_series", SampleKind::Gauge, &[], series as f64);
        self.put("tocsin_store_chunk_bytes", SampleKind::Gauge, &[], chunk_bytes as f64);
        self.count_all("tocsin_store_", &counters.unwrap_or_default(), &[]);
        let counters = serde_json::to_value(metrics.recorder.counters()).unwrap_or_default();
        self.count_all("tocsin_recorder_", &counters, &[]);
    }

    fn forward(&mut self, receiver: &str, counters: &ForwardCounters) {
        let labels = [("receiver", receiver)];
        self.put("tocsin_forward_waiting", SampleKind::Gauge, &labels, counters.waiting as f64);
        let mut document = serde_json::to_value(counters).unwrap_or_default();
        if let Some(document) = document.as_object_mut() {
            document.remove("waiting");
        }
        self.count_all("tocsin_forward_", &document, &labels);
    }
}
