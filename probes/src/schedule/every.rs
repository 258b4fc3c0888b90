//! `every 30s`: periods, aligned on the epoch.

use super::ScheduleError;
use checks::UnixMs;

pub(super) const PERIOD_MS_MIN: u64 = 1_000;
pub(super) const PERIOD_MS_MAX: u64 = 30 * 86_400_000;

/// Whether a text without `every` is a period all the same, such as `30s`: its error should speak of periods, not of
/// cron fields.
pub(super) fn looks_like_duration(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_alphabetic())
        && text.split_whitespace().count() <= 2
}

/// The period of `every 30s`, in milliseconds. Units are s, m, h and d, and may be joined: `every 1h30m`.
pub(super) fn parse(text: &str) -> Result<u64, ScheduleError> {
    let mut words = text.split_whitespace();
    let bare = match words.next() {
        Some("every") => words.collect::<Vec<_>>().join(" "),
        Some(word) if word.eq_ignore_ascii_case("every") => {
            let rest = words.collect::<Vec<_>>().join(" ");
            return Err(period_error(text, &rest));
        }
        // A period without the word in front.
        _ => return Err(period_error(text, text)),
    };
    match strict_ms(&bare) {
        None => Err(period_error(text, &bare)),
        Some(Length::Ms(ms)) if ms < PERIOD_MS_MIN => {
            Err(ScheduleError::PeriodTooShort { text: text.to_owned(), period: bare })
        }
        Some(Length::Ms(ms)) if ms <= PERIOD_MS_MAX => Ok(ms),
        Some(Length::Ms(_) | Length::Overflow) => Err(ScheduleError::PeriodTooLong { text: text.to_owned() }),
    }
}

enum Length {
    Ms(u64),
    Overflow,
}

/// `30s`, `1h30m`, and `500ms` (so that it can be refused for being short, not for its unit). `None` is a text of
/// another form.
fn strict_ms(text: &str) -> Option<Length> {
    let mut rest = text;
    let mut total_ms: Option<u64> = Some(0);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        if digits == 0 {
            return None;
        }
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let part_ms = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit_ms));
        total_ms = total_ms.zip(part_ms).and_then(|(total, part)| total.checked_add(part));
        rest = after;
    }
    Some(total_ms.map_or(Length::Overflow, Length::Ms))
}

/// Guesses what was meant: `5 minutes` is `every 5m`, `30` is `every 30s`.
fn period_error(text: &str, bare: &str) -> ScheduleError {
    let compact: String = bare.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let number: String = compact.chars().take_while(char::is_ascii_digit).collect();
    let unit = match compact.trim_start_matches(|c: char| c.is_ascii_digit()) {
        unit if unit.starts_with("mo") || unit.starts_with("ms") || unit.starts_with("mil") => None,
        unit if unit.is_empty() || unit.starts_with('s') => Some('s'),
        unit if unit.starts_with('m') => Some('m'),
        unit if unit.starts_with('h') => Some('h'),
        unit if unit.starts_with('d') => Some('d'),
        _ => None,
    };
    let exact = matches!(strict_ms(&compact), Some(Length::Ms(ms)) if (PERIOD_MS_MIN..=PERIOD_MS_MAX).contains(&ms));
    let suggestion = match (exact, number.is_empty(), unit) {
        (true, ..) => format!("every {compact}"),
        (false, false, Some(unit)) => format!("every {number}{unit}"),
        (false, true, Some(unit)) if !compact.is_empty() => format!("every 1{unit}"),
        _ => "every 30s` with a number and s, m, h or d, such as `every 5m".to_owned(),
    };
    ScheduleError::Period { text: text.to_owned(), suggestion }
}

pub(super) fn current(period_ms: u64, now: UnixMs) -> Option<UnixMs> {
    let period_ms = i64::try_from(period_ms).ok()?;
    now.0.div_euclid(period_ms).checked_mul(period_ms).map(UnixMs)
}

pub(super) fn next_after(period_ms: u64, now: UnixMs) -> Option<UnixMs> {
    let slot = current(period_ms, now)?;
    slot.0.checked_add(i64::try_from(period_ms).ok()?).map(UnixMs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    #[test]
    fn periods_are_read() {
        let cases: &[(&str, u64)] = &[
            ("every 1s", 1_000),
            ("every 30s", 30_000),
            ("  every   5m ", 300_000),
            ("every 1h", 3_600_000),
            ("every 1h30m", 5_400_000),
            ("every 1500ms", 1_500),
            ("every 30d", PERIOD_MS_MAX),
        ];
        for &(text, expected) in cases {
            assert_eq!(Schedule::parse(text, None).map(|s| s.period_hint_ms()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_period_is_refused_with_what_to_write() {
        let cases: &[(&str, &str)] = &[
            ("every", "write `every 30s` with a number"),
            ("every 30", "schedule `every 30` is no period; write `every 30s`"),
            ("30s", "write `every 30s`"),
            ("5 minutes", "write `every 5m`"),
            ("Every 5m", "write `every 5m`"),
            ("every 5 minutes", "write `every 5m`"),
            ("every 2 Hours", "write `every 2h`"),
            ("every minute", "write `every 1m`"),
            ("every 2 months", "write `every 30s` with a number"),
            ("every -5s", "write `every 30s` with a number"),
            ("every 1.5h", "write `every 30s` with a number"),
            ("every 500ms", "has a period of 500ms, and the shortest is 1 s; write `every 1s` or longer"),
            ("every 0s", "has a period of 0s"),
            ("every 31d", "over 30 days, the longest; write `every 30d` or shorter"),
            ("every 99999999999999999999d", "over 30 days"),
            ("every 18446744073709551615h", "over 30 days"),
        ];
        for (text, part) in cases {
            let error = Schedule::parse(text, None).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn slots_are_aligned_on_the_epoch_also_before_it() {
        let cases: &[(u64, i64, i64)] = &[
            (30_000, 0, 30_000),
            (30_000, 29_999, 30_000),
            (30_000, 30_000, 60_000),
            (30_000, -1, 0),
            (7_000, 15_000, 21_000),
        ];
        for &(period_ms, now, expected) in cases {
            assert_eq!(next_after(period_ms, UnixMs(now)), Some(UnixMs(expected)));
        }
        assert_eq!(next_after(30_000, UnixMs(i64::MAX)), None);
        assert_eq!(next_after(7_000, UnixMs(i64::MIN)), None);
    }
}
