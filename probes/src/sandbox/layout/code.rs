//! The program's code in large pages of a zygote's own, laid out for being forked.
//!
//! A fork inherits no mapping of a file's pages: each run would fault in all the code that it executes and the constants
//! that it reads anew, some eighty times, and unmap it when it ends. Of anonymous memory a fork copies the tables, and
//! those of large pages are one entry for every 2 MiB. The same goes for the tables of addresses that the loader wrote
//! (`.data.rel.ro`): they are anonymous already, in small pages. Most of the program is the daemon's, and stays where it is.
#![allow(unsafe_code, reason = "mappings have no safe interface")]

use super::large_pages::{self, LARGE_PAGE};
use super::mappings::{Mapping, mappings};
use super::pages;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ptr;

/// How many pages of a large one a run has to have mapped, for it to be worth its memory. The kernel maps sixteen at once.
const USED_PAGES_MIN: usize = 20;

/// The large pages of this program's code and constants that this process, a fork, has used: by their addresses.
pub(super) fn used() -> io::Result<Vec<usize>> {
    const PRESENT: u64 = 1 << 63;
    let mut used = BTreeMap::new();
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    for mapping in own(&mappings(&maps)).filter_map(|(_, mapping)| access(mapping).map(|_| mapping)) {
        for (page, entry) in pages::entries(mapping.start, mapping.end)? {
            if entry & PRESENT != 0 {
                *used.entry(page / LARGE_PAGE * LARGE_PAGE).or_insert(0) += 1;
            }
        }
    }
    Ok(used.into_iter().filter(|(_, pages)| *pages >= USED_PAGES_MIN).map(|(page, _)| page).collect())
}

/// Moves this much of the program's code and constants into large pages. Nothing changes where the kernel has none. For a
/// process with one thread that may still make code executable.
pub(super) fn join(used: &BTreeSet<usize>) {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    let maps = mappings(&maps);
    for (index, mapping) in own(&maps) {
        let Some(access) = access(mapping) else { continue };
        let before = index.checked_sub(1).map_or(0, |before| maps[before].end);
        let after = maps.get(index + 1).map_or(usize::MAX, |after| after.start);
        let Some((start, end)) = whole_large_pages(mapping, before, after) else { continue };
        for (start, end) in side_by_side(used.range(start..end).copied()) {
            // Where it does not succeed, runs are a little slower.
            let _: io::Result<()> = replace(mapping, start, end - start, access);
        }
    }
}

/// The program's own mappings, with their places among all.
fn own<'a, 'b>(maps: &'b [Mapping<'a>]) -> impl Iterator<Item = (usize, &'b Mapping<'a>)> {
    let here = join as *const () as usize;
    let program = maps.iter().find(|mapping| (mapping.start..mapping.end).contains(&here));
    maps.iter().enumerate().filter(move |(_, mapping)| program.is_some_and(|program| program.path == mapping.path))
}

/// Of what nobody writes to.
fn access(mapping: &Mapping<'_>) -> Option<libc::c_int> {
    match mapping.access {
        "r-xp" => Some(libc::PROT_READ | libc::PROT_EXEC),
        "r--p" => Some(libc::PROT_READ),
        _ => None,
    }
}

/// From and up to where large pages lie side by side. One in a gap between two is taken with them: each piece is a mapping
/// that a fork has to copy.
fn side_by_side(pages: impl IntoIterator<Item = usize>) -> Vec<(usize, usize)> {
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for page in pages {
        match pieces.last_mut() {
            Some((_, end)) if page <= *end + LARGE_PAGE => *end = page + LARGE_PAGE,
            _ => pieces.push((page, page + LARGE_PAGE)),
        }
    }
    pieces
}

/// From and up to which large page a mapping goes: with the gaps around it where nothing else lies in them.
fn whole_large_pages(mapping: &Mapping<'_>, before: usize, after: usize) -> Option<(usize, usize)> {
    let (outer, inner) = (mapping.start / LARGE_PAGE * LARGE_PAGE, mapping.start.next_multiple_of(LARGE_PAGE));
    let start = if outer >= before { outer } else { inner };
    let (outer, inner) = (mapping.end.next_multiple_of(LARGE_PAGE), mapping.end / LARGE_PAGE * LARGE_PAGE);
    let end = if outer <= after { outer } else { inner };
    (start < end).then_some((start, end))
}

/// Puts a copy of what is mapped between `start` and `start + bytes` in its place.
fn replace(mapping: &Mapping<'_>, start: usize, bytes: usize, access: libc::c_int) -> io::Result<()> {
    let copy = large_pages::map(bytes)?;
    let (from, to) = (mapping.start.max(start), mapping.end.min(start + bytes));
    let replaced = || {
        // SAFETY: `copy` has room for `bytes`; what is read is mapped, and nobody writes to it.
        unsafe { ptr::copy_nonoverlapping(from as *const u8, (copy + (from - start)) as *mut u8, to - from) };
        // Small pages of our own would be dearer than the file's.
        large_pages::join(copy, bytes)?;
        // SAFETY: never writable and executable at once.
        if unsafe { libc::mprotect(copy as *mut libc::c_void, bytes, access) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: nothing but `mapping` lies where the copy goes. There is no other thread, and whoever returns from the
        // call finds the same instructions.
        unsafe { large_pages::move_to(copy, start, bytes) }
    };
    let outcome = replaced();
    if outcome.is_err() {
        // SAFETY: it was not moved.
        unsafe { large_pages::unmap(copy, bytes) };
    }
    outcome
}
