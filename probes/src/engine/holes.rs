//! The engine's heap, laid out for being forked.
//!
//! QuickJS keeps small values of like size together, ten to some hundred in an *arena* of one page, and looks for an
//! arena with room before it makes a new one. What a run makes would go here and there into arenas of the process that
//! forks, and each of their pages would have to be copied for it. Where none has room, it goes to arenas of its own, side
//! by side.

use super::Engine;
use deno_core::v8;

/// The sizes of values that share arenas, from the smallest that a string can have (`arena_block_sizes` in quickjs.c).
const SIZES: [i32; 28] = [
    40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384,
    416, 448, 480, 512,
];

/// What a string takes besides its characters.
const STRING_OWN: i32 = 33;

/// Never as many are needed.
const STRINGS_MAX: i32 = 1 << 14;
const STRINGS_AT_ONCE: i32 = 4;

/// Entries that the engine's table of names has free, here and there.
const NAMES: i32 = 512;

impl Engine {
    /// Fills the engine's arenas, for good. `arenas_made` tells how many of them were asked for.
    pub fn fill_holes(&mut self, arenas_made: impl Fn() -> u32) {
        let (reserve, hold) = (self.host.reserve.clone(), self.host.hold.clone());
        self.ask(&reserve, &[STRINGS_MAX, NAMES]);
        for size in SIZES {
            let made = arenas_made();
            while self.ask(&hold, &[size - STRING_OWN, STRINGS_AT_ONCE]) && arenas_made() == made {}
        }
    }

    /// Whether a function of the host answers with `true`.
    fn ask(&mut self, function: &v8::Global<v8::Function>, numbers: &[i32]) -> bool {
        deno_core::scope!(scope, &mut self.runtime);
        let numbers: Vec<_> = numbers.iter().map(|number| v8::Integer::new(scope, *number).into()).collect();
        let undefined = v8::undefined(scope).into();
        v8::Local::new(scope, function).call(scope, undefined, &numbers).is_some_and(|answer| answer.is_true())
    }
}
