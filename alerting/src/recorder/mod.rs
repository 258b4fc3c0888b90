//! The recorder: the series store of a running process, and the files that it survives in.
//!
//! `samples -> store (memory) -> write-ahead log -> blocks -> history`. [`crate::series`] has the store and the bytes, and
//! touches no file; this is the shell around it: a lock, a thread ([`keeper`]) and a [`folder`].
//!
//! The files, numbered in the order in which they were made:
//! - `N.log`, a segment of the write-ahead log: what came since the last block, made durable every
//!   [`RecorderSettings::flush_every`];
//! - `N.block`: what was sealed until then, at full resolution, kept for the retention;
//! - `N.history`: one day, thinned out to five minutes, kept for much longer.
//!
//! Guarantees:
//! - SIGKILL and power failure cost no more than the samples since the last flush. A torn tail or a damaged file is left
//!   out and told ([`Recovery`]), and never stops the start.
//! - A segment goes when the block that holds its samples is durable, and not before. Where the disk takes nothing, the
//!   samples stay in memory, the failure is counted, and the next checkpoint tries again.
//! - Memory is bounded by the store's settings, and the folder by [`RecorderSettings::disk_bytes_max`]: the oldest blocks go
//!   first, then the oldest history, each counted.
//! - Queries read memory, then the blocks, then the history; whoever asks cannot tell where a sample was.

mod folder;
mod keeper;
mod opening;

use crate::clock::Clock;
use crate::sample::{Sample as Offered, SampleKind, SampleSink, is_stale};
use crate::series::log::LogWriter;
use crate::series::{Labels, MetricType, Sample, SettingsError, Store, StoreSettings};
use folder::Folder;
use keeper::{Keeper, Order};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

pub use opening::Recovery;

/// Bytes of the write-ahead log that wait while the disk is slow; samples beyond are in memory only.
const LOG_WAITING_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone)]
pub struct RecorderSettings {
    /// The folder of the files; made where it is not there.
    pub folder: PathBuf,
    pub store: StoreSettings,
    /// How often what came is made durable.
    pub flush_every: Duration,
    /// How often a block is made.
    pub checkpoint_every_ms: i64,
    /// How long the thinned-out history is kept.
    pub history_ms: i64,
    /// Bytes of all blocks and all history.
    pub disk_bytes_max: u64,
}

impl RecorderSettings {
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            store: StoreSettings::default(),
            flush_every: Duration::from_secs(1),
            checkpoint_every_ms: 2 * 3_600_000,
            history_ms: 400 * 24 * 3_600_000,
            disk_bytes_max: 4 << 30,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    #[error("the folder {} for metrics cannot be used: {source}", folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("the thread that writes metrics does not start: {0}")]
    Thread(std::io::Error),
}

/// What was counted since the start, beside the store's own [`crate::series::Counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RecorderCounters {
    pub flushes: u64,
    pub checkpoints: u64,
    /// Writes that the disk refused; what they held is in memory, and the next checkpoint has it.
    pub write_failures: u64,
    /// Samples that the log had no room for while the disk was slow.
    pub log_samples_dropped: u64,
    /// Blocks that went before their time, for the bound on the folder.
    pub blocks_dropped_for_disk: u64,
}

#[derive(Debug, Default)]
struct Tally {
    flushes: AtomicU64,
    checkpoints: AtomicU64,
    write_failures: AtomicU64,
    log_samples_dropped: AtomicU64,
    blocks_dropped_for_disk: AtomicU64,
}

fn count(tally: &AtomicU64) {
    tally.fetch_add(1, Ordering::Relaxed);
}

/// The store and what waits for the log, behind one lock, so that both always tell the same.
struct Held {
    store: Store,
    log: LogWriter,
}

struct Shared {
    clock: Arc<dyn Clock>,
    held: RwLock<Held>,
    folder: Arc<Folder>,
    tally: Tally,
    settings: RecorderSettings,
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().0
    }
}

