//! The plan of many streams. See the module's prose for what it guarantees.

use super::{MissedReason, Schedule, spread_offset_ms};
use checks::{CheckId, Region, RunKey, UnixMs};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannerSettings {
    /// Runs going on at once.
    pub concurrency_max: usize,
    /// How late a run may start; a schedule with a shorter period has that as its grace.
    pub grace_max_ms: u64,
    pub first_run: FirstRun,
}

impl Default for PlannerSettings {
    fn default() -> Self {
        Self { concurrency_max: 64, grace_max_ms: 10_000, first_run: FirstRun::AtOnce }
    }
}

/// What a stream does when it is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstRun {
    /// A periodic check runs within two seconds, a few alone much earlier, in the slot that its region is in. It may
    /// wait for capacity until that slot is over; where it finds none, it begins with the next slot, and nothing was
    /// missed. A cron expression names instants, and waits for the next one.
    AtOnce,
    /// Wait for the next slot.
    NextSlot,
}

/// What became of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Run it now, and say [`Planner::finished`] when it has ended, however it did.
    Start(RunKey),
    /// It will not be run.
    Missed { key: RunKey, reason: MissedReason },
}

/// The most slots of one gap that are counted one by one.
const GAP_SLOTS_COUNTED_MAX: u64 = 1_000;

/// Removed streams that are remembered. Past it all are forgotten, and a slot of theirs may be run again.
const REMOVED_KEPT_MAX: usize = 20_000;

/// The new periodic streams' first runs are spread over this long for each stream, and in all.
const FIRST_RUN_SPREAD_MS: u64 = 20;
const FIRST_RUN_SPREAD_MAX_MS: u64 = 2_000;

/// How far the clock may go back with slots that were decided staying decided. Past it, waiting for the clock to catch
/// up would be silence, which is worse than a slot that is run twice: the runs of such slots count as further attempts.
pub(super) const CLOCK_BACK_MAX_MS: u64 = 60_000;

type StreamKey = (CheckId, Region);
type StreamId = u64;

#[derive(Debug)]
struct Stream {
    key: StreamKey,
    schedule: Schedule,
    timeout_ms: u64,
    offset_ms: u64,
    /// The last slot that was decided.
    decided: Option<UnixMs>,
    /// The last slot that was decided before the clock was set back a long way.
    decided_before: Option<UnixMs>,
    /// The slot that is decided next, from when it may start, and the first instant at which it may no more.
    slot: UnixMs,
    start_at: UnixMs,
    expires_at: UnixMs,
    /// The slot had begun when the stream was added.
    is_first: bool,
    waiting: bool,
}

#[derive(Debug)]
struct Going {
    run: RunKey,
    since: UnixMs,
    /// Asked for beside the schedule's, and no reason for a slot to be missed.
    is_extra: bool,
}

/// Plans the runs of many checks in many regions. Cost by call: logarithmic in the streams, for each slot decided.
#[derive(Debug)]
pub struct Planner {
    settings: PlannerSettings,
    streams: HashMap<StreamId, Stream>,
    ids: HashMap<StreamKey, StreamId>,
    id_next: StreamId,
    /// Streams whose slot lies ahead, by the start of its run. An id that is in `streams` no more is skipped.
    ahead: BinaryHeap<Reverse<(UnixMs, StreamId)>>,
    /// Streams whose run is due and could not start, by when it was due, and by when it is given up.
    waiting: BTreeSet<(UnixMs, StreamId)>,
    waiting_until: BTreeSet<(UnixMs, StreamId)>,
    /// Runs going on, also those of streams that have been removed since.
    going: HashMap<StreamKey, Going>,
    /// The last slot decided of streams that were removed: one that comes back in the same slot does not run it again.
    removed: HashMap<StreamKey, UnixMs>,
    /// Extra runs that were asked for, by when they may start: one for a stream at most.
    extra: BTreeMap<StreamKey, (UnixMs, RunKey)>,
    latest_now: UnixMs,
    /// The attempt of the runs of slots that come again: it grows by two whenever the clock was set back a long way, so
    /// that the odd ones are left to extra runs.
    set_back: u32,
}

