//! From what programs say in words over statsd, events and service checks, to signals.
//!
//! - A **service check** that is `critical` or `warning` fires, `ok` resolves it, `unknown` says nothing. It is known by
//!   its name, host and tags.
//! - An **event** of type `error` fires, one of type `success` resolves it; the others are news and wake nobody. It is
//!   known by its aggregation key (its title where it has none), host and tags. Nothing obliges a program to say that
//!   an error is over: it is when none like it came for [`EVENT_LASTS_MS`].
//!
//! Both are P2, and P1 with the tag `severity:p1`, unless the event has low priority. Agents repeat a service check every
//! few seconds: a change becomes a signal, and what still fires once in [`AGAIN_AFTER_MS`], which opens an incident that
//! somebody has ended meanwhile. Pure: time is passed in.

use crate::policy::Severity;
use crate::signal::{Signal, SignalFacts, SignalKey, SignalSource, SignalState};
use crate::statsd::Notice;
use crate::statsd::parser::{AlertType, ServiceStatus};
use checks::UnixMs;
use std::collections::BTreeMap;

/// How long an event's incident lasts after the last one like it.
pub const EVENT_LASTS_MS: u64 = 3_600_000;
/// What fires and is said again becomes a signal again after this long.
const AGAIN_AFTER_MS: u64 = 60_000;
/// Events and service checks that are told apart.
const KNOWN_MAX: usize = 1_000;
/// The tag that says how bad it is.
const SEVERITY_TAG: &str = "severity";

/// What has been heard so far.
#[derive(Debug, Default)]
pub struct Noticed {
    known: BTreeMap<SignalKey, Known>,
    /// Notices that were not heard, because as many as can be told apart are firing.
    dropped: u64,
}

#[derive(Debug)]
struct Known {
    signal: Signal,
    heard_at: UnixMs,
    told_at: UnixMs,
}

impl Noticed {
    /// With the incidents that the process before this one left open.
    pub fn with_open<'a>(open: impl IntoIterator<Item = &'a SignalFacts>) -> Self {
        let ours = |facts: &&SignalFacts| matches!(facts.key.source, SignalSource::Event | SignalSource::ServiceCheck);
        let known = |facts: &SignalFacts| {
            let signal = Signal {
                key: facts.key.clone(),
                state: if facts.firing { SignalState::Firing } else { SignalState::Resolved },
                severity: facts.severity,
                title: facts.title.clone(),
                summary: facts.summary.clone(),
                labels: facts.labels.clone(),
                links: facts.links.clone(),
                policy: facts.policy.clone(),
                at: facts.at,
            };
            (facts.key.clone(), Known { signal, heard_at: facts.at, told_at: facts.at })
        };
        Self { known: open.into_iter().filter(ours).take(KNOWN_MAX).map(known).collect(), dropped: 0 }
    }

    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The signal that follows from a notice; `None` where it says nothing new.
    pub fn hear(&mut self, notice: &Notice, now: UnixMs) -> Option<Signal> {
        let signal = signal_of(notice, now)?;
        if let Some(known) = self.known.get_mut(&signal.key) {
            known.heard_at = now;
            let is_news = known.signal.state != signal.state
                || (signal.state == SignalState::Firing
                    && ((known.signal.severity, &known.signal.title) != (signal.severity, &signal.title)
                        || now.since_ms(known.told_at) >= AGAIN_AFTER_MS));
            known.signal = signal.clone();
            if is_news {
                known.told_at = now;
            }
            return is_news.then_some(signal);
        }
        if self.known.len() >= KNOWN_MAX {
            self.known.retain(|_, known| known.signal.state == SignalState::Firing);
        }
        if self.known.len() >= KNOWN_MAX {
            self.dropped += 1;
            return None;
        }
        // A first `ok` is told as well: its incident may be older than this process.
        self.known.insert(signal.key.clone(), Known { signal: signal.clone(), heard_at: now, told_at: now });
        Some(signal)
    }

    /// The end of events that were heard long ago.
    pub fn ended(&mut self, now: UnixMs) -> Vec<Signal> {
        let is_over = |known: &&mut Known| {
            known.signal.key.source == SignalSource::Event
                && known.signal.state == SignalState::Firing
                && now.since_ms(known.heard_at) >= EVENT_LASTS_MS
        };
        let end = |known: &mut Known| {
            known.signal.state = SignalState::Resolved;
            known.signal.at = now;
            known.signal.clone()
        };
        self.known.values_mut().filter(is_over).map(end).collect()
    }
}

