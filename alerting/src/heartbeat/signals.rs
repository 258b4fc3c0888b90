use super::{Call, Heard, Heartbeat, Missed, Why};
use crate::notification::Span;
use crate::policy::Severity;
use crate::signal::{Link, Signal, SignalFacts, SignalKey, SignalSource, SignalState};
use checks::UnixMs;
use std::collections::BTreeMap;

/// The label by which a heartbeat is silenced and found.
const LABEL: &str = "heartbeat";

/// All heartbeats, and what has been told of them.
#[derive(Debug, Default)]
pub struct Heartbeats {
    watched: BTreeMap<String, Watched>,
    /// Incidents of heartbeats that are not configured any more.
    removed: Vec<SignalKey>,
}

#[derive(Debug)]
struct Watched {
    heartbeat: Heartbeat,
    heard: Heard,
    /// Severity and text of the incident that is open.
    told: Option<(Severity, String)>,
}

impl Heartbeats {
    /// With what was heard before, what an earlier process left open, and when it was there last.
    pub fn new<'a>(
        heartbeats: impl IntoIterator<Item = Heartbeat>,
        mut heard: BTreeMap<String, Heard>,
        open: impl IntoIterator<Item = &'a SignalFacts>,
        gone_at: Option<UnixMs>,
        now: UnixMs,
    ) -> Self {
        let open = open.into_iter().filter(|facts| facts.key.source == SignalSource::Heartbeat && facts.firing);
        let mut told: BTreeMap<String, (SignalKey, Severity, String)> = open
            .map(|facts| (facts.key.id.clone(), (facts.key.clone(), facts.severity, facts.summary.clone())))
            .collect();
        let watch = |heartbeat: Heartbeat| {
            let heard = heard.remove(&heartbeat.name).unwrap_or_else(|| Heard::new(now));
            let told = told.remove(&heartbeat.name).map(|(_, severity, summary)| (severity, summary));
            // What was missed before stays missed: an excuse opens nothing, and ends nothing.
            let heard = match told {
                None => heard.excused(&heartbeat, gone_at.unwrap_or(now), now),
                Some(_) => heard,
            };
            (heartbeat.name.clone(), Watched { heartbeat, heard, told })
        };
        let watched = heartbeats.into_iter().map(watch).collect();
        Self { watched, removed: told.into_values().map(|(key, ..)| key).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.watched.is_empty() && self.removed.is_empty()
    }

    /// Every heartbeat with what was heard of it.
    pub fn all(&self) -> impl Iterator<Item = (&Heartbeat, &Heard)> {
        self.watched.values().map(|watched| (&watched.heartbeat, &watched.heard))
    }

    /// What is heard with this call, to be written down before it is taken in; `None` where nobody is called so.
    pub fn hear(&self, name: &str, call: Call, now: UnixMs) -> Option<Heard> {
        let Watched { heartbeat, heard, .. } = self.watched.get(name)?;
        Some(heard.after(call, heartbeat, now))
    }

    /// Takes in what has been written down.
    pub fn take(&mut self, name: &str, heard: Heard) {
        if let Some(watched) = self.watched.get_mut(name) {
            watched.heard = heard;
        }
    }

    /// What is to be signalled: whatever is not as it was told. Nothing is taken for told before [`Self::told`] says so.
    pub fn look(&self, now: UnixMs) -> Vec<Signal> {
        let changed = self.watched.values().filter_map(|watched| watched.change(now));
        let removed = self.removed.iter().map(|key| {
            let title = format!("heartbeat {}", key.id);
            signal(key.clone(), SignalState::Resolved, Severity::P2, title, "it is not configured any more", now)
        });
        changed.chain(removed).collect()
    }

    /// These signals are durable.
    pub fn told(&mut self, signals: &[Signal]) {
        for told in signals {
            self.removed.retain(|key| *key != told.key);
            if let Some(watched) = self.watched.get_mut(&told.key.id) {
                let fires = told.state == SignalState::Firing;
                watched.told = fires.then(|| (told.severity, told.summary.clone()));
            }
        }
    }
}

