use super::fallback::other_ways;
use super::{Counts, Destination, Directory, Flapping, Member, Policy, Severity};
use crate::email::check_address;
use crate::notification::Address;
use std::collections::BTreeMap;

/// A policy that can be climbed: checked, in order, every name replaced by its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    pub name: String,
    pub rungs: Vec<LadderRung>,
    pub recover_after: u32,
    /// Who gets an SMS where a page stays undelivered.
    pub fallback: Vec<Address>,
    /// The other ways to the people whom it may text, for where their SMS stays undelivered as well.
    pub fallback_otherwise: Vec<Address>,
    pub fallback_after_ms: u64,
    pub repeat_every_ms: Option<u64>,
    pub confirm_after_ms: Option<u64>,
    pub flapping: Option<Flapping>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderRung {
    /// Unique in its ladder: an open incident remembers its rungs by it, so that a ladder can be changed under it.
    pub label: String,
    pub failures_in_a_row: u32,
    pub min_regions: u32,
    pub counts: Counts,
    /// Climbed by time instead of by failures, while nobody acknowledges: this long after the rung before it that wakes
    /// people.
    pub unacknowledged_after_ms: Option<u64>,
    pub addresses: Vec<Address>,
}

impl LadderRung {
    /// Whether it wakes people: an undelivered page falls back, an undelivered post for the morning does not.
    pub fn wakes(&self) -> bool {
        self.counts == Counts::TargetFailures
    }

    pub fn is_by_time(&self) -> bool {
        self.unacknowledged_after_ms.is_some()
    }
}

impl Ladder {
    pub fn rung(&self, label: &str) -> Option<&LadderRung> {
        self.rungs.iter().find(|rung| rung.label == label)
    }

    /// Whether what no check counts climbs the rung at this place, at once. Nothing counts up to a later rung, so that a P1
    /// climbs every one that counts failures. A P2 wakes nobody: it climbs those for the morning, and where there are none
    /// the first, rather than be told to nobody.
    pub fn is_reached_by(&self, severity: Severity, place: usize) -> bool {
        let counts = |rung: &LadderRung| !rung.is_by_time();
        let is_quiet = |rung: &LadderRung| counts(rung) && !rung.wakes();
        let rung = &self.rungs[place];
        match severity {
            Severity::P1 => counts(rung),
            Severity::P2 if self.rungs.iter().any(is_quiet) => is_quiet(rung),
            Severity::P2 => self.rungs.iter().position(counts) == Some(place),
        }
    }
}

/// The ladder of every check: by the policy that it names, or the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladders {
    pub default: Ladder,
    pub named: BTreeMap<String, Ladder>,
}

impl Ladders {
    pub fn of(&self, policy: Option<&str>) -> &Ladder {
        policy.and_then(|name| self.named.get(name)).unwrap_or(&self.default)
    }
}

