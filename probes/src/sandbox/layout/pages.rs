//! Which of its zygote's pages a run is going to write to, known before it starts.
//!
//! A fork shares every page with its parent until one of the two writes to it. Each first write is then a fault and a
//! copy. They are the same pages in every run, since every run starts from the same memory. So the zygote rehearses (see
//! `rehearsal`) and asks the rehearsing process what it wrote to. What can be moved goes to the `region`; of the rest,
//! runs have the kernel copy all at once.
#![allow(unsafe_code, reason = "advice about memory has no safe interface")]

use super::mappings::mappings;
use super::region::Region;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

pub(super) const PAGE: usize = 4096;

/// Neighbouring pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Range {
    start: usize,
    bytes: usize,
}

/// What a process wrote to that was forked a moment ago: pages that its parent uses too.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::sandbox) struct Written {
    /// By their addresses.
    ranges: Vec<Range>,
}

/// The kernel's entry for each page of this process's from `start` up to `end`, with the page's address
/// (Documentation/admin-guide/mm/pagemap.rst).
pub(super) fn entries(start: usize, end: usize) -> io::Result<impl Iterator<Item = (usize, u64)>> {
    const ENTRY: usize = size_of::<u64>();
    let mut entries = vec![0; (end - start) / PAGE * ENTRY];
    File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, (start / PAGE * ENTRY) as u64)?;
    let pages = (start..end).step_by(PAGE);
    let entry = move |index: usize| entries.as_chunks::<ENTRY>().0.get(index).map(|entry| u64::from_ne_bytes(*entry));
    Ok(pages.enumerate().map_while(move |(index, page)| Some((page, entry(index)?))))
}

/// What this process, a fork, has written to of its parent's, but for the region that it has a copy of and the free space
/// at the heap's end.
pub(super) fn written(region: Option<&Region>, heap_top: usize) -> io::Result<Written> {
    // The page is there, and mapped by this process alone.
    const OWN: u64 = (1 << 63) | (1 << 56);
    // SAFETY: sbrk(0) moves nothing and tells the heap's end.
    let heap_end = unsafe { libc::sbrk(0) as usize };
    let is_foreseen = |page| (heap_top..heap_end).contains(&page) || region.is_some_and(|region| region.contains(page));
    let mut written = Written::default();
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    for mapping in mappings(&maps).iter().filter(|mapping| mapping.access == "rw-p") {
        let own = entries(mapping.start, mapping.end)?.filter(|(_, entry)| entry & OWN == OWN).map(|(page, _)| page);
        written.extend(own.filter(|page| !is_foreseen(*page)));
    }
    Ok(written)
}

impl Written {
    /// Adds pages, in the order of their addresses and after those that are there.
    pub(super) fn extend(&mut self, pages: impl IntoIterator<Item = usize>) {
        for page in pages {
            match self.ranges.last_mut() {
                Some(last) if last.start + last.bytes == page => last.bytes += PAGE,
                _ => self.ranges.push(Range { start: page, bytes: PAGE }),
            }
        }
    }

    /// Whether any of these bytes are in it.
    pub fn touches(&self, address: usize, bytes: usize) -> bool {
        let after = self.ranges.partition_point(|range| range.start < address + bytes);
        after.checked_sub(1).is_some_and(|last| self.ranges[last].start + self.ranges[last].bytes > address)
    }

    /// Gives this process pages of its own wherever it is going to write to.
    pub fn copy_now(&self) {
        for range in &self.ranges {
            // SAFETY: the advice changes no content. Where it fails, and on kernels that do not know it, each first write
            // to a page is a fault, and all is as well.
            unsafe { libc::madvise(range.start as *mut libc::c_void, range.bytes, libc::MADV_POPULATE_WRITE) };
        }
    }
}