impl Planner {
    /// A `concurrency_max` of zero would plan nothing for ever, and counts as one.
    pub fn new(settings: PlannerSettings) -> Self {
        Self {
            settings: PlannerSettings { concurrency_max: settings.concurrency_max.max(1), ..settings },
            streams: HashMap::new(),
            ids: HashMap::new(),
            id_next: 0,
            ahead: BinaryHeap::new(),
            waiting: BTreeSet::new(),
            waiting_until: BTreeSet::new(),
            going: HashMap::new(),
            removed: HashMap::new(),
            extra: BTreeMap::new(),
            latest_now: UnixMs(i64::MIN),
            set_back: 0,
        }
    }

    /// Adds a stream, or changes it. One whose schedule stays the same keeps its slots; one whose schedule changes
    /// never comes back to a slot that was decided.
    pub fn upsert(&mut self, check: &CheckId, region: &Region, schedule: Schedule, timeout_ms: u64, now: UnixMs) {
        let key = (check.clone(), region.clone());
        if let Some(id) = self.ids.get(&key).copied() {
            let stream = self.streams.get_mut(&id).expect("every id in `ids` is in `streams`");
            if stream.schedule == schedule {
                stream.timeout_ms = timeout_ms;
                return;
            }
            self.forget(id);
        }
        let decided = self.removed.remove(&key);
        let from = decided.map_or(now, |decided| decided.max(now));
        let at_once = self.settings.first_run == FirstRun::AtOnce;
        let current =
            schedule.current_slot(now).filter(|&slot| at_once && decided.is_none_or(|decided| slot > decided));
        let Some(slot) = current.or_else(|| schedule.next_after(from)) else { return };
        let mut stream = Stream {
            key,
            offset_ms: spread_offset_ms(check, region, &schedule),
            schedule,
            timeout_ms,
            decided,
            decided_before: None,
            slot,
            start_at: now,
            expires_at: now,
            is_first: current.is_some(),
            waiting: false,
        };
        if stream.is_first {
            stream.expires_at = slot + stream.schedule.period_hint_ms();
            let streams = self.streams.len() as u64 + 1;
            let spread_ms = (FIRST_RUN_SPREAD_MS * streams).min(FIRST_RUN_SPREAD_MAX_MS);
            stream.start_at = now + stream.offset_ms % spread_ms.min(stream.expires_at.since_ms(now)).max(1);
        } else {
            stream.aim_at(slot, self.settings.grace_max_ms);
        }
        let id = self.id_next;
        self.id_next += 1;
        self.ids.insert(stream.key.clone(), id);
        self.ahead.push(Reverse((stream.start_at, id)));
        self.streams.insert(id, stream);
        self.compact();
    }

    /// Takes a stream out. Its run that is going on still counts, until it has finished.
    pub fn remove(&mut self, check: &CheckId, region: &Region) {
        if let Some(&id) = self.ids.get(&(check.clone(), region.clone())) {
            self.forget(id);
        }
    }

    /// Asks for a run beside the schedule's, which tells more about `run`'s slot. It is made from `at` on, as soon as its
    /// stream has no other run and there is capacity: whoever asks has seen a result, and the run that brought it may
    /// not have ended yet. The next slot's run tells as well, and takes its place where it starts first.
    pub fn run_again(&mut self, run: RunKey, at: UnixMs) {
        let key = (run.check.clone(), run.region.clone());
        let is_overtaken = self.going.get(&key).is_some_and(|going| going.run.slot > run.slot);
        if self.ids.contains_key(&key) && !is_overtaken {
            self.extra.insert(key, (at, run));
        }
    }

    /// A run has ended. A key that is not going on is ignored: a result may be told twice.
    pub fn finished(&mut self, run: &RunKey) {
        let key = (run.check.clone(), run.region.clone());
        if self.going.get(&key).is_some_and(|going| going.run == *run) {
            self.going.remove(&key);
        }
    }