fn signal_of(notice: &Notice, now: UnixMs) -> Option<Signal> {
    let (source, name, host, tags, state, title, summary, low_priority) = match notice {
        Notice::ServiceCheck { name, status, message, host, tags, .. } => {
            let (state, word) = match status {
                ServiceStatus::Ok => (SignalState::Resolved, "ok"),
                ServiceStatus::Warning => (SignalState::Firing, "in a warning state"),
                ServiceStatus::Critical => (SignalState::Firing, "critical"),
                ServiceStatus::Unknown => return None,
            };
            let title = format!("service check {name} is {word}");
            (SignalSource::ServiceCheck, name, host, tags, state, title, message, false)
        }
        Notice::Event { title, text, alert_type, low_priority, aggregation_key, host, tags, .. } => {
            let state = match alert_type {
                AlertType::Error => SignalState::Firing,
                AlertType::Success => SignalState::Resolved,
                AlertType::Info | AlertType::Warning => return None,
            };
            let name = if aggregation_key.is_empty() { title } else { aggregation_key };
            (SignalSource::Event, name, host, tags, state, title.clone(), text, *low_priority)
        }
    };
    let mut labels: BTreeMap<String, String> = tags.iter().cloned().collect();
    let severity = labels.remove(SEVERITY_TAG);
    if !host.is_empty() {
        labels.insert("host".to_owned(), host.clone());
    }
    let mut id = name.clone();
    labels.iter().for_each(|(label, value)| id += &format!(",{label}={value}"));
    let pages = !low_priority && severity.is_some_and(|severity| severity.eq_ignore_ascii_case("p1"));
    Some(Signal {
        key: SignalKey { source, id },
        state,
        severity: if pages { Severity::P1 } else { Severity::P2 },
        title: if host.is_empty() { title } else { format!("{title} on {host}") },
        summary: summary.clone(),
        labels,
        links: Vec::new(),
        policy: None,
        at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statsd::aggregate::{AggregateSettings, Aggregator};

    const NOW: UnixMs = UnixMs(1_795_466_400_000);

    /// What the lines become, the clock going on by a second with each.
    fn heard(noticed: &mut Noticed, lines: &[&str]) -> Vec<String> {
        let aggregator = Aggregator::new(AggregateSettings::default());
        let mut shard = aggregator.shard();
        let mut signals = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            shard.ingest(line.as_bytes(), 0);
            for notice in shard.take_notices() {
                signals.extend(noticed.hear(&notice, NOW + 1_000 * index as u64));
            }
        }
        assert_eq!(shard.problems().invalid(), 0);
        let brief =
            |signal: Signal| format!("{:?} {:?} {} | {}", signal.severity, signal.state, signal.title, signal.key.id);
        signals.into_iter().map(brief).collect()
    }

    #[test]
    fn what_fails_fires_once_and_what_is_well_again_resolves_it() {
        let critical = "P2 Firing service check store is critical on db1 | store,host=db1,role=main";
        let cases: [(&[&str], &[&str]); 6] = [
            (
                &[
                    "_sc|store|2|h:db1|#role:main|m:gone",
                    "_sc|store|2|h:db1|#role:main|m:still gone",
                    "_sc|store|0|h:db1|#role:main",
                ],
                &[critical, "P2 Resolved service check store is ok on db1 | store,host=db1,role=main"],
            ),
            // The host makes two of them; a warning that becomes critical is news.
            (
                &["_sc|store|1|h:db1|#role:main", "_sc|store|2|h:db2|#role:main", "_sc|store|2|h:db1|#role:main"],
                &[
                    "P2 Firing service check store is in a warning state on db1 | store,host=db1,role=main",
                    "P2 Firing service check store is critical on db2 | store,host=db2,role=main",
                    critical,
                ],
            ),
            (&["_sc|store|3", "_sc|store|2|#severity:P1"], &["P1 Firing service check store is critical | store"]),
            (
                &["_e{6,5}:backup|fails|t:error|k:nightly", "_e{4,2}:fine|ok|t:success|k:nightly"],
                &["P2 Firing backup | nightly", "P2 Resolved fine | nightly"],
            ),
            (&["_e{6,5}:deploy|fifth", "_e{6,5}:deploy|sixth|t:warning"], &[]),
            (
                &["_e{4,1}:down|x|t:error|#severity:p1", "_e{5,1}:minor|x|t:error|p:low|#severity:p1"],
                &["P1 Firing down | down", "P2 Firing minor | minor"],
            ),
        ];
        for (lines, expected) in cases {
            assert_eq!(heard(&mut Noticed::default(), lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn an_event_that_nobody_ends_ends_by_itself_also_after_a_restart() {
        let mut noticed = Noticed::default();
        assert_eq!(heard(&mut noticed, &["_e{4,1}:down|x|t:error", "_sc|store|2"]).len(), 2);
        let facts: Vec<SignalFacts> = noticed.known.values().map(|known| SignalFacts::of(&known.signal)).collect();
        for mut noticed in [noticed, Noticed::with_open(&facts)] {
            assert_eq!(noticed.ended(NOW + EVENT_LASTS_MS - 1), []);
            let ended = noticed.ended(NOW + EVENT_LASTS_MS);
            assert_eq!(
                ended.iter().map(|signal| (signal.title.as_str(), signal.state)).collect::<Vec<_>>(),
                [("down", SignalState::Resolved)]
            );
            assert_eq!(noticed.ended(NOW + 2 * EVENT_LASTS_MS), [], "once");
        }
    }

    #[test]
    fn what_goes_on_firing_is_told_again_once_in_a_while() {
        let mut noticed = Noticed::default();
        let lines = vec!["_sc|store|2"; 130];
        assert_eq!(heard(&mut noticed, &lines).len(), 3, "at once, and after one and two minutes");
    }

    #[test]
    fn what_is_told_apart_is_bounded_and_the_rest_counted() {
        let mut noticed = Noticed::default();
        let lines: Vec<String> = (0..KNOWN_MAX + 7).map(|index| format!("_sc|store{index}|2")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        // In groups: a shard holds a bounded number of notices between two looks.
        let signals: usize = lines.chunks(50).map(|lines| heard(&mut noticed, lines).len()).sum();
        assert_eq!((signals, noticed.dropped()), (KNOWN_MAX, 7));
    }
}
