//! Times and durations as a person reads them.

use checks::UnixMs;

/// `850 µs`, `12 ms`, `1.34 s`, `2 min 5 s`.
pub(crate) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..60_000_000 => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
        _ => format!("{} min {} s", us / 60_000_000, us % 60_000_000 / 1_000_000),
    }
}

/// `just now`, `12 s ago`, `3 min ago`, `5 h ago`, `2 days ago`.
pub(crate) fn ago(at: UnixMs, now: UnixMs) -> String {
    let seconds = now.since_ms(at) / 1_000;
    match seconds {
        0..2 => "just now".to_owned(),
        _ => format!("{} ago", span(seconds)),
    }
}

/// A span in its largest unit: `45 s`, `3 min`, `5 h`, `2 days`.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `14:03:07` with the date in front where it is not today's.
pub(crate) fn clock(at: UnixMs, now: UnixMs) -> String {
    let Some(utc) = at.to_utc() else { return at.to_string() };
    let same_day = now.to_utc().is_some_and(|now| now.date_naive() == utc.date_naive());
    utc.format(if same_day { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        for (us, expected) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1 ms"),
            (999_999, "999 ms"),
            (1_345_000, "1.34 s"),
            (59_999_999, "59.99 s"),
            (125_000_000, "2 min 5 s"),
        ] {
            assert_eq!(duration(us), expected);
        }
    }

    #[test]
    fn ages_grow_their_units_and_never_go_negative() {
        let now = UnixMs(1_795_466_400_000);
        for (before_ms, expected) in [
            (0, "just now"),
            (12_000, "12 s ago"),
            (180_000, "3 min ago"),
            (18_000_000, "5 h ago"),
            (172_800_000, "2 days ago"),
        ] {
            assert_eq!(ago(now - before_ms, now), expected);
        }
        assert_eq!(ago(now + 5_000, now), "just now");
    }

    #[test]
    fn another_day_is_named() {
        let now = UnixMs(1_795_466_400_000);
        assert_eq!(clock(now, now), "20:40:00");
        assert_eq!(clock(now - 86_400_000, now), "2026-11-22 20:40:00");
    }
}
