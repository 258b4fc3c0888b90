//! Which open incidents wait for what, and for how long by a clock that nobody sets. In memory: it follows from the
//! states, and is read from them again after a start.

use crate::incident::Due;
use checks::{CheckId, UnixMs};
use std::collections::BTreeMap;

/// How often it is looked whether what holds an incident back has begun or ended.
pub(super) const LOOK_EVERY_MS: u64 = 5_000;
/// How often the journal is asked for incidents that another decider has opened.
const REFRESH_EVERY_MS: u64 = 30_000;
/// An instant that came to nothing is looked at again after this long.
const AGAIN_AFTER_MS: u64 = 1_000;

#[derive(Debug, Clone, Copy)]
struct Wait {
    due: Option<Due>,
    /// By the steady clock.
    steady_ms: u64,
}

#[derive(Debug, Default)]
pub(super) struct Waiting {
    open: BTreeMap<CheckId, Wait>,
    looked_ms: Option<u64>,
    refreshed_ms: Option<u64>,
}

impl Waiting {
    /// Takes up what the incident waits for now. An instant that was known keeps its wait, whatever was done to the wall
    /// clock meanwhile.
    pub fn follow(&mut self, check: &CheckId, due: Option<Due>, now: UnixMs, steady_ms: u64) {
        match self.open.get_mut(check) {
            Some(wait) if wait.due.map(|d| d.at) == due.map(|d| d.at) => {}
            _ => {
                let wait_ms = due.map_or(0, |due| due.at.since_ms(now).min(due.within_ms));
                self.open.insert(check.clone(), Wait { due, steady_ms: steady_ms + wait_ms });
            }
        }
    }

    pub fn ended(&mut self, check: &CheckId) {
        self.open.remove(check);
    }

    pub fn knows(&self, check: &CheckId) -> bool {
        self.open.contains_key(check)
    }

    pub fn open(&self) -> impl Iterator<Item = &CheckId> {
        self.open.keys()
    }

    /// Forgets every instant: the ladders have changed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The instants that have come. Each is handed out again a little later, should nothing have come of it.
    pub fn due(&mut self, steady_ms: u64) -> Vec<(CheckId, UnixMs)> {
        let mut come = Vec::new();
        for (check, wait) in &mut self.open {
            if let Some(due) = wait.due.filter(|_| wait.steady_ms <= steady_ms) {
                come.push((check.clone(), due.at));
                wait.steady_ms = steady_ms + AGAIN_AFTER_MS;
            }
        }
        come
    }

    pub fn is_time_to_look(&mut self, steady_ms: u64) -> bool {
        is_time(&mut self.looked_ms, LOOK_EVERY_MS, steady_ms)
    }

    pub fn look_at_once(&mut self) {
        self.looked_ms = None;
    }

    pub fn is_time_to_refresh(&mut self, steady_ms: u64) -> bool {
        is_time(&mut self.refreshed_ms, REFRESH_EVERY_MS, steady_ms)
    }

    pub fn refresh_at_once(&mut self) {
        self.refreshed_ms = None;
    }

    /// How long nothing is due.
    pub fn sleep_ms(&self, steady_ms: u64) -> u64 {
        let due = self.open.values().filter(|wait| wait.due.is_some()).map(|wait| wait.steady_ms).min();
        let look = self.looked_ms.map_or(steady_ms, |at| at + LOOK_EVERY_MS);
        due.map_or(look, |due| due.min(look)).saturating_sub(steady_ms)
    }
}

fn is_time(last_ms: &mut Option<u64>, every_ms: u64, steady_ms: u64) -> bool {
    let is_time = last_ms.is_none_or(|last| steady_ms >= last + every_ms);
    if is_time {
        *last_ms = Some(steady_ms);
    }
    is_time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_goes_by_the_steady_clock() {
        let check: CheckId = "login".parse().unwrap();
        let due = |at| Some(Due { at: UnixMs(at), within_ms: 600 });
        let mut waiting = Waiting::default();
        waiting.follow(&check, due(1_600), UnixMs(1_000), 50);
        assert_eq!(waiting.due(649), []);
        // The wall clock is set forward past the instant, and something else happens.
        waiting.follow(&check, due(1_600), UnixMs(5_000_000), 100);
        assert_eq!(waiting.due(649), []);
        assert_eq!(waiting.due(650), [(check.clone(), UnixMs(1_600))]);
        assert_eq!(waiting.due(651), [], "not again at once");
        assert_eq!(waiting.due(1_650).len(), 1);
        // After a start with a clock that was set back, the wait is no longer than it would have been.
        let mut waiting = Waiting::default();
        waiting.follow(&check, due(1_600), UnixMs(-1_000_000), 0);
        assert_eq!(waiting.due(600).len(), 1);
    }
}
