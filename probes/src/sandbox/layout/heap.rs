//! The zygote's heap, laid out for being forked: a run pays for each page that it writes to, whoever wrote to it first.
#![allow(unsafe_code, reason = "the allocator's settings and state have no safe interface")]

use super::blocks;
use super::large_pages::{self, LARGE_PAGE};

/// By how much the heap grows at once.
const TOP_PAD: libc::c_int = 1 << 20;

/// One arena for the allocator: a second one, made for a child's first thread, takes 64 MiB of address space. Memory
/// that is freed stays with the process: a run is too short to give any back.
///
/// Returns where the heap starts, from here on at a large page.
pub(super) fn prepare_allocator() -> usize {
    // SAFETY: sbrk takes a distance; the allocator finds that its heap goes on a little later, which it can cope with.
    let start = unsafe {
        let end = libc::sbrk(0) as usize;
        libc::sbrk((end.next_multiple_of(LARGE_PAGE) - end) as isize);
        libc::sbrk(0) as usize
    };
    for (setting, value) in [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, 4 << 20),
        (libc::M_TRIM_THRESHOLD, 1 << 30),
        (libc::M_TOP_PAD, TOP_PAD),
    ] {
        // SAFETY: mallopt changes the allocator's settings, and no other thread exists that could be allocating.
        let _ = unsafe { libc::mallopt(setting, value) };
    }
    start
}

/// Fills the holes between this process's allocations, for good.
///
/// What a run allocates would otherwise go into holes all over the heap, and each page of the parent's that it writes
/// to has to be copied. With no holes left its allocations lie side by side on fresh pages.
pub(super) fn fill_holes() {
    const LARGEST: usize = 1 << 20;
    const SMALL_MAX: usize = 1040;
    let mut size = LARGEST;
    while size >= 16 {
        loop {
            let top = heap_top();
            let hole = blocks::uncounted(size);
            if hole.is_null() {
                break;
            }
            if hole as usize >= top {
                // A small one would be kept apart, for whoever asks for as much next.
                if size > SMALL_MAX {
                    // SAFETY: `hole` came from malloc just now.
                    unsafe { libc::free(hole) };
                }
                break;
            }
        }
        // Small sizes have a free list each; larger ones share lists.
        size = if size > SMALL_MAX { (size * 15 / 16) & !15 } else { size - 16 };
    }
    // SAFETY: malloc_trim gives back whole free pages; here those at the heap's end, which would be copied otherwise.
    unsafe { libc::malloc_trim(0) };
}

/// Where the allocator's free space at the heap's end starts.
pub(super) fn heap_top() -> usize {
    // SAFETY: mallinfo2 reads the allocator's own state; sbrk(0) moves nothing and tells the heap's end.
    unsafe { (libc::sbrk(0) as usize).saturating_sub(libc::mallinfo2().keepcost) }
}

/// Makes the heap of large pages, as far as the kernel has any: a fork copies one entry of its tables for each, and five
/// hundred for the same memory in small pages. What is allocated from now on goes to small pages behind them: a large one
/// would be taken apart at the zygote's first write to it, and every later fork would copy its five hundred.
pub(super) fn join(start: usize) {
    let end = end_in_large_page();
    for page in (start.next_multiple_of(LARGE_PAGE)..end).step_by(LARGE_PAGE) {
        // Where there is no large page, small ones stay.
        let _: std::io::Result<()> = large_pages::join(page, LARGE_PAGE);
    }
}

/// Allocates for good what is left of the heap's last large page. Returns where that ends, and the free space starts.
pub(super) fn end_in_large_page() -> usize {
    // The smallest block, and what the allocator takes for itself of one. It keeps as much free as the smallest takes.
    const SMALLEST: usize = 24;
    const OWN: usize = 8;
    let top = heap_top();
    let end = (top + 2 * (SMALLEST + OWN)).next_multiple_of(LARGE_PAGE);
    // SAFETY: the blocks are nobody's, and never freed.
    unsafe {
        libc::mallopt(libc::M_TOP_PAD, 0);
        std::hint::black_box(libc::malloc(end - top - (SMALLEST + OWN) - OWN));
        std::hint::black_box(libc::malloc(SMALLEST));
        libc::mallopt(libc::M_TOP_PAD, TOP_PAD);
    }
    end
}

/// Overwrites what is about to be freed: every later fork has a copy of this memory.
pub(in crate::sandbox) fn wipe(mut bytes: Vec<u8>) {
    bytes.fill(0);
    // Or the compiler would see that nobody reads it any more.
    std::hint::black_box(&bytes);
}

/// What this process maps now, in bytes; zero where the kernel does not say.
pub(in crate::sandbox) fn address_space_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0);
    // SAFETY: sysconf reads a constant of the system.
    let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages * u64::try_from(page_bytes).unwrap_or(4096)
}
