//! Streams without results. A slot that nobody ran is neither a failure nor a recovery; two in a row are an incident of
//! their own: of the region where nothing at all is heard from it, otherwise of the check.
//!
//! Pure. What a check misses is in its own state, and survives with it; what a region misses is put together from the states
//! of its checks after a start, and what was raised from the open incidents.

use crate::incident::{CheckState, Watched};
use crate::policy::Severity;
use crate::signal::{Signal, SignalFacts, SignalKey, SignalSource, SignalState};
use checks::{CheckId, Region, UnixMs};
use std::collections::{BTreeMap, BTreeSet};

/// Slots in a row without a run after which a stream counts as silent. One alone may be a prober that was restarted.
const MISSED_MIN: u32 = 2;
/// Checks and regions that a text names.
const NAMED_MAX: usize = 5;

#[derive(Debug, Default)]
struct OfRegion {
    /// How many checks run here.
    checks: usize,
    /// The first slot of those in a row that a check misses.
    missing: BTreeMap<CheckId, UnixMs>,
    newest_heard: Option<UnixMs>,
}

#[derive(Debug, Default)]
pub(super) struct NoData {
    regions: BTreeMap<Region, OfRegion>,
    raised_regions: BTreeMap<Region, Severity>,
    raised_checks: BTreeSet<CheckId>,
    signals: Vec<Signal>,
}

impl NoData {
    /// A result came. What is heard of every stream all the time costs a look-up. `state` is the check's, with this result.
    pub fn heard(&mut self, check: &CheckId, region: &Region, slot: UnixMs, state: &CheckState, now: UnixMs) {
        let of_region = self.regions.entry(region.clone()).or_default();
        of_region.newest_heard = of_region.newest_heard.max(Some(slot));
        of_region.missing.remove(check);
        if self.raised_regions.remove(region).is_some() {
            self.push(of_silent_region(region, SignalState::Resolved, Severity::P2, 0, now, now));
        }
        if self.raised_checks.contains(check) && dark_regions(state).is_empty() {
            self.raised_checks.remove(check);
            self.push(of_check(check, SignalState::Resolved, &[], now));
        }
    }

    /// Nobody ran a slot, for a run that is still going on: whoever makes it is there.
    pub fn alive(&mut self, region: &Region, slot: UnixMs) {
        let of_region = self.regions.entry(region.clone()).or_default();
        of_region.newest_heard = of_region.newest_heard.max(Some(slot));
    }

    /// Nobody ran a slot. `state` is the check's, with this slot.
    pub fn missed(&mut self, check: &CheckId, region: &Region, slot: UnixMs, state: &CheckState, now: UnixMs) {
        let Some(own) = state.regions.get(region).filter(|own| own.missed_in_a_row > 0) else { return };
        let since = own.missing_since.unwrap_or(slot);
        let of_region = self.regions.entry(region.clone()).or_default();
        of_region.missing.insert(check.clone(), since);
        if own.missed_in_a_row < MISSED_MIN {
            return;
        }
        // Whatever was due since then is missing. Checks that are due more rarely need not miss a slot of theirs for that.
        let is_silent = of_region.checks > 1 && of_region.newest_heard.is_none_or(|heard| heard < since);
        if is_silent || self.raised_regions.contains_key(region) {
            self.raise_region(region, since, now);
        } else if self.raised_checks.insert(check.clone()) {
            self.push(of_check(check, SignalState::Firing, &dark_regions(state), now));
        }
    }

    /// Where every region is silent, Tocsin itself is blind: that wakes people, once, and not for one check alone.
    fn raise_region(&mut self, region: &Region, since: UnixMs, now: UnixMs) {
        let checks = self.regions.get(region).map_or(0, |of_region| of_region.missing.len());
        let is_blind = checks > 1
            && self.regions.keys().all(|known| known == region || self.raised_regions.contains_key(known))
            && self.raised_regions.values().all(|severity| *severity != Severity::P1);
        let severity = if is_blind { Severity::P1 } else { Severity::P2 };
        if self.raised_regions.get(region).is_none_or(|raised| *raised < severity) {
            self.raised_regions.insert(region.clone(), severity);
            self.push(of_silent_region(region, SignalState::Firing, severity, checks, since, now));
        }
    }