impl Watched {
    fn change(&self, now: UnixMs) -> Option<Signal> {
        let heartbeat = &self.heartbeat;
        let (state, severity, summary) = match (self.heard.missed(heartbeat, now), &self.told) {
            (None, None) => return None,
            (None, Some((severity, _))) => (SignalState::Resolved, *severity, "it is not missed any more".to_owned()),
            (Some(missed), told) => {
                let severity = heartbeat.severity.unwrap_or(match missed.times {
                    1 => Severity::P2,
                    _ => Severity::P1,
                });
                let summary = summary(heartbeat, &missed);
                if told.as_ref().is_some_and(|told| *told == (severity, summary.clone())) {
                    return None;
                }
                (SignalState::Firing, severity, summary)
            }
        };
        let key = SignalKey { source: SignalSource::Heartbeat, id: heartbeat.name.clone() };
        let mut signal = signal(key, state, severity, format!("heartbeat {}", heartbeat.name), &summary, now);
        signal.policy.clone_from(&heartbeat.policy);
        signal
            .links
            .extend(heartbeat.runbook_url.iter().map(|url| Link { title: "Runbook".to_owned(), url: url.clone() }));
        Some(signal)
    }
}

fn signal(key: SignalKey, state: SignalState, severity: Severity, title: String, summary: &str, now: UnixMs) -> Signal {
    let labels = [(LABEL.to_owned(), key.id.clone())].into();
    Signal {
        key,
        state,
        severity,
        title,
        summary: summary.to_owned(),
        labels,
        links: Vec::new(),
        policy: None,
        at: now,
    }
}

