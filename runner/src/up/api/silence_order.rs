//! From what somebody writes to a silence. Pure: what exists and the time are passed in.

use super::Refusal;
use crate::config::{nearest, parse_duration};
use alerting::silence::{Matcher, Silence};
use checks::{CheckId, UnixMs};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

pub(super) const EXAMPLE: &str = r#"{"check": "login", "for": "2h", "by": "Ada", "why": "deploying"}"#;

/// Nobody remembers a silence for longer.
const LASTS_MAX: Duration = Duration::from_secs(30 * 86_400);

/// The body of `POST /api/v1/silences`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SilenceOrder {
    check: Option<String>,
    tag: Option<String>,
    /// `name=value`
    label: Option<String>,
    incident: Option<u64>,
    everything: bool,
    r#for: Option<String>,
    /// RFC 3339.
    until: Option<String>,
    from: Option<String>,
    pub by: Option<String>,
    why: String,
    maintenance: bool,
}

/// What a silence can be about.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Checks, and what has an open incident without being one.
    pub subjects: BTreeSet<String>,
    pub tags: BTreeSet<String>,
    pub open_incidents: BTreeSet<u64>,
}

impl SilenceOrder {
    pub(super) fn silence(self, by: String, known: &Known, now: UnixMs) -> Result<Silence, Refusal> {
        let (matcher, from) = (self.matcher(known)?, self.from.as_deref().map(instant).transpose()?);
        let until = match (&self.r#for, &self.until) {
            (Some(_), Some(_)) => return Err(Refusal::wrong("`for` and `until` say the same; leave one of them out")),
            (None, None) => return Err(Refusal::wrong("until when? write \"for\": \"2h\", or \"until\": an instant")),
            (Some(text), None) => {
                let lasts = parse_duration(text).map_err(Refusal::wrong)?;
                from.unwrap_or(now) + u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX)
            }
            (None, Some(text)) => instant(text)?,
        };
        if u128::from(until.since_ms(from.unwrap_or(now).max(now))) > LASTS_MAX.as_millis() {
            return Err(Refusal::wrong(
                "a silence lasts 30 days at most, so that none is forgotten; write a shorter time, or take the check out",
            ));
        }
        Ok(Silence { matcher, until, by, why: self.why, is_maintenance: self.maintenance, from })
    }

    fn matcher(&self, known: &Known) -> Result<Matcher, Refusal> {
        let check = self.check.as_deref().map(|id| existing("check", id, &known.subjects, check));
        let tag = self.tag.as_deref().map(|tag| existing("tag", tag, &known.tags, |tag| Ok(Matcher::Tag(tag))));
        let label = self.label.as_deref().map(label);
        let incident = self.incident.map(|number| match known.open_incidents.contains(&number) {
            true => Ok(Matcher::Incident(number)),
            false => Err(Refusal::absent(format!("there is no open incident {number}; `tocsin incidents` lists them"))),
        });
        let everything = self.everything.then_some(Ok(Matcher::Everything));
        let mut written = [check, tag, label, incident, everything].into_iter().flatten();
        match (written.next(), written.next()) {
            (Some(matcher), None) => matcher,
            (None, _) => Err(Refusal::wrong(
                "silence what? write one of \"check\", \"tag\", \"label\" (name=value), \"incident\", or \"everything\": true",
            )),
            (Some(_), Some(_)) => Err(Refusal::wrong(
                "a silence is about one of check, tag, label, incident and everything; make one silence for each",
            )),
        }
    }
}

/// A name that nothing has silences nothing, and whoever wrote it believes that it does.
fn existing(
    what: &str,
    name: &str,
    known: &BTreeSet<String>,
    matcher: impl FnOnce(String) -> Result<Matcher, Refusal>,
) -> Result<Matcher, Refusal> {
    if known.contains(name) {
        return matcher(name.to_owned());
    }
    Err(Refusal::absent(match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("there is no {what} `{name}`; did you mean `{meant}`?"),
        None if known.is_empty() => format!("there is no {what} `{name}`, nor any other {what}"),
        None => {
            let some: Vec<&str> = known.iter().take(10).map(String::as_str).collect();
            let more = if known.len() > some.len() { " and others" } else { "" };
            format!("there is no {what} `{name}`; there are {}{more}", some.join(", "))
        }
    }))
}

