//! Cron expressions: POSIX weekdays, optional seconds, and a time zone, over croner.
//!
//! Across daylight-saving changes (croner follows Vixie cron): a fixed time of day that the clock skips comes at the
//! first instant after the gap, and one that the clock repeats comes once, the first time. Wildcards and lists go by
//! real time: nothing in a skipped hour, and everything twice in a repeated one.

use super::ScheduleError;
use checks::UnixMs;
use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};

/// Cron repeats itself with the calendar, every 400 years; where the search for "never" starts does not matter.
const REFERENCE: UnixMs = UnixMs(1_767_225_600_000); // 2026-01-01T00:00:00Z

/// Enough for every gap of a working week of minutes-and-hours patterns to turn up.
const PERIOD_SAMPLE: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    pattern: croner::Cron,
    zone: Tz,
    period_hint_ms: u64,
}

impl Cron {
    pub(super) fn parse(text: &str, zone: Tz) -> Result<Self, ScheduleError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        if text.starts_with('@') {
            const NICKNAMES: [&str; 6] = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually"];
            if !NICKNAMES.contains(&text) {
                return Err(ScheduleError::Nickname { text: text.to_owned() });
            }
        } else if !matches!(fields.len(), 5 | 6) {
            let suggestion = if fields.len() == 4 { format!("0 {text}") } else { "*/5 * * * *".to_owned() };
            return Err(ScheduleError::FieldCount { text: shorten(text), found: fields.len(), suggestion });
        } else {
            check_fields(text, &fields)?;
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Optional).build();
        // Each field was read on its own; whatever is wrong only together has no field to point at.
        let pattern = parser.parse(text).map_err(|_| ScheduleError::Field {
            text: shorten(text),
            field: shorten(text),
            name: "cron expression",
            allowed: "five fields such as `*/5 * * * *`",
        })?;
        let mut cron = Self { pattern, zone, period_hint_ms: 0 };
        let Some(first) = cron.next_after(REFERENCE) else {
            return Err(ScheduleError::Never {
                text: shorten(text),
                why: "no month that it names has such a day",
                instead: "a day that exists, or `L` for the last day of the month",
            });
        };
        cron.period_hint_ms = cron.shortest_gap_ms(first);
        Ok(cron)
    }

    pub(super) fn next_after(&self, now: UnixMs) -> Option<UnixMs> {
        // Slots are whole seconds, so the first one after the second that `now` lies in is after `now` as well.
        let second = DateTime::<Utc>::from_timestamp(now.0.div_euclid(1_000), 0)?;
        let local = self.zone.from_utc_datetime(&second.naive_utc());
        self.pattern.find_next_occurrence(&local, false).ok().map(|slot| UnixMs(slot.timestamp_millis()))
    }

    pub(super) fn period_hint_ms(&self) -> u64 {
        self.period_hint_ms
    }

    pub(super) fn slots_between(&self, first: UnixMs, last: UnixMs, count_max: u64) -> (u64, UnixMs) {
        let (mut count, mut slot) = (1, first);
        while count < count_max {
            match self.next_after(slot) {
                Some(next) if next <= last => (count, slot) = (count + 1, next),
                _ => break,
            }
        }
        (count, slot)
    }

    fn shortest_gap_ms(&self, first: UnixMs) -> u64 {
        let slots = std::iter::successors(Some(first), |&slot| self.next_after(slot));
        let slots: Vec<UnixMs> = slots.take(PERIOD_SAMPLE).collect();
        slots.windows(2).map(|pair| pair[1].since_ms(pair[0])).min().unwrap_or(super::every::PERIOD_MS_MAX)
    }
}

/// Reads each field on its own, so that the error can point at the one that is wrong.
fn check_fields(text: &str, fields: &[&str]) -> Result<(), ScheduleError> {
    const NAMES: [(&str, &str); 6] = [
        ("second", "0 to 59, `*`, `*/10`, `0-30` or `0,30`"),
        ("minute", "0 to 59, `*`, `*/5`, `0-30` or `0,30`"),
        ("hour", "0 to 23, `*`, `*/2`, `9-17` or `8,20`"),
        ("day of the month", "1 to 31, `*`, `*/2`, `1-7`, `1,15`, or `L` for the last"),
        ("month", "1 to 12 or JAN to DEC, `*`, `*/3`, `1-6` or `3,9`"),
        (
            "day of the week",
            "0 to 7 or SUN to SAT (0 and 7 are Sunday), `*`, `1-5`, `MON,WED`, or `FRI#2` for the second Friday",
        ),
    ];
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
    let skipped = NAMES.len() - fields.len();
    for (index, field) in fields.iter().enumerate() {
        let position = index + skipped;
        let alone: Vec<&str> = (0..6).map(|i| if i == position { *field } else { "*" }).collect();
        if parser.parse(&alone.join(" ")).is_err() || field.contains('@') {
            let (name, allowed) = NAMES[position];
            return Err(ScheduleError::Field { text: shorten(text), field: shorten(field), name, allowed });
        }
    }
    Ok(())
}

