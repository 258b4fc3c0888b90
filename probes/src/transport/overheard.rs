//! What an exchange carried, as far as a failed run will want to show it, or a recording to keep it. Kept as bytes, secrets
//! and all: it never leaves the process of the run like this.

use super::RequestBody;
use http::HeaderMap;

/// More of a body than is ever shown, so that a secret at the end of what is shown is whole and can be recognised.
const BEGINNING_BYTES_MAX: usize = 8 << 10;

#[derive(Debug, Clone, Default)]
pub struct Overheard {
    pub sent_headers: HeaderMap,
    pub sent_body: Beginning,
    /// Absent until the head has come.
    pub received_headers: Option<HeaderMap>,
    /// Decoded.
    pub received_body: Beginning,
}

/// The beginning of a body.
#[derive(Debug, Clone)]
pub struct Beginning {
    pub bytes: Vec<u8>,
    pub is_whole: bool,
    /// What is kept at most.
    pub bytes_max: usize,
}

impl Default for Beginning {
    fn default() -> Self {
        Self { bytes: Vec::new(), is_whole: false, bytes_max: BEGINNING_BYTES_MAX }
    }
}

impl Beginning {
    pub(super) fn of(body: &RequestBody, bytes_max: usize) -> Self {
        let mut beginning = Self { bytes_max, ..Self::default() };
        match body {
            RequestBody::Empty => beginning.is_whole = true,
            RequestBody::Full(bytes) => {
                beginning.is_whole = bytes.len() <= bytes_max;
                beginning.add(bytes);
            }
            // It is written while it is sent.
            RequestBody::Stream(_) => {}
        }
        beginning
    }

    pub(super) fn add(&mut self, piece: &[u8]) {
        let room = self.bytes_max.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// The body ended here; whether all of it was kept depends on its length.
    pub(super) fn end(&mut self, length_bytes: u64) {
        self.is_whole = length_bytes <= self.bytes.len() as u64;
    }

    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() < self.bytes_max
    }
}
