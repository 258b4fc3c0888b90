//! Blocks: what a store has sealed since the last one, as one immutable file.
//!
//! A block begins with its version, then has one frame for each series (its chunks), then a frame with the index
//! (labels, times and place of each series' frame), and ends with the index's place. Memory needs the index only; a
//! series' frame is read when a query reaches back that far.

use super::sealed_chunk::SealedChunk;
use super::wire::{FRAME_HEAD_BYTES, Fields, put_frame, put_labels, take_frame};
use super::{Labels, Sample};

/// The first bytes of every block; the last digit is the version.
const MAGIC: &[u8; 8] = b"TOCBLK01";
/// Bytes at the beginning that say what it is.
pub const HEAD_BYTES: usize = MAGIC.len();
/// The index's place, and its checksum.
pub const TAIL_BYTES: usize = 8;

/// Why bytes are no block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    #[error("it does not begin as a block of a known version")]
    Version,
    #[error("it is cut off or damaged: a checksum does not match")]
    Damaged,
}

/// Where one series' chunks are within a block.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockEntry {
    pub labels: Labels,
    pub first_ms: i64,
    pub last: Sample,
    pub count: u32,
    /// Of the series' frame.
    pub offset: u32,
    pub length: u32,
}

/// A block's index: all that memory keeps of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BlockIndex {
    pub entries: Vec<BlockEntry>,
}

impl BlockIndex {
    /// The newest sample's instant; past the retention after it, the block's file can go.
    pub fn last_ms(&self) -> Option<i64> {
        self.entries.iter().map(|entry| entry.last.at_ms).max()
    }

    /// Reads the index of a whole block.
    ///
    /// # Errors
    /// Another version, or damage.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlockError> {
        let head = bytes.get(..HEAD_BYTES).ok_or(BlockError::Version)?;
        let tail = bytes.len().checked_sub(TAIL_BYTES).and_then(|start| bytes.get(start..)).unwrap_or_default();
        let place = Self::place(head, tail)?;
        Self::decode_from(bytes.get(place as usize..).ok_or(BlockError::Damaged)?)
    }

    /// Where the index begins, from a block's first [`HEAD_BYTES`] and last [`TAIL_BYTES`]: so that whoever wants the index
    /// need not read all of a file.
    ///
    /// # Errors
    /// As [`BlockIndex::decode`].
    pub fn place(head: &[u8], tail: &[u8]) -> Result<u32, BlockError> {
        if head != MAGIC {
            return Err(BlockError::Version);
        }
        let mut tail = Fields(tail);
        let (offset, checksum) = tail.u32().zip(tail.u32()).ok_or(BlockError::Damaged)?;
        if crc32fast::hash(&offset.to_le_bytes()) == checksum { Ok(offset) } else { Err(BlockError::Damaged) }
    }

    /// Reads the index from the bytes that begin at its place.
    ///
    /// # Errors
    /// Damage.
    pub fn decode_from(bytes: &[u8]) -> Result<Self, BlockError> {
        Self::read(bytes).ok_or(BlockError::Damaged)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (payload, _) = take_frame(bytes)?;
        let mut fields = Fields(payload);
        let mut entries = Vec::new();
        while !fields.is_empty() {
            let labels = fields.labels()?;
            let first_ms = fields.i64()?;
            let last = Sample { at_ms: fields.i64()?, value: fields.f64()? };
            let (count, offset, length) = (fields.u32()?, fields.u32()?, fields.u32()?);
            entries.push(BlockEntry { labels, first_ms, last, count, offset, length });
        }
        Some(Self { entries })
    }
}

/// A block while it is written.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    bytes: Vec<u8>,
    index: BlockIndex,
}

impl BlockBuilder {
    pub fn new() -> Self {
        Self { bytes: MAGIC.to_vec(), index: BlockIndex::default() }
    }

    /// Adds a series' chunks, oldest first; without chunks nothing is added. Blocks end at 4 GiB: `false`, not added.
    pub fn add(&mut self, labels: &Labels, chunks: &[SealedChunk], last: Sample) -> bool {
        let Some(first) = chunks.first() else { return true };
        let mut payload = Vec::new();
        chunks.iter().for_each(|chunk| chunk.encode(&mut payload));
        if self.bytes.len() + payload.len() + FRAME_HEAD_BYTES > u32::MAX as usize / 2 {
            return false;
        }
        let offset = self.bytes.len() as u32;
        put_frame(&mut self.bytes, &payload);
        self.index.entries.push(BlockEntry {
            labels: labels.clone(),
            first_ms: first.first_ms(),
            last,
            count: chunks.iter().map(SealedChunk::count).sum(),
            offset,
            length: self.bytes.len() as u32 - offset,
        });
        true
    }

    /// The whole file, and the index that memory keeps.
    pub fn finish(mut self) -> (Vec<u8>, BlockIndex) {
        let offset = self.bytes.len() as u32;
        let mut payload = Vec::new();
        for entry in &self.index.entries {
            put_labels(&mut payload, &entry.labels);
            payload.extend_from_slice(&entry.first_ms.to_le_bytes());
            payload.extend_from_slice(&entry.last.at_ms.to_le_bytes());
            payload.extend_from_slice(&entry.last.value.to_bits().to_le_bytes());
            payload.extend_from_slice(&entry.count.to_le_bytes());
            payload.extend_from_slice(&entry.offset.to_le_bytes());
            payload.extend_from_slice(&entry.length.to_le_bytes());
        }
        put_frame(&mut self.bytes, &payload);
        self.bytes.extend_from_slice(&offset.to_le_bytes());
        self.bytes.extend_from_slice(&crc32fast::hash(&offset.to_le_bytes()).to_le_bytes());
        (self.bytes, self.index)
    }
}

/// The chunks in one series' frame. `None`: damaged.
pub fn chunks(frame: &[u8]) -> Option<Vec<SealedChunk>> {
    let (mut payload, _) = take_frame(frame)?;
    let mut chunks = Vec::new();
    while !payload.is_empty() {
        let (chunk, rest) = SealedChunk::decode(payload)?;
        chunks.push(chunk);
        payload = rest;
    }
    Some(chunks)
}

/// Reads parts of blocks; the shell's files stand behind it.
pub trait BlockSource: Send + Sync {
    /// The bytes at this place of the block, or `None` where they cannot be read.
    fn read(&self, block: u64, offset: u32, length: u32) -> Option<Vec<u8>>;
}
