use super::{Counts, Destination, Directory, Policy};
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
    pub fallback_after_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderRung {
    pub label: String,
    pub failures_in_a_row: u32,
    pub min_regions: u32,
    pub counts: Counts,
    pub addresses: Vec<Address>,
}

impl LadderRung {
    /// Whether it wakes people: an undelivered page falls back, an undelivered post for the morning does not.
    pub fn wakes(&self) -> bool {
        self.counts == Counts::TargetFailures
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
        "policy `{policy}`, rung {rung}: {failures} failures in a row come no later than the rung before it ({before}), so it is never climbed on its own; write more than {before}, or move its channels into that rung"
    )]
    OutOfOrder { policy: String, rung: usize, failures: u32, before: u32 },
    #[error(
        "policy `{policy}`, rung {rung}: an SMS cannot be sent for every failure, since those of the script and the prober wake nobody; let the rung count target failures"
    )]
    SmsForEveryFailure { policy: String, rung: usize },
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
            for (key, value) in [("failures_in_a_row", rung.failures_in_a_row), ("min_regions", rung.min_regions)] {
                if value == 0 {
                    return Err(PolicyError::Zero { policy: policy(), rung: number, key });
                }
            }
            if let Some(before) = rungs.last()
                && before.failures_in_a_row >= rung.failures_in_a_row
                && before.min_regions >= rung.min_regions
            {
                let (failures, before) = (rung.failures_in_a_row, before.failures_in_a_row);
                return Err(PolicyError::OutOfOrder { policy: policy(), rung: number, failures, before });
            }
            let mut addresses = Vec::new();
            for destination in &rung.destinations {
                match destination {
                    Destination::Slack(channel) => {
                        if !is_slack_channel(channel) {
                            let channel = channel.clone();
                            return Err(PolicyError::SlackChannel { policy: policy(), rung: number, channel });
                        }
                        addresses.push(Address::Slack { channel: channel.clone() });
                    }
                    Destination::SmsTeam(_) if rung.counts == Counts::EveryFailure => {
                        return Err(PolicyError::SmsForEveryFailure { policy: policy(), rung: number });
                    }
                    Destination::SmsTeam(team) => addresses.extend(texts(name, team, directory)?),
                }
            }
            if addresses.is_empty() {
                return Err(PolicyError::NoDestination { policy: policy(), rung: number });
            }
            dedup(&mut addresses);
            rungs.push(LadderRung {
                label: rung.label.clone(),
                failures_in_a_row: rung.failures_in_a_row,
                min_regions: rung.min_regions,
                counts: rung.counts,
                addresses,
            });
        }
        let mut fallback = match &self.fallback_team {
            Some(team) => texts(name, team, directory)?,
            None => Vec::new(),
        };
        dedup(&mut fallback);
        Ok(Ladder {
            name: policy(),
            rungs,
            recover_after: self.recover_after,
            fallback,
            fallback_after_ms: self.fallback_after_ms,
        })
    }
}

/// A number that two teams share, or one team lists twice, is texted once.
fn dedup(addresses: &mut Vec<Address>) {
    let mut seen = std::collections::BTreeSet::new();
    addresses.retain(|address| seen.insert(address.lane()));
}

fn texts(policy: &str, team: &str, directory: &Directory) -> Result<Vec<Address>, PolicyError> {
    let members = directory.teams.get(team).ok_or_else(|| {
        let known: Vec<_> = directory.teams.keys().map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        PolicyError::UnknownTeam { policy: policy.to_owned(), team: team.to_owned(), known }
    })?;
    if members.is_empty() {
        return Err(PolicyError::EmptyTeam { policy: policy.to_owned(), team: team.to_owned() });
    }
    Ok(members.iter().map(|m| Address::Sms { member: m.name.clone(), number: m.phone.clone() }).collect())
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
        let ada = Member { name: "Ada".to_owned(), phone: "+4915112345678".parse().unwrap() };
        Directory { teams: [("devops".to_owned(), vec![ada]), ("empty".to_owned(), vec![])].into() }
    }

    #[test]
    fn the_mission_default_resolves() {
        let ladder = Policy::mission_default().ladder("default", &directory()).unwrap();
        let lanes: Vec<Vec<_>> = ladder.rungs.iter().map(|r| r.addresses.iter().map(Address::lane).collect()).collect();
        assert_eq!(lanes, [vec!["slack:#p2"], vec!["slack:#p1", "sms:+4915112345678"]]);
        assert!(!ladder.rungs[0].wakes() && ladder.rungs[1].wakes());
    }

    #[test]
    fn what_cannot_be_climbed_is_refused() {
        let rung = |failures, destinations: &[Destination]| Rung {
            label: "x".to_owned(),
            failures_in_a_row: failures,
            min_regions: 1,
            counts: Counts::TargetFailures,
            destinations: destinations.to_vec(),
        };
        let p1 = || Destination::Slack("#p1".to_owned());
        let sms = |team: &str| Destination::SmsTeam(team.to_owned());
        let cases: Vec<(Vec<Rung>, u32, &str)> = vec![
            (vec![], 1, "has no rungs"),
            (vec![rung(0, &[p1()])], 1, "`failures_in_a_row` is 0"),
            (vec![Rung { min_regions: 0, ..rung(1, &[p1()]) }], 1, "`min_regions` is 0"),
            (vec![rung(1, &[])], 1, "names no channel"),
            (vec![rung(1, &[p1()])], 0, "`recover_after` is 0"),
            (vec![rung(2, &[p1()]), rung(2, &[p1()])], 1, "write more than 2"),
            (vec![rung(1, &[sms("night")])], 1, "there is no team `night`; the teams are `devops`, `empty`"),
            (vec![rung(1, &[sms("empty")])], 1, "has no members"),
            (vec![Rung { counts: Counts::EveryFailure, ..rung(1, &[sms("devops")]) }], 1, "wake nobody"),
            (vec![rung(1, &[Destination::Slack("p1".to_owned())])], 1, "is no Slack channel"),
        ];
        for (rungs, recover_after, part) in cases {
            let policy = Policy { rungs, recover_after, fallback_team: None, fallback_after_ms: 1 };
            let error = policy.ladder("p", &directory()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
