//! What is left of a run whose process was killed.
//!
//! A run reports when it is over. One that is killed before (it did not stop, it crashed, it made a forbidden system
//! call) says nothing any more, and that is the run of which a person wants to know most: in which step it was, what
//! it had logged, which request was under way. So a run notes these as they happen, in memory that it shares with its
//! zygote:
//!
//! - Each step, console line and exchange that the run's record keeps has a slot of its own, bounded like the record.
//!   A slot is written to one of two halves and then switched over, so that there is no moment at which a kill leaves
//!   half a note.
//! - A page of it exists once it is written to: a run that logs nothing pays for the mapping and no more.
//! - It is mapped for one run, before the fork, and kept out of every later fork: no other run ever has it.
//! - Secrets are taken out before a note is written.
//!
//! The zygote copies what is there, unread, when the process is gone. The daemon takes it for what it is, the word of a
//! process that may have been taken over (see [`found`]): texts for a person to read, bounded, and nothing else.

mod found;
mod memory;

pub(super) use found::Found;

use super::Limits;
use checks::{ConsoleLine, Dropped, Request, Step};
use memory::SharedMemory;
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::Arc;

/// However much the limits allow, no more than these are noted.
const SLOTS_MAX: usize = 1_000;

const LAST_WORDS_BYTES_MAX: usize = 2_000;

/// What a slot holds; the numbers are those of the frames that the daemon gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dropped = 0,
    LastWords = 1,
    Step = 2,
    Console = 3,
    Exchange = 4,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Dropped, Self::LastWords, Self::Step, Self::Console, Self::Exchange];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    const fn note_bytes_max(self) -> usize {
        match self {
            Self::Dropped => 256,
            Self::LastWords => LAST_WORDS_BYTES_MAX + 44,
            Self::Step => 500,
            Self::Console | Self::Exchange => 1_012,
        }
    }
}

/// Where the notes of a kind are.
#[derive(Debug, Clone, Copy)]
struct Shelf {
    kind: Kind,
    start: usize,
    slots: usize,
}

/// Words at the start of a slot: which half counts, or none so far; and whether its note is true right now.
const CURRENT: usize = 0;
const WAITS: usize = 4;
const SLOT_HEAD: usize = 8;

impl Shelf {
    /// A length and the note.
    const fn half_bytes(self) -> usize {
        4 + self.kind.note_bytes_max()
    }

    const fn slot_bytes(self) -> usize {
        SLOT_HEAD + 2 * self.half_bytes()
    }

    fn slot(self, index: usize) -> Option<usize> {
        (index < self.slots).then(|| self.start + index * self.slot_bytes())
    }
}

#[derive(Debug, Clone, Copy)]
struct Layout {
    shelves: [Shelf; 5],
    bytes: usize,
}

impl Layout {
    fn of(limits: &Limits) -> Self {
        let mut bytes = 0;
        let shelves = Kind::ALL.map(|kind| {
            let slots = match kind {
                Kind::Dropped | Kind::LastWords => 1,
                Kind::Step => limits.steps_max.min(SLOTS_MAX),
                Kind::Console => limits.console_lines_max.min(SLOTS_MAX),
                Kind::Exchange => limits.requests_max.min(SLOTS_MAX),
            };
            let shelf = Shelf { kind, start: bytes, slots };
            bytes += slots * shelf.slot_bytes();
            shelf
        });
        Self { shelves, bytes }
    }
}

/// An exchange as far as it got.
#[derive(Debug, Serialize, Deserialize)]
struct UnderWay {
    request: Request,
    /// Ends the sentence "GET https://... ".
    waits_for: Option<String>,
    is_over: bool,
}

/// The notes of one run. Clones share them.
#[derive(Clone)]
pub(crate) struct BlackBox {
    memory: Arc<SharedMemory>,
    layout: Layout,
}

impl BlackBox {
    /// Before the fork.
    pub(super) fn new(limits: &Limits) -> io::Result<Self> {
        let layout = Layout::of(limits);
        Ok(Self { memory: Arc::new(SharedMemory::map(layout.bytes)?), layout })
    }

    /// In the zygote, after the fork.
    pub(super) fn keep_from_forks(&self) -> io::Result<()> {
        self.memory.keep_from_forks()
    }

    pub fn step(&self, index: usize, step: &Step) {
        self.note(Kind::Step, index, |texts_bytes_max| Step {
            name: clip(&step.name, texts_bytes_max),
            error: step.error.as_deref().map(|error| clip(error, texts_bytes_max)),
            ..*step
        });
    }

