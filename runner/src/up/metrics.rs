//! Metrics: the recorder that keeps them, the statsd server, and where its snapshots go on to.
//!
//! Statsd is on by default, and the default port is anybody's: where it is taken, Tocsin says so once and watches without
//! it. An address that is written is counted on, and where it cannot be had the start is refused.

use super::exposition::LatestRuns;
use super::hearing::Ear;
use super::own_metrics::OwnMetrics;
use crate::config::{MetricsSettings, Settings, StatsdListening};
use alerting::SystemClock;
use alerting::forward::{Destination, ForwardCounters, ForwardSettings, Forwarder, Token};
use alerting::recorder::{Recorder, RecorderSettings, Recovery};
use alerting::sample::SampleSink;
use alerting::series::StoreSettings;
use alerting::statsd::{
    Handlers, Problems, ServerCounters, Snapshot, StatsdError, StatsdServer, StatsdSettings as ServerSettings,
};
use anyhow::Context;
use checks::{CheckId, Region, RunResult, UnixMs};
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The recorder's files inside the data folder.
const FOLDER: &str = "metrics";
/// Samples of a flush that are offered to the recorder at a time.
const SAMPLES_AT_ONCE_MAX: usize = 10_000;
const LIBRATO: &str = "https://metrics-api.librato.com";
/// How long the last snapshots may leave.
const FORWARD_DRAIN_MAX: Duration = Duration::from_secs(5);