/// Why a policy cannot be climbed. Each says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("policy `{policy}` has no rungs; write at least one, or leave the policy out for the default ladder")]
    NoRungs { policy: String },
    #[error("policy `{policy}`, rung {rung}: `{key}` is 0; write 1 or more")]
    Zero { policy: String, rung: usize, key: &'static str },
    #[error("policy `{policy}`: `recover_after` is 0; write 1 or more")]
    RecoverAfterZero { policy: String },
    #[error("policy `{policy}`, rung {rung}: names no channel or team; write at least one")]
    NoDestination { policy: String, rung: usize },
    #[error(
        "policy `{policy}`, rung {rung}: {failures} failures in a row come no later than the rung before it that counts the same ({before}), so it is never climbed on its own; write more than {before}, or move its channels into that rung"
    )]
    OutOfOrder { policy: String, rung: usize, failures: u32, before: u32 },
    #[error(
        "policy `{policy}`, rung {rung}: an SMS cannot be sent for every failure, since those of the script and the prober wake nobody; let the rung count target failures"
    )]
    SmsForEveryFailure { policy: String, rung: usize },
    #[error(
        "policy `{policy}`, rung {rung}: a call cannot be made for every failure, since those of the script and the prober wake nobody; let the rung count target failures"
    )]
    CallForEveryFailure { policy: String, rung: usize },
    #[error(
        "policy `{policy}`, rung {rung}: it can never be reached: it waits for an acknowledgement of a rung before it that wakes people, and there is none; write one with `counts = \"target-failures\"` first"
    )]
    NothingToAcknowledge { policy: String, rung: usize },
    #[error("policy `{policy}`, rung {rung}: `{label}` is the label of an earlier rung; give it one of its own")]
    SameLabel { policy: String, rung: usize, label: String },
    #[error("policy `{policy}`, rung {rung}: there is no webhook `{webhook}`; {known}")]
    UnknownWebhook { policy: String, rung: usize, webhook: String, known: String },
    #[error(
        "policy `{policy}`, rung {rung}: `{email}` is neither a team nor an e-mail address; write `name@example.com`, or one of the teams {known}"
    )]
    Email { policy: String, rung: usize, email: String, known: String },
    #[error(
        "policy `{policy}`, rung {rung}: no member of team `{team}` has an e-mail address; write `email = \"ada@example.com\"` beside the phone number"
    )]
    NoEmail { policy: String, rung: usize, team: String },
    #[error("policy `{policy}`: there is no team `{team}`; the teams are {known}")]
    UnknownTeam { policy: String, team: String, known: String },
    #[error("policy `{policy}`: team `{team}` has no members; write a name and a phone number for at least one")]
    EmptyTeam { policy: String, team: String },
    #[error(
        "policy `{policy}`, rung {rung}: `{channel}` is no Slack channel; write `#name` or a channel id such as `C0123ABCD`"
    )]
    SlackChannel { policy: String, rung: usize, channel: String },
}

impl PolicyError {
    /// The rung that it is about, counted from 1.
    pub fn rung(&self) -> Option<usize> {
        match self {
            Self::Zero { rung, .. }
            | Self::NoDestination { rung, .. }
            | Self::OutOfOrder { rung, .. }
            | Self::SmsForEveryFailure { rung, .. }
            | Self::CallForEveryFailure { rung, .. }
            | Self::NothingToAcknowledge { rung, .. }
            | Self::SameLabel { rung, .. }
            | Self::UnknownWebhook { rung, .. }
            | Self::Email { rung, .. }
            | Self::NoEmail { rung, .. }
            | Self::SlackChannel { rung, .. } => Some(*rung),
            Self::NoRungs { .. }
            | Self::RecoverAfterZero { .. }
            | Self::UnknownTeam { .. }
            | Self::EmptyTeam { .. } => None,
        }
    }
}

impl Policy {
    /// Checks the policy, called `name` in what it complains about, and resolves its names.
    pub fn ladder(&self, name: &str, directory: &Directory) -> Result<Ladder, PolicyError> {
        let policy = || name.to_owned();
        if self.rungs.is_empty() {
            return Err(PolicyError::NoRungs { policy: policy() });
        }
        if self.recover_after == 0 {
            return Err(PolicyError::RecoverAfterZero { policy: policy() });
        }
        let mut rungs: Vec<LadderRung> = Vec::with_capacity(self.rungs.len());
        for (index, rung) in self.rungs.iter().enumerate() {
            let number = index + 1;
            let is_by_time = rung.unacknowledged_after_ms.is_some();
            for (key, value) in [("failures_in_a_row", rung.failures_in_a_row), ("min_regions", rung.min_regions)] {
                if value == 0 && !is_by_time {
                    return Err(PolicyError::Zero { policy: policy(), rung: number, key });
                }
            }
            if rungs.iter().any(|earlier| earlier.label == rung.label) {
                return Err(PolicyError::SameLabel { policy: policy(), rung: number, label: rung.label.clone() });
            }
            if is_by_time && !rungs.iter().any(LadderRung::wakes) {
                return Err(PolicyError::NothingToAcknowledge { policy: policy(), rung: number });
            }
            // A failure that one rung counts may be none for another: only what counts the same comes in an order.
            let counts_the_same = |earlier: &&LadderRung| !earlier.is_by_time() && earlier.counts == rung.counts;
            if let Some(before) = rungs.iter().rfind(counts_the_same)
                && !is_by_time
                && before.failures_in_a_row >= rung.failures_in_a_row
                && before.min_regions >= rung.min_regions
            {
                let (failures, before) = (rung.failures_in_a_row, before.failures_in_a_row);
                return Err(PolicyError::OutOfOrder { policy: policy(), rung: number, failures, before });
            }
            let mut addresses = Vec::new();
            for destination in &rung.destinations {
                addresses.extend(resolve(destination, rung.counts, name, number, directory)?);
            }
            if addresses.is_empty() {
                return Err(PolicyError::NoDestination { policy: policy(), rung: number });
            }
            dedup(&mut addresses);
            rungs.push(LadderRung {
                label: rung.label.clone(),
                failures_in_a_row: rung.failures_in_a_row,
                min_regions: rung.min_regions,
                counts: if is_by_time { Counts::TargetFailures } else { rung.counts },
                unacknowledged_after_ms: rung.unacknowledged_after_ms,
                addresses,
            });
        }
        let (mut fallback, mut fallback_otherwise) = (Vec::new(), Vec::new());
        for team in self.fallback_teams(directory) {
            fallback.extend(texts(name, team, directory)?);
        }
        let texted =
            self.rungs.iter().flat_map(|rung| &rung.destinations).filter_map(|destination| match destination {
                Destination::SmsTeam(team) => Some(team.as_str()),
                _ => None,
            });
        for team in self.fallback_teams(directory).into_iter().chain(texted) {
            fallback_otherwise.extend(members(name, team, directory)?.iter().flat_map(|m| other_ways(m, directory)));
        }
        dedup(&mut fallback);
        dedup(&mut fallback_otherwise);
        Ok(Ladder {
            name: policy(),
            rungs,
            recover_after: self.recover_after,
            fallback,
            fallback_otherwise,
            fallback_after_ms: self.fallback_after_ms,
            repeat_every_ms: self.repeat_every_ms,
            confirm_after_ms: self.confirm_after_ms,
            flapping: self.flapping,
        })
    }
}

