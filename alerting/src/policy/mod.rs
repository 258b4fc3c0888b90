//! The ladder as data: at how many failures in a row who is told, and where.
//!
//! A [`Policy`] is what a person writes: rungs with destinations by name. A [`Ladder`] is the same thing after it
//! has been checked against the [`Directory`] of teams, with every name replaced by the addresses behind it.
//! Only a ladder can be climbed, so that a page never finds out too late that its team does not exist.
//!
//! The mission's default: the first failure of any kind is posted to `#p2`; two failures of the target in a row in
//! one region are posted to `#p1`, and every member of devops gets an SMS.

mod directory;
mod fallback;
mod ladder;
mod phone;
mod words;

pub use directory::{Directory, Member};
pub use ladder::{Ladder, LadderRung, Ladders, PolicyError};
pub use phone::{PhoneError, PhoneNumber};

use serde::{Deserialize, Serialize};
use std::fmt;

/// How long a page may stay undelivered before the fallback is taken, unless a policy says otherwise.
pub const FALLBACK_AFTER_MS: u64 = 5 * 60 * 1000;

/// Which failures raise the count that a rung looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// Every failed run, whoever is to blame.
    EveryFailure,
    /// Only failures that blame the target. Those of class `script` and `prober` neither raise this count nor
    /// break the row: nothing was learnt about the target.
    TargetFailures,
}

/// How bad something is that no check has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// For the morning.
    P2,
    /// Wakes people.
    P1,
}

/// What rules and other alerting systems call a page.
const PAGES: [&str; 4] = ["p1", "page", "critical", "sev1"];

impl Severity {
    /// What a label `severity` says, in the words that are usual for it.
    pub fn of_label(text: &str) -> Self {
        match PAGES.iter().any(|page| text.trim().eq_ignore_ascii_case(page)) {
            true => Self::P1,
            false => Self::P2,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P2 => "P2",
            Self::P1 => "P1",
        })
    }
}

/// Where a rung sends its page, by the names that a person writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// A Slack channel: `#p1`, or its id.
    Slack(String),
    /// Every member of a team, each with an SMS of their own.
    SmsTeam(String),
    /// Every member of a team, each with a call that reads the incident.
    VoiceTeam(String),
    /// A webhook by the name that the configuration gives it.
    Webhook(String),
    /// An e-mail address, or a team whose members have one.
    Email(String),
}

/// When an incident that keeps coming back counts as flapping. It then stays open until it has been calm, so that it
/// climbs each rung once rather than once in each of its short lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flapping {
    /// The incident that is the this-manieth within the window is flapping.
    pub openings: u32,
    pub window_ms: u64,
    /// A flapping incident ends when nothing has failed for this long.
    pub calm_after_ms: u64,
}

impl Default for Flapping {
    fn default() -> Self {
        Self { openings: 5, window_ms: 30 * 60_000, calm_after_ms: 5 * 60_000 }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// What people call it: `P2`.
    pub label: String,
    pub failures_in_a_row: u32,
    /// In how many regions at once.
    pub min_regions: u32,
    pub counts: Counts,
    /// Instead of failures: how long after the rung that woke people before it nobody has acknowledged.
    pub unacknowledged_after_ms: Option<u64>,
    pub destinations: Vec<Destination>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub rungs: Vec<Rung>,
    /// Passes in a row after which a failing region counts as recovered.
    pub recover_after: u32,
    /// The team that gets an SMS where a page could not be delivered in any other way; `None` takes those that the rungs
    /// name, or `devops`.
    pub fallback_team: Option<String>,
    pub fallback_after_ms: u64,
    /// The highest rung that wakes people pages again this often until somebody acknowledges.
    pub repeat_every_ms: Option<u64>,
    /// A region that begins to fail is run again this long after, rather than at its next slot only.
    pub confirm_after_ms: Option<u64>,
    /// `None` never takes an incident for flapping.
    pub flapping: Option<Flapping>,
}

impl Policy {
    /// The mission's ladder. Without a team to text it has the two Slack rungs alone.
    pub fn mission(p2_channel: &str, p1_channel: &str, team: Option<&str>) -> Self {
        let mut p1 = vec![Destination::Slack(p1_channel.to_owned())];
        p1.extend(team.map(|team| Destination::SmsTeam(team.to_owned())));
        Self {
            rungs: vec![
                Rung {
                    label: "P2".to_owned(),
                    failures_in_a_row: 1,
                    min_regions: 1,
                    counts: Counts::EveryFailure,
                    unacknowledged_after_ms: None,
                    destinations: vec![Destination::Slack(p2_channel.to_owned())],
                },
                Rung {
                    label: "P1".to_owned(),
                    failures_in_a_row: 2,
                    min_regions: 1,
                    counts: Counts::TargetFailures,
                    unacknowledged_after_ms: None,
                    destinations: p1,
                },
            ],
            recover_after: 1,
            fallback_team: team.map(str::to_owned),
            fallback_after_ms: FALLBACK_AFTER_MS,
            repeat_every_ms: None,
            confirm_after_ms: None,
            flapping: Some(Flapping::default()),
        }
    }

    /// `#p2`, then `#p1` and the team `devops`.
    pub fn mission_default() -> Self {
        Self::mission("#p2", "#p1", Some("devops"))
    }
}