    /// An incident that is open: it was raised by a process before this one.
    pub fn remember(&mut self, facts: &SignalFacts) {
        match facts.key.source {
            SignalSource::Region => {
                let region = Region::new(&facts.key.id).ok();
                self.raised_regions.extend(region.map(|region| (region, facts.severity)));
            }
            SignalSource::NoData => {
                self.raised_checks.extend(CheckId::new(&facts.key.id).ok());
            }
            _ => {}
        }
    }

    /// What a check misses according to its state, which a process before this one may have left.
    pub fn take_up(&mut self, check: &CheckId, state: &CheckState) {
        for (region, own) in &state.regions {
            let of_region = self.regions.entry(region.clone()).or_default();
            of_region.newest_heard = of_region.newest_heard.max(own.watermark.map(|mark| mark.slot));
            let since = own.missing_since.or(own.missed.map(|mark| mark.slot)).filter(|_| own.missed_in_a_row > 0);
            if let Some(since) = since {
                of_region.missing.insert(check.clone(), since);
            }
        }
    }

    /// What is watched from now on. Nobody waits for the rest.
    pub fn keep(&mut self, watched: &BTreeMap<CheckId, Watched>, now: UnixMs) {
        let mut checks: BTreeMap<&Region, usize> = BTreeMap::new();
        for region in watched.values().flat_map(|check| &check.regions) {
            *checks.entry(region).or_default() += 1;
        }
        self.regions.retain(|region, _| checks.contains_key(region));
        for (region, count) in &checks {
            let of_region = self.regions.entry((*region).clone()).or_default();
            of_region.checks = *count;
            let runs_here = |check: &CheckId| watched.get(check).is_some_and(|w| w.regions.contains(region));
            of_region.missing.retain(|check, _| runs_here(check));
        }
        let gone: Vec<Region> = self.raised_regions.keys().filter(|one| !checks.contains_key(*one)).cloned().collect();
        for region in gone {
            self.raised_regions.remove(&region);
            self.push(of_silent_region(&region, SignalState::Resolved, Severity::P2, 0, now, now));
        }
        let gone: Vec<CheckId> = self.raised_checks.iter().filter(|one| !watched.contains_key(*one)).cloned().collect();
        for check in gone {
            self.raised_checks.remove(&check);
            self.push(of_check(&check, SignalState::Resolved, &[], now));
        }
    }

