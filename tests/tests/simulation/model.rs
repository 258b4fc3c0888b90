//! What ought to happen, written a second time and simply: no outbox, no rungs, no clock but the one that is passed.

use checks::{CheckId, FailureClass, Region, RunKey, UnixMs};
use std::collections::{BTreeMap, BTreeSet};

/// An incident as the mission describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    pub is_p1: bool,
    pub end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Recovered,
    Closed,
}

#[derive(Debug, Default)]
struct Stream {
    /// Slot and attempt.
    newest: Option<(UnixMs, u32)>,
    target_failures: u32,
    passes: u32,
    is_unwell: bool,
}

#[derive(Debug, Default)]
pub struct Model {
    recover_after: u32,
    /// Whether the first rung counts what is not the target's fault.
    counts_every: bool,
    streams: BTreeMap<CheckId, BTreeMap<Region, Stream>>,
    /// Every run that was offered: whatever the clock says, none counts twice.
    seen: BTreeSet<RunKey>,
    removed_at: BTreeMap<CheckId, UnixMs>,
    pub incidents: BTreeMap<CheckId, Vec<Expected>>,
}

impl Model {
    pub fn new(recover_after: u32, counts_every: bool) -> Self {
        Self { recover_after, counts_every, ..Self::default() }
    }

    /// `failed`: the class, or `None` where the run passed.
    pub fn ran(&mut self, key: &RunKey, failed: Option<FailureClass>, now: UnixMs) {
        let RunKey { check, region, slot, attempt } = key;
        let is_of_the_one_before = self.removed_at.get(check).is_some_and(|removed_at| slot <= removed_at);
        if !self.seen.insert(key.clone()) || is_of_the_one_before {
            return;
        }
        let streams = self.streams.entry(check.clone()).or_default();
        let stream = streams.entry(region.clone()).or_default();
        // An older one is late, unless the newer one was counted under a clock that has been set back since.
        let mark = (*slot, *attempt);
        let is_old = stream.newest.is_some_and(|newest| mark == newest || (mark < newest && newest.0 <= now + 60_000));
        if is_old {
            return;
        }
        stream.newest = Some(mark);
        // A run that was to confirm a failure proves nothing where it passes.
        if !attempt.is_multiple_of(2) && failed.is_none() {
            return;
        }
        let incidents = self.incidents.entry(check.clone()).or_default();
        match failed {
            Some(class) => {
                stream.is_unwell = true;
                stream.passes = 0;
                stream.target_failures += u32::from(class.blames_target());
                let is_open = incidents.last().is_some_and(|incident| incident.end.is_none());
                if !is_open && (self.counts_every || class.blames_target()) {
                    incidents.push(Expected::default());
                }
                if let Some(open) = incidents.last_mut().filter(|incident| incident.end.is_none()) {
                    open.is_p1 |= stream.target_failures >= 2;
                }
            }
            None => {
                stream.target_failures = 0;
                stream.passes += 1;
                stream.is_unwell &= stream.passes < self.recover_after;
                if streams.values().all(|stream| !stream.is_unwell) {
                    end(incidents, End::Recovered);
                }
            }
        }
    }

    pub fn removed(&mut self, check: &CheckId, now: UnixMs) {
        self.removed_at.insert(check.clone(), now);
        self.streams.remove(check);
        end(self.incidents.entry(check.clone()).or_default(), End::Closed);
    }

    pub fn has_open(&self) -> bool {
        self.incidents.values().any(|incidents| incidents.last().is_some_and(|incident| incident.end.is_none()))
    }
}

fn end(incidents: &mut [Expected], how: End) {
    if let Some(open) = incidents.last_mut().filter(|incident| incident.end.is_none()) {
        open.end = Some(how);
    }
}
