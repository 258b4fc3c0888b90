//! How labels and frames look in files: little-endian numbers, lengths before texts, a checksum around each frame.

use super::Labels;

/// Length and checksum in front of each frame.
pub const FRAME_HEAD_BYTES: usize = 8;
/// A longer frame is taken for damage.
pub const FRAME_BYTES_MAX: usize = 64 << 20;

/// Appends a frame: length, CRC-32 of the payload, payload.
pub fn put_frame(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    out.extend_from_slice(payload);
}

/// The first frame's payload and what follows it. `None`: torn or damaged.
pub fn take_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(FRAME_HEAD_BYTES)?;
    let length = u32::from_le_bytes(head[..4].try_into().ok()?) as usize;
    let checksum = u32::from_le_bytes(head[4..].try_into().ok()?);
    if length > FRAME_BYTES_MAX {
        return None;
    }
    let (payload, rest) = rest.split_at_checked(length)?;
    (crc32fast::hash(payload) == checksum).then_some((payload, rest))
}

pub fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

pub fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    out.extend_from_slice(&(labels.len() as u16).to_le_bytes());
    for (name, value) in labels.iter() {
        put_text(out, name);
        put_text(out, value);
    }
}

/// Reads a payload field by field; `None` past its end.
#[derive(Debug, Clone)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (own, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(own)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub fn i64(&mut self) -> Option<i64> {
        self.take(8)?.try_into().ok().map(i64::from_le_bytes)
    }

    pub fn f64(&mut self) -> Option<f64> {
        self.take(8)?.try_into().ok().map(|bytes| f64::from_bits(u64::from_le_bytes(bytes)))
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.u16()?;
        std::str::from_utf8(self.take(usize::from(length))?).ok()
    }

    pub fn labels(&mut self) -> Option<Labels> {
        let count = self.u16()?;
        let pairs = (0..count).map(|_| Some((self.text()?, self.text()?))).collect::<Option<Vec<_>>>()?;
        Labels::new(pairs).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