    /// Decides every slot that is due. Runs start in the order in which they became due.
    pub fn due(&mut self, now: UnixMs) -> Vec<Planned> {
        if self.clock_behind_ms(now) > CLOCK_BACK_MAX_MS {
            self.follow_back(now);
        }
        self.latest_now = self.latest_now.max(now);
        let mut planned = self.extra_runs(now);
        while let Some(&(expires_at, id)) = self.waiting_until.first()
            && expires_at <= now
        {
            if self.streams[&id].is_first {
                self.advance(id);
            } else {
                planned.push(self.give_up_waiting(id, now));
            }
        }
        while let Some(&Reverse((start_at, id))) = self.ahead.peek()
            && start_at <= now
        {
            self.ahead.pop();
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            if now >= stream.expires_at && stream.is_first {
                self.advance(id);
            } else if now >= stream.expires_at {
                planned.push(self.give_up_overdue(id, now));
            } else if let Some(going) = self.going.get(&stream.key).filter(|going| !going.is_extra) {
                let reason = stream.still_running(going, now);
                planned.push(Planned::Missed { key: stream.run_key(self.set_back), reason });
                self.advance(id);
            } else {
                stream.waiting = true;
                self.waiting.insert((start_at, id));
                self.waiting_until.insert((stream.expires_at, id));
            }
        }
        while self.going.len() < self.settings.concurrency_max
            && let Some((start_at, id)) = self.next_waiting()
            // It can lie ahead again, where the clock was set back.
            && start_at <= now
        {
            let run = self.streams[&id].run_key(self.set_back);
            let key = (run.check.clone(), run.region.clone());
            self.extra.remove(&key);
            self.going.insert(key, Going { run: run.clone(), since: now, is_extra: false });
            planned.push(Planned::Start(run));
            self.advance(id);
        }
        planned
    }

    /// The first that waits for nothing but capacity. Those whose stream has an extra run are passed over: there are no
    /// more of them than runs may go on at once.
    fn next_waiting(&self) -> Option<(UnixMs, StreamId)> {
        self.waiting.iter().copied().find(|(_, id)| !self.going.contains_key(&self.streams[id].key))
    }

    /// When to call [`Planner::due`] next, unless a run finishes earlier; `None` where nothing is planned.
    pub fn next_wake(&self, now: UnixMs) -> Option<UnixMs> {
        let has_capacity = self.going.len() < self.settings.concurrency_max;
        let startable = self.next_waiting().filter(|_| has_capacity).map(|(start_at, _)| start_at.max(now));
        let ahead = self.ahead.peek().map(|&Reverse((start_at, _))| start_at);
        let given_up = self.waiting_until.first().map(|&(expires_at, _)| expires_at);
        // What waits for a run to end is looked at when it has.
        let extra = self.extra.iter().filter(|(key, _)| has_capacity && !self.going.contains_key(*key));
        let extra = extra.map(|(_, (at, _))| *at).min();
        [startable, ahead, given_up, extra].into_iter().flatten().min()
    }

    fn extra_runs(&mut self, now: UnixMs) -> Vec<Planned> {
        let (ids, streams) = (&self.ids, &self.streams);
        self.extra.retain(|key, _| ids.get(key).is_some_and(|id| !streams[id].waiting));
        let due: Vec<StreamKey> =
            self.extra.iter().filter(|(_, (at, _))| *at <= now).map(|(key, _)| key.clone()).collect();
        let mut planned = Vec::new();
        for key in due {
            if self.going.len() >= self.settings.concurrency_max {
                break;
            }
            if self.going.contains_key(&key) {
                continue;
            }
            let Some((_, run)) = self.extra.remove(&key) else { continue };
            self.going.insert(key, Going { run: run.clone(), since: now, is_extra: true });
            planned.push(Planned::Start(run));
        }
        planned
    }

    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Runs going on.
    pub fn in_flight(&self) -> usize {
        self.going.len()
    }

    /// Runs that are due, and wait for others to end.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How far the clock lies behind the latest time it has shown. Until it has caught up, no slot is decided,
    /// since those slots have been: more than a few seconds is worth a warning, and from a minute on the next
    /// [`Planner::due`] begins anew from the clock's time.
    pub fn clock_behind_ms(&self, now: UnixMs) -> u64 {
        self.latest_now.since_ms(now)
    }

    /// Aims every stream at its next slot by a clock that was set back too far to wait for.
    fn follow_back(&mut self, now: UnixMs) {
        self.latest_now = now;
        self.set_back = self.set_back.saturating_add(2);
        self.extra.clear();
        (self.ahead, self.waiting, self.waiting_until) = Default::default();
        self.removed.clear();
        let mut ended = Vec::new();
        for (&id, stream) in &mut self.streams {
            stream.waiting = false;
            stream.decided_before = stream.decided.take().max(stream.decided_before);
            match stream.schedule.next_after(now) {
                Some(slot) => {
                    stream.aim_at(slot, self.settings.grace_max_ms);
                    self.ahead.push(Reverse((stream.start_at, id)));
                }
                None => ended.push(id),
            }
        }
        for id in ended {
            self.forget(id);
        }
    }