/// The running store. Dropped without [`Recorder::stop`], it stops like a process that is killed.
pub struct Recorder {
    shared: Arc<Shared>,
    orders: SyncSender<Order>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Takes up what the folder holds, and says how that went.
    ///
    /// # Errors
    /// The folder cannot be used, or a setting cannot work. Damaged files are no error.
    pub fn open(settings: RecorderSettings, clock: Arc<dyn Clock>) -> Result<(Self, Recovery), RecorderError> {
        let opened = opening::open(&settings, clock.now().0)?;
        let (folder, held) = (opened.folder, RwLock::new(Held { store: opened.store, log: LogWriter::default() }));
        let shared = Arc::new(Shared { clock, held, folder, tally: Tally::default(), settings });
        let (orders, queue) = sync_channel(4);
        let keeper = Keeper::new(Arc::clone(&shared), opened.blocks, opened.segments);
        let thread = std::thread::Builder::new().name("metrics-store".to_owned()).spawn(move || keeper.run(&queue));
        let thread = thread.map_err(RecorderError::Thread)?;
        Ok((Self { shared, orders, keeper: Mutex::new(Some(thread)) }, opened.recovery))
    }

    /// Asks the store something. Whoever writes waits meanwhile: a question that may take long needs a bound on its time.
    pub fn ask<T>(&self, question: impl FnOnce(&Store) -> T) -> T {
        question(&self.shared.read().store)
    }

    /// Takes what a rule recorded. Returns how many samples were taken.
    pub fn record(&self, samples: &[(Labels, Sample)]) -> usize {
        if samples.is_empty() {
            return 0;
        }
        let now_ms = self.shared.now_ms();
        let mut held = self.shared.write();
        samples.iter().filter(|(labels, sample)| self.take(&mut held, labels, *sample, now_ms)).count()
    }

    fn take(&self, held: &mut Held, labels: &Labels, sample: Sample, now_ms: i64) -> bool {
        if is_stale(sample.value) {
            // What is not known, or has ended already, needs no end.
            let newest = held.store.find(labels).and_then(|id| held.store.newest(id));
            if newest.is_none_or(|newest| is_stale(newest.value)) {
                return true;
            }
        }
        let Ok(id) = held.store.append(labels, sample, now_ms) else { return false };
        if held.log.waiting_bytes() > LOG_WAITING_BYTES_MAX {
            count(&self.shared.tally.log_samples_dropped);
        } else {
            held.log.sample(id, labels, sample);
        }
        true
    }

    pub fn counters(&self) -> RecorderCounters {
        let of = |tally: &AtomicU64| tally.load(Ordering::Relaxed);
        let tally = &self.shared.tally;
        RecorderCounters {
            flushes: of(&tally.flushes),
            checkpoints: of(&tally.checkpoints),
            write_failures: of(&tally.write_failures),
            log_samples_dropped: of(&tally.log_samples_dropped),
            blocks_dropped_for_disk: of(&tally.blocks_dropped_for_disk),
        }
    }

    /// Makes a block now, and returns when it is durable. It is made by itself every so often.
    pub fn checkpoint(&self) {
        let (done, waited) = sync_channel(1);
        if self.orders.send(Order::Checkpoint(done)).is_ok() {
            // An error says that the thread has ended, and with it the wait.
            let _ = waited.recv();
        }
    }

    /// Lets go now of what is too old or too much for memory. It is done by itself every minute.
    pub fn expire_now(&self) {
        let now_ms = self.shared.now_ms();
        self.shared.write().store.expire(now_ms);
    }

    /// Makes durable what came, and ends the thread. Samples that come later are in memory only.
    pub fn stop(&self) {
        let thread = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.orders.send(Order::Stop);
            if thread.join().is_err() {
                tracing::error!("the thread that writes metrics has panicked");
            }
        }
    }
}

impl SampleSink for Recorder {
    fn append(&self, samples: &[Offered]) -> usize {
        let now_ms = self.shared.now_ms();
        let mut held = self.shared.write();
        let mut refused = 0;
        for offered in samples {
            let labels = Labels::from_shared(Arc::clone(offered.labels.shared()));
            let sample = Sample { at_ms: offered.at.0, value: offered.value };
            if self.take(&mut held, &labels, sample, now_ms) {
                describe(&mut held, offered);
            } else {
                refused += 1;
            }
        }
        refused
    }
}

/// Notes the metric's type where it is new. A summary's count and sum are told by their names.
fn describe(held: &mut Held, offered: &Offered) {
    let kind = match offered.kind {
        SampleKind::Counter => MetricType::Counter,
        SampleKind::Gauge => MetricType::Gauge,
        SampleKind::Summary if offered.labels.get("quantile").is_some() => MetricType::Summary,
        SampleKind::Summary => MetricType::Counter,
    };
    let metric = offered.labels.metric();
    // The end of a series says nothing about its type.
    if !is_stale(offered.value) && held.store.metric_type(metric) != Some(kind) {
        held.store.describe(metric, kind);
        held.log.metric(metric, kind);
    }
}