    fn push(&mut self, signal: Signal) {
        // An end that could not be written down is none any more.
        if signal.state == SignalState::Firing {
            self.signals.retain(|waiting| waiting.key != signal.key || waiting.state == SignalState::Firing);
        }
        self.signals.push(signal);
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

/// The regions from which a check has no data.
fn dark_regions(state: &CheckState) -> Vec<Region> {
    let dark = state.regions.iter().filter(|(_, own)| own.missed_in_a_row >= MISSED_MIN);
    dark.map(|(region, _)| region.clone()).collect()
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
    let missing = if checks == 1 { "one check misses its".to_owned() } else { format!("{checks} checks miss their") };
    let summary = format!("no result of any check from {region} since {since}; {missing} slots");
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
    use crate::incident::{Context, Event, Observation, Verdict, step};
    use crate::policy::{Directory, Ladder, Policy};
    use checks::{CheckDefinition, ScriptSource};

    fn ladder() -> Ladder {
        Policy::mission("#p2", "#p1", None).ladder("default", &Directory::default()).unwrap()
    }

    fn watched(id: &str, regions: &[Region]) -> Watched {
        let definition = CheckDefinition {
            id: id.parse().unwrap(),
            description: String::new(),
            schedule: "every 30s".to_owned(),
            time_zone: None,
            timeout_ms: 1000,
            regions: Vec::new(),
            tags: Vec::new(),
            secrets: Vec::new(),
            reach: checks::Reach::default(),
            policy: None,
            depends_on: Vec::new(),
            runbook_url: None,
            script: ScriptSource { path: String::new(), hash: String::new() },
        };
        Watched { definition, regions: regions.to_vec() }
    }

    /// What a decider remembers and what it does not, as results come in.
    #[derive(Default)]
    struct Deciding {
        data: NoData,
        watched: BTreeMap<CheckId, Watched>,
        states: BTreeMap<CheckId, CheckState>,
        told: Vec<String>,
    }

    impl Deciding {
        fn new(checks: &[&str], regions: &[&str]) -> Self {
            let regions: Vec<Region> = regions.iter().map(|region| region.parse().unwrap()).collect();
            let watched = checks.iter().map(|id| (id.parse().unwrap(), watched(id, &regions))).collect();
            let mut deciding = Self { watched, ..Self::default() };
            deciding.start();
            deciding
        }

        fn start(&mut self) {
            self.data.keep(&self.watched, UnixMs(0));
            for (check, state) in &self.states {
                self.data.take_up(check, state);
            }
        }

        /// A new process, which finds the incidents that are open.
        fn restart(&mut self, open: &[SignalFacts]) {
            self.data = NoData::default();
            self.start();
            open.iter().for_each(|facts| self.data.remember(facts));
        }

        /// `+` a result, `-` a slot without one, `~` one whose run is still going on: check, region, slot.
        fn play(&mut self, steps: &[(&str, &str, &str, i64)]) -> Vec<SignalFacts> {
            let mut facts = Vec::new();
            for (sign, check, region, slot) in steps {
                let (check, region, at): (CheckId, Region, _) =
                    (check.parse().unwrap(), region.parse().unwrap(), UnixMs(*slot));
                let verdict = match *sign {
                    "+" => Verdict::Passed,
                    "~" => Verdict::StillRunning,
                    _ => Verdict::Missed,
                };
                let observed = Observation { region: region.clone(), slot: at, attempt: 0, at, verdict };
                let ladder = ladder();
                let context = Context {
                    now: at,
                    check: &check,
                    watched: None,
                    is_configured: false,
                    ladder: &ladder,
                    journal: "j",
                    next_incident: 1,
                    hold: None,
                    parents: &[],
                    is_known: false,
                };
                let state = self.states.entry(check.clone()).or_default();
                *state = step(std::mem::take(state), &Event::Observed(observed), &context).state;
                match *sign {
                    "+" => self.data.heard(&check, &region, at, state, at),
                    "-" => self.data.missed(&check, &region, at, state, at),
                    _ => self.data.alive(&region, at),
                }
                for signal in self.data.take() {
                    facts.push(SignalFacts::of(&signal));
                    self.told.push(format!("{slot} {:?} {} {}", signal.state, signal.severity, signal.title));
                }
            }
            facts
        }
    }

    #[test]
    fn what_is_not_heard_is_an_incident_of_the_check_or_of_the_region() {
        type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a [(&'a str, &'a str, &'a str, i64)], &'a [&'a str]);
        let cases: [Case<'_>; 8] = [
            (
                "one check without data is an incident of its own",
                &["a", "b"],
                &["eu"],
                &[
                    ("+", "a", "eu", 0),
                    ("+", "b", "eu", 0),
                    ("-", "a", "eu", 1),
                    ("+", "b", "eu", 1),
                    ("-", "a", "eu", 2),
                    ("-", "a", "eu", 3),
                    ("+", "a", "eu", 4),
                ],
                &["2 Firing P2 no data of a", "4 Resolved P2 no data of a"],
            ),
            (
                "also where it is the only one",
                &["a"],
                &["eu"],
                &[("+", "a", "eu", 0), ("-", "a", "eu", 1), ("-", "a", "eu", 2)],
                &["2 Firing P2 no data of a"],
            ),
            (
                "a silent region is one incident, and all of them wake people once",
                &["a", "b"],
                &["eu", "us"],
                &[
                    ("+", "a", "eu", 0),
                    ("+", "b", "eu", 0),
                    ("+", "a", "us", 0),
                    ("+", "b", "us", 0),
                    ("-", "a", "eu", 1),
                    ("-", "b", "eu", 1),
                    ("-", "a", "eu", 2),
                    ("-", "b", "eu", 2),
                    ("-", "a", "us", 3),
                    ("-", "b", "us", 3),
                    ("-", "b", "us", 4),
                    ("-", "a", "eu", 4),
                    ("+", "b", "us", 5),
                    ("+", "a", "eu", 5),
                ],
                &[
                    "2 Firing P2 region eu is silent",
                    "4 Firing P1 region us is silent",
                    "5 Resolved P2 region us is silent",
                    "5 Resolved P2 region eu is silent",
                ],
            ),
            (
                "a check that is due more often is none beside its region, and wakes nobody alone",
                &["fast", "slow"],
                &["eu"],
                &[
                    ("+", "fast", "eu", 0),
                    ("+", "slow", "eu", 0),
                    ("-", "fast", "eu", 1),
                    ("-", "fast", "eu", 2),
                    ("-", "fast", "eu", 3),
                    ("-", "slow", "eu", 6),
                    ("-", "fast", "eu", 6),
                    ("-", "fast", "eu", 7),
                    ("+", "slow", "eu", 12),
                ],
                &[
                    "2 Firing P2 region eu is silent",
                    "6 Firing P1 region eu is silent",
                    "12 Resolved P2 region eu is silent",
                ],
            ),
            (
                "a check that is due more often than a region that is alive has an incident of its own",
                &["fast", "slow"],
                &["eu"],
                &[("+", "fast", "eu", 0), ("-", "fast", "eu", 1), ("+", "slow", "eu", 2), ("-", "fast", "eu", 2)],
                &["2 Firing P2 no data of fast"],
            ),
            (
                "a run that is still going on is no silence, and no end of one",
                &["a", "b"],
                &["eu"],
                &[
                    ("+", "a", "eu", 0),
                    ("+", "b", "eu", 0),
                    ("~", "a", "eu", 1),
                    ("~", "b", "eu", 1),
                    ("~", "a", "eu", 2),
                    ("~", "b", "eu", 2),
                    ("-", "a", "eu", 3),
                    ("~", "a", "eu", 4),
                    ("~", "b", "eu", 4),
                    ("-", "a", "eu", 5),
                    ("~", "a", "eu", 6),
                ],
                &["5 Firing P2 no data of a"],
            ),
            (
                "one region that comes back leaves the others dark",
                &["a"],
                &["eu", "us"],
                &[
                    ("-", "a", "eu", 1),
                    ("-", "a", "us", 1),
                    ("-", "a", "eu", 2),
                    ("-", "a", "us", 2),
                    ("+", "a", "us", 3),
                    ("+", "a", "eu", 4),
                ],
                &["2 Firing P2 no data of a", "4 Resolved P2 no data of a"],
            ),
            (
                "what the region was silent for has incidents of its own when it is not",
                &["a", "b"],
                &["eu"],
                &[
                    ("+", "a", "eu", 0),
                    ("-", "a", "eu", 1),
                    ("-", "b", "eu", 1),
                    ("-", "a", "eu", 2),
                    ("+", "b", "eu", 3),
                    ("-", "a", "eu", 3),
                ],
                &["2 Firing P1 region eu is silent", "3 Resolved P2 region eu is silent", "3 Firing P2 no data of a"],
            ),
        ];
        for (name, checks, regions, steps, expected) in cases {
            let mut deciding = Deciding::new(checks, regions);
            deciding.play(steps);
            assert_eq!(deciding.told, expected, "{name}");
        }
    }

    #[test]
    fn a_restart_does_not_end_what_is_still_dark() {
        let mut one = Deciding::new(&["a"], &["eu", "us"]);
        let open = one.play(&[("+", "a", "us", 0), ("-", "a", "eu", 1), ("-", "a", "eu", 2)]);
        one.restart(&open);
        one.play(&[("+", "a", "us", 3), ("-", "a", "eu", 3), ("+", "a", "us", 4), ("+", "a", "eu", 5)]);
        assert_eq!(one.told, ["2 Firing P2 no data of a", "5 Resolved P2 no data of a"]);

        // A region that begins to be silent before the restart is known to be silent after it.
        let mut all = Deciding::new(&["a", "b"], &["eu", "us"]);
        all.play(&[("+", "a", "us", 0), ("+", "a", "eu", 0), ("-", "a", "eu", 1), ("-", "b", "eu", 1)]);
        all.restart(&[]);
        let open = all.play(&[("-", "a", "eu", 2), ("-", "b", "eu", 2)]);
        all.restart(&open);
        all.play(&[("+", "b", "us", 3), ("-", "b", "eu", 3), ("+", "b", "eu", 4)]);
        assert_eq!(all.told, ["2 Firing P2 region eu is silent", "4 Resolved P2 region eu is silent"]);
    }

    #[test]
    fn an_end_that_was_not_written_down_is_none_once_it_is_dark_again() {
        let mut deciding = Deciding::new(&["a"], &["eu"]);
        deciding.play(&[("-", "a", "eu", 1), ("-", "a", "eu", 2)]);
        let end = of_check(&"a".parse().unwrap(), SignalState::Resolved, &[], UnixMs(3));
        deciding.data.raised_checks.clear();
        deciding.data.give_back(vec![end]);
        deciding.play(&[("-", "a", "eu", 4)]);
        assert_eq!(deciding.told[1..], ["4 Firing P2 no data of a"]);
    }
}
