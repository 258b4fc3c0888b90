//! What outlives a process: the journal, the providers, the weather, and what an all-seeing eye has noted.

use crate::chance::Chance;
use crate::time::SimClock;
use alerting::incident::CheckState;
use alerting::journal::{Commit, MemoryJournal};
use alerting::notification::{ChannelKind, NotificationId, Role, Saying};
use alerting::outbox::Folding;
use alerting::signal::SignalSource;
use checks::CheckId;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A watermark ahead of the clock by more is not trusted, and may move back.
const CLOCK_AHEAD_MAX_MS: u64 = 60_000;

/// How messages go together: not at all, often enough to happen within a seed, and as where nothing is configured.
const FOLDINGS: [Folding; 3] = [
    Folding::OFF,
    Folding { every_ms: 8_000, post_ms: 1_000, gap_ms: 2_000 },
    Folding { every_ms: 60_000, post_ms: 2_000, gap_ms: 10_000 },
];

/// How often what goes wrong, each in a thousand; most seeds have some of them and not others.
#[derive(Debug, Clone)]
pub struct Weather {
    pub crash: u64,
    pub journal_error: u64,
    pub hang: u64,
    pub ambiguous: u64,
    /// An answer that says nothing, and a message that arrives some time after it.
    pub late: u64,
    pub blocked: u64,
    pub refused: u64,
    pub storm: u64,
    pub permanent: u64,
    pub unknown: u64,
    pub latency_ms_max: u64,
    /// The providers refuse to say what they have.
    pub cannot_be_asked: bool,
}

impl Weather {
    pub fn draw(chance: &mut Chance) -> Self {
        let mut rate = |max: u64| match chance.below(3) {
            0 => 0,
            1 => max / 5,
            _ => max,
        };
        Self {
            crash: rate(40),
            journal_error: rate(60),
            hang: rate(150),
            ambiguous: rate(250),
            late: rate(100),
            blocked: rate(100),
            refused: rate(250),
            storm: rate(100),
            permanent: rate(60),
            unknown: rate(300),
            latency_ms_max: rate(4000).max(50),
            cannot_be_asked: rate(10) == 10 && chance.hits(200),
        }
    }
}

/// One message that a provider took.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub id: NotificationId,
    pub incident: u64,
    pub lane: String,
    pub role: Role,
    pub saying: Saying,
    pub is_over: bool,
    pub receipt: String,
}

/// A text as the telephone company lists it: it does not say whose it is.
#[derive(Debug, Clone)]
pub struct Listed {
    pub lane: String,
    pub body: String,
    pub at: checks::UnixMs,
    pub receipt: String,
}

/// A message as Slack lists it: with its name, and what tells it from others of that name.
#[derive(Debug, Clone)]
pub struct Named {
    pub id: NotificationId,
    pub carried: BTreeSet<NotificationId>,
    pub receipt: String,
}

#[derive(Debug)]
pub struct State {
    pub chance: Chance,
    pub weather: Weather,
    /// The faults have ended: whatever still waits must now get through.
    pub is_calm: bool,
    pub accepted: Vec<Accepted>,
    pub texts: Vec<Listed>,
    /// All that a provider lists by name, in the order in which it came.
    pub named: Vec<Named>,
    /// What may arrive later than anybody can wait for: a second copy of it is no fault.
    pub doubtful: BTreeSet<NotificationId>,
    /// Messages that the providers have named.
    pub receipts: u64,
    /// Notifications whose delivery is in the journal.
    pub confirmed: BTreeSet<NotificationId>,
    /// Lanes of people and channels that are gone for good.
    pub dead: BTreeSet<String>,
    /// Messages that were refused for good: incident and lane.
    pub refused: BTreeSet<(u64, String)>,
    pub storm_until_ms: BTreeMap<ChannelKind, u64>,
    /// When a page, and anything else, last came to a place; to a telephone anything is the same.
    pub came_ms: BTreeMap<(String, bool), u64>,
    pub violations: Vec<String>,
    /// One process decides, so that nothing is decided on what another has overtaken.
    pub is_alone: bool,
    /// Checks that are removed.
    pub removed: BTreeSet<CheckId>,
    newest: BTreeMap<CheckId, CheckState>,
    /// What happened, in order: two runs of one seed have the same.
    pub log: Vec<String>,
}

