//! The write-ahead log: what was appended since the last block, in segments that are only ever appended to.
//!
//! The shell appends the bytes of [`LogWriter::take`] to the segment's file at each flush and syncs it, so a crash loses
//! no more than one flush. When a block is durable, a new segment begins and the older ones can go: replaying
//! them anyway does no harm, since samples that a block has are not newer than their series' last.

use std::collections::HashSet;

use super::wire::{Fields, put_frame, put_labels, put_text, take_frame};
use super::{Labels, MetricType, Sample, SeriesId, Store};

/// The first bytes of every segment; the last digit is the version.
pub const SEGMENT_MAGIC: &[u8; 8] = b"TOCLOG01";

const SERIES: u8 = 1;
const SAMPLES: u8 = 2;
const METRIC: u8 = 3;

/// Collects what is to be appended to the segment at the next flush.
#[derive(Debug, Default)]
pub struct LogWriter {
    bytes: Vec<u8>,
    /// Series that this segment has named already.
    named: HashSet<SeriesId>,
    /// Samples since the last flush that all have the same instant.
    pending: Vec<(SeriesId, f64)>,
    pending_ms: i64,
}

impl LogWriter {
    /// What comes from now on goes into another segment: each stands for itself, so every series is named in it anew.
    pub fn restart(&mut self) {
        self.write_pending();
        self.named.clear();
    }

    /// Notes a sample that the store took.
    pub fn sample(&mut self, id: SeriesId, labels: &Labels, sample: Sample) {
        if self.pending_ms != sample.at_ms {
            self.write_pending();
            self.pending_ms = sample.at_ms;
        }
        if self.named.insert(id) {
            let mut payload = vec![SERIES];
            payload.extend_from_slice(&id.0.to_le_bytes());
            put_labels(&mut payload, labels);
            put_frame(&mut self.bytes, &payload);
        }
        self.pending.push((id, sample.value));
    }

    pub fn metric(&mut self, metric: &str, kind: MetricType) {
        let mut payload = vec![METRIC, kind as u8];
        put_text(&mut payload, metric);
        put_frame(&mut self.bytes, &payload);
    }

    fn write_pending(&mut self) {
        // A frame has at most so many samples that it stays far below the bound on frames.
        for part in self.pending.chunks(100_000) {
            let mut payload = Vec::with_capacity(9 + part.len() * 12);
            payload.push(SAMPLES);
            payload.extend_from_slice(&self.pending_ms.to_le_bytes());
            for (id, value) in part {
                payload.extend_from_slice(&id.0.to_le_bytes());
                payload.extend_from_slice(&value.to_bits().to_le_bytes());
            }
            put_frame(&mut self.bytes, &payload);
        }
        self.pending.clear();
    }

    /// Bytes that wait for the next flush, but for those of its newest instant.
    pub fn waiting_bytes(&self) -> usize {
        self.bytes.len() + self.pending.len() * 12
    }

    /// The bytes to append to the segment.
    pub fn take(&mut self) -> Vec<u8> {
        self.write_pending();
        std::mem::take(&mut self.bytes)
    }
}

/// How a segment begins: its version, and what is known of metrics, which no block says.
pub fn segment_head<'a>(types: impl IntoIterator<Item = (&'a str, MetricType)>) -> Vec<u8> {
    let mut log = LogWriter { bytes: SEGMENT_MAGIC.to_vec(), ..LogWriter::default() };
    types.into_iter().for_each(|(metric, kind)| log.metric(metric, kind));
    log.bytes
}

/// How a replay went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replay {
    pub samples_taken: u64,
    /// Samples that the store refused: a block has them, or they are past the retention.
    pub samples_refused: u64,
    /// Bytes after the last whole frame: what the last flush before a crash left.
    pub torn_bytes: usize,
}

/// Replays one segment into the store, up to the first frame that is not whole.
pub fn replay(segment: &[u8], store: &mut Store, now_ms: i64) -> Replay {
    let mut report = Replay::default();
    let Some(mut rest) = segment.strip_prefix(SEGMENT_MAGIC) else {
        report.torn_bytes = segment.len();
        return report;
    };
    // By the id that the series had when the segment was written.
    let mut ids = std::collections::HashMap::new();
    while let Some((payload, after)) = take_frame(rest) {
        rest = after;
        if replay_frame(payload, store, now_ms, &mut ids, &mut report).is_none() {
            // A whole frame that cannot be read is of another version; what follows may still be known.
            continue;
        }
    }
    report.torn_bytes = rest.len();
    report
}

fn replay_frame(
    payload: &[u8],
    store: &mut Store,
    now_ms: i64,
    ids: &mut std::collections::HashMap<u32, SeriesId>,
    report: &mut Replay,
) -> Option<()> {
    let mut fields = Fields(payload);
    match fields.u8()? {
        SERIES => {
            let written = fields.u32()?;
            if let Ok(id) = store.open(&fields.labels()?) {
                ids.insert(written, id);
            }
        }
        SAMPLES => {
            let at_ms = fields.i64()?;
            while !fields.is_empty() {
                let (written, value) = (fields.u32()?, fields.f64()?);
                let taken =
                    ids.get(&written).is_some_and(|id| store.append_to(*id, Sample { at_ms, value }, now_ms).is_ok());
                if taken { report.samples_taken += 1 } else { report.samples_refused += 1 }
            }
        }
        METRIC => {
            let kind = match fields.u8()? {
                0 => MetricType::Counter,
                1 => MetricType::Gauge,
                2 => MetricType::Histogram,
                _ => MetricType::Summary,
            };
            store.describe(fields.text()?, kind);
        }
        _ => return None,
    }
    Some(())
}
