//! The blocks that an engine asks the allocator for while it warms up, each by its number.
//!
//! Two processes that warm an engine up ask for the same blocks in the same order. So what one of them has learnt about
//! a block, another can use before it gives that block out. QuickJS takes its memory from `malloc` and can be given no
//! other allocator through deno_core: the C library's functions are wrapped here, for the whole program. Outside of the two
//! stages below, a wrapper is a load and a branch.
#![allow(unsafe_code, reason = "these are the allocator's functions")]

use super::large_pages::{self, LARGE_PAGE};
use super::pages::PAGE;
use libc::c_void;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed};

/// A block, by how many of its class were asked for before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::sandbox) struct Asked {
    pub bytes: usize,
    pub number: u32,
}

/// Where a block is to be. Nothing else may use that memory, which came from `malloc`.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Place {
    pub asked: Asked,
    pub address: usize,
}

/// What the allocator did.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) enum Note {
    GaveOut { asked: Asked, address: usize },
    Freed { address: usize },
}

const OFF: u8 = 0;
const NOTING: u8 = 1;
const PLACING: u8 = 2;
static STAGE: AtomicU8 = AtomicU8::new(OFF);

/// Small blocks are counted by their size, and larger ones with those whose sizes have the same remainder: where one
/// process asks for a block that the other one does not, few are mistaken for others.
const SMALL_MAX: usize = 4_096;
const REMAINDERS: usize = 509;
const CLASSES: usize = SMALL_MAX + 1 + REMAINDERS;

fn class(bytes: usize) -> usize {
    if bytes <= SMALL_MAX { bytes } else { SMALL_MAX + 1 + bytes % REMAINDERS }
}

/// How many blocks of each class were asked for in this stage.
static ASKED: [AtomicU32; CLASSES] = [const { AtomicU32::new(0) }; CLASSES];

/// The sizes of what QuickJS keeps small values in (`arena_new` in quickjs.c).
const ARENA_BYTES: RangeInclusive<usize> = 3_500..=4_096;

/// Many times what an engine asks for. What comes after them is not noted.
const NOTES_MAX: usize = 1 << 21;
static NOTES: AtomicPtr<Note> = AtomicPtr::new(ptr::null_mut());
static NOTED: AtomicUsize = AtomicUsize::new(0);

static PLACES: AtomicPtr<Place> = AtomicPtr::new(ptr::null_mut());
static PLACES_LEN: AtomicUsize = AtomicUsize::new(0);
/// Where in them the next block of each class is.
static NEXT: [AtomicU32; CLASSES] = [const { AtomicU32::new(0) }; CLASSES];
static USED: AtomicUsize = AtomicUsize::new(0);

/// How many arenas were asked for in this stage.
pub(super) fn arenas_asked() -> u32 {
    ASKED[ARENA_BYTES].iter().map(|asked| asked.load(Relaxed)).sum()
}

/// A block that is not counted.
pub(super) fn uncounted(bytes: usize) -> *mut c_void {
    // SAFETY: it may be asked for any number of bytes.
    unsafe { __libc_malloc(bytes) }
}

/// Notes every block that `work` asks for or frees. For a process with one thread.
pub(super) fn note<T>(work: impl FnOnce() -> T) -> (T, Vec<Note>) {
    let bytes = (NOTES_MAX * size_of::<Note>()).next_multiple_of(LARGE_PAGE);
    // In memory of the allocator's, notes would change what they are about.
    let Ok(notes) = large_pages::map(bytes) else { return (work(), Vec::new()) };
    let notes = notes as *mut Note;
    NOTES.store(notes, Relaxed);
    NOTED.store(0, Relaxed);
    let done = in_stage(NOTING, work);
    let noted = NOTED.load(Relaxed).min(NOTES_MAX);
    // SAFETY: the first `noted` were written, and nobody writes any more.
    let kept = unsafe { std::slice::from_raw_parts(notes, noted) }.to_vec();
    // SAFETY: what was in it has been copied.
    unsafe { large_pages::unmap(notes as usize, bytes) };
    (done, kept)
}

/// Puts the blocks that `work` asks for at their places. Returns how many of these were used. For a process with one thread.
pub(super) fn place<T>(places: &mut [Place], work: impl FnOnce() -> T) -> (T, usize) {
    places.sort_unstable_by_key(|place| (class(place.asked.bytes), place.asked.number));
    NEXT.iter().for_each(|next| next.store(places.len() as u32, Relaxed));
    for (index, place) in places.iter().enumerate().rev() {
        NEXT[class(place.asked.bytes)].store(index as u32, Relaxed);
    }
    PLACES.store(places.as_mut_ptr(), Relaxed);
    PLACES_LEN.store(places.len(), Relaxed);
    USED.store(0, Relaxed);
    let done = in_stage(PLACING, work);
    (done, USED.load(Relaxed))
}