/// A receiver's name in `[metrics]`, and what takes snapshots there.
type Forwards = Arc<Vec<(&'static str, Forwarder)>>;

pub(super) struct Metrics {
    pub recorder: Arc<Recorder>,
    /// `None` where it is off, has no port, or has been stopped.
    server: Mutex<Option<StatsdServer>>,
    forwards: Mutex<Forwards>,
    pub latest_runs: LatestRuns,
    /// `None` where no server of Tocsin's own listens.
    pub own: Option<OwnMetrics>,
    /// Events and service checks that nothing followed from, because too many came.
    pub unheard: Arc<AtomicU64>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metrics {
    /// Starts what is configured. What could not be had by default becomes a notice.
    pub(super) fn start(
        settings: &Settings,
        recorder: Arc<Recorder>,
        ear: &Ear,
        notices: &mut Vec<String>,
    ) -> anyhow::Result<Self> {
        let mut forwards = Arc::default();
        let mut server = None;
        if settings.statsd.enabled {
            forwards = Arc::new(forwards_of(&settings.metrics)?);
            server = listen(&settings.statsd, &recorder, &forwards, ear, notices)
                .with_context(|| format!("[statsd] in {}", settings.file.display()))?;
        }
        let address = server.as_ref().and_then(StatsdServer::udp_address);
        let own = address.map(OwnMetrics::to).transpose().context("Tocsin's own metrics")?;
        let (server, forwards) = (Mutex::new(server), Mutex::new(forwards));
        Ok(Self { recorder, server, forwards, latest_runs: LatestRuns::default(), own, unheard: ear.unheard() })
    }

    /// What a run says becomes series.
    pub(super) fn record(&self, result: &RunResult) {
        if let Some(own) = &self.own {
            own.run(result);
        }
        let samples = self.latest_runs.record(result);
        // What is refused is counted by the store: results that come late are older than what is known.
        self.recorder.append(&samples);
    }

    /// The series of checks that are no longer watched end now.
    pub(super) fn retain(&self, is_watched: impl Fn(&CheckId, &Region) -> bool) {
        let ended = self.latest_runs.retain(is_watched, UnixMs::now());
        self.recorder.append(&ended);
    }

    /// Where statsd listens: UDP and TCP, which differ where the configuration left the port to the system.
    pub(super) fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        let server = locked(&self.server);
        let server = server.as_ref()?;
        Some((server.udp_address()?, server.tcp_address()?))
    }

    /// What the last flush gave, and the server's own counters.
    pub(super) fn statsd(&self) -> Option<(Option<Arc<Snapshot>>, ServerCounters)> {
        locked(&self.server).as_ref().map(|server| (server.latest(), server.counters()))
    }

    /// What was wrong with the lines that came; `None` where nothing listens.
    pub(super) fn problems(&self) -> Option<(Problems, ServerCounters)> {
        locked(&self.server).as_ref().map(|server| (server.problems(), server.counters()))
    }

    pub(super) fn forwarded(&self) -> Vec<(&'static str, ForwardCounters)> {
        locked(&self.forwards).iter().map(|(name, forwarder)| (*name, forwarder.counters())).collect()
    }

    /// Reads what the sockets still hold, flushes, and lets the last snapshots leave.
    pub(super) async fn stop(&self) {
        if let Some(own) = &self.own {
            own.flush();
        }
        let server = locked(&self.server).take();
        // It joins its threads.
        let stopped = tokio::task::spawn_blocking(|| server.map(StatsdServer::shutdown)).await;
        if let Err(error) = stopped {
            tracing::warn!(%error, "statsd did not end in order");
        }
        let forwards = std::mem::take(&mut *locked(&self.forwards));
        let stops = Arc::into_inner(forwards).into_iter().flatten().map(|(name, forwarder)| async move {
            let lost = forwarder.stop(FORWARD_DRAIN_MAX).await.dropped_at_stop;
            if lost > 0 {
                tracing::warn!(lost, "metrics did not reach {name} before the end");
            }
        });
        futures_util::future::join_all(stops).await;
        let recorder = Arc::clone(&self.recorder);
        // An error says that it panicked, which has been logged.
        let _ = tokio::task::spawn_blocking(move || recorder.stop()).await;
    }
}

/// Takes up the metrics of the process before this one.
pub(super) async fn open_recorder(settings: &Settings, notices: &mut Vec<String>) -> anyhow::Result<Arc<Recorder>> {
    let store = settings.metrics.store;
    let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let recording = RecorderSettings {
        store: StoreSettings {
            retention_ms: ms(store.retention),
            chunk_bytes_max: count(store.memory_mb_max << 20) / 2,
            series_max: count(store.series_max),
            ..StoreSettings::default()
        },
        history_ms: ms(store.history),
        disk_bytes_max: store.disk_mb_max << 20,
        ..RecorderSettings::new(settings.data_dir.join(FOLDER))
    };
    let open = move || Recorder::open(recording, Arc::new(SystemClock));
    let (recorder, recovery) = tokio::task::spawn_blocking(open).await??;
    if recovery != Recovery::default() {
        tracing::info!("metrics of the process before this one: {recovery}");
    }
    if !recovery.damaged.is_empty() {
        notices.push(format!("Some metrics cannot be read: {recovery}"));
    }
    Ok(Arc::new(recorder))
}

fn forwards_of(settings: &MetricsSettings) -> anyhow::Result<Vec<(&'static str, Forwarder)>> {
    let mut destinations = Vec::new();
    if let Some(to) = settings.graphite.clone() {
        destinations.push(("graphite", Destination::Graphite { address: to.address, prefix: to.prefix }));
    }
    if let Some(to) = settings.statsd.clone() {
        destinations.push(("statsd", Destination::Statsd { address: to.address, prefix: to.prefix }));
    }
    if let Some(to) = settings.librato.clone() {
        let url = to.api_url.map_or_else(|| LIBRATO.to_owned(), String::from);
        let token = Token(to.token.expose().to_owned());
        let destination = Destination::Librato { url, email: to.email, token, prefix: to.prefix, tags: to.tags };
        destinations.push(("librato", destination));
    }
    if destinations.is_empty() {
        return Ok(Vec::new());
    }
    let client = reqwest::Client::builder().build().context("[metrics]")?;
    let start = |(name, destination)| (name, Forwarder::start(destination, ForwardSettings::default(), client.clone()));
    Ok(destinations.into_iter().map(start).collect())
}

fn listen(
    settings: &StatsdListening,
    recorder: &Arc<Recorder>,
    forwards: &Forwards,
    ear: &Ear,
    notices: &mut Vec<String>,
) -> Result<Option<StatsdServer>, StatsdError> {
    let handlers = || {
        let (forwards, recorder, ear) = (Arc::clone(forwards), Arc::clone(recorder), ear.clone());
        Handlers {
            on_flush: Box::new(move |snapshot| {
                // What is refused is counted by the store.
                snapshot.samples(SAMPLES_AT_ONCE_MAX, |samples| {
                    recorder.append(samples);
                });
                forwards.iter().for_each(|(_, forwarder)| forwarder.offer(snapshot));
            }),
            on_notice: Box::new(move |notice| ear.hear(notice)),
        }
    };
    let mut server = ServerSettings {
        udp: Some(settings.listen),
        tcp: Some(settings.listen),
        unix: settings.unix.clone(),
        flush_interval_ms: u64::try_from(settings.flush.as_millis()).unwrap_or(u64::MAX),
        ..ServerSettings::default()
    };
    match StatsdServer::start(&server, handlers()) {
        Ok(server) => Ok(Some(server)),
        Err(StatsdError::Listen { source, .. }) if !settings.listen_is_written => {
            notices.push(format!(
                "statsd has no port: {} is not to be had ({source}). Metrics that programs send there are not received; write another `listen` in [statsd], or `enabled = false`",
                settings.listen
            ));
            (server.udp, server.tcp) = (None, None);
            server.unix.is_some().then(|| StatsdServer::start(&server, handlers())).transpose()
        }
        Err(error) => Err(error),
    }
}