    pub fn console(&self, index: usize, line: &ConsoleLine) {
        self.note(Kind::Console, index, |texts_bytes_max| ConsoleLine {
            text: clip(&line.text, 2 * texts_bytes_max),
            ..*line
        });
    }

    pub fn exchange(&self, index: usize, request: &Request, waits_for: Option<&str>, is_over: bool) {
        self.note(Kind::Exchange, index, |texts_bytes_max| UnderWay {
            request: Request {
                method: clip(&request.method, 32),
                url: clip(&request.url, texts_bytes_max),
                remote_addr: request.remote_addr.as_deref().map(|remote| clip(remote, 64)),
                http_version: request.http_version.as_deref().map(|version| clip(version, 16)),
                failure: request.failure.clone().map(|mut failure| {
                    failure.message = clip(&failure.message, texts_bytes_max / 2);
                    failure
                }),
                tls: None,
                transcript: None,
                ..*request
            },
            waits_for: waits_for.map(|waits_for| clip(waits_for, texts_bytes_max / 2)),
            is_over,
        });
        self.waits(index, waits_for.is_some());
    }

    /// Whether the exchange waits for the network right now.
    pub fn waits(&self, index: usize, waits: bool) {
        if let Some(slot) = self.shelf(Kind::Exchange).slot(index) {
            self.memory.store(slot + WAITS, waits.into());
        }
    }

    pub fn dropped(&self, dropped: &Dropped) {
        self.note(Kind::Dropped, 0, |_| *dropped);
    }

    /// What a panic said.
    pub(super) fn last_words(&self, words: &str) {
        self.note(Kind::LastWords, 0, |texts_bytes_max| clip(words, 4 * texts_bytes_max));
    }

    fn shelf(&self, kind: Kind) -> Shelf {
        self.layout.shelves[kind as usize]
    }

    /// Writes what `noted` makes with texts that are short enough. What fits by no means is not noted.
    fn note<T: Serialize>(&self, kind: Kind, index: usize, noted: impl Fn(usize) -> T) {
        let shelf = self.shelf(kind);
        let Some(slot) = shelf.slot(index) else { return };
        // Texts full of control characters take six times the room.
        let fits = [440, 180, 60, 10].into_iter().find_map(|texts_bytes_max| {
            let json = serde_json::to_vec(&noted(texts_bytes_max)).ok()?;
            (json.len() <= kind.note_bytes_max()).then_some(json)
        });
        let (Some(json), other) = (fits, self.memory.load(slot + CURRENT) == 1) else { return };
        let half = slot + SLOT_HEAD + usize::from(other) * shelf.half_bytes();
        let Ok(length) = u32::try_from(json.len()) else { return };
        self.memory.write(half, &length.to_ne_bytes());
        self.memory.write(half + 4, &json);
        self.memory.store(slot + CURRENT, 1 + u32::from(other));
    }

    /// In the zygote, when the process is gone: all notes, each a kind, whether it waits, a length (32 bits,
    /// big-endian), and what was written there, whatever it is. To be wiped.
    pub(super) fn contents(&self) -> Vec<u8> {
        let mut notes = Vec::new();
        for shelf in self.layout.shelves {
            for slot in (0..shelf.slots).map_while(|index| shelf.slot(index)) {
                let half = match self.memory.load(slot + CURRENT) {
                    // They are filled in order.
                    0 => break,
                    1 => slot + SLOT_HEAD,
                    _ => slot + SLOT_HEAD + shelf.half_bytes(),
                };
                let mut length = [0; 4];
                self.memory.read(half, &mut length);
                let length = usize::try_from(u32::from_ne_bytes(length)).unwrap_or(usize::MAX);
                notes.push((shelf.kind, slot, half + 4, length.min(shelf.kind.note_bytes_max())));
            }
        }
        // With all the room at once: what grows leaves copies behind.
        let mut contents = Vec::with_capacity(notes.iter().map(|(.., length)| 6 + length).sum());
        for (kind, slot, start, length) in notes {
            contents.extend([kind as u8, u8::from(self.memory.load(slot + WAITS) == 1)]);
            contents.extend(u32::try_from(length).unwrap_or(0).to_be_bytes());
            let written = contents.len();
            contents.resize(written + length, 0);
            self.memory.read(start, &mut contents[written..]);
        }
        contents
    }
}

fn clip(text: &str, bytes_max: usize) -> String {
    crate::engine::clip(text, bytes_max)
}

#[cfg(test)]
mod tests;