fn check(id: String) -> Result<Matcher, Refusal> {
    CheckId::new(&id).map(Matcher::Check).map_err(|error| Refusal::wrong(error.to_string()))
}

fn label(text: &str) -> Result<Matcher, Refusal> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok(Matcher::Label { name: name.to_owned(), value: value.to_owned() })
        }
        _ => Err(Refusal::wrong(format!("`{text}` is no label; write its name and value, such as node=eu-west-1"))),
    }
}

fn instant(text: &str) -> Result<UnixMs, Refusal> {
    let at = chrono::DateTime::parse_from_rfc3339(text);
    at.map(|at| UnixMs(at.timestamp_millis()))
        .map_err(|_| Refusal::wrong(format!("`{text}` is no instant; write one such as \"2026-11-24T05:00:00Z\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_466_400_000);

    fn read(document: &str) -> Result<Silence, String> {
        let known = Known {
            subjects: ["login".to_owned(), "logout".to_owned()].into(),
            tags: ["auth".to_owned()].into(),
            open_incidents: [7].into(),
        };
        let order: SilenceOrder = serde_json::from_str(document).map_err(|error| error.to_string())?;
        order.silence("Ada".to_owned(), &known, NOW).map_err(|refusal| refusal.error)
    }

    #[test]
    fn what_is_written_is_silenced() {
        let label = Matcher::Label { name: "node".to_owned(), value: "a=b".to_owned() };
        let cases = [
            (r#"{"check": "login", "for": "2h"}"#, Matcher::Check("login".parse().unwrap()), NOW + 7_200_000),
            (r#"{"tag": "auth", "for": "1m"}"#, Matcher::Tag("auth".to_owned()), NOW + 60_000),
            (r#"{"label": "node=a=b", "for": "1m"}"#, label, NOW + 60_000),
            (r#"{"incident": 7, "for": "1m"}"#, Matcher::Incident(7), NOW + 60_000),
            (
                r#"{"everything": true, "until": "2026-11-24T05:00:00+01:00"}"#,
                Matcher::Everything,
                UnixMs(1_795_492_800_000),
            ),
            (
                r#"{"check": "login", "from": "2026-11-24T05:00:00Z", "for": "1m"}"#,
                Matcher::Check("login".parse().unwrap()),
                UnixMs(1_795_496_460_000),
            ),
        ];
        for (document, matcher, until) in cases {
            let silence = read(document).unwrap();
            assert_eq!((silence.matcher, silence.until, silence.by.as_str()), (matcher, until, "Ada"), "{document}");
        }
        let silence = read(r#"{"check": "login", "for": "1m", "why": "deploy", "maintenance": true}"#).unwrap();
        assert_eq!((silence.why.as_str(), silence.is_maintenance), ("deploy", true));
    }

    #[test]
    fn what_silences_nothing_is_refused_with_what_to_write() {
        let cases = [
            (r#"{"check": "logn", "for": "2h"}"#, "did you mean `login`?"),
            (r#"{"check": "payments", "for": "2h"}"#, "there are login, logout"),
            (r#"{"tag": "aut", "for": "2h"}"#, "did you mean `auth`?"),
            (r#"{"incident": 8, "for": "2h"}"#, "no open incident 8"),
            (r#"{"label": "node", "for": "2h"}"#, "such as node=eu-west-1"),
            (r#"{"for": "2h"}"#, "silence what?"),
            (r#"{"check": "login", "everything": true, "for": "2h"}"#, "one silence for each"),
            (r#"{"check": "login"}"#, "until when?"),
            (r#"{"check": "login", "for": "2h", "until": "2026-11-24T05:00:00Z"}"#, "leave one of them out"),
            (r#"{"check": "login", "for": "2"}"#, "is no duration"),
            (r#"{"check": "login", "until": "tomorrow"}"#, "is no instant"),
            (r#"{"check": "login", "for": "31d"}"#, "30 days at most"),
            (r#"{"chek": "login", "for": "2h"}"#, "unknown field `chek`"),
        ];
        for (document, part) in cases {
            let problem = read(document).unwrap_err();
            assert!(problem.contains(part), "{document}: {problem}");
        }
    }
}