/// The same for as long as nothing new is known: whatever it says is said again where it changes.
fn summary(heartbeat: &Heartbeat, missed: &Missed) -> String {
    let due_at = missed.due_at;
    let mut text = match &missed.why {
        Why::Never => format!("it has never called, and was expected by {due_at}"),
        Why::Silent { since } => format!("it has not called since {since}, and was expected by {due_at}"),
        Why::Unended { started_at } => format!("it began at {started_at}, and had to end by {due_at}"),
        Why::Failed(failed) => match failed.status {
            Some(status) => format!("it said at {due_at} that it failed with exit status {status}"),
            None => format!("it said at {due_at} that it failed"),
        },
    };
    match &missed.why {
        Why::Failed(failed) if failed.in_a_row > 1 => text += &format!(", {} times in a row", failed.in_a_row),
        Why::Failed(_) => {}
        // Whether it is the third time or the thirtieth says nothing new.
        _ if missed.times > 1 => text += "; missed twice in a row or more",
        _ => {}
    }
    text += &format!(". It calls every {}", Span(heartbeat.every_ms));
    if !heartbeat.description.is_empty() {
        text += &format!(": {}", heartbeat.description);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMs = UnixMs(1_795_521_600_000);
    const MINUTE: u64 = 60_000;

    fn backup(severity: Option<Severity>) -> Heartbeat {
        Heartbeat {
            name: "backup".to_owned(),
            every_ms: 60 * MINUTE,
            grace_ms: 5 * MINUTE,
            severity,
            policy: Some("night".to_owned()),
            description: "the nightly backup".to_owned(),
            runbook_url: Some("https://runbooks.example.com/backup".to_owned()),
        }
    }

    fn brief(signals: &[Signal]) -> Vec<String> {
        signals.iter().map(|signal| format!("{:?} {} {}", signal.state, signal.severity, signal.summary)).collect()
    }

    /// What is told at minutes after noon, each told once; calls come before the look of their minute.
    fn told(heartbeats: &mut Heartbeats, calls: &[(u64, Call)], minutes: u64) -> Vec<String> {
        let mut all = Vec::new();
        for minute in 0..=minutes {
            let now = NOON + minute * MINUTE;
            for (_, call) in calls.iter().filter(|(at, _)| *at == minute) {
                let heard = heartbeats.hear("backup", *call, now).unwrap();
                heartbeats.take("backup", heard);
            }
            let signals = heartbeats.look(now);
            // What could not be written down is said again.
            assert_eq!(heartbeats.look(now), signals);
            heartbeats.told(&signals);
            all.extend(brief(&signals).into_iter().map(|text| format!("{minute}: {text}")));
        }
        all
    }

    #[test]
    fn each_change_is_told_once() {
        let fail = Call::Fail { status: Some(3) };
        let every = ". It calls every 1 h 0 min: the nightly backup";
        type Case<'a> = (Option<Severity>, &'a [(u64, Call)], &'a [&'a str]);
        let cases: [Case<'_>; 4] = [
            (
                None,
                &[(0, Call::Alive), (130, Call::Alive), (190, Call::Alive)],
                &[
                    "65: Firing P2 it has not called since 2026-11-24T12:00:00Z, and was expected by 2026-11-24T13:05:00Z",
                    "125: Firing P1 it has not called since 2026-11-24T12:00:00Z, and was expected by 2026-11-24T13:05:00Z; missed twice in a row or more",
                    "130: Resolved P1 it is not missed any more",
                ],
            ),
            (
                Some(Severity::P1),
                &[(70, Call::Alive), (130, Call::Alive), (190, Call::Alive)],
                &[
                    "65: Firing P1 it has never called, and was expected by 2026-11-24T13:05:00Z",
                    "70: Resolved P1 it is not missed any more",
                ],
            ),
            (
                None,
                &[(0, Call::Alive), (60, fail), (120, fail), (180, Call::Alive)],
                &[
                    "60: Firing P2 it said at 2026-11-24T13:00:00Z that it failed with exit status 3",
                    "120: Firing P1 it said at 2026-11-24T14:00:00Z that it failed with exit status 3, 2 times in a row",
                    "180: Resolved P1 it is not missed any more",
                ],
            ),
            (
                Some(Severity::P2),
                &[(0, Call::Alive), (55, Call::Start), (61, Call::Alive), (120, Call::Alive), (180, Call::Alive)],
                &[
                    "60: Firing P2 it began at 2026-11-24T12:55:00Z, and had to end by 2026-11-24T13:00:00Z",
                    "61: Resolved P2 it is not missed any more",
                ],
            ),
        ];
        for (severity, calls, expected) in cases {
            let mut heartbeats = Heartbeats::new([backup(severity)], BTreeMap::new(), [], None, NOON);
            let told = told(&mut heartbeats, calls, 200);
            let plain: Vec<String> = told.iter().map(|text| text.replace(every, "")).collect();
            assert_eq!(plain, expected, "{severity:?} {calls:?}");
        }
    }

    #[test]
    fn a_restart_takes_up_what_was_told_and_a_heartbeat_that_is_gone_ends() {
        let mut before = Heartbeats::new([backup(None)], BTreeMap::new(), [], None, NOON);
        let signals = before.look(NOON + 65 * MINUTE);
        before.told(&signals);
        let facts: Vec<SignalFacts> = signals.iter().map(SignalFacts::of).collect();
        let heard: BTreeMap<String, Heard> =
            before.all().map(|(heartbeat, heard)| (heartbeat.name.clone(), heard.clone())).collect();

        // That somebody listened is written down now and then: the last time may have been before it was missed.
        let now = NOON + 90 * MINUTE;
        for gone_at in [NOON + 66 * MINUTE, NOON + 64 * MINUTE] {
            let after = Heartbeats::new([backup(None)], heard.clone(), &facts, Some(gone_at), now);
            assert_eq!(brief(&after.look(now)), Vec::<String>::new(), "it is still missed, and was told");
        }
        let gone_at = NOON + 64 * MINUTE;
        let untold = Heartbeats::new([backup(None)], heard.clone(), [], Some(gone_at), now);
        assert_eq!(brief(&untold.look(now)), Vec::<String>::new(), "a call may have been lost");
        let mut removed = Heartbeats::new([], heard, &facts, Some(gone_at), now);
        assert_eq!(brief(&removed.look(now)), ["Resolved P2 it is not configured any more"]);
        removed.told(&removed.look(now));
        assert!(removed.is_empty());
    }

    #[test]
    fn nobody_else_is_heard() {
        let heartbeats = Heartbeats::new([backup(None)], BTreeMap::new(), [], None, NOON);
        assert_eq!(heartbeats.hear("report", Call::Alive, NOON), None);
        let signal = &heartbeats.look(NOON + 65 * MINUTE)[0];
        assert_eq!((signal.title.as_str(), signal.policy.as_deref()), ("heartbeat backup", Some("night")));
        assert_eq!(signal.labels, [("heartbeat".to_owned(), "backup".to_owned())].into());
        assert_eq!(signal.links.len(), 1);
    }
}
