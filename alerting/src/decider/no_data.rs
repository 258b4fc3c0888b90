//! Streams without results. A slot that nobody ran is neither a failure nor a recovery; two in a row are an incident of
//! their own: of the region where nothing at all is heard from it, otherwise of the check.
//!
//! Pure, and in memory: what was raised is read from the open incidents after a start, and what is missed is told again
//! by the next slot.

use crate::policy::Severity;
use crate::signal::{Signal, SignalFacts, SignalKey, SignalSource, SignalState};
use checks::{CheckId, Region, UnixMs};
use std::collections::{BTreeMap, BTreeSet};

/// Slots in a row without a run after which a stream counts as silent. One alone may be a prober that was restarted.
const MISSED_MIN: u32 = 2;
/// Checks and regions that a text names.
const NAMED_MAX: usize = 5;

#[derive(Debug, Clone, Copy)]
struct Missing {
    first_slot: UnixMs,
    in_a_row: u32,
}

#[derive(Debug, Default)]
struct OfRegion {
    missing: BTreeMap<CheckId, Missing>,
    newest_heard: Option<UnixMs>,
}

#[derive(Debug, Default)]
pub(super) struct NoData {
    regions: BTreeMap<Region, OfRegion>,
    raised_regions: BTreeSet<Region>,
    raised_checks: BTreeSet<CheckId>,
    signals: Vec<Signal>,
}

impl NoData {
    /// A result came. What is heard of every stream all the time costs a look-up.
    pub fn heard(&mut self, check: &CheckId, region: &Region, slot: UnixMs, now: UnixMs) {
        let of_region = self.regions.entry(region.clone()).or_default();
        of_region.newest_heard = of_region.newest_heard.max(Some(slot));
        of_region.missing.remove(check);
        if self.raised_regions.remove(region) {
            self.signals.push(of_silent_region(region, SignalState::Resolved, Severity::P2, 0, now, now));
        }
        if self.raised_checks.contains(check) && self.dark_regions(check).is_empty() {
            self.raised_checks.remove(check);
            self.signals.push(of_check(check, SignalState::Resolved, &[], now));
        }
    }

    /// Nobody ran a slot; `in_a_row` of the stream with this one.
    pub fn missed(&mut self, check: &CheckId, region: &Region, slot: UnixMs, in_a_row: u32, now: UnixMs) {
        let of_region = self.regions.entry(region.clone()).or_default();
        let missing = of_region.missing.entry(check.clone()).or_insert(Missing { first_slot: slot, in_a_row });
        missing.in_a_row = in_a_row;
        if in_a_row < MISSED_MIN || self.raised_regions.contains(region) {
            return;
        }
        let since = missing.first_slot;
        let is_silent = of_region.missing.len() > 1 && of_region.newest_heard.is_none_or(|heard| heard < since);
        if is_silent {
            let checks = of_region.missing.len();
            self.raised_regions.insert(region.clone());
            let is_all = self.regions.keys().all(|known| self.raised_regions.contains(known));
            let severity = if is_all { Severity::P1 } else { Severity::P2 };
            self.signals.push(of_silent_region(region, SignalState::Firing, severity, checks, since, now));
        } else if self.raised_checks.insert(check.clone()) {
            let regions = self.dark_regions(check);
            self.signals.push(of_check(check, SignalState::Firing, &regions, now));
        }
    }

    fn dark_regions(&self, check: &CheckId) -> Vec<Region> {
        let is_dark = |of: &OfRegion| of.missing.get(check).is_some_and(|missing| missing.in_a_row >= MISSED_MIN);
        self.regions.iter().filter(|(_, of)| is_dark(of)).map(|(region, _)| region.clone()).collect()
    }

    /// An incident that is open: it was raised by a process before this one.
    pub fn remember(&mut self, facts: &SignalFacts) {
        match facts.key.source {
            SignalSource::Region => {
                self.raised_regions.extend(Region::new(&facts.key.id).ok());
            }
            SignalSource::NoData => {
                self.raised_checks.extend(CheckId::new(&facts.key.id).ok());
            }
            _ => {}
        }
    }