    /// The stream's slots from its own on have passed, up to the last whose grace is over: one record for them all.
    fn give_up_overdue(&mut self, id: StreamId, now: UnixMs) -> Planned {
        let stream = self.streams.get_mut(&id).expect("the caller has looked it up");
        let grace_ms = stream.grace_ms(self.settings.grace_max_ms);
        // A slot is past its grace at `now` when it lies at or before this instant.
        let last_overdue = (now - stream.offset_ms - grace_ms).max(stream.slot);
        let (slots, last) = stream.schedule.slots_between(stream.slot, last_overdue, GAP_SLOTS_COUNTED_MAX);
        let counted_all = stream.schedule.next_after(last).is_none_or(|next| next > last_overdue);
        let reason = MissedReason::Overdue { late_ms: now.since_ms(stream.start_at), slots, counted_all };
        stream.slot = last;
        let key = stream.run_key(self.set_back);
        stream.slot = last_overdue.max(last);
        self.advance(id);
        Planned::Missed { key, reason }
    }

    fn give_up_waiting(&mut self, id: StreamId, now: UnixMs) -> Planned {
        let stream = &self.streams[&id];
        let reason = match self.going.get(&stream.key) {
            Some(going) => stream.still_running(going, now),
            None => MissedReason::NoCapacity {
                waited_ms: now.since_ms(stream.start_at),
                concurrency_max: self.settings.concurrency_max,
            },
        };
        let key = stream.run_key(self.set_back);
        self.advance(id);
        Planned::Missed { key, reason }
    }

    /// Aims the stream at the slot after the one that was decided.
    fn advance(&mut self, id: StreamId) {
        self.stop_waiting(id);
        let stream = self.streams.get_mut(&id).expect("only streams that are planned are advanced");
        stream.decided = Some(stream.slot);
        match stream.schedule.next_after(stream.slot) {
            Some(slot) => {
                stream.aim_at(slot, self.settings.grace_max_ms);
                self.ahead.push(Reverse((stream.start_at, id)));
            }
            // The end of the calendar.
            None => self.forget(id),
        }
    }

    fn stop_waiting(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id)
            && std::mem::take(&mut stream.waiting)
        {
            self.waiting.remove(&(stream.start_at, id));
            self.waiting_until.remove(&(stream.expires_at, id));
        }
    }

    fn forget(&mut self, id: StreamId) {
        self.stop_waiting(id);
        if let Some(stream) = self.streams.remove(&id) {
            self.ids.remove(&stream.key);
            if let Some(decided) = stream.decided {
                self.removed.insert(stream.key, decided);
            }
        }
        // No slot that is this old can be the current one of a stream that comes back.
        if self.removed.len() > REMOVED_KEPT_MAX {
            let oldest = self.latest_now - super::every::PERIOD_MS_MAX;
            self.removed.retain(|_, decided| *decided >= oldest);
            if self.removed.len() > REMOVED_KEPT_MAX {
                self.removed.clear();
            }
        }
    }

    /// Keeps entries of removed streams from piling up where configurations are reloaded often.
    fn compact(&mut self) {
        if self.ahead.len() > 2 * self.streams.len() + 64 {
            let streams = &self.streams;
            self.ahead.retain(|Reverse((_, id))| streams.contains_key(id));
        }
    }
}

impl Stream {
    fn aim_at(&mut self, slot: UnixMs, grace_max_ms: u64) {
        self.is_first = false;
        self.slot = slot;
        self.start_at = slot + self.offset_ms;
        self.expires_at = self.start_at + self.grace_ms(grace_max_ms);
    }

    fn grace_ms(&self, grace_max_ms: u64) -> u64 {
        self.schedule.period_hint_ms().min(grace_max_ms).max(1)
    }

    fn still_running(&self, going: &Going, now: UnixMs) -> MissedReason {
        MissedReason::StillRunning {
            slot: going.run.slot,
            going_ms: now.since_ms(going.since),
            timeout_ms: self.timeout_ms,
        }
    }

    fn run_key(&self, set_back: u32) -> RunKey {
        let comes_again = self.decided_before.is_some_and(|decided| self.slot <= decided);
        let attempt = if comes_again { set_back } else { 0 };
        RunKey { check: self.key.0.clone(), region: self.key.1.clone(), slot: self.slot, attempt }
    }
}