pub struct World {
    pub clock: SimClock,
    pub journal: MemoryJournal,
    pub folding: Folding,
    state: Mutex<State>,
}

impl World {
    pub fn new(clock: SimClock, mut chance: Chance, weather: Weather) -> Self {
        let folding = chance.pick(&FOLDINGS);
        let state = State {
            chance,
            weather,
            is_calm: false,
            accepted: Vec::new(),
            texts: Vec::new(),
            named: Vec::new(),
            doubtful: BTreeSet::new(),
            receipts: 0,
            confirmed: BTreeSet::new(),
            dead: BTreeSet::new(),
            refused: BTreeSet::new(),
            storm_until_ms: BTreeMap::new(),
            came_ms: BTreeMap::new(),
            violations: Vec::new(),
            is_alone: true,
            removed: BTreeSet::new(),
            newest: BTreeMap::new(),
            log: Vec::new(),
        };
        Self { clock, journal: MemoryJournal::new().with_folding(folding), folding, state: Mutex::new(state) }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn log(&self, entry: impl FnOnce() -> String) {
        let at = self.clock.passed_ms();
        self.state().log.push(format!("{at:>8} {}", entry()));
    }
}

impl State {
    /// Draws whether something happens; never in calm weather.
    pub fn strikes(&mut self, rate: impl FnOnce(&Weather) -> u64) -> bool {
        let per_mille = rate(&self.weather);
        !self.is_calm && per_mille > 0 && self.chance.hits(per_mille)
    }

    /// Holds a durable commit against the one before it: nothing that counts goes back.
    pub fn committed(&mut self, commit: &Commit, now: checks::UnixMs) {
        let state = &commit.state;
        if let Some(before) = self.newest.insert(commit.check.clone(), state.clone()) {
            let mut problems = Vec::new();
            for (name, old) in &before.regions {
                let (Some(new), Some(mark)) = (state.regions.get(name), old.watermark) else { continue };
                if new.watermark < Some(mark) && mark.slot <= now + CLOCK_AHEAD_MAX_MS {
                    problems.push(format!("the watermark of {name} went back from {mark:?} to {:?}", new.watermark));
                }
            }
            if let (Some(old), Some(new)) = (&before.incident, &state.incident) {
                let is_same = new.number == old.number;
                if is_same
                    && (new.next_notification < old.next_notification
                        || new.failures_total < old.failures_total
                        || !new.rungs.starts_with(&old.rungs))
                {
                    problems.push(format!("incident {} went back:\n{old:?}\n{new:?}", new.number));
                }
            }
            if before.incident.is_some() && state.incident.is_none() {
                problems.extend(self.is_still_dark(state));
            }
            self.violations.extend(problems.into_iter().map(|problem| format!("{}: {problem}", commit.check)));
        }
    }

    /// The incident of a check without data ends when it has data from everywhere, and not before.
    fn is_still_dark(&self, of_silence: &CheckState) -> Option<String> {
        let signal = of_silence.signal.as_ref().filter(|signal| signal.key.source == SignalSource::NoData)?;
        let check = CheckId::new(&signal.key.id).ok().filter(|check| self.is_alone && !self.removed.contains(check))?;
        let (region, own) = self.newest.get(&check)?.regions.iter().find(|(_, own)| own.missed_in_a_row >= 2)?;
        Some(format!("{region} has no data for {} slots, and its incident ended", own.missed_in_a_row))
    }
}

/// One process, from its start to its end. Whatever belongs to a dead one never returns.
#[derive(Debug, Default)]
pub struct Life {
    is_over: AtomicBool,
    ended: Notify,
}

impl Life {
    pub async fn goes_on(&self) {
        if self.is_over.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
    }

    pub async fn crash(&self) -> ! {
        self.is_over.store(true, Ordering::Relaxed);
        self.ended.notify_one();
        pending().await
    }

    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub async fn ended(&self) {
        self.ended.notified().await;
    }
}

pub type Shared = Arc<World>;
