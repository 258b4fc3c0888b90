//! Counters and timers over statsd (UDP), with DogStatsD tags.
//!
//! | metric | type | tags beside `node` |
//! | --- | --- | --- |
//! | `auth.logins` | counter | `way`: page, password-grant |
//! | `auth.failed_logins` | counter | `way` |
//! | `auth.signups` | counter | |
//! | `auth.logouts` | counter | |
//! | `auth.tokens` | counter | `grant` |
//! | `auth.token_latency` | timer, ms | `grant` |
//! | `auth.requests` | counter | `component`, `status` |
//! | `auth.request_time` | timer, ms | `component` |
//! | `auth.slow_queries` | counter, of the store that all nodes share: without `node` | |
//!
//! Metrics are queued, at most [`QUEUE_LENGTH_MAX`], and sent by a thread in packets of up to 512 bytes, at least
//! once a second. What does not fit is dropped and counted.

use crate::component::Component;
use cadence::prelude::*;
use cadence::{BufferedUdpMetricSink, MetricError, QueuingMetricSink, StatsdClient};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const QUEUE_LENGTH_MAX: usize = 16_384;

#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error("cannot open a UDP socket for statsd: {0}")]
    Socket(#[from] std::io::Error),
    #[error("cannot send statsd metrics to {to}: {source}")]
    Sink { to: SocketAddr, source: MetricError },
}

pub(crate) struct Metrics {
    /// Absent: nobody asked for metrics.
    client: Option<StatsdClient>,
    dropped: Arc<AtomicU64>,
}

impl Metrics {
    pub fn open(to: Option<SocketAddr>) -> Result<Metrics, MetricsError> {
        let dropped = Arc::new(AtomicU64::new(0));
        let Some(to) = to else { return Ok(Metrics { client: None, dropped }) };
        let local: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = UdpSocket::bind(local)?;
        socket.set_nonblocking(true)?;
        let sink = BufferedUdpMetricSink::from(to, socket).map_err(|source| MetricsError::Sink { to, source })?;
        let sink = QueuingMetricSink::with_capacity(sink, QUEUE_LENGTH_MAX);
        let counter = Arc::clone(&dropped);
        let client = StatsdClient::builder("auth", sink)
            .with_error_handler(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
            })
            .build();
        Ok(Metrics { client: Some(client), dropped })
    }

    fn count(&self, name: &str, tags: &[(&str, &str)]) {
        if let Some(client) = &self.client {
            tags.iter()
                .fold(client.count_with_tags(name, 1), |metric, (key, value)| metric.with_tag(key, value))
                .send();
        }
    }

    fn time(&self, name: &str, duration: Duration, tags: &[(&str, &str)]) {
        if let Some(client) = &self.client {
            let metric = client.time_with_tags(name, duration);
            tags.iter().fold(metric, |metric, (key, value)| metric.with_tag(key, value)).send();
        }
    }

    pub fn login(&self, node: &str, way: &str) {
        self.count("logins", &[("node", node), ("way", way)]);
    }

    pub fn failed_login(&self, node: &str, way: &str) {
        self.count("failed_logins", &[("node", node), ("way", way)]);
    }

    pub fn slow_queries(&self, count: u64) {
        if let (Some(client), Ok(count)) = (&self.client, i64::try_from(count)) {
            client.count_with_tags("slow_queries", count).send();
        }
    }

    pub fn signup(&self, node: &str) {
        self.count("signups", &[("node", node)]);
    }

    pub fn logout(&self, node: &str) {
        self.count("logouts", &[("node", node)]);
    }

    pub fn token(&self, node: &str, grant: &str, took: Duration) {
        self.count("tokens", &[("node", node), ("grant", grant)]);
        self.time("token_latency", took, &[("node", node), ("grant", grant)]);
    }

    pub fn request(&self, node: &str, component: Component, status: u16, took: Duration) {
        let status = status.to_string();
        self.count("requests", &[("node", node), ("component", component.name()), ("status", &status)]);
        self.time("request_time", took, &[("node", node), ("component", component.name())]);
    }

    /// Sends what is buffered. Called once a second, and at the end.
    pub fn flush(&self) {
        if let Some(client) = &self.client {
            // A full socket buffer or a receiver that is down costs metrics, never requests.
            if client.flush().is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
