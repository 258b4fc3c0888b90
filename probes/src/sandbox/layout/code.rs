//! The program's code in large pages of a zygote's own, laid out for being forked.
//!
//! A fork inherits no mapping of a file's pages: each run would fault in all the code that it executes anew, some sixty
//! times, and unmap it when it ends. Of anonymous memory a fork copies the tables, and those of large pages are one entry
//! for every 2 MiB. The same goes for the tables of addresses that the loader wrote (`.data.rel.ro`): they are anonymous
//! already, in small pages.
#![allow(unsafe_code, reason = "mappings have no safe interface")]

use std::io;

const LARGE_PAGE: usize = 2 << 20;

/// One line of `/proc/self/maps`.
#[derive(Clone, Copy)]
struct Mapping<'a> {
    start: usize,
    end: usize,
    access: &'a str,
    path: &'a str,
}

impl<'a> Mapping<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        let access = fields.next()?;
        Some(Self { start: number(start)?, end: number(end)?, access, path: fields.nth(3).unwrap_or_default() })
    }
}

/// Moves this program's code and its tables of addresses into large pages. Nothing changes where the kernel has none. For
/// a process with one thread that may still make code executable.
pub(super) fn join_code() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    let maps: Vec<_> = maps.lines().filter_map(Mapping::of).collect();
    let here = join_code as *const () as usize;
    let Some(program) = maps.iter().find(|mapping| (mapping.start..mapping.end).contains(&here)) else { return };
    for (index, mapping) in maps.iter().enumerate().filter(|(_, mapping)| mapping.path == program.path) {
        let access = match mapping.access {
            "r-xp" => libc::PROT_READ | libc::PROT_EXEC,
            "r--p" => libc::PROT_READ,
            _ => continue,
        };
        let before = index.checked_sub(1).map_or(0, |before| maps[before].end);
        let after = maps.get(index + 1).map_or(usize::MAX, |after| after.start);
        let Some((start, end)) = large_pages(mapping, before, after) else { continue };
        // Where it does not succeed, runs are a little slower.
        let _: io::Result<()> = replace(mapping, start, end - start, access);
    }
}

/// From and up to which large page a mapping goes: with the gaps around it where nothing else lies in them.
fn large_pages(mapping: &Mapping<'_>, before: usize, after: usize) -> Option<(usize, usize)> {
    let (outer, inner) = (mapping.start / LARGE_PAGE * LARGE_PAGE, mapping.start.next_multiple_of(LARGE_PAGE));
    let start = if outer >= before { outer } else { inner };
    let (outer, inner) = (mapping.end.next_multiple_of(LARGE_PAGE), mapping.end / LARGE_PAGE * LARGE_PAGE);
    let end = if outer <= after { outer } else { inner };
    (start < end).then_some((start, end))
}

/// Puts a copy of what is mapped between `start` and `start + bytes` in its place.
fn replace(mapping: &Mapping<'_>, start: usize, bytes: usize, access: libc::c_int) -> io::Result<()> {
    const MADV_COLLAPSE: libc::c_int = 25;
    let (private, none) = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, std::ptr::null_mut());
    let mapped_bytes = bytes + LARGE_PAGE;
    // SAFETY: a new mapping at a place of the kernel's choice touches nothing that there is.
    let mapped = unsafe { libc::mmap(none, mapped_bytes, libc::PROT_READ | libc::PROT_WRITE, private, -1, 0) };
    if mapped == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let copy = (mapped as usize).next_multiple_of(LARGE_PAGE);
    let (from, to) = (mapping.start.max(start), mapping.end.min(start + bytes));
    let replaced = || {
        // SAFETY: `copy` has room for `bytes` in the new mapping; what is read is mapped, and nobody writes to it.
        unsafe {
            libc::madvise(copy as *mut libc::c_void, bytes, libc::MADV_HUGEPAGE);
            std::ptr::copy_nonoverlapping(from as *const u8, (copy + (from - start)) as *mut u8, to - from);
        }
        // SAFETY: the advice changes no content. It fails where there is no large page; small ones of our own would be
        // dearer than the file's.
        check(unsafe { libc::madvise(copy as *mut libc::c_void, bytes, MADV_COLLAPSE) } == 0)?;
        // SAFETY: never writable and executable at once.
        check(unsafe { libc::mprotect(copy as *mut libc::c_void, bytes, access) } == 0)?;
        // SAFETY: nothing but `mapping` lies where the copy goes. The kernel moves the pages in one step, and there is
        // no other thread; whoever returns from the call finds the same instructions.
        let moved = unsafe {
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            libc::mremap(copy as *mut libc::c_void, bytes, bytes, flags, start as *mut libc::c_void)
        };
        check(moved != libc::MAP_FAILED)
    };
    let outcome = replaced();
    // SAFETY: what is left of the mapping is nobody's. Where the copy was moved away there is a hole, which munmap skips.
    unsafe { libc::munmap(mapped, mapped_bytes) };
    outcome
}

fn check(done: bool) -> io::Result<()> {
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}
