//! The store and its blocks: sealing into one, taking one up, reading from one, and letting go of what is old.

use super::block::{self, BlockBuilder, BlockIndex};
use super::downsample::AGGREGATE;
use super::sealed_chunk::SealedChunk;
use super::store::{Archived, Series};
use super::{Sample, SeriesId, Store};

impl Store {
    pub(super) fn read_blocks(&self, archived: &[Archived], from_ms: i64, to_ms: i64, out: &mut Vec<Sample>) {
        let Some(blocks) = &self.blocks else { return };
        let start = archived.partition_point(|archived| archived.last_ms <= from_ms);
        for archived in archived[start..].iter().take_while(|archived| archived.first_ms <= to_ms) {
            let frame = blocks.read(archived.block, archived.offset, archived.length);
            for chunk in frame.and_then(|frame| block::chunks(&frame)).unwrap_or_default() {
                chunk.read(from_ms, to_ms, out);
            }
        }
    }

    /// Seals every open chunk and makes a block of all that no block has yet. When the block is durable, give its
    /// index to [`Store::adopt`], and the write-ahead log may begin a new segment. `None`: there is nothing new.
    pub fn archive(&mut self) -> Option<(Vec<u8>, BlockIndex)> {
        let mut builder = BlockBuilder::new();
        let mut any = false;
        for series in self.series.iter_mut().flatten() {
            if let Some(open) = series.open.take() {
                let sealed = SealedChunk::seal(&open);
                self.sealed_bytes += sealed.memory_bytes();
                series.sealed.push(sealed);
            }
            let archived_ms = series.archived.last().map_or(i64::MIN, |archived| archived.last_ms);
            let new = series.sealed.partition_point(|chunk| chunk.last_ms() <= archived_ms);
            if new < series.sealed.len() {
                any |= builder.add(&series.labels, &series.sealed[new..], series.last);
            }
        }
        any.then(|| builder.finish())
    }

    /// Takes up a durable block: after [`Store::archive`], and for every block at start, oldest first.
    ///
    /// Its samples are then read from the block wherever memory no longer has them. Returns how many series the bounds
    /// kept out.
    pub fn adopt(&mut self, block: u64, index: &BlockIndex) -> usize {
        let mut refused = 0;
        for entry in &index.entries {
            let Ok(id) = self.open(&entry.labels) else {
                refused += 1;
                continue;
            };
            let Some(series) = self.series.get_mut(id.0 as usize).and_then(Option::as_mut) else { continue };
            let last_ms = entry.last.at_ms;
            if series.archived.last().is_none_or(|archived| archived.last_ms < last_ms) {
                let (first_ms, offset, length) = (entry.first_ms, entry.offset, entry.length);
                series.archived.push(Archived { first_ms, last_ms, block, offset, length });
            }
            if series.last.at_ms < last_ms {
                series.last = entry.last;
            }
            self.newest_ms = self.newest_ms.max(last_ms);
        }
        refused
    }

    /// Takes up a durable history block, whose thinned-out samples are then read wherever the blocks have none any more.
    /// Series that are not known are passed over: they have ended longer ago than the retention.
    pub fn adopt_history(&mut self, block: u64, index: &BlockIndex) {
        for entry in index.entries.iter().filter(|entry| entry.labels.get(AGGREGATE) == Some("last")) {
            let known = self.find(&entry.labels.with(AGGREGATE, ""));
            let Some(series) = known.and_then(|id| self.series.get_mut(id.0 as usize)).and_then(Option::as_mut) else {
                continue;
            };
            let (first_ms, last_ms, offset, length) = (entry.first_ms, entry.last.at_ms, entry.offset, entry.length);
            if series.history.last().is_none_or(|history| history.last_ms < first_ms) {
                series.history.push(Archived { first_ms, last_ms, block, offset, length });
            }
        }
    }

    /// Lets go of a block of either kind, whose file is about to be removed.
    pub fn forget(&mut self, block: u64) {
        for series in self.series.iter_mut().flatten() {
            series.archived.retain(|archived| archived.block != block);
            series.history.retain(|archived| archived.block != block);
        }
    }

    /// Bytes of sealed chunks that no block has yet: a bound on memory would lose them.
    pub fn unarchived_bytes(&self) -> usize {
        let of_series = |series: &Series| {
            let archived_ms = series.archived.last().map_or(i64::MIN, |archived| archived.last_ms);
            let new = series.sealed.partition_point(|chunk| chunk.last_ms() <= archived_ms);
            series.sealed[new..].iter().map(SealedChunk::memory_bytes).sum::<usize>()
        };
        self.series.iter().flatten().map(of_series).sum()
    }

    /// Drops what is older than the retention, series whose last sample is, and, where the chunks are more bytes than
    /// allowed, the oldest chunks of all. Run once a minute or so.
    pub fn expire(&mut self, now_ms: i64) {
        self.drop_before(now_ms.saturating_sub(self.settings.retention_ms));
        if self.sealed_bytes > self.settings.chunk_bytes_max {
            let mut chunks: Vec<(i64, usize)> = self
                .series
                .iter()
                .flatten()
                .flat_map(|series| series.sealed.iter().map(|chunk| (chunk.last_ms(), chunk.memory_bytes())))
                .collect();
            chunks.sort_unstable();
            let mut excess = self.sealed_bytes - self.settings.chunk_bytes_max;
            let mut horizon_ms = i64::MIN;
            for (last_ms, bytes) in chunks {
                if excess == 0 {
                    break;
                }
                excess = excess.saturating_sub(bytes);
                horizon_ms = last_ms + 1;
            }
            self.drop_resident_before(horizon_ms);
        }
    }

    /// Frees memory only: what a block has can still be read, and no series goes.
    fn drop_resident_before(&mut self, horizon_ms: i64) {
        for series in self.series.iter_mut().flatten() {
            let archived_ms = series.archived.last().map_or(i64::MIN, |archived| archived.last_ms);
            let gone = series.sealed.partition_point(|chunk| chunk.last_ms() < horizon_ms);
            for chunk in series.sealed.drain(..gone) {
                self.sealed_bytes -= chunk.memory_bytes();
                self.counters.chunks_dropped_for_memory += 1;
                self.counters.chunks_lost_for_memory += u64::from(chunk.last_ms() > archived_ms);
            }
        }
    }

    fn drop_before(&mut self, horizon_ms: i64) {
        for index in 0..self.series.len() {
            let Some(series) = &mut self.series[index] else { continue };
            let gone = series.sealed.partition_point(|chunk| chunk.last_ms() < horizon_ms);
            self.sealed_bytes -= series.sealed.drain(..gone).map(|chunk| chunk.memory_bytes()).sum::<usize>();
            series.archived.retain(|archived| archived.last_ms >= horizon_ms);
            // A series that never got a sample was opened a moment ago.
            if series.last.at_ms < horizon_ms && series.last.at_ms != i64::MIN {
                let id = SeriesId(index as u32);
                if let Some(series) = self.series[index].take() {
                    self.postings.remove(id, &series.labels);
                    self.by_labels.remove(&series.labels);
                    self.alive -= 1;
                    self.counters.series_expired += 1;
                }
            }
        }
    }
}
