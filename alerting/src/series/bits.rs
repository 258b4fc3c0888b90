//! A bit stream, most significant bit first.

/// Writes bits into bytes.
#[derive(Debug, Clone, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are used; 8 and 0 both mean that the next bit opens a byte.
    used: u8,
}

impl BitWriter {
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), used: 0 }
    }

    #[inline]
    pub fn bit(&mut self, bit: bool) {
        self.bits(u64::from(bit), 1);
    }

    /// Appends the lowest `count` bits, 0 to 64 of them.
    #[inline]
    pub fn bits(&mut self, value: u64, count: u8) {
        let mut left = count;
        while left > 0 {
            if self.used == 0 || self.used == 8 {
                self.bytes.push(0);
                self.used = 0;
            }
            let room = 8 - self.used;
            let taken = room.min(left);
            let part = (value >> (left - taken)) & ((1u64 << taken) - 1);
            let last = self.bytes.len() - 1;
            self.bytes[last] |= (part as u8) << (room - taken);
            self.used += taken;
            left -= taken;
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn len_bits(&self) -> usize {
        if self.used == 0 { self.bytes.len() * 8 } else { (self.bytes.len() - 1) * 8 + usize::from(self.used) }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads what a [`BitWriter`] wrote. Past the end it reads `None`.
#[derive(Debug, Clone)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    next: usize,
    /// Bits read from `bytes` and not handed out, in the lowest `held_bits` bits.
    held: u64,
    held_bits: u8,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, next: 0, held: 0, held_bits: 0 }
    }

    #[inline]
    pub fn bit(&mut self) -> Option<bool> {
        self.bits(1).map(|bit| bit == 1)
    }

    #[inline]
    pub fn bits(&mut self, count: u8) -> Option<u64> {
        if count > 32 {
            let high = self.bits(count - 32)?;
            return Some(high << 32 | self.bits(32)?);
        }
        while self.held_bits < count {
            let byte = *self.bytes.get(self.next)?;
            self.next += 1;
            self.held = self.held << 8 | u64::from(byte);
            self.held_bits += 8;
        }
        self.held_bits -= count;
        Some((self.held >> self.held_bits) & ((1u64 << count) - 1))
    }
}
