//! The chunk that still grows: Facebook's Gorilla encoding (Pelkonen and others, VLDB 2015), timestamps in
//! milliseconds as deltas of deltas, values as exclusive-or with the value before.

use super::Sample;
use super::bits::{BitReader, BitWriter};

/// Widths of a timestamp's delta of deltas, by their prefix: `10`, `110`, `1110`; `0` is none, `1111` the whole 64 bits.
/// The first holds the jitter of a scrape, the last two a slot that was missed.
const DELTA_BITS: [u8; 3] = [8, 14, 20];

/// Samples in the order of time, appended one by one.
#[derive(Debug, Clone)]
pub struct OpenChunk {
    bits: BitWriter,
    count: u32,
    first: Sample,
    last: Sample,
    delta_ms: i64,
    /// Leading and trailing zero bits of the last difference that set them; 255 leading: none yet.
    leading: u8,
    trailing: u8,
}

impl OpenChunk {
    pub fn new(first: Sample) -> Self {
        Self { bits: BitWriter::default(), count: 1, first, last: first, delta_ms: 0, leading: 255, trailing: 0 }
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    pub fn first(&self) -> Sample {
        self.first
    }

    pub fn last(&self) -> Sample {
        self.last
    }

    pub fn bytes_len(&self) -> usize {
        self.bits.bytes().len()
    }

    /// Appends a sample; the caller has seen that it is newer than the last.
    pub fn push(&mut self, sample: Sample) {
        let delta_ms = sample.at_ms.wrapping_sub(self.last.at_ms);
        let change = delta_ms.wrapping_sub(self.delta_ms);
        self.push_change(change);
        self.push_value(sample.value);
        self.delta_ms = delta_ms;
        self.last = sample;
        self.count += 1;
    }

    fn push_change(&mut self, change: i64) {
        if change == 0 {
            return self.bits.bit(false);
        }
        for (ones, width) in DELTA_BITS.iter().enumerate() {
            let half = 1i64 << (width - 1);
            if (-half..half).contains(&change) {
                self.bits.bits(((1 << (ones + 1)) - 1) << 1, ones as u8 + 2);
                return self.bits.bits(change as u64, *width);
            }
        }
        self.bits.bits(0b1111, 4);
        self.bits.bits(change as u64, 64);
    }

    fn push_value(&mut self, value: f64) {
        let difference = value.to_bits() ^ self.last.value.to_bits();
        if difference == 0 {
            return self.bits.bit(false);
        }
        self.bits.bit(true);
        // Five bits hold the leading zeros; more than 31 are not worth a sixth.
        let leading = (difference.leading_zeros() as u8).min(31);
        let trailing = difference.trailing_zeros() as u8;
        if self.leading != 255 && leading >= self.leading && trailing >= self.trailing {
            self.bits.bit(false);
            self.bits.bits(difference >> self.trailing, 64 - self.leading - self.trailing);
        } else {
            let width = 64 - leading - trailing;
            self.bits.bit(true);
            self.bits.bits(u64::from(leading), 5);
            // 64 significant bits are written as 0, which cannot occur otherwise.
            self.bits.bits(u64::from(width & 63), 6);
            self.bits.bits(difference >> trailing, width);
            (self.leading, self.trailing) = (leading, trailing);
        }
    }

    /// All samples, oldest first.
    pub fn iter(&self) -> Gorilla<'_> {
        Gorilla::new(self.bits.bytes(), self.first, self.count)
    }

    /// The stream without the first sample; [`Gorilla::new`] reads it.
    pub fn bytes(&self) -> &[u8] {
        self.bits.bytes()
    }
}

/// Reads a Gorilla stream.
#[derive(Debug, Clone)]
pub struct Gorilla<'a> {
    bits: BitReader<'a>,
    left: u32,
    next: Sample,
    delta_ms: i64,
    leading: u8,
    trailing: u8,
}

impl<'a> Gorilla<'a> {
    pub fn new(bytes: &'a [u8], first: Sample, count: u32) -> Self {
        Self { bits: BitReader::new(bytes), left: count, next: first, delta_ms: 0, leading: 0, trailing: 0 }
    }

    fn advance(&mut self) -> Option<()> {
        let mut change = 0;
        if self.bits.bit()? {
            let mut width = 64;
            for candidate in DELTA_BITS {
                if !self.bits.bit()? {
                    width = candidate;
                    break;
                }
            }
            let raw = self.bits.bits(width)?;
            change = (raw << (64 - width)) as i64 >> (64 - width);
        }
        self.delta_ms = self.delta_ms.wrapping_add(change);
        self.next.at_ms = self.next.at_ms.wrapping_add(self.delta_ms);
        if self.bits.bit()? {
            if self.bits.bit()? {
                self.leading = self.bits.bits(5)? as u8;
                let width = match self.bits.bits(6)? as u8 {
                    0 => 64,
                    width => width,
                };
                self.trailing = 64u8.checked_sub(self.leading)?.checked_sub(width)?;
            }
            let width = 64 - self.leading - self.trailing;
            let difference = self.bits.bits(width)? << self.trailing;
            self.next.value = f64::from_bits(self.next.value.to_bits() ^ difference);
        }
        Some(())
    }
}

impl Iterator for Gorilla<'_> {
    type Item = Sample;

    #[inline]
    fn next(&mut self) -> Option<Sample> {
        if self.left == 0 {
            return None;
        }
        let sample = self.next;
        self.left -= 1;
        if self.left > 0 && self.advance().is_none() {
            // A torn stream ends early; its block's checksum has already said so.
            self.left = 0;
        }
        Some(sample)
    }
}
