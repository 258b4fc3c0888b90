//! `GET /metrics`: the newest statsd snapshot, the latest run of each check in each region, and Tocsin's own counters.

use super::metrics::Metrics;
use alerting::Alerting;
use alerting::forward::{ForwardCounters, prometheus};
use alerting::run_series;
use alerting::sample::{Sample, SampleKind, SampleLabels};
use alerting::statsd::{ServerCounters, Snapshot};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use checks::{CheckId, Region, RunResult, UnixMs};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names that are Tocsin's own. A program that sends such a metric is not shown, so that no name appears twice.
const OWN: &str = "tocsin_";

/// The samples of the latest run of each check in each region; those of removed checks go.
#[derive(Default)]
pub(super) struct LatestRuns {
    runs: Mutex<BTreeMap<(CheckId, Region), Vec<Sample>>>,
}

impl LatestRuns {
    fn runs(&self) -> MutexGuard<'_, BTreeMap<(CheckId, Region), Vec<Sample>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, result: &RunResult) {
        let samples = run_series::samples_of(result).samples;
        // A missed slot has none, and says nothing about the run before it.
        if !samples.is_empty() {
            self.runs().insert((result.key.check.clone(), result.key.region.clone()), samples);
        }
    }

    pub(super) fn retain(&self, is_watched: impl Fn(&CheckId, &Region) -> bool) {
        self.runs().retain(|(check, region), _| is_watched(check, region));
    }

    fn text(&self) -> String {
        prometheus::encode_samples(self.runs().values().flatten())
    }
}

type Sources = (Arc<Metrics>, Arc<Alerting>);

pub(super) fn router(metrics: Arc<Metrics>, alerting: Arc<Alerting>) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state((metrics, alerting))
}

async fn scrape(State((metrics, alerting)): State<Sources>) -> Response {
    // There may be many series; the event loop has pages to deliver.
    match tokio::task::spawn_blocking(move || text(&metrics, &alerting)).await {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "/metrics cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn text(metrics: &Metrics, alerting: &Alerting) -> String {
    let mut own = Own { samples: Vec::new(), at: UnixMs::now() };
    own.count_all("tocsin_", &serde_json::to_value(alerting.counters()).unwrap_or_default(), &[]);
    let mut text = String::new();
    if let Some((snapshot, counters)) = metrics.statsd() {
        let (snapshot, shadowed) = snapshot.map_or((None, 0), |snapshot| without_own_names(&snapshot));
        own.statsd(&counters, shadowed);
        text = snapshot.map(|snapshot| prometheus::encode(&snapshot)).unwrap_or_default();
    }
    for (receiver, counters) in metrics.forwarded() {
        own.forward(receiver, &counters);
    }
    text + &metrics.latest_runs.text() + &prometheus::encode_samples(&own.samples)
}

/// The snapshot without names that are Tocsin's own, and how many series that took away.
fn without_own_names(snapshot: &Arc<Snapshot>) -> (Option<Arc<Snapshot>>, usize) {
    let is_own = |series: &&alerting::statsd::aggregate::SeriesValue| series.key.labels.metric().starts_with(OWN);
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