/// A number that two teams share, or one team lists twice, is texted once.
fn dedup(addresses: &mut Vec<Address>) {
    let mut seen = std::collections::BTreeSet::new();
    addresses.retain(|address| seen.insert(address.lane()));
}

/// The addresses behind one name that a rung has.
fn resolve(
    destination: &Destination,
    counts: Counts,
    policy: &str,
    rung: usize,
    directory: &Directory,
) -> Result<Vec<Address>, PolicyError> {
    let name = || policy.to_owned();
    let is_every = counts == Counts::EveryFailure;
    match destination {
        Destination::Slack(channel) if !is_slack_channel(channel) => {
            Err(PolicyError::SlackChannel { policy: name(), rung, channel: channel.clone() })
        }
        Destination::Slack(channel) => Ok(vec![Address::Slack { channel: channel.clone() }]),
        Destination::SmsTeam(_) if is_every => Err(PolicyError::SmsForEveryFailure { policy: name(), rung }),
        Destination::SmsTeam(team) => texts(policy, team, directory),
        Destination::VoiceTeam(_) if is_every => Err(PolicyError::CallForEveryFailure { policy: name(), rung }),
        Destination::VoiceTeam(team) => {
            let members = members(policy, team, directory)?.iter();
            Ok(members.map(|m| Address::Voice { member: m.name.clone(), number: m.phone.clone() }).collect())
        }
        Destination::Webhook(webhook) if directory.webhooks.contains(webhook) => {
            Ok(vec![Address::Webhook { name: webhook.clone() }])
        }
        Destination::Webhook(webhook) => {
            let known = directory.webhooks.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let known = match known.is_empty() {
                true => format!("write its URL as `[webhooks.{webhook}]`"),
                false => format!("there are {known}"),
            };
            Err(PolicyError::UnknownWebhook { policy: name(), rung, webhook: webhook.clone(), known })
        }
        Destination::Email(email) if directory.teams.contains_key(email) => {
            let of =
                |m: &Member| m.email.clone().map(|address| Address::Email { member: Some(m.name.clone()), address });
            let addresses: Vec<Address> = members(policy, email, directory)?.iter().filter_map(of).collect();
            match addresses.is_empty() {
                true => Err(PolicyError::NoEmail { policy: name(), rung, team: email.clone() }),
                false => Ok(addresses),
            }
        }
        Destination::Email(email) if check_address(email).is_ok() => {
            Ok(vec![Address::Email { member: None, address: email.clone() }])
        }
        Destination::Email(email) => {
            Err(PolicyError::Email { policy: name(), rung, email: email.clone(), known: known_teams(directory) })
        }
    }
}

