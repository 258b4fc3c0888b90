//! The thread that writes: flushes, checkpoints, the days of history, and what must go.

use super::folder::{Kind, Named};
use super::{Shared, count};
use crate::series::block::BlockBuilder;
use crate::series::downsample;
use crate::series::log::segment_head;
use crate::series::{Labels, SeriesId};
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};

const DAY_MS: i64 = 24 * 3_600_000;
/// How long after its end a day is thinned out: results of runs come late.
const DAY_SETTLES_MS: i64 = 15 * 60_000;
/// How often what is too old, or too much, is looked for.
const EXPIRE_EVERY_MS: i64 = 60_000;
/// A longer segment takes too long to replay.
const SEGMENT_BYTES_MAX: u64 = 256 << 20;

pub(super) enum Order {
    /// Answered when the block is durable.
    Checkpoint(SyncSender<()>),
    Stop,
}

/// A block or a day of history on disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeptBlock {
    pub file: Named,
    pub last_ms: i64,
    pub bytes: u64,
}

pub(super) struct Keeper {
    shared: Arc<Shared>,
    blocks: Vec<KeptBlock>,
    /// Segments whose samples no block has; the last may be the one that is written to.
    segments: Vec<Named>,
    /// `None`: the next flush begins a segment.
    segment: Option<File>,
    segment_bytes: u64,
    next_number: u64,
    checkpoint_due_ms: i64,
    expire_due_ms: i64,
    /// Until when the days are thinned out.
    history_until_ms: Option<i64>,
    /// The disk takes nothing: said once.
    failing: bool,
}

impl Keeper {
    pub fn new(shared: Arc<Shared>, blocks: Vec<KeptBlock>, segments: Vec<Named>) -> Self {
        let now_ms = shared.now_ms();
        let numbers = blocks.iter().map(|block| block.file.number).chain(segments.iter().map(|file| file.number));
        let days = blocks.iter().filter(|block| block.file.kind == Kind::History);
        // A day's last sample is in (its beginning, its end].
        let history_until_ms = days.map(|day| ((day.last_ms - 1).div_euclid(DAY_MS) + 1) * DAY_MS).max();
        Self {
            next_number: numbers.max().unwrap_or(0) + 1,
            checkpoint_due_ms: now_ms + shared.settings.checkpoint_every_ms,
            expire_due_ms: now_ms + EXPIRE_EVERY_MS,
            history_until_ms,
            blocks,
            segments,
            segment: None,
            segment_bytes: 0,
            failing: false,
            shared,
        }
    }

