//! What opens and closes an incident that no check stands behind: a metric rule, a heartbeat, an alert from outside, a
//! stream that went silent. A signal is *firing* or *resolved*; its incidents have a number, a trail, a ladder and posts
//! like those of any check, and live under an id of their own that is made of the source and the dedup key.

use crate::policy::Severity;
use checks::{CheckId, UnixMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The longest dedup key; what is longer is cut, and told apart by its hash.
pub const KEY_BYTES_MAX: usize = 512;
/// What an incident keeps of a signal's texts.
const TITLE_CHARS_MAX: usize = 200;
const SUMMARY_CHARS_MAX: usize = 1000;
const LABELS_MAX: usize = 32;
const LABEL_CHARS_MAX: usize = 200;
const LINKS_MAX: usize = 5;
/// The readable part of a signal's id; a check's id has at most 64 characters.
const SLUG_CHARS_MAX: usize = 36;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalSource {
    Rule,
    Heartbeat,
    Event,
    ServiceCheck,
    NewRelic,
    Pingdom,
    Alertmanager,
    CloudWatch,
    /// Every stream of a region went silent.
    Region,
    /// One check has no results.
    NoData,
}

impl SignalSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Heartbeat => "heartbeat",
            Self::Event => "event",
            Self::ServiceCheck => "service-check",
            Self::NewRelic => "new-relic",
            Self::Pingdom => "pingdom",
            Self::Alertmanager => "alertmanager",
            Self::CloudWatch => "cloud-watch",
            Self::Region => "region",
            Self::NoData => "no-data",
        }
    }

    /// Whether Tocsin itself misses results: that ends when they come, and not before.
    pub fn is_silence(self) -> bool {
        matches!(self, Self::Region | Self::NoData)
    }

    /// Whether its signals may come late and out of order, and say when what they tell of was so. Not Alertmanager's: it
    /// sends one after the other, and an alert that timed out comes back with the time at which it first began.
    pub fn is_outside(self) -> bool {
        matches!(self, Self::NewRelic | Self::Pingdom | Self::CloudWatch)
    }
}

impl fmt::Display for SignalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What two signals about the same thing have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SignalKey {
    pub source: SignalSource,
    /// The dedup key.
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalState {
    Firing,
    Resolved,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub title: String,
    pub url: String,
}

/// The annotations of an alert that lead further, and what the link is called.
const LINK_ANNOTATIONS: [(&str, &str); 3] =
    [("runbook_url", "Runbook"), ("runbook", "Runbook"), ("dashboard_url", "Dashboard")];

impl Link {
    /// `None` for what no browser opens.
    pub fn new(title: &str, url: &str) -> Option<Self> {
        let is_web = url.starts_with("http://") || url.starts_with("https://");
        is_web.then(|| Self { title: title.to_owned(), url: url.to_owned() })
    }

    /// The links among an alert's annotations, as Prometheus's rules name them.
    pub fn of_annotations<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> Vec<Self> {
        LINK_ANNOTATIONS.iter().filter_map(|(name, title)| Self::new(title, annotation(name)?)).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    pub key: SignalKey,
    pub state: SignalState,
    /// Which rungs it climbs, at once: see [`crate::policy::Ladder::is_reached_by`].
    pub severity: Severity,
    /// One line: what people call it.
    pub title: String,
    pub summary: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub links: Vec<Link>,
    /// The policy by name; the default ladder where absent or unknown.
    #[serde(default)]
    pub policy: Option<String>,
    pub at: UnixMs,
}

impl SignalKey {
    /// The id under which its incidents live: `rule.high-error-rate.0f3c2a9d41b7`. The hash tells keys apart whose
    /// readable parts are the same.
    pub fn subject(&self) -> CheckId {
        let mut slug = String::new();
        for c in self.id.chars().flat_map(char::to_lowercase).take(4 * SLUG_CHARS_MAX) {
            if slug.len() >= SLUG_CHARS_MAX {
                break;
            }
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                slug.push(c);
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
        }
        let slug = slug.trim_end_matches('-');
        let slug = if slug.is_empty() { "signal" } else { slug };
        let text = format!("{}.{slug}.{:016x}", self.source, fnv1a(self.source.as_str(), &self.id));
        CheckId::new(&text[..text.len() - 4]).expect("a source, a slug and a hash make an id")
    }
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): the same on every machine and for ever.
fn fnv1a(source: &str, id: &str) -> u64 {
    let bytes = source.bytes().chain([0]).chain(id.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What an incident remembers of the signal behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalFacts {
    pub key: SignalKey,
    pub firing: bool,
    pub severity: Severity,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    pub at: UnixMs,
}

impl SignalFacts {
    pub fn of(signal: &Signal) -> Self {
        use crate::incident::shorten;
        let mut id = signal.key.id.clone();
        if id.len() > KEY_BYTES_MAX {
            let end = (0..=KEY_BYTES_MAX).rev().find(|&end| id.is_char_boundary(end)).unwrap_or(0);
            id.truncate(end);
        }
        let label =
            |(name, value): (&String, &String)| (shorten(name, LABEL_CHARS_MAX), shorten(value, LABEL_CHARS_MAX));
        Self {
            key: SignalKey { source: signal.key.source, id },
            firing: signal.state == SignalState::Firing,
            severity: signal.severity,
            title: shorten(&signal.title, TITLE_CHARS_MAX),
            summary: shorten(&signal.summary, SUMMARY_CHARS_MAX),
            labels: signal.labels.iter().take(LABELS_MAX).map(label).collect(),
            links: signal.links.iter().take(LINKS_MAX).cloned().collect(),
            policy: signal.policy.clone(),
            at: signal.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_ids_that_a_check_could_have_and_none_has() {
        let id = |source, id: &str| SignalKey { source, id: id.to_owned() }.subject().to_string();
        let cases = [
            (SignalSource::Rule, "HighErrorRate{job=\"login\"}", "rule.higherrorrate-job-login."),
            (SignalSource::CloudWatch, "arn:aws:cloudwatch:eu-west-1:1:alarm:x", "cloud-watch.arn-aws-cloudwatch"),
            (SignalSource::NoData, "日本語", "no-data.signal."),
            (SignalSource::ServiceCheck, "", "service-check.signal."),
        ];
        for (source, key, start) in cases {
            let got = id(source, key);
            assert!(got.starts_with(start) && got.len() <= 64, "{got}");
        }
        let long = "x".repeat(2000);
        assert_ne!(id(SignalSource::Rule, &long), id(SignalSource::Rule, &format!("{long}y")));
        assert_ne!(id(SignalSource::Rule, "a b"), id(SignalSource::Rule, "a-b"));
    }
}
