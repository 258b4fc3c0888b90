//! The statsd server: UDP, TCP and a Unix datagram socket, each read by threads of its own.
//!
//! A thread of a UDP or Unix socket fetches up to 64 packets with one call, and adds them to its own shard; the only
//! moment at which threads wait for each other is the flush, which takes a shard's cells while its kernel buffer
//! holds what arrives. TCP connections share one shard. At each flush the samples of all shards become one
//! [`Snapshot`], which `on_flush` gets on the flushing thread, and which [`StatsdServer::latest`] shows until the next.
//!
//! What the kernel had no room for is counted by the kernel and shown as `packets_lost` ([`ServerCounters`]): a loss is
//! seen. Shutting down reads what the sockets still hold, flushes once more, and joins every thread.

mod batch;
mod counters;
mod lines;
mod receive;
mod settings;
mod socket;
mod tcp;

pub use counters::ServerCounters;
pub use settings::StatsdSettings;

use super::aggregate::{Aggregator, Problems, Shard, Snapshot};
use super::notice::Notice;
use checks::UnixMs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StatsdError {
    #[error("statsd cannot listen on {what}: choose another address, or stop what has it")]
    Listen {
        what: String,
        #[source]
        source: io::Error,
    },
    #[error("statsd cannot start a thread")]
    Thread(#[source] io::Error),
    #[error("`flush_interval_ms` is 0: write 1000 or more")]
    FlushInterval,
}

/// Called at each flush.
pub type OnFlush = Box<dyn Fn(&Arc<Snapshot>) + Send + Sync>;

/// Gets what the server has; called on the server's threads, so it should not take long.
pub struct Handlers {
    pub on_flush: OnFlush,
    /// Events and service checks, as they come.
    pub on_notice: Box<dyn Fn(Notice) + Send + Sync>,
}

/// How long sockets are read on after the server was told to stop.
const DRAIN_NS_MAX: u64 = 500_000_000;

/// What all threads share.
struct Shared {
    aggregator: Aggregator,
    shards: Vec<Mutex<Shard>>,
    handlers: Handlers,
    started: Instant,
    /// When it was told to stop, as [`Shared::order`]; `u64::MAX` until then.
    stopping: AtomicU64,
    packets_lost: AtomicU64,
    connections: AtomicU64,
    connections_refused: AtomicU64,
    receive_errors: AtomicU64,
    flushes: AtomicU64,
    flush_us: AtomicU64,
    /// The newest snapshot, and when the flush before it was.
    latest: Mutex<Option<Arc<Snapshot>>>,
    /// Held through a flush, with the instant of the last one.
    flushed: Mutex<(UnixMs, Instant)>,
    wake: (Mutex<bool>, Condvar),
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Comparable between threads, and never falling within one.
    fn order(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire) != u64::MAX
    }

    /// Whether it was told so long ago that what still comes is left: a stream without end must not keep the process.
    fn is_over(&self) -> bool {
        self.order().saturating_sub(self.stopping.load(Ordering::Acquire)) > DRAIN_NS_MAX
    }

    /// Lends a thread its shard, and hands on the events and service checks that came.
    fn with_shard(&self, index: usize, use_it: impl FnOnce(&mut Shard)) {
        let mut shard = locked(&self.shards[index]);
        use_it(&mut shard);
        let notices = shard.take_notices();
        drop(shard);
        notices.into_iter().for_each(|notice| (self.handlers.on_notice)(notice));
    }

    fn flush(&self) -> Arc<Snapshot> {
        let mut flushed = locked(&self.flushed);
        let began = Instant::now();
        // A clock that was set back must not make two flushes of one instant.
        let at = UnixMs::now().max(flushed.0 + 1);
        let interval_ms = u64::try_from(began.duration_since(flushed.1).as_millis()).unwrap_or(u64::MAX).max(1);
        let batches = self.aggregator.take(self.shards.iter().map(locked));
        let snapshot = Arc::new(self.aggregator.flush(at, interval_ms, batches));
        *flushed = (at, began);
        *locked(&self.latest) = Some(Arc::clone(&snapshot));
        (self.handlers.on_flush)(&snapshot);
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.flush_us.store(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        snapshot
    }
}

/// A running server. Dropping it shuts it down too.
pub struct StatsdServer {
    shared: Arc<Shared>,
    udp: Option<SocketAddr>,
    tcp: Option<SocketAddr>,
    unix: Option<PathBuf>,
    receivers: Vec<JoinHandle<()>>,
    flusher: Option<JoinHandle<()>>,
}

impl StatsdServer {
    /// Opens every socket before the first thread starts: it listens in full, or it fails.
    ///
    /// # Errors
    /// An address that cannot be listened on.
    pub fn start(settings: &StatsdSettings, handlers: Handlers) -> Result<Self, StatsdError> {
        if settings.flush_interval_ms == 0 {
            return Err(StatsdError::FlushInterval);
        }
        let mut datagram_sockets = Vec::new();
        let mut udp = None;
        if let Some(address) = settings.udp {
            datagram_sockets = socket::open_udp(address, settings.udp_threads, settings.receive_buffer_bytes)?;
            udp = datagram_sockets.first().and_then(|socket| socket.local_addr().ok()?.as_socket());
        }
        let listener = settings.tcp.map(|address| {
            let failed = |source| StatsdError::Listen { what: format!("TCP {address}"), source };
            let listener = TcpListener::bind(address).map_err(failed)?;
            let bound = listener.local_addr().map_err(failed)?;
            // On Linux it bounds `accept` as well.
            socket2::SockRef::from(&listener).set_read_timeout(Some(socket::WAIT)).map_err(failed)?;
            Ok((listener, bound))
        });
        let listener = listener.transpose()?;
        let tcp = listener.as_ref().map(|(_, bound)| *bound);
        if let Some(path) = &settings.unix {
            datagram_sockets.push(socket::open_unix(path, settings.receive_buffer_bytes)?);
        }

        let aggregator = Aggregator::new(settings.aggregate);
        let shard_count = datagram_sockets.len() + usize::from(listener.is_some());
        let shards = (0..shard_count).map(|_| Mutex::new(aggregator.shard())).collect();
        let started = Instant::now();
        let shared = Arc::new(Shared {
            aggregator,
            shards,
            handlers,
            started,
            stopping: AtomicU64::new(u64::MAX),
            packets_lost: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            connections_refused: AtomicU64::new(0),
            receive_errors: AtomicU64::new(0),
            flushes: AtomicU64::new(0),
            flush_us: AtomicU64::new(0),
            latest: Mutex::new(None),
            flushed: Mutex::new((UnixMs::now(), started)),
            wake: (Mutex::new(false), Condvar::new()),
        });
        let mut server = Self { shared, udp, tcp, unix: settings.unix.clone(), receivers: Vec::new(), flusher: None };
        let tcp_shard = datagram_sockets.len();
        for (index, socket) in datagram_sockets.into_iter().enumerate() {
            let shared = Arc::clone(&server.shared);
            server.receivers.push(thread(format!("statsd-{index}"), move || receive::run(&socket, index, &shared))?);
        }
        if let Some((listener, _)) = listener {
            let (shared, connections_max) = (Arc::clone(&server.shared), settings.connections_max);
            let accept = move || tcp::accept(&listener, tcp_shard, connections_max, &shared);
            server.receivers.push(thread("statsd-tcp".to_owned(), accept)?);
        }
        let (shared, interval) = (Arc::clone(&server.shared), Duration::from_millis(settings.flush_interval_ms));
        server.flusher = Some(thread("statsd-flush".to_owned(), move || flush_until_stopped(&shared, interval))?);
        Ok(server)
    }

    /// The address that UDP is received on.
    pub fn udp_address(&self) -> Option<SocketAddr> {
        self.udp
    }

    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp
    }

    /// Flushes now, without waiting for the interval to end.
    pub fn flush(&self) -> Arc<Snapshot> {
        self.shared.flush()
    }

    /// What the last flush gave.
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        locked(&self.shared.latest).clone()
    }

    pub fn counters(&self) -> ServerCounters {
        counters::of(&self.shared)
    }

    /// What was wrong with the lines that came.
    pub fn problems(&self) -> Problems {
        let mut all = Problems::default();
        self.shared.shards.iter().for_each(|shard| all.merge(locked(shard).problems()));
        all
    }

    /// Reads what the sockets hold, flushes, and ends every thread.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.shared.stopping.store(self.shared.order(), Ordering::Release);
        self.receivers.drain(..).for_each(|thread| drop(thread.join()));
        if let Some(flusher) = self.flusher.take() {
            *locked(&self.shared.wake.0) = true;
            self.shared.wake.1.notify_all();
            drop(flusher.join());
        }
        if let Some(path) = self.unix.take() {
            // It may be gone already.
            drop(std::fs::remove_file(path));
        }
    }
}

impl Drop for StatsdServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn thread(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StatsdError> {
    std::thread::Builder::new().name(name).spawn(run).map_err(StatsdError::Thread)
}

/// Flushes at each multiple of the interval since the start, and once at the end.
fn flush_until_stopped(shared: &Shared, interval: Duration) {
    let mut next = shared.started + interval;
    let mut stopped = locked(&shared.wake.0);
    while !*stopped {
        let now = Instant::now();
        if now < next {
            stopped = shared.wake.1.wait_timeout(stopped, next - now).unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        drop(stopped);
        shared.flush();
        while next <= Instant::now() {
            next += interval;
        }
        stopped = locked(&shared.wake.0);
    }
    drop(stopped);
    shared.flush();
}

#[cfg(test)]
mod tests;
