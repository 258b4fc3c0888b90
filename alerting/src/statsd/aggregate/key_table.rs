//! From the bytes of a line to the place of its series, without allocation.

use crate::statsd::parser::Kind;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hasher};

#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    /// Where name and tags begin in the bytes; the tags follow the name at once.
    start: u32,
    name_bytes: u16,
    tag_bytes: u16,
    slot: u32,
    kind: Kind,
}

/// The names and tags that were seen, as written: `a|#x:1,y:2` and `a|#y:2,x:1` are two of them, for one series.
/// The hash is seeded anew in each process, so that nobody can choose names that collide.
pub(super) struct KeyTable {
    build: DefaultHashBuilder,
    entries: HashTable<Entry>,
    bytes: Vec<u8>,
    entries_max: usize,
    bytes_max: usize,
}

impl KeyTable {
    pub fn new(entries_max: usize, bytes_max: usize) -> Self {
        Self {
            build: DefaultHashBuilder::default(),
            entries: HashTable::new(),
            bytes: Vec::new(),
            entries_max,
            bytes_max: bytes_max.min(u32::MAX as usize),
        }
    }

    #[inline]
    pub fn hash(&self, name: &[u8], kind: Kind, tags: &[u8]) -> u64 {
        let mut hasher = self.build.build_hasher();
        hasher.write(name);
        hasher.write(tags);
        hasher.write_u8(kind as u8);
        hasher.finish()
    }

    #[inline]
    pub fn find(&self, hash: u64, name: &[u8], kind: Kind, tags: &[u8]) -> Option<u32> {
        let found = self.entries.find(hash, |entry| {
            let start = entry.start as usize;
            let middle = start + usize::from(entry.name_bytes);
            entry.hash == hash
                && entry.kind == kind
                && &self.bytes[start..middle] == name
                && &self.bytes[middle..middle + usize::from(entry.tag_bytes)] == tags
        });
        found.map(|entry| entry.slot)
    }

    /// Remembers the place. At the bound everything is forgotten first: places are found again the slow way.
    /// Returns whether it was.
    pub fn insert(&mut self, hash: u64, name: &[u8], kind: Kind, tags: &[u8], slot: u32) -> bool {
        let (Ok(name_bytes), Ok(tag_bytes)) = (u16::try_from(name.len()), u16::try_from(tags.len())) else {
            return false;
        };
        let full =
            self.entries.len() >= self.entries_max || self.bytes.len() + name.len() + tags.len() > self.bytes_max;
        if full {
            self.clear();
        }
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(tags);
        let entry = Entry { hash, start, name_bytes, tag_bytes, slot, kind };
        self.entries.insert_unique(hash, entry, |entry| entry.hash);
        full
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes.clear();
    }
}
