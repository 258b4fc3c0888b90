//! What is said, to whom, and why: the values that go through the outbox.
//!
//! An [`Address`] is one place a message can go to; an incident and an address together are a *lane*, and the
//! messages of a lane leave in the order in which they were decided. In a Slack lane there is one *post*, which is
//! edited as the incident changes and has the history in its thread. In an SMS lane every message is a post.

mod address;
mod handset;
mod plain;
mod saying;

pub use address::{Address, ChannelKind};
pub use handset::{Fate, HandsetReport};
pub(crate) use plain::{headline, in_full};
pub use saying::{PageReason, Saying, Span};

use crate::incident::IncidentReport;
use checks::{CheckId, UnixMs};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// Names one notification for ever, everywhere: `journal.incident.sequence`.
///
/// It travels with a Slack message as metadata. The journal's own id is part of it, so that a new journal, which
/// counts its incidents from 1 again, never takes an older message for its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotificationId(pub String);

impl NotificationId {
    pub fn new(journal: &str, incident: u64, sequence: u32) -> Self {
        Self(format!("{journal}.{incident}.{sequence}"))
    }
}

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a message does in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A message of its own.
    Post,
    /// The lane's post, brought up to date. Only the newest one that waits is sent.
    Edit,
    /// An entry in the thread under the lane's post.
    Reply,
    /// The same, shown in the channel as well, since edits and threads notify nobody.
    Broadcast,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Edit => "edit",
            Self::Reply => "reply",
            Self::Broadcast => "broadcast",
        }
    }

    pub fn parse(role: &str) -> Option<Self> {
        [Self::Post, Self::Edit, Self::Reply, Self::Broadcast].into_iter().find(|r| r.as_str() == role)
    }
}

/// Enough that no two of a few hundred messages are the same by chance.
const CARGO_BYTES: usize = 8;

/// One message for one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub id: NotificationId,
    pub incident: u64,
    pub check: CheckId,
    pub address: Address,
    pub role: Role,
    /// Wakes people: it goes first, and falls back where it stays undelivered.
    pub page: bool,
    pub saying: Saying,
    pub report: IncidentReport,
    pub created_at: UnixMs,
    /// Not sent before this instant, so that edits of little news are few.
    pub not_before: UnixMs,
    /// What the same message has to say of other incidents; filled in when it leaves. Every channel says it.
    #[serde(skip)]
    pub folded: Vec<Folded>,
    /// The other incidents that the lane's post shows, as they stand now; filled in when it leaves.
    #[serde(skip)]
    pub shared_with: Vec<IncidentReport>,
}

/// A notification that another one carries: a storm is one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    pub id: NotificationId,
    pub check: CheckId,
    pub address: Address,
    pub role: Role,
    pub page: bool,
    pub created_at: UnixMs,
    pub saying: Saying,
    pub report: IncidentReport,
}

impl Notification {
    /// Its own name, and those of what it carries.
    pub(crate) fn ids(&self) -> BTreeSet<NotificationId> {
        self.folded.iter().map(|other| &other.id).chain([&self.id]).cloned().collect()
    }

    /// Tells messages of one name apart: the same for the same cargo, and empty where there is none. A notification keeps
    /// its name from attempt to attempt, while what waits by then goes along.
    pub(crate) fn cargo(&self) -> String {
        if self.folded.is_empty() {
            return String::new();
        }
        let digest = self.ids().iter().fold(Sha256::new(), |digest, id| digest.chain_update(&id.0).chain_update("\n"));
        hex::encode(&digest.finalize()[..CARGO_BYTES])
    }

    /// Takes along what others have to say.
    pub(crate) fn carry(&mut self, others: impl IntoIterator<Item = Self>) {
        let folded = |n: Self| Folded {
            id: n.id,
            check: n.check,
            address: n.address,
            role: n.role,
            page: n.page,
            created_at: n.created_at,
            saying: n.saying,
            report: n.report,
        };
        self.folded.extend(others.into_iter().map(folded));
        // What one of them shows the channel, the channel sees.
        if self.folded.iter().any(|other| other.role == Role::Broadcast) {
            self.role = Role::Broadcast;
        }
    }

    /// What it says of each incident, its own first. Of an incident that has several sayings in it the newest counts: what
    /// is over by now does not fail.
    pub fn told(&self) -> Vec<(&Saying, &IncidentReport)> {
        let mut told: Vec<(&Saying, &IncidentReport)> = vec![(&self.saying, &self.report)];
        for other in &self.folded {
            match told.iter_mut().find(|(_, report)| report.number == other.report.number) {
                Some(known) => *known = (&other.saying, &other.report),
                None => told.push((&other.saying, &other.report)),
            }
        }
        told
    }

    /// What it carries of other incidents, in a line: `and 49 more: login-token (P1), ...`. For channels that have no list
    /// of their own.
    pub fn others_in_a_line(&self) -> Option<String> {
        const NAMED_MAX: usize = 5;
        let told = self.told();
        let others = &told[1..];
        let named: Vec<String> = others
            .iter()
            .take(NAMED_MAX)
            .map(|(saying, report)| match saying.ends() {
                true => format!("{} over", report.title()),
                false => format!("{} ({})", report.title(), report.label),
            })
            .collect();
        let rest = if others.len() > NAMED_MAX { ", ..." } else { "" };
        (!named.is_empty()).then(|| format!("and {} more: {}{rest}", others.len(), named.join(", ")))
    }
}
