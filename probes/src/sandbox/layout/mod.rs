//! The zygote's memory, laid out for being forked.
//!
//! A fork shares its parent's memory until one of the two writes to it. What a run pays for, before its first line and after
//! its last, are tables of pages that are copied and torn down, pages that are copied at their first write, and code that is
//! mapped again. So most of a zygote is in large pages, all that runs write to is in as few as possible, and what a run
//! allocates has no holes to go to.
//!
//! - `rehearsal` makes runs of the zygote's own, and `pages` finds what they wrote to.
//! - `blocks` knows each block that an engine asks for while it warms up, so that the next engine's can be given out
//!   elsewhere: `region` puts those that runs write to side by side.
//! - `heap` and `code` put the rest in large pages.

mod blocks;
mod code;
mod heap;
mod large_pages;
mod mappings;
mod pages;
mod region;
mod rehearsal;
#[cfg(test)]
mod tests;

pub(super) use heap::{address_space_bytes, wipe};
pub(super) use pages::Written;
pub(super) use region::Region;
pub(super) use rehearsal::{Rehearsed, Touched};

use super::Limits;
use crate::engine::{Engine, EngineError};
use rand::TryRngCore as _;
use rehearsal::Rehearsal;

/// An engine in memory that is laid out.
pub(super) struct LaidOut {
    pub engine: Engine,
    pub region: Option<Region>,
    pub rehearsed: Rehearsed,
}

/// Warms an engine up; where it `rehearses`, in memory that is laid out. For a process with one thread, before it has done
/// anything else.
pub(super) fn lay_out(limits: Limits, rehearses: bool) -> Result<LaidOut, EngineError> {
    ask_for_processor_features();
    let heap_start = heap::prepare_allocator();
    let Some(rehearsal) = rehearses.then(|| Rehearsal::new(limits)).flatten() else {
        let mut engine = Engine::warm(limits.heap_bytes_max)?;
        engine.settle();
        return Ok(LaidOut { engine, region: None, rehearsed: Rehearsed::default() });
    };
    let foreseen = rehearsal.foresee();
    code::join(&foreseen.code);
    heap::fill_holes();
    let (region, mut places) = Region::with_places(&foreseen.blocks).unzip();
    let places = places.as_deref_mut().unwrap_or_default();
    let (engine, used) = blocks::place(places, || warm_up(limits));
    let mut engine = engine?;
    if used < places.len() {
        tracing::debug!(used, places = places.len(), "an engine asked for other blocks than the one before it");
    }
    heap::join(region.as_ref().map_or(heap_start, Region::start));
    let rehearsed = rehearsal.rehearse(&mut engine, region.as_ref());
    Ok(LaidOut { engine, region, rehearsed })
}

/// An engine, in a heap without holes for runs to write to.
fn warm_up(limits: Limits) -> Result<Engine, EngineError> {
    let mut engine = Engine::warm(limits.heap_bytes_max)?;
    engine.settle();
    heap::fill_holes();
    engine.fill_holes(blocks::arenas_asked);
    heap::fill_holes();
    Ok(engine)
}

/// The standard library asks the processor once and remembers. `cpuid` is slow on virtual machines, and every run
/// would ask anew.
fn ask_for_processor_features() {
    #[cfg(target_arch = "x86_64")]
    std::hint::black_box(std::is_x86_feature_detected!("avx2"));
    #[cfg(target_arch = "aarch64")]
    std::hint::black_box(std::arch::is_aarch64_feature_detected!("aes"));
    // Likewise for where the C library's source of randomness is.
    let _ = rand::rngs::OsRng.try_next_u32();
}
