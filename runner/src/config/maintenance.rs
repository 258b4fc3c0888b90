use super::ListedCheck;
use super::duration::parse_duration;
use super::reader::{At, Section};
use checks::{CheckDefinition, CheckId, UnixMs};
use probes::schedule::Schedule;
use std::time::Duration;

/// Windows in which nobody is told: what fails in one is counted, and pages when the window is over and it still fails.
///
/// ```toml
/// [[maintenance]]
/// name = "database upgrade"
/// checks = ["login-password"]       # or tags = ["login"]; left out, everything
/// schedule = "0 2 * * SUN"          # when it begins, as cron says it
/// time_zone = "Europe/Berlin"       # UTC where it is left out
/// for = "2h"
///
/// [[maintenance]]
/// name = "move to the new region"
/// from = "2026-12-01T22:00:00Z"     # once
/// until = "2026-12-02T02:00:00Z"
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    pub name: String,
    pub checks: Vec<ListedCheck>,
    pub tags: Vec<String>,
    pub when: When,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    Again { schedule: Schedule, lasts: Duration },
    Once { from: UnixMs, until: UnixMs },
}

/// A window that is longer is no window.
const LASTS_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Occurrences of one window that are looked at.
const OCCURRENCES_MAX: usize = 50;

impl Maintenance {
    pub fn is_of(&self, check: &CheckDefinition) -> bool {
        let is_for_all = self.checks.is_empty() && self.tags.is_empty();
        is_for_all
            || self.checks.iter().any(|listed| listed.id == check.id)
            || self.tags.iter().any(|tag| check.tags.contains(tag))
    }

    /// The occurrences that `now` lies in, or that begin within `ahead_ms`: beginning and end.
    pub fn near(&self, now: UnixMs, ahead_ms: u64) -> Vec<(UnixMs, UnixMs)> {
        match &self.when {
            When::Once { from, until } => vec![(*from, *until)],
            When::Again { schedule, lasts } => {
                let lasts_ms = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
                let begins = std::iter::successors(schedule.next_after(now - lasts_ms), |at| schedule.next_after(*at));
                let near = begins.take_while(|at| *at <= now + ahead_ms).take(OCCURRENCES_MAX);
                near.map(|at| (at, at + lasts_ms)).collect()
            }
        }
    }
}

pub(super) fn read(sections: Vec<Section<'_>>) -> Vec<Maintenance> {
    sections.into_iter().filter_map(read_one).collect()
}

fn read_one(mut section: Section<'_>) -> Option<Maintenance> {
    let reading = section.reading;
    let at = section.at.clone();
    let name = section.required_string("name", "\"database upgrade\"")?.value;
    let tags = section.strings("tags").into_iter().map(|tag| tag.value).collect();
    let mut checks = Vec::new();
    for check in section.strings("checks") {
        match CheckId::new(&check.value) {
            Ok(id) => checks.push(ListedCheck { id, place: reading.place_of(&check.at) }),
            Err(error) => reading.report(&check.at, error),
        }
    }
    let when = if section.has("schedule") { again(&mut section) } else { once(&mut section, &at) };
    section.finish();
    Some(Maintenance { name, checks, tags, when: when? })
}

fn again(section: &mut Section<'_>) -> Option<When> {
    let zone = section.string("time_zone").map(|zone| zone.value);
    let schedule = section.parsed("schedule", |text| Schedule::parse(text, zone.as_deref()))?.value;
    let (has_length, at) = (section.has("for"), section.value_place("schedule"));
    let lasts = section.parsed("for", |text| match parse_duration(text)? {
        lasts if lasts > LASTS_MAX => Err("a window lasts 7 days at most; write a shorter time".to_owned()),
        lasts => Ok(lasts),
    });
    if !has_length {
        section.reading.report(&at, "how long does it last? write `for = \"2h\"` beside it");
    }
    Some(When::Again { schedule, lasts: lasts?.value })
}

fn once(section: &mut Section<'_>, at: &At) -> Option<When> {
    let instant = |text: &str| {
        let parsed = chrono::DateTime::parse_from_rfc3339(text).map(|at| UnixMs(at.timestamp_millis()));
        parsed.map_err(|_| format!("`{text}` is no instant; write one such as \"2026-12-01T22:00:00Z\""))
    };
    if !section.has("from") || !section.has("until") {
        section.reading.report(at, "when is it? write `schedule` and `for`, or `from` and `until`");
    }
    let (from, until) = (section.parsed("from", instant), section.parsed("until", instant));
    let (from, until) = (from?.value, until?);
    if until.value <= from {
        section.reading.report(&until.at, "it would be over before it begins; write an instant after `from`");
        return None;
    }
    Some(When::Once { from, until: until.value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_the_wall_clock_of_their_zone() {
        let at = |text: &str| UnixMs(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis());
        // Berlin goes from +01:00 to +02:00 on 2026-03-29 at 01:00 UTC: three in the morning is another instant.
        let schedule = Schedule::parse("0 3 * * *", Some("Europe/Berlin")).unwrap();
        let window = Maintenance {
            name: "upgrade".to_owned(),
            checks: Vec::new(),
            tags: Vec::new(),
            when: When::Again { schedule, lasts: Duration::from_secs(3600) },
        };
        let cases = [
            ("2026-03-28T02:30:00Z", Some("2026-03-28T02:00:00Z")),
            ("2026-03-28T03:30:00Z", None),
            ("2026-03-29T01:30:00Z", Some("2026-03-29T01:00:00Z")),
            ("2026-03-30T02:30:00Z", None),
        ];
        for (now, begins) in cases {
            let near = window.near(at(now), 60_000);
            let running = near.iter().find(|(from, until)| *from <= at(now) && at(now) < *until);
            assert_eq!(running.map(|(from, _)| *from), begins.map(at), "{now}");
        }
    }
}