    pub fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let order = match orders.recv_timeout(self.shared.settings.flush_every) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                // Dropped without a stop: as if killed.
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.flush();
            match order {
                Some(Order::Stop) => return,
                Some(Order::Checkpoint(done)) => {
                    self.checkpoint();
                    let _ = done.send(());
                }
                None => self.housekeeping(),
            }
        }
    }

    fn housekeeping(&mut self) {
        let now_ms = self.shared.now_ms();
        // A clock that was set back must not put these off.
        let due = |due_ms: i64, every_ms: i64| now_ms >= due_ms || due_ms > now_ms + every_ms;
        if due(self.checkpoint_due_ms, self.shared.settings.checkpoint_every_ms) || self.is_full() {
            self.checkpoint();
        }
        if due(self.expire_due_ms, EXPIRE_EVERY_MS) {
            self.expire_due_ms = now_ms + EXPIRE_EVERY_MS;
            self.thin_out_days(now_ms);
            self.shared.write().store.expire(now_ms);
            self.remove_what_must_go(now_ms);
        }
    }

    /// Whether waiting for the next checkpoint would lose something, or make the next start long.
    fn is_full(&self) -> bool {
        let held = self.shared.read();
        let chunks = held.store.chunk_bytes();
        let max = held.store.settings().chunk_bytes_max;
        self.segment_bytes > SEGMENT_BYTES_MAX || chunks > max / 2 && held.store.unarchived_bytes() > max / 2
    }

    /// Makes durable what came since the last flush.
    fn flush(&mut self) {
        if self.segment.is_none() && (self.shared.read().log.waiting_bytes() == 0 || !self.begin_segment()) {
            return;
        }
        let bytes = self.shared.write().log.take();
        self.append(&bytes);
    }

    /// Makes the file that whatever waits goes into. `false`: the disk takes none, and it waits on.
    fn begin_segment(&mut self) -> bool {
        let number = self.take_number();
        match self.shared.folder.create_segment(number) {
            Ok(file) => {
                self.segments.push(Named { number, kind: Kind::Segment });
                (self.segment, self.segment_bytes) = (Some(file), 0);
                let head = segment_head(self.shared.read().store.metric_types());
                self.append(&head);
                self.segment.is_some()
            }
            Err(error) => {
                self.failed("a segment of the metrics log cannot be made", &error);
                false
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Some(file) = &mut self.segment else { return };
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        self.segment_bytes += bytes.len() as u64;
        match written {
            Ok(()) => {
                self.failing = false;
                count(&self.shared.tally.flushes);
            }
            Err(error) => {
                // Half of it may be there: what follows would not be found behind it.
                self.segment = None;
                self.shared.write().log.restart();
                self.failed("metrics cannot be written; they are in memory, and a checkpoint tries again", &error);
            }
        }
    }

    /// Seals what is in memory into a block; when that is durable, the segments that it stands for go.
    fn checkpoint(&mut self) {
        self.checkpoint_due_ms = self.shared.now_ms() + self.shared.settings.checkpoint_every_ms;
        let (rest, made) = {
            let mut held = self.shared.write();
            // What waits belongs to the segments before the block.
            let rest = held.log.take();
            let made = held.store.archive();
            held.log.restart();
            (rest, made)
        };
        self.append(&rest);
        self.segment = None;
        let Some((bytes, index)) = made else { return };
        let file = Named { number: self.take_number(), kind: Kind::Block };
        if let Err(error) = self.shared.folder.write_whole(file, &bytes) {
            return self
                .failed("a block of metrics cannot be written; its samples stay in memory and in the log", &error);
        }
        self.shared.write().store.adopt(file.number, &index);
        let last_ms = index.last_ms().unwrap_or(0);
        self.blocks.push(KeptBlock { file, last_ms, bytes: bytes.len() as u64 });
        for segment in std::mem::take(&mut self.segments) {
            if let Err(error) = self.shared.folder.remove(segment) {
                // Replayed beside its block it does no harm; it is tried again after the next block.
                tracing::warn!(%error, "a segment of the metrics log cannot be removed");
                self.segments.push(segment);
            }
        }
        count(&self.shared.tally.checkpoints);
    }

    /// Makes a history block of each day that is over. Series by series, so that nobody waits for the lock for long.
    fn thin_out_days(&mut self, now_ms: i64) {
        let day_of = |at_ms: i64| at_ms.div_euclid(DAY_MS) * DAY_MS;
        let today_ms = day_of(now_ms - DAY_SETTLES_MS);
        let first_ms = || self.blocks.iter().map(|block| day_of(block.last_ms)).min().unwrap_or(today_ms);
        let mut from_ms = self.history_until_ms.unwrap_or_else(first_ms).max(today_ms - self.retention_ms());
        while from_ms < today_ms {
            let to_ms = from_ms + DAY_MS;
            if let Err(error) = self.thin_out(from_ms, to_ms) {
                return self.failed("a day of metrics cannot be thinned out; it is tried again", &error);
            }
            self.history_until_ms = Some(to_ms);
            from_ms = to_ms;
        }
        self.history_until_ms = Some(today_ms.max(self.history_until_ms.unwrap_or(today_ms)));
    }

    fn retention_ms(&self) -> i64 {
        self.shared.settings.store.retention_ms
    }

    fn thin_out(&mut self, from_ms: i64, to_ms: i64) -> io::Result<()> {
        let ids: Vec<SeriesId> = self.shared.read().store.ids().collect();
        let (mut builder, mut samples) = (BlockBuilder::new(), Vec::new());
        for id in ids {
            samples.clear();
            let labels: Option<Labels> = {
                let held = self.shared.read();
                held.store.read(id, from_ms, to_ms, &mut samples);
                held.store.labels(id).cloned()
            };
            if let Some(labels) = labels {
                downsample::add_series(&mut builder, &labels, &samples);
            }
        }
        let (bytes, index) = builder.finish();
        let Some(last_ms) = index.last_ms() else { return Ok(()) };
        let file = Named { number: self.take_number(), kind: Kind::History };
        self.shared.folder.write_whole(file, &bytes)?;
        self.shared.write().store.adopt_history(file.number, &index);
        self.blocks.push(KeptBlock { file, last_ms, bytes: bytes.len() as u64 });
        Ok(())
    }

    fn remove_what_must_go(&mut self, now_ms: i64) {
        let kept_ms = |kind| if kind == Kind::History { self.shared.settings.history_ms } else { self.retention_ms() };
        let is_old = |block: &&KeptBlock| block.last_ms < now_ms - kept_ms(block.file.kind);
        let mut going: Vec<KeptBlock> = self.blocks.iter().filter(is_old).copied().collect();
        let mut bytes: u64 = self.blocks.iter().filter(|block| !is_old(block)).map(|block| block.bytes).sum();
        // At full resolution first, and of each kind the oldest.
        let mut order: Vec<KeptBlock> = self.blocks.iter().filter(|block| !is_old(block)).copied().collect();
        order.sort_by_key(|block| (block.file.kind, block.last_ms));
        for block in order {
            if bytes <= self.shared.settings.disk_bytes_max {
                break;
            }
            bytes -= block.bytes;
            going.push(block);
            count(&self.shared.tally.blocks_dropped_for_disk);
        }
        for block in going {
            self.shared.write().store.forget(block.file.number);
            if let Err(error) = self.shared.folder.remove(block.file) {
                tracing::warn!(%error, "a block of metrics cannot be removed");
            }
            self.blocks.retain(|kept| kept.file != block.file);
        }
    }

    fn take_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    fn failed(&mut self, what: &str, error: &io::Error) {
        count(&self.shared.tally.write_failures);
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(%error, folder = %self.shared.folder.path().display(), "{what}");
        }
    }
}
