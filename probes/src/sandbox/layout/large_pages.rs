//! Memory in large pages, as far as the kernel has any.
#![allow(unsafe_code, reason = "mappings and advice about memory have no safe interface")]

use std::io;

pub(super) const LARGE_PAGE: usize = 2 << 20;

/// Whether whoever writes to such addresses is given a large page at once.
pub(super) fn are_given() -> bool {
    std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").is_ok_and(|modes| !modes.contains("[never]"))
}

/// Addresses for whole large pages, where there is nothing yet. They are the caller's.
pub(super) fn map(bytes: usize) -> io::Result<usize> {
    let (access, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
    // SAFETY: a new mapping at a place of the kernel's choice touches nothing that there is.
    let mapped = unsafe { libc::mmap(std::ptr::null_mut(), bytes + LARGE_PAGE, access, flags, -1, 0) };
    if mapped == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let mapped = mapped as usize;
    let start = mapped.next_multiple_of(LARGE_PAGE);
    // SAFETY: what is given back is around what is kept. The advice changes no content.
    unsafe {
        unmap(mapped, start - mapped);
        unmap(start + bytes, mapped + LARGE_PAGE - start);
        libc::madvise(start as *mut libc::c_void, bytes, libc::MADV_HUGEPAGE);
    }
    Ok(start)
}

/// Gives addresses back.
///
/// # Safety
///
/// They are the caller's, and nobody uses them.
pub(super) unsafe fn unmap(start: usize, bytes: usize) {
    if bytes > 0 {
        // SAFETY: as above.
        unsafe { libc::munmap(start as *mut libc::c_void, bytes) };
    }
}

/// Moves what is there, or is given at the first write, into large pages.
pub(super) fn join(start: usize, bytes: usize) -> io::Result<()> {
    const MADV_COLLAPSE: libc::c_int = 25;
    // SAFETY: the advice changes no content.
    check(unsafe { libc::madvise(start as *mut libc::c_void, bytes, MADV_COLLAPSE) } == 0)
}

/// Puts the pages at `from`, with their content, in the place of those at `to`; nothing is left at `from`.
///
/// # Safety
///
/// Both are mapped, and `from` is the caller's. Whoever uses what is at `to` can do with what is at `from`.
pub(super) unsafe fn move_to(from: usize, to: usize, bytes: usize) -> io::Result<()> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: the kernel moves the pages in one step.
    let moved = unsafe { libc::mremap(from as *mut libc::c_void, bytes, bytes, flags, to as *mut libc::c_void) };
    check(moved != libc::MAP_FAILED)
}

fn check(done: bool) -> io::Result<()> {
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}
