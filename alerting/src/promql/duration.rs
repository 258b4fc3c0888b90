//! Durations as Prometheus writes them: `1h30m`, `15s`, `250ms`.

/// Units, longest first, in milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads a duration, in milliseconds: numbers with units, each unit once, longest first; or `0`.
pub fn parse_ms(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total_ms = 0i64;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest.get(..digits)?.parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let place = UNITS.iter().position(|(unit, _)| *unit == &rest[..letters])?;
        if place < next_unit {
            return None;
        }
        next_unit = place + 1;
        total_ms = total_ms.checked_add(number.checked_mul(UNITS[place].1)?)?;
        rest = &rest[letters..];
    }
    (!text.is_empty()).then_some(total_ms)
}

/// Writes a duration in the same form; years and weeks only where they come out even, as Prometheus does.
pub fn format_ms(duration_ms: i64) -> String {
    if duration_ms == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    let mut rest = duration_ms;
    for (unit, unit_ms) in UNITS {
        let whole_only = matches!(unit, "y" | "w");
        if whole_only && rest % unit_ms != 0 {
            continue;
        }
        if rest / unit_ms > 0 {
            text.push_str(&format!("{}{unit}", rest / unit_ms));
            rest %= unit_ms;
        }
    }
    text
}