/// As much of an author's text as an error quotes.
fn shorten(text: &str) -> String {
    const QUOTED_CHARS_MAX: usize = 80;
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;
    use proptest::prelude::*;

    fn instant(text: &str) -> UnixMs {
        UnixMs(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[track_caller]
    fn slots(text: &str, zone: Option<&str>, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(text, zone).unwrap();
        let slots = std::iter::successors(schedule.next_after(instant(after)), |&slot| schedule.next_after(slot));
        slots.take(count).map(|slot| slot.to_string()).collect()
    }

    #[test]
    fn slots_follow_the_expression() {
        let cases: &[(&str, &str, &[&str])] = &[
            ("*/5 * * * *", "2026-11-23T20:41:00Z", &["2026-11-23T20:45:00Z", "2026-11-23T20:50:00Z"]),
            // The slot at `now` itself is over; a millisecond earlier it still lies ahead.
            ("0 * * * *", "2026-11-23T20:00:00Z", &["2026-11-23T21:00:00Z"]),
            ("0 * * * *", "2026-11-23T19:59:59.999Z", &["2026-11-23T20:00:00Z"]),
            ("*/20 * * * * *", "2026-11-23T20:41:30Z", &["2026-11-23T20:41:40Z", "2026-11-23T20:42:00Z"]),
            // 2026-11-23 is a Monday: POSIX counts it as 1, and Sunday as 0 and 7.
            ("0 9 * * 1", "2026-11-22T00:00:00Z", &["2026-11-23T09:00:00Z", "2026-11-30T09:00:00Z"]),
            ("0 9 * * 0", "2026-11-23T00:00:00Z", &["2026-11-29T09:00:00Z"]),
            ("0 9 * * 7", "2026-11-23T00:00:00Z", &["2026-11-29T09:00:00Z"]),
            ("0 9 * * MON-FRI", "2026-11-27T10:00:00Z", &["2026-11-30T09:00:00Z"]),
            // Day of month and weekday, both given: either, as POSIX says.
            ("0 0 1 * 1", "2026-11-29T00:00:00Z", &["2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"]),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
            ("0 0 L * *", "2027-02-01T00:00:00Z", &["2027-02-28T00:00:00Z"]),
            ("@daily", "2026-11-23T20:00:00Z", &["2026-11-24T00:00:00Z"]),
        ];
        for (text, after, expected) in cases {
            assert_eq!(slots(text, None, after, expected.len()), *expected, "{text}");
        }
    }

    #[test]
    fn daylight_saving_neither_loses_nor_repeats_a_slot() {
        let cases: &[(&str, &str, &str, &[&str])] = &[
            // Berlin skips 02:00-03:00 on 2026-03-29: the fixed time comes at 03:00 local, once.
            (
                "30 2 * * *",
                "Europe/Berlin",
                "2026-03-28T00:00:00Z",
                &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
            ),
            // New York repeats 01:00-02:00 on 2026-11-01: the fixed time comes once, the quarters of the hour go on.
            (
                "30 1 * * *",
                "America/New_York",
                "2026-10-31T12:00:00Z",
                &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
            ),
            (
                "*/30 * * * *",
                "America/New_York",
                "2026-11-01T04:59:00Z",
                &[
                    "2026-11-01T05:00:00Z",
                    "2026-11-01T05:30:00Z",
                    "2026-11-01T06:00:00Z",
                    "2026-11-01T06:30:00Z",
                    "2026-11-01T07:00:00Z",
                ],
            ),
            (
                "*/30 * * * *",
                "Europe/Berlin",
                "2026-03-29T00:29:00Z",
                &["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"],
            ),
            // Half an hour of daylight saving.
            (
                "0 9 * * *",
                "Australia/Lord_Howe",
                "2026-10-03T00:00:00Z",
                &["2026-10-03T22:00:00Z", "2026-10-04T22:00:00Z"],
            ),
        ];
        for (text, zone, after, expected) in cases {
            assert_eq!(slots(text, Some(zone), after, expected.len()), *expected, "{text} {zone}");
        }
    }

    #[test]
    fn what_is_no_cron_expression_is_refused_with_what_to_write() {
        let cases: &[(&str, &str)] = &[
            ("", "the schedule is empty; write a period such as `every 30s`"),
            ("* * * *", "schedule `* * * *` has 4 fields"),
            ("* * * *", "write for example `0 * * * *`"),
            ("* * * * * * *", "has 7 fields"),
            ("hello", "has 1 fields"),
            ("61 * * * *", "schedule `61 * * * *`: `61` is no minute; write 0 to 59"),
            ("* 24 * * *", "`24` is no hour; write 0 to 23"),
            ("* * 0 * *", "`0` is no day of the month; write 1 to 31"),
            ("* * * 13 *", "`13` is no month"),
            ("* * * * 8", "`8` is no day of the week; write 0 to 7 or SUN to SAT (0 and 7 are Sunday)"),
            ("61 * * * * *", "`61` is no second"),
            ("*/0 * * * *", "`*/0` is no minute"),
            ("10-5 * * * *", "`10-5` is no minute"),
            ("a * * * *", "`a` is no minute"),
            ("@reboot", "schedule `@reboot` is not known; write @hourly"),
            ("0 0 30 2 *", "schedule `0 0 30 2 *` never comes: no month that it names has such a day"),
            ("0 0 31 4,6,9,11 *", "never comes"),
        ];
        for (text, part) in cases {
            let error = Schedule::parse(text, None).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        let error = Schedule::parse("every 30s", Some("Europe/Brelin")).unwrap_err().to_string();
        assert_eq!(error, "time zone `Europe/Brelin` is no IANA name; write `Europe/Berlin`");
        assert!(Schedule::parse(&"9".repeat(10_000), None).unwrap_err().to_string().len() < 400);
    }

    #[test]
    fn the_period_is_the_shortest_gap() {
        let cases: &[(&str, u64)] = &[
            ("* * * * *", 60_000),
            ("* * * * * *", 1_000),
            ("*/15 9-17 * * 1-5", 900_000),
            ("0,1 0 * * *", 60_000),
            ("0 9 * * *", 86_400_000),
        ];
        for &(text, expected) in cases {
            assert_eq!(Schedule::parse(text, None).unwrap().period_hint_ms(), expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        /// Against the definition: walk minute by minute through real time, and look at the wall clock.
        #[test]
        fn agrees_with_walking_through_time(
            minute_step in 1_u32..=59,
            hours in prop::option::of((0_u32..24, 0_u32..24)),
            weekday in prop::option::of(0_u32..=7),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"]),
            // Hours around every change of 2026 are as likely as any other.
            start_min in prop_oneof![
                0_i64..525_600,
                Just(1_774_746_000_i64 / 60 - 29_453_760).prop_flat_map(|m| m - 180..m + 180),
                Just(1_793_512_800_i64 / 60 - 29_453_760).prop_flat_map(|m| m - 180..m + 180),
            ],
        ) {
            use chrono::{Datelike, Timelike};
            let hour_field = hours.map_or("*".to_owned(), |(a, b)| format!("{}-{}", a.min(b), a.max(b)));
            let weekday_field = weekday.map_or("*".to_owned(), |d| d.to_string());
            let text = format!("*/{minute_step} {hour_field} * * {weekday_field}");
            let schedule = Schedule::parse(&text, Some(zone)).unwrap();
            let tz: Tz = zone.parse().unwrap();
            let start = UnixMs(REFERENCE.0 + start_min * 60_000);
            let matches = |at: UnixMs| {
                let local = at.to_utc().unwrap().with_timezone(&tz);
                local.minute().is_multiple_of(minute_step)
                    && hours.is_none_or(|(a, b)| (a.min(b)..=a.max(b)).contains(&local.hour()))
                    && weekday.is_none_or(|d| local.weekday().num_days_from_sunday() == d % 7)
            };
            // Two weeks hold every combination of weekday and hour, also where one of them lies in a gap.
            let expected = (1..=14 * 1_440).map(|m| start + m * 60_000).find(|&at| matches(at));
            prop_assert_eq!(schedule.next_after(start), expected, "{} {} after {}", text, zone, start);
        }
    }
}