fn in_stage<T>(stage: u8, work: impl FnOnce() -> T) -> T {
    ASKED.iter().for_each(|asked| asked.store(0, Relaxed));
    STAGE.store(stage, Relaxed);
    let done = work();
    STAGE.store(OFF, Relaxed);
    done
}

fn write_down(note: Note) {
    let index = NOTED.fetch_add(1, Relaxed);
    if index < NOTES_MAX {
        // SAFETY: there is room for `NOTES_MAX` of them, and no other call has this index.
        unsafe { NOTES.load(Relaxed).add(index).write(note) };
    }
}

/// A block of so many bytes: at its place, or as `allocate` gives one.
fn give_out(bytes: usize, at_place: impl FnOnce(*mut c_void), allocate: impl FnOnce() -> *mut c_void) -> *mut c_void {
    let asked = Asked { bytes, number: ASKED[class(bytes)].fetch_add(1, Relaxed) };
    if STAGE.load(Relaxed) == PLACING {
        if let Some(place) = take_place(asked) {
            at_place(place);
            return place;
        }
        return allocate();
    }
    let block = allocate();
    write_down(Note::GaveOut { asked, address: block as usize });
    block
}

fn take_place(asked: Asked) -> Option<*mut c_void> {
    // SAFETY: `place` keeps the slice alive for this stage, which changes nothing in it.
    let places = unsafe { std::slice::from_raw_parts(PLACES.load(Relaxed), PLACES_LEN.load(Relaxed)) };
    let class = class(asked.bytes);
    let next = NEXT[class].load(Relaxed) as usize;
    let is_passed = |place: &&Place| self::class(place.asked.bytes) == class && place.asked.number < asked.number;
    let next = next + places[next..].iter().take_while(is_passed).count();
    let place = places.get(next).filter(|place| place.asked == asked);
    NEXT[class].store((next + usize::from(place.is_some())) as u32, Relaxed);
    place.map(|place| {
        USED.fetch_add(1, Relaxed);
        place.address as *mut c_void
    })
}

unsafe extern "C" {
    fn __libc_malloc(bytes: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, bytes: usize) -> *mut c_void;
    fn __libc_realloc(block: *mut c_void, bytes: usize) -> *mut c_void;
    fn __libc_memalign(alignment: usize, bytes: usize) -> *mut c_void;
    fn __libc_free(block: *mut c_void);
}

#[unsafe(no_mangle)]
extern "C" fn malloc(bytes: usize) -> *mut c_void {
    let stage = STAGE.load(Relaxed);
    if stage == OFF {
        // SAFETY: what the caller may ask of malloc, it may ask of this one.
        return unsafe { __libc_malloc(bytes) };
    }
    give_out(
        bytes,
        |_| {},
        || {
            // SAFETY: as above. What is written to is known by the page: while notes are taken, arenas have pages of their own.
            unsafe {
                if stage == NOTING && ARENA_BYTES.contains(&bytes) {
                    __libc_memalign(PAGE, bytes)
                } else {
                    __libc_malloc(bytes)
                }
            }
        },
    )
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, bytes: usize) -> *mut c_void {
    // SAFETY: what the caller may ask of calloc, it may ask of this one.
    let allocate = || unsafe { __libc_calloc(count, bytes) };
    if STAGE.load(Relaxed) == OFF {
        return allocate();
    }
    // What overflows has no place, and is refused.
    let all = count.saturating_mul(bytes);
    // SAFETY: the place is as large as what is asked for, and nobody's.
    give_out(all, |place| unsafe { ptr::write_bytes(place.cast::<u8>(), 0, all) }, allocate)
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, bytes: usize) -> *mut c_void {
    let stage = STAGE.load(Relaxed);
    // SAFETY: what the caller may ask of realloc, it may ask of this one.
    let reallocate = || unsafe { __libc_realloc(block, bytes) };
    if stage == OFF {
        return reallocate();
    }
    let move_there = |place: *mut c_void| {
        if !block.is_null() {
            // SAFETY: both are blocks of the allocator's, of at least as many bytes as are copied; the old one is the
            // caller's to give up.
            unsafe {
                let kept = libc::malloc_usable_size(block).min(bytes);
                ptr::copy_nonoverlapping(block.cast::<u8>(), place.cast::<u8>(), kept);
                __libc_free(block);
            }
        }
    };
    give_out(bytes, move_there, || {
        let moved = reallocate();
        if stage == NOTING && !moved.is_null() {
            write_down(Note::Freed { address: block as usize });
        }
        moved
    })
}

/// # Safety
///
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    if STAGE.load(Relaxed) == NOTING {
        write_down(Note::Freed { address: block as usize });
    }
    // SAFETY: what the caller may ask of free, it may ask of this one. Places are blocks like all others.
    unsafe { __libc_free(block) };
}
