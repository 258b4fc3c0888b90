//! The blocks that runs write to, side by side in one large page, which each run has a copy of.
//!
//! A run writes to a tenth of the pages of an engine's heap, which lie all over it: a counter of references in one, a
//! property in another. As forks share pages, each of them would be copied at its first write by the kernel, which takes
//! ten times what the copying itself does, out of large pages that have to be taken apart for it. Where they are in one
//! large page instead, a run makes itself a new one, copies what is in use and has it take the place of the other: one
//! fault and one call. What a run allocates then fills the rest of it.
#![allow(unsafe_code, reason = "mappings and the allocator's blocks have no safe interface")]

use super::blocks::{Asked, Note, Place};
use super::heap;
use super::large_pages::{self, LARGE_PAGE};
use super::pages::Written;
use libc::c_void;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ptr;

/// What is left of the large page is for what runs allocate.
const HOT_BYTES_MAX: usize = LARGE_PAGE / 4 * 3;

/// Of a larger block, runs write to little.
const BLOCK_BYTES_MAX: usize = 32 << 10;

/// What the allocator puts before a block.
const BLOCK_OWN: usize = 16;

/// Between the room for runs and the next large page, so that what the allocator notes there when the room is freed is
/// in this one.
const GUARD_BYTES: usize = 128;

/// Blocks that are in use at the end of `notes` and lie in pages that runs write to; as many as there is place for, those
/// of what was written first before those of the next.
pub(super) fn hot_blocks<'a>(notes: &[Note], written: impl IntoIterator<Item = &'a Written>) -> Vec<Asked> {
    let mut hot = BTreeSet::new();
    let mut bytes = 0;
    for written in written {
        let mut in_use = BTreeMap::new();
        for note in notes {
            match note {
                Note::GaveOut { asked, address } if written.touches(*address, asked.bytes) => {
                    in_use.insert(*address, *asked);
                }
                Note::GaveOut { address, .. } | Note::Freed { address } => {
                    in_use.remove(address);
                }
            }
        }
        for asked in in_use.into_values() {
            let own_bytes = if asked.bytes > BLOCK_BYTES_MAX { 0 } else { asked.bytes + BLOCK_OWN };
            if bytes + own_bytes <= HOT_BYTES_MAX && hot.insert(asked) {
                bytes += own_bytes;
            }
        }
    }
    hot.into_iter().collect()
}

/// A large page of the heap.
pub(in crate::sandbox) struct Region {
    start: usize,
    /// What is in use, from the start.
    used_bytes: usize,
    /// The rest of it, as one block. A run frees its own.
    room: *mut c_void,
    /// Addresses for a large page, where there is nothing yet.
    scratch: usize,
}

impl Region {
    /// Takes the next large page of the heap for blocks like these, and small pages before it for those that are too large.
    /// The heap has no holes, or a block would be elsewhere. `None` where there is nothing to gain.
    pub fn with_places(blocks: &[Asked]) -> Option<(Self, Vec<Place>)> {
        if blocks.is_empty() || !large_pages::are_given() {
            return None;
        }
        let mut places = Vec::with_capacity(blocks.len());
        let (large, small): (Vec<_>, Vec<_>) = blocks.iter().partition(|asked| asked.bytes > BLOCK_BYTES_MAX);
        let from = heap::heap_top();
        for asked in large {
            places.push(place_after(from, asked)?);
        }
        let start = heap::end_in_large_page();
        for asked in small {
            places.push(place_after(start, asked)?);
        }
        let used_bytes = heap::heap_top().checked_sub(start)?.next_multiple_of(16) + BLOCK_OWN;
        let room_bytes = (LARGE_PAGE - GUARD_BYTES).checked_sub(used_bytes)?;
        // SAFETY: the block is kept, and freed once in each fork.
        let room = unsafe { libc::malloc(room_bytes) };
        let end = heap::end_in_large_page();
        let is_inside = |address: usize| (start..start + LARGE_PAGE).contains(&address);
        let is_whole = end == start + LARGE_PAGE
            && is_inside(room as usize)
            && places.iter().all(|place| {
                place.asked.bytes > BLOCK_BYTES_MAX || is_inside(place.address) && place.address < room as usize
            });
        let scratch = if is_whole { large_pages::map(LARGE_PAGE).ok() } else { None }?;
        Some((Self { start, used_bytes, room, scratch }, places))
    }

    pub fn start(&self) -> usize {
        self.start
    }

    pub fn contains(&self, address: usize) -> bool {
        (self.start..self.start + LARGE_PAGE).contains(&address)
    }

    /// Gives this process, a fork, a region of its own. Where that does not succeed, it has its parent's, page by page.
    pub fn take_own(&self) {
        let (from, to) = (self.start as *const u8, self.scratch as *mut u8);
        let guard = LARGE_PAGE - GUARD_BYTES - BLOCK_OWN;
        // SAFETY: both are large pages of this process's. Nothing writes to the old one until the new one is in its place:
        // no other thread exists, and none of these calls allocates. At last, the room is this process's to free.
        unsafe {
            ptr::copy_nonoverlapping(from, to, self.used_bytes);
            ptr::copy_nonoverlapping(from.add(guard), to.add(guard), LARGE_PAGE - guard);
            let _: io::Result<()> = large_pages::move_to(self.scratch, self.start, LARGE_PAGE);
            libc::free(self.room);
        }
    }
}

/// A block whose address is not before `start`.
fn place_after(start: usize, asked: &Asked) -> Option<Place> {
    // The allocator keeps some small blocks apart, for whoever asks next.
    const KEPT_MAX: usize = 64;
    // SAFETY: whoever is given the place owns the block.
    std::iter::repeat_with(|| unsafe { libc::malloc(asked.bytes) } as usize)
        .take(KEPT_MAX)
        .find(|address| *address >= start)
        .map(|address| Place { asked: *asked, address })
}