fn known_teams(directory: &Directory) -> String {
    let known: Vec<_> = directory.teams.keys().map(|name| format!("`{name}`")).collect();
    if known.is_empty() { "none yet".to_owned() } else { known.join(", ") }
}

fn members<'a>(policy: &str, team: &str, directory: &'a Directory) -> Result<&'a [Member], PolicyError> {
    let members = directory.teams.get(team).ok_or_else(|| PolicyError::UnknownTeam {
        policy: policy.to_owned(),
        team: team.to_owned(),
        known: known_teams(directory),
    })?;
    match members.is_empty() {
        true => Err(PolicyError::EmptyTeam { policy: policy.to_owned(), team: team.to_owned() }),
        false => Ok(members),
    }
}

fn texts(policy: &str, team: &str, directory: &Directory) -> Result<Vec<Address>, PolicyError> {
    let members = members(policy, team, directory)?.iter();
    Ok(members.map(|m| Address::Sms { member: m.name.clone(), number: m.phone.clone() }).collect())
}

fn is_slack_channel(channel: &str) -> bool {
    match channel.strip_prefix('#') {
        Some(name) => {
            !name.is_empty() && name.chars().count() <= 80 && !name.contains(|c: char| c.is_whitespace() || c == '#')
        }
        None => {
            channel.len() >= 9
                && channel.starts_with(['C', 'G', 'D'])
                && channel.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Member, Rung};

    fn directory() -> Directory {
        let ada = Member { name: "Ada".to_owned(), phone: "+4915112345678".parse().unwrap(), email: None };
        let teams = [("devops".to_owned(), vec![ada]), ("empty".to_owned(), vec![])].into();
        Directory { teams, webhooks: ["pager".to_owned()].into(), ..Directory::default() }
    }

    #[test]
    fn the_mission_default_resolves() {
        let ladder = Policy::mission_default().ladder("default", &directory()).unwrap();
        let lanes: Vec<Vec<_>> = ladder.rungs.iter().map(|r| r.addresses.iter().map(Address::lane).collect()).collect();
        assert_eq!(lanes, [vec!["slack:#p2"], vec!["slack:#p1", "sms:+4915112345678"]]);
        assert!(!ladder.rungs[0].wakes() && ladder.rungs[1].wakes());
    }

    #[test]
    fn what_no_check_counts_climbs_by_its_severity() {
        let rung = |label: &str, counts| Rung {
            label: label.to_owned(),
            failures_in_a_row: 1,
            min_regions: 1,
            counts,
            unacknowledged_after_ms: None,
            destinations: vec![Destination::Slack("#p1".to_owned())],
        };
        let every = |label, failures| Rung { failures_in_a_row: failures, ..rung(label, Counts::EveryFailure) };
        let target = |label, failures| Rung { failures_in_a_row: failures, ..rung(label, Counts::TargetFailures) };
        let later = |label| Rung { unacknowledged_after_ms: Some(60_000), ..target(label, 1) };
        type Case<'a> = (Vec<Rung>, &'a [&'a str], &'a [&'a str]);
        let cases: [Case<'_>; 6] = [
            (vec![every("P2", 1), target("P1", 2), later("call")], &["P2"], &["P2", "P1"]),
            // Without `counts`, the rung for the morning counts the target's failures like the one above it.
            (vec![target("P2", 1), target("P1", 2), later("call")], &["P2"], &["P2", "P1"]),
            (vec![target("P1", 2)], &["P1"], &["P1"]),
            (vec![target("P1", 2), later("call"), target("all", 5)], &["P1"], &["P1", "all"]),
            (vec![every("P2", 1), every("many", 9)], &["P2", "many"], &["P2", "many"]),
            (vec![target("P1", 2), every("P2", 5)], &["P2"], &["P1", "P2"]),
        ];
        for (rungs, p2, p1) in cases {
            let ladder = Policy { rungs, ..Policy::mission_default() }.ladder("p", &directory()).unwrap();
            for (severity, expected) in [(Severity::P2, p2), (Severity::P1, p1)] {
                let climbed = (0..ladder.rungs.len()).filter(|place| ladder.is_reached_by(severity, *place));
                let labels: Vec<_> = climbed.map(|place| ladder.rungs[place].label.as_str()).collect();
                assert_eq!(labels, expected, "{severity}: {ladder:?}");
            }
        }
    }

    #[test]
    fn rungs_that_count_otherwise_stand_in_any_order() {
        let rung = |label: &str, counts, failures| Rung {
            label: label.to_owned(),
            failures_in_a_row: failures,
            min_regions: 1,
            counts,
            unacknowledged_after_ms: None,
            destinations: vec![Destination::Slack("#p1".to_owned())],
        };
        let (every, target) = (Counts::EveryFailure, Counts::TargetFailures);
        for rungs in [
            vec![rung("P2", every, 1), rung("P1", target, 1)],
            vec![rung("P1", target, 2), rung("P2", every, 1), rung("all", target, 3)],
        ] {
            Policy { rungs, ..Policy::mission_default() }.ladder("p", &directory()).unwrap();
        }
        let rungs = vec![rung("a", target, 2), rung("b", every, 1), rung("c", target, 2)];
        let error = Policy { rungs, ..Policy::mission_default() }.ladder("p", &directory()).unwrap_err();
        assert!(error.to_string().contains("rung 3: 2 failures in a row come no later"), "{error}");
    }

    #[test]
    fn what_cannot_be_climbed_is_refused() {
        let rung = |failures, destinations: &[Destination]| Rung {
            label: format!("x{failures}"),
            failures_in_a_row: failures,
            min_regions: 1,
            counts: Counts::TargetFailures,
            unacknowledged_after_ms: None,
            destinations: destinations.to_vec(),
        };
        let later = |failures, destinations: &[Destination]| Rung {
            unacknowledged_after_ms: Some(60_000),
            ..rung(failures, destinations)
        };
        let p1 = || Destination::Slack("#p1".to_owned());
        let sms = |team: &str| Destination::SmsTeam(team.to_owned());
        let cases: Vec<(Vec<Rung>, u32, &str)> = vec![
            (vec![], 1, "has no rungs"),
            (vec![rung(0, &[p1()])], 1, "`failures_in_a_row` is 0"),
            (vec![Rung { min_regions: 0, ..rung(1, &[p1()]) }], 1, "`min_regions` is 0"),
            (vec![rung(1, &[])], 1, "names no channel"),
            (vec![rung(1, &[p1()])], 0, "`recover_after` is 0"),
            (vec![rung(2, &[p1()]), Rung { label: "y".to_owned(), ..rung(2, &[p1()]) }], 1, "write more than 2"),
            (
                vec![rung(2, &[p1()]), Rung { failures_in_a_row: 3, ..rung(2, &[p1()]) }],
                1,
                "`x2` is the label of an earlier",
            ),
            (vec![later(1, &[p1()])], 1, "can never be reached"),
            (
                vec![Rung { counts: Counts::EveryFailure, ..rung(1, &[p1()]) }, later(2, &[p1()])],
                1,
                "can never be reached",
            ),
            (vec![rung(1, &[Destination::Webhook("x".to_owned())])], 1, "no webhook `x`; there are `pager`"),
            (vec![rung(1, &[Destination::Email("ada".to_owned())])], 1, "neither a team nor an e-mail address"),
            (vec![rung(1, &[Destination::Email("devops".to_owned())])], 1, "has an e-mail address"),
            (
                vec![Rung { counts: Counts::EveryFailure, ..rung(1, &[Destination::VoiceTeam("devops".to_owned())]) }],
                1,
                "a call cannot be made",
            ),
            (vec![rung(1, &[sms("night")])], 1, "there is no team `night`; the teams are `devops`, `empty`"),
            (vec![rung(1, &[sms("empty")])], 1, "has no members"),
            (vec![Rung { counts: Counts::EveryFailure, ..rung(1, &[sms("devops")]) }], 1, "wake nobody"),
            (vec![rung(1, &[Destination::Slack("p1".to_owned())])], 1, "is no Slack channel"),
        ];
        for (rungs, recover_after, part) in cases {
            let policy =
                Policy { rungs, recover_after, fallback_team: None, fallback_after_ms: 1, ..Policy::mission_default() };
            let error = policy.ladder("p", &directory()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
