//! One thread's part of the aggregation.

use super::cell::Cell;
use super::key::SeriesKey;
use super::key_table::KeyTable;
use super::refusal::Refusal;
use super::registry::{Registry, SeriesId};
use super::{MemberHash, Problem, Problems};
use crate::statsd::notice::Notice;
use crate::statsd::parser::{self, Event, Invalid, Reading, ServiceCheck, Visitor};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of names and tags, as written, that one thread remembers.
const KEY_BYTES_MAX: usize = 64 << 20;
/// Events and service checks that wait to be fetched.
const NOTICES_MAX: usize = 1000;

/// What one thread has read since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ShardCounters {
    pub packets: u64,
    pub bytes: u64,
    /// Values of metrics, packed ones each.
    pub values: u64,
    pub events: u64,
    pub service_checks: u64,
    /// Events and service checks that nobody fetched in time.
    pub notices_dropped: u64,
}

struct Slot {
    id: SeriesId,
    key: Arc<SeriesKey>,
}

/// Reads packets and adds their values to its own cells; nothing is shared but the registry, which is asked once for
/// each new name. `take` hands over what was added.
pub struct Shard {
    keys: KeyTable,
    slots: Vec<Slot>,
    /// The place of each series that this thread knows, for a second way to write its name and tags.
    by_id: HashMap<SeriesId, u32>,
    cells: Vec<Cell>,
    /// The cells that are not empty.
    touched: Vec<u32>,
    registry: Arc<Mutex<Registry>>,
    members: MemberHash,
    set_members_max: usize,
    order: u64,
    pub(super) problems: Problems,
    notices: Vec<Notice>,
    counters: ShardCounters,
}

/// What a thread has seen since the last flush.
pub struct ShardBatch {
    pub(super) cells: Vec<(SeriesId, Arc<SeriesKey>, Cell)>,
}

impl Shard {
    pub(super) fn new(registry: Arc<Mutex<Registry>>, members: MemberHash) -> Self {
        let settings = registry.lock().unwrap_or_else(PoisonError::into_inner).settings;
        Self {
            keys: KeyTable::new(settings.series_max.saturating_mul(4), KEY_BYTES_MAX),
            slots: Vec::new(),
            by_id: HashMap::new(),
            cells: Vec::new(),
            touched: Vec::new(),
            registry,
            members,
            set_members_max: settings.set_members_max,
            order: 0,
            problems: Problems::default(),
            notices: Vec::new(),
            counters: ShardCounters::default(),
        }
    }

    /// Reads one packet. `order` never falls, and is comparable between threads: of two values of a gauge, the one
    /// with the higher order counts.
    pub fn ingest(&mut self, packet: &[u8], order: u64) {
        self.order = order;
        self.counters.packets += 1;
        self.counters.bytes += packet.len() as u64;
        parser::parse_packet(packet, self);
    }

    /// Notes a line that a reader of a stream gave up on.
    pub fn note_invalid(&mut self, line: &[u8], reason: Invalid) {
        self.problems.note(line, Problem::Invalid(reason));
    }

    pub fn counters(&self) -> ShardCounters {
        self.counters
    }

    /// What was wrong with the lines that came.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// The events and service checks since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Hands over what was added since the last call. `forget` drops the names too: for when many series have ended.
    pub(super) fn take(&mut self, forget: bool) -> ShardBatch {
        let mut cells = Vec::with_capacity(self.touched.len());
        for slot in self.touched.drain(..) {
            let Slot { id, key } = &self.slots[slot as usize];
            cells.push((*id, Arc::clone(key), std::mem::take(&mut self.cells[slot as usize])));
        }
        if forget {
            self.keys.clear();
            self.slots.clear();
            self.by_id.clear();
            self.cells.clear();
        }
        ShardBatch { cells }
    }

    #[cold]
    fn open(&mut self, hash: u64, reading: &Reading<'_>) -> Result<u32, Refusal> {
        let Reading { name, kind, tags, .. } = *reading;
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, key) = registry.open_line(name, kind, tags)?;
        drop(registry);
        let slot = *self.by_id.entry(id).or_insert_with(|| {
            self.slots.push(Slot { id, key });
            self.cells.push(Cell::Empty);
            (self.slots.len() - 1) as u32
        });
        self.keys.insert(hash, name, kind, tags, slot);
        Ok(slot)
    }

    fn notice(&mut self, notice: Notice) {
        if self.notices.len() < NOTICES_MAX {
            self.notices.push(notice);
        } else {
            self.counters.notices_dropped += 1;
        }
    }
}

impl Visitor for Shard {
    #[inline]
    fn reading(&mut self, reading: Reading<'_>) {
        self.counters.values += 1;
        let Reading { name, kind, tags, .. } = reading;
        let hash = self.keys.hash(name, kind, tags);
        let slot = match self.keys.find(hash, name, kind, tags) {
            Some(slot) => slot,
            None => match self.open(hash, &reading) {
                Ok(slot) => slot,
                Err(refusal) => return self.problems.note(name, Problem::Refused(refusal)),
            },
        };
        let cell = &mut self.cells[slot as usize];
        if cell.is_empty() {
            self.touched.push(slot);
        }
        cell.add(&reading, self.order, &self.members, self.set_members_max);
    }

    fn event(&mut self, event: Event<'_>) {
        self.counters.events += 1;
        self.notice(Notice::of_event(&event));
    }

    fn service_check(&mut self, check: ServiceCheck<'_>) {
        self.counters.service_checks += 1;
        self.notice(Notice::of_service_check(&check));
    }

    fn invalid(&mut self, line: &[u8], reason: Invalid) {
        self.problems.note(line, Problem::Invalid(reason));
    }
}
