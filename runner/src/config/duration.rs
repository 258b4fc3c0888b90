use std::time::Duration;

/// Reads `250ms`, `10s`, `5m`, `1h` or `15d`; zero is refused, since nothing here means "never" or "at once".
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    let duration_ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms)).unwrap_or(0);
    if duration_ms == 0 {
        return Err(format!(
            "`{text}` is no duration; write a number and its unit, such as \"250ms\", \"10s\", \"5m\" or \"1h\""
        ));
    }
    Ok(Duration::from_millis(duration_ms))
}

/// A wait that may be none at all: `0s`.
pub(super) fn parse_wait(text: &str) -> Result<Duration, String> {
    if text == "0s" { Ok(Duration::ZERO) } else { parse_duration(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let cases = [
            ("250ms", Some(250)),
            ("10s", Some(10_000)),
            ("5m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("15d", Some(1_296_000_000)),
            ("0s", None),
            ("10", None),
            ("s", None),
            ("1.5s", None),
            ("10 s", None),
            ("99999999999999999999s", None),
            ("9999999999999999999h", None),
        ];
        for (text, expected_ms) in cases {
            assert_eq!(parse_duration(text).ok(), expected_ms.map(Duration::from_millis), "{text}");
        }
    }
}
