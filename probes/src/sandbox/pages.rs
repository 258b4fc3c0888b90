//! Which of its zygote's pages a run is going to write to, known before it starts.
//!
//! A fork shares every page with its parent until one of the two writes to it. Each first write is then a fault and a
//! copy: some three hundred for a run that does nothing. They are the same pages in every run, since every run starts
//! from the same memory. So the zygote rehearses (see `rehearsal`), asks the rehearsing process what it wrote to,
//! and its runs have the kernel copy all of that at once.
#![allow(unsafe_code, reason = "advice about memory has no safe interface")]

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

const PAGE: usize = 4096;

/// Neighbouring pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Range {
    start: usize,
    bytes: usize,
}

/// What a process wrote to that was forked a moment ago.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Written {
    /// Pages that its parent uses too.
    shared: Vec<Range>,
    /// Bytes in whole pages at the heap's end that were free.
    free_bytes: usize,
}

/// The addresses of this process's private memory, from and up to.
fn private_memory() -> io::Result<Vec<(usize, usize)>> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let mapping = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        (fields.next()? == "rw-p").then_some((number(start)?, number(end)?))
    };
    Ok(maps.lines().filter_map(mapping).collect())
}

/// What this process, a fork, has written to; `heap_top` is where the free space at the end of its parent's heap starts.
pub(super) fn written(heap_top: usize) -> io::Result<Written> {
    // Documentation/admin-guide/mm/pagemap.rst: the page is there, and mapped by this process alone.
    const OWN: u64 = (1 << 63) | (1 << 56);
    // SAFETY: sbrk(0) moves nothing and tells the heap's end.
    let heap_end = unsafe { libc::sbrk(0) as usize };
    let pagemap = File::open("/proc/self/pagemap")?;
    let mut written = Written::default();
    for (start, end) in private_memory()? {
        let mut entries = vec![0; (end - start) / PAGE * 8];
        pagemap.read_exact_at(&mut entries, (start / PAGE * 8) as u64)?;
        let own = entries.as_chunks::<8>().0.iter().map(|entry| u64::from_ne_bytes(*entry) & OWN == OWN);
        for (index, _) in own.enumerate().filter(|(_, is_own)| *is_own) {
            let page = start + index * PAGE;
            match written.shared.last_mut() {
                _ if (heap_top..heap_end).contains(&page) => written.free_bytes += PAGE,
                Some(last) if last.start + last.bytes == page => last.bytes += PAGE,
                _ => written.shared.push(Range { start: page, bytes: PAGE }),
            }
        }
    }
    Ok(written)
}

impl Written {
    /// Gives this process pages of its own wherever it is going to write to.
    pub fn copy_now(&self) {
        for range in &self.shared {
            copy(*range);
        }
        // Free space moves with what the zygote keeps: it is found anew.
        // SAFETY: the block is freed below and not used in between, but by the kernel, which fills whole pages inside it.
        unsafe {
            let block = libc::malloc(self.free_bytes);
            if block.is_null() {
                return;
            }
            let start = (block as usize).next_multiple_of(PAGE);
            copy(Range { start, bytes: (block as usize + self.free_bytes).saturating_sub(start) / PAGE * PAGE });
            libc::free(block);
        }
    }
}

fn copy(range: Range) {
    // SAFETY: the advice changes no content. Where it fails, and on kernels that do not know it, each first write to
    // a page is a fault, and all is as well.
    unsafe { libc::madvise(range.start as *mut libc::c_void, range.bytes, libc::MADV_POPULATE_WRITE) };
}
