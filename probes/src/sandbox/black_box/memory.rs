//! Memory that a run and its zygote share, and nobody else.
#![allow(unsafe_code, reason = "memory that another process writes to has no safe interface")]

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Pages that a fork shares with its parent. None of them exists before it is written to.
pub(super) struct SharedMemory {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: it is plain memory at a fixed address. Its words are only touched as atomics; everything else is written by the
// one thread of a run before the word that tells of it, and read when no process is left that could write.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

impl SharedMemory {
    pub fn map(bytes: usize) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("memory at address zero"))?;
        Ok(Self { start, bytes })
    }

    /// Keeps it out of every fork that is made from here on.
    pub fn keep_from_forks(&self) -> io::Result<()> {
        // SAFETY: the advice changes no content, and the range is this mapping.
        let advised = unsafe { libc::madvise(self.start.as_ptr().cast(), self.bytes, libc::MADV_DONTFORK) };
        if advised == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    pub fn load(&self, offset: usize) -> u32 {
        self.word(offset).load(Ordering::Acquire)
    }

    /// Everything that was written before is there when this is.
    pub fn store(&self, offset: usize, value: u32) {
        self.word(offset).store(value, Ordering::Release);
    }

    pub fn write(&self, offset: usize, content: &[u8]) {
        assert!(offset <= self.bytes && content.len() <= self.bytes - offset, "a write stays inside of the mapping");
        // SAFETY: the range is inside of the mapping, which no reference of Rust's points into.
        unsafe { std::ptr::copy_nonoverlapping(content.as_ptr(), self.start.as_ptr().add(offset), content.len()) };
    }

    pub fn read(&self, offset: usize, content: &mut [u8]) {
        let bytes = content.len();
        assert!(offset <= self.bytes && bytes <= self.bytes - offset, "a read stays inside of the mapping");
        // SAFETY: as in `write`; `content` has room for what is copied.
        unsafe { std::ptr::copy_nonoverlapping(self.start.as_ptr().add(offset), content.as_mut_ptr(), bytes) };
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        assert!(offset.is_multiple_of(4) && offset + 4 <= self.bytes, "a word is aligned and inside of the mapping");
        // SAFETY: aligned, inside of a mapping that lives as long as `self`, and nobody touches it but as an atomic.
        unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(offset).cast()) }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own; nothing that was borrowed from it outlives it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}
