//! Decimal numbers of a statsd line, read without allocation.

/// Powers of ten that a double holds exactly.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The largest integer up to which every integer is a double.
const EXACT_MAX: u64 = 1 << 53;

/// A finite decimal number: optional sign, digits, optional fraction, optional exponent. `NaN` and infinities are no
/// values: one of them would make a sum useless for ever.
///
/// Short decimals (nearly all that clients send) are one integer and one exact division, which rounds correctly
/// (Clinger, "How to read floating point numbers accurately"); the rest is left to the standard library.
pub fn parse_number(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut mantissa: u64 = 0;
    let mut fraction_digits: Option<usize> = None;
    if digits.is_empty() || digits.len() > 17 {
        return parse_any(text);
    }
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                // At most 17 digits: far from overflow.
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                if let Some(count) = &mut fraction_digits {
                    *count += 1;
                }
            }
            b'.' if fraction_digits.is_none() => fraction_digits = Some(0),
            _ => return parse_any(text),
        }
    }
    if mantissa > EXACT_MAX || digits == b"." {
        return parse_any(text);
    }
    let value = match fraction_digits {
        None | Some(0) => mantissa as f64,
        Some(count) => mantissa as f64 / POWERS_OF_TEN[count],
    };
    Some(if negative { -value } else { value })
}

#[cold]
fn parse_any(text: &[u8]) -> Option<f64> {
    // The standard library also reads "inf" and "nan".
    if !text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')) {
        return None;
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_or_refused() {
        let cases: &[(&str, Option<f64>)] = &[
            ("0", Some(0.0)),
            ("1", Some(1.0)),
            ("-1.5", Some(-1.5)),
            ("+320", Some(320.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1e3", Some(1000.0)),
            ("12345678901234567890", Some(12_345_678_901_234_567_890.0)),
            ("0.30000000000000004", Some(0.300_000_000_000_000_04)),
            ("9007199254740993", Some(9_007_199_254_740_992.0)),
            ("", None),
            (".", None),
            ("-", None),
            ("+-1", None),
            ("1.2.3", None),
            ("1,5", None),
            ("nan", None),
            ("inf", None),
            ("-Infinity", None),
            ("1e999", None),
            ("0x10", None),
            (" 1", None),
            ("１", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_number(text.as_bytes()), *expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_the_standard_library_reads(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            prop_assert_eq!(parse_number(value.to_string().as_bytes()), Some(value));
            prop_assert_eq!(parse_number(format!("{value:e}").as_bytes()), Some(value));
        }

        #[test]
        fn short_decimals_round_as_the_standard_library(text in "[-+]?[0-9]{0,9}\\.?[0-9]{0,9}") {
            prop_assert_eq!(parse_number(text.as_bytes()), text.parse::<f64>().ok());
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(value) = parse_number(&bytes) {
                prop_assert!(value.is_finite());
            }
        }
    }
}