    /// What is watched from now on. Nobody waits for the rest.
    pub fn keep(
        &mut self,
        is_watched: impl Fn(&CheckId, &Region) -> bool,
        checks: &BTreeSet<CheckId>,
        regions: &BTreeSet<Region>,
        now: UnixMs,
    ) {
        self.regions.retain(|region, _| regions.contains(region));
        for (region, of_region) in &mut self.regions {
            of_region.missing.retain(|check, _| is_watched(check, region));
        }
        let gone: Vec<Region> = self.raised_regions.difference(regions).cloned().collect();
        for region in gone {
            self.raised_regions.remove(&region);
            self.signals.push(of_silent_region(&region, SignalState::Resolved, Severity::P2, 0, now, now));
        }
        let gone: Vec<CheckId> = self.raised_checks.difference(checks).cloned().collect();
        for check in gone {
            self.raised_checks.remove(&check);
            self.signals.push(of_check(&check, SignalState::Resolved, &[], now));
        }
    }

    /// What is to be decided now.
    pub fn take(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    /// Signals that were not written down: they come again.
    pub fn give_back(&mut self, signals: Vec<Signal>) {
        self.signals.splice(0..0, signals);
    }
}

fn signal(source: SignalSource, id: &str, state: SignalState, severity: Severity, title: String, at: UnixMs) -> Signal {
    Signal {
        key: SignalKey { source, id: id.to_owned() },
        state,
        severity,
        title,
        summary: String::new(),
        labels: BTreeMap::new(),
        links: Vec::new(),
        policy: None,
        at,
    }
}

fn of_silent_region(
    region: &Region,
    state: SignalState,
    severity: Severity,
    checks: usize,
    since: UnixMs,
    now: UnixMs,
) -> Signal {
    let title = format!("region {region} is silent");
    let summary = format!("no result of any check from {region} since {since}; {checks} checks miss their slots");
    let labels = [("region".to_owned(), region.to_string())].into();
    Signal { summary, labels, ..signal(SignalSource::Region, region.as_str(), state, severity, title, now) }
}

fn of_check(check: &CheckId, state: SignalState, regions: &[Region], now: UnixMs) -> Signal {
    let named: Vec<&str> = regions.iter().take(NAMED_MAX).map(Region::as_str).collect();
    let more = regions.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let title = format!("no data of {check}");
    let summary = format!(
        "{MISSED_MIN} slots in a row of {check} have no result from {}{more}: it is not known whether it works",
        named.join(", ")
    );
    let labels = [("check".to_owned(), check.to_string())].into();
    Signal { summary, labels, ..signal(SignalSource::NoData, check.as_str(), state, Severity::P2, title, now) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+` a result, `-` a slot without one: check, region, slots in a row.
    fn play(steps: &[(&str, &str, &str, i64, u32)]) -> Vec<String> {
        let mut data = NoData::default();
        let mut told = Vec::new();
        for (sign, check, region, slot, in_a_row) in steps {
            let (check, region, at) = (check.parse().unwrap(), region.parse().unwrap(), UnixMs(*slot));
            match *sign {
                "+" => data.heard(&check, &region, at, at),
                _ => data.missed(&check, &region, at, *in_a_row, at),
            }
            let say = |s: &Signal| format!("{slot} {:?} {} {}", s.state, s.severity, s.title);
            told.extend(data.take().iter().map(say));
        }
        told
    }

    #[test]
    fn one_check_without_data_is_an_incident_of_its_own() {
        let told = play(&[
            ("+", "a", "eu", 0, 0),
            ("+", "b", "eu", 0, 0),
            ("-", "a", "eu", 1, 1),
            ("+", "b", "eu", 1, 0),
            ("-", "a", "eu", 2, 2),
            ("-", "a", "eu", 3, 3),
            ("+", "a", "eu", 4, 0),
        ]);
        assert_eq!(told, ["2 Firing P2 no data of a", "4 Resolved P2 no data of a"]);
    }

    #[test]
    fn a_silent_region_is_one_incident_and_all_of_them_wake_people() {
        let told = play(&[
            ("+", "a", "eu", 0, 0),
            ("+", "b", "eu", 0, 0),
            ("+", "a", "us", 0, 0),
            ("+", "b", "us", 0, 0),
            ("-", "a", "eu", 1, 1),
            ("-", "b", "eu", 1, 1),
            ("-", "a", "eu", 2, 2),
            ("-", "b", "eu", 2, 2),
            ("-", "a", "us", 3, 1),
            ("-", "b", "us", 3, 1),
            ("-", "b", "us", 4, 2),
            ("+", "b", "us", 5, 0),
            ("+", "a", "eu", 5, 0),
        ]);
        let wanted = [
            "2 Firing P2 region eu is silent",
            "4 Firing P1 region us is silent",
            "5 Resolved P2 region us is silent",
            "5 Resolved P2 region eu is silent",
        ];
        assert_eq!(told, wanted);
    }
}
