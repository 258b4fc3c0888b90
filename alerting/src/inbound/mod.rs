//! Alerts of others: what Alertmanager, Pingdom, New Relic and CloudWatch send becomes [`Signal`]s, and so incidents with
//! the ladder of any other. Pure: bytes, headers and settings come in, signals or a [`Refusal`] come out.
//!
//! - [`alertmanager`]: its webhook, version 4. Each alert is a signal, known by its fingerprint.
//! - [`pingdom`]: its state change webhook. Known by the check's id.
//! - [`new_relic`]: the webhook of a workflow, with New Relic's own template. Known by the id.
//! - [`cloudwatch`]: alarms, which travel through an [`sns`] topic. Known by the alarm's ARN.
//!
//! The first three sign nothing: their callers prove themselves with a [`token`]. SNS signs each message.
//!
//! # Beginnings and ends
//! An incident ends when its source says so. The same alert twice is one incident. Where a source gives the time of a change
//! (all but Alertmanager), what is older than what is known changes nothing, so that a delivery that comes late, or again,
//! neither reopens nor ends anything. Alertmanager repeats itself instead: it resolves what Prometheus stops sending, and
//! sends a group again until it was taken. What a source never resolves stays open, as it does at the source.

pub mod alertmanager;
pub mod cloudwatch;
pub mod new_relic;
pub mod pingdom;
pub mod sns;
pub mod token;

use crate::incident::shorten;
use crate::policy::Severity;
use crate::signal::Signal;
use serde::de::DeserializeOwned;

/// A refusal is read in a log.
const DETAIL_CHARS_MAX: usize = 300;

/// What the configuration says of a source's alerts, where they do not say it themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    pub severity: Severity,
    /// The policy by name; the default ladder where absent.
    pub policy: Option<String>,
}

/// Reads the whole of what one source sends.
pub type Reader = fn(&[u8], &Defaults, checks::UnixMs) -> Result<Vec<Signal>, Refusal>;

/// Why a call has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("not what this source sends: {0}")]
    Malformed(String),
    #[error("`{0}` is no state that this source has")]
    UnknownState(String),
    #[error("the topic `{0}` is not configured")]
    Topic(String),
    #[error("`{0}` is not where SNS is")]
    Address(String),
    #[error("the message is {0} seconds old")]
    TooOld(u64),
    #[error("the message's time lies {0} seconds ahead")]
    TooNew(u64),
    #[error("a signature of version `{0}`, which is not known")]
    SignatureVersion(String),
    #[error("the signature is not that of the message")]
    Signature,
    #[error("the certificate is not one that SNS signs with: {0}")]
    Certificate(String),
    #[error("the subscription cannot be confirmed: {0}")]
    Confirmation(String),
}

impl Refusal {
    /// One of a few words, to be counted by.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::UnknownState(_) => "unknown-state",
            Self::Topic(_) => "topic",
            Self::Address(_) => "address",
            Self::TooOld(_) => "too-old",
            Self::TooNew(_) => "too-new",
            Self::SignatureVersion(_) => "signature-version",
            Self::Signature => "signature",
            Self::Certificate(_) => "certificate",
            Self::Confirmation(_) => "confirmation",
        }
    }
}

fn malformed(problem: impl std::fmt::Display) -> Refusal {
    Refusal::Malformed(shorten(&problem.to_string(), DETAIL_CHARS_MAX))
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(malformed)
}

/// The parts that say something, a line each.
fn lines<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let said: Vec<&str> = parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect();
    said.join("\n")
}
