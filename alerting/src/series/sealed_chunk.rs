//! A full chunk, in the smallest of its encodings.
//!
//! Statsd's values are mostly decimal numbers with few digits (`17`, `0.25`, `12.375`), which exclusive-or compresses
//! badly. A chunk whose values all are a whole number times the same power of ten is therefore kept as Rice-coded
//! differences of those whole numbers; every value is checked to come back bit for bit, and a chunk with any other
//! value stays in the Gorilla encoding. Timestamps at a fixed interval take no bits at all.

use super::Sample;
use super::bits::{BitReader, BitWriter};
use super::open_chunk::{Gorilla, OpenChunk};
use super::rice;

/// How the values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Encoding {
    /// Timestamps and values as in the open chunk.
    Gorilla = 0,
    /// Whole numbers of 10^-digits; differences between neighbours.
    Differences = 1,
    /// The same; differences of differences, for a counter at a steady rate.
    Curvature = 2,
}

/// The most decimal digits that are tried.
const DIGITS_MAX: u8 = 6;
/// Whole numbers beyond this are not exact in an f64.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
const POWERS: [f64; DIGITS_MAX as usize + 1] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];

/// Samples that no longer change. 16 bytes of header in memory beside the two bounds; see [`SealedChunk::encode`].
#[derive(Debug, Clone, PartialEq)]
pub struct SealedChunk {
    first_ms: i64,
    last_ms: i64,
    count: u32,
    bytes: Box<[u8]>,
}

impl SealedChunk {
    pub fn seal(open: &OpenChunk) -> Self {
        let samples: Vec<Sample> = open.iter().collect();
        Self::of(&samples, Some(open.bytes()))
    }

    /// Encodes samples; there is at least one.
    pub fn from_samples(samples: &[Sample]) -> Option<Self> {
        (!samples.is_empty()).then(|| Self::of(samples, None))
    }

    fn of(samples: &[Sample], gorilla: Option<&[u8]>) -> Self {
        let (first, last) = (samples[0], samples[samples.len() - 1]);
        let plain = |stream: &[u8]| {
            let mut bytes = Vec::with_capacity(stream.len() + 9);
            bytes.push(Encoding::Gorilla as u8);
            bytes.extend_from_slice(&first.value.to_bits().to_le_bytes());
            bytes.extend_from_slice(stream);
            bytes
        };
        let xor = match gorilla {
            Some(stream) => plain(stream),
            None => {
                let mut open = OpenChunk::new(first);
                samples[1..].iter().for_each(|sample| open.push(*sample));
                plain(open.bytes())
            }
        };
        let bytes = decimal(samples).filter(|bytes| bytes.len() < xor.len()).unwrap_or(xor);
        Self { first_ms: first.at_ms, last_ms: last.at_ms, count: samples.len() as u32, bytes: bytes.into() }
    }

    pub fn first_ms(&self) -> i64 {
        self.first_ms
    }

    pub fn last_ms(&self) -> i64 {
        self.last_ms
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// Bytes that the samples take, without the chunk's own bounds.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of memory that the chunk takes, with its bounds and what the allocator adds.
    pub fn memory_bytes(&self) -> usize {
        const ALLOCATION_BYTES: usize = 16;
        self.bytes.len() + size_of::<Self>() + ALLOCATION_BYTES
    }

    /// As a block keeps it: first and last instant, count and length in front of the bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.first_ms.to_le_bytes());
        out.extend_from_slice(&self.last_ms.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.bytes);
    }

    /// Reads what [`SealedChunk::encode`] wrote and what follows it. `None`: it ends too early.
    pub fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(24)?;
        let first_ms = i64::from_le_bytes(head[0..8].try_into().ok()?);
        let last_ms = i64::from_le_bytes(head[8..16].try_into().ok()?);
        let count = u32::from_le_bytes(head[16..20].try_into().ok()?);
        let length = u32::from_le_bytes(head[20..24].try_into().ok()?) as usize;
        let (own, rest) = rest.split_at_checked(length)?;
        Some((Self { first_ms, last_ms, count, bytes: own.into() }, rest))
    }

    /// Appends the samples in `(from_ms, to_ms]` to `out`.
    pub fn read(&self, from_ms: i64, to_ms: i64, out: &mut Vec<Sample>) {
        if self.last_ms <= from_ms || self.first_ms > to_ms {
            return;
        }
        // The bytes come from this process or from a block whose checksum held; a torn stream just ends.
        let _ = self.walk(|sample| {
            if sample.at_ms > to_ms {
                return false;
            }
            if sample.at_ms > from_ms {
                out.push(sample);
            }
            true
        });
    }

    fn walk(&self, mut see: impl FnMut(Sample) -> bool) -> Option<()> {
        let (&tag, rest) = self.bytes.split_first()?;
        if tag == Encoding::Gorilla as u8 {
            let (value, stream) = rest.split_at_checked(8)?;
            let value = f64::from_bits(u64::from_le_bytes(value.try_into().ok()?));
            for sample in Gorilla::new(stream, Sample { at_ms: self.first_ms, value }, self.count) {
                if !see(sample) {
                    break;
                }
            }
            return Some(());
        }
        let curved = tag & 0x0f == Encoding::Curvature as u8;
        let power = *POWERS.get(usize::from(tag >> 4))?;
        let mut bits = BitReader::new(rest);
        let time_parameter = bits.bits(6)? as u8;
        let value_parameter = bits.bits(6)? as u8;
        let mut delta_ms = bits.bits(40)? as i64;
        let regular = time_parameter == REGULAR;
        let mut at_ms = self.first_ms;
        let mut whole = rice::unfold_sign(bits.bits(64)?);
        let mut slope = 0i64;
        for index in 0..self.count {
            if index > 0 {
                if !regular {
                    delta_ms = delta_ms.wrapping_add(rice::unfold_sign(rice::read(&mut bits, time_parameter)?));
                }
                at_ms = at_ms.wrapping_add(delta_ms);
                let change = rice::unfold_sign(rice::read(&mut bits, value_parameter)?);
                slope = if curved { slope.wrapping_add(change) } else { change };
                whole = whole.wrapping_add(slope);
            }
            if !see(Sample { at_ms, value: whole as f64 / power }) {
                break;
            }
        }
        Some(())
    }
}

/// The time parameter that says: every step is the same.
const REGULAR: u8 = 63;

/// The decimal encoding, or `None` where a value would not come back bit for bit.
fn decimal(samples: &[Sample]) -> Option<Vec<u8>> {
    let digits = (0..=DIGITS_MAX).find(|digits| {
        let power = POWERS[usize::from(*digits)];
        samples.iter().all(|sample| scaled(sample.value, power).is_some())
    })?;
    let power = POWERS[usize::from(digits)];
    let wholes: Vec<i64> = samples.iter().filter_map(|sample| scaled(sample.value, power)).collect();

    let differences: Vec<i64> = wholes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let mut before = 0;
    let curvature: Vec<u64> = differences
        .iter()
        .map(|&difference| rice::fold_sign(difference.wrapping_sub(std::mem::replace(&mut before, difference))))
        .collect();
    let differences: Vec<u64> = differences.into_iter().map(rice::fold_sign).collect();
    let (flat_parameter, flat_bits) = rice::best_parameter(&differences);
    let (curved_parameter, curved_bits) = rice::best_parameter(&curvature);
    let (encoding, parameter, numbers) = if curved_bits < flat_bits {
        (Encoding::Curvature, curved_parameter, curvature)
    } else {
        (Encoding::Differences, flat_parameter, differences)
    };

    let deltas: Vec<i64> = samples.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).collect();
    let first_delta = deltas.first().copied().unwrap_or(0);
    if first_delta >= 1 << 40 {
        return None;
    }
    let mut before = first_delta;
    let changes: Vec<u64> = deltas
        .iter()
        .map(|&delta| rice::fold_sign(delta.wrapping_sub(std::mem::replace(&mut before, delta))))
        .collect();
    let regular = changes.iter().all(|change| *change == 0);
    let time_parameter = if regular { REGULAR } else { rice::best_parameter(&changes).0 };

    let mut bits = BitWriter::with_capacity(numbers.len() * 2 + 24);
    bits.bits(u64::from(digits << 4 | encoding as u8), 8);
    bits.bits(u64::from(time_parameter), 6);
    bits.bits(u64::from(parameter), 6);
    bits.bits(first_delta as u64, 40);
    bits.bits(rice::fold_sign(wholes[0]), 64);
    for (index, number) in numbers.iter().enumerate() {
        if !regular {
            rice::write(&mut bits, &changes[index..=index], time_parameter);
        }
        rice::write(&mut bits, std::slice::from_ref(number), parameter);
    }
    Some(bits.into_bytes())
}

/// The whole number that stands for the value at this power of ten, if dividing gives back the very bits.
fn scaled(value: f64, power: f64) -> Option<i64> {
    let whole = (value * power).round();
    (whole.abs() < WHOLE_MAX && (whole as i64 as f64 / power).to_bits() == value.to_bits()).then_some(whole as i64)
}
