//! Numbers as Go's `fmt` prints them, since templates in rule files were written for it.

/// `%v` and `%g` of a float64, as `{{ $value }}` prints: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub fn shortest(value: f64) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    let (digits, exponent) = decimal(&format!("{value:e}"));
    if (-4..6).contains(&exponent) { format!("{value}") } else { with_exponent(value < 0.0, &digits, exponent) }
}

/// `%.<precision>g`: so many significant digits, without trailing zeros.
pub fn general(value: f64, precision: usize) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    let precision = precision.max(1);
    let (digits, exponent) = decimal(&format!("{:.*e}", precision - 1, value));
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    if exponent < -4 || exponent >= precision as i32 {
        return with_exponent(value.is_sign_negative(), digits, exponent);
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        format!("{sign}{digits}{}", "0".repeat(whole - digits.len()))
    } else {
        format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
    }
}

/// `%.<precision>e`.
pub fn scientific(value: f64, precision: usize) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    let text = format!("{value:.precision$e}");
    match text.split_once('e') {
        Some((digits, exponent)) => format!("{digits}e{}", exponent_text(exponent.parse().unwrap_or(0))),
        None => text,
    }
}

/// `%.<precision>f`.
pub fn fixed(value: f64, precision: usize) -> String {
    not_finite(value).map_or_else(|| format!("{value:.precision$}"), str::to_owned)
}

fn not_finite(value: f64) -> Option<&'static str> {
    match value {
        value if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// The digits and the exponent of Rust's `d.dde<x>`.
fn decimal(text: &str) -> (String, i32) {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (digits.chars().filter(char::is_ascii_digit).collect(), exponent.parse().unwrap_or(0))
}

fn with_exponent(negative: bool, digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{}{first}{point}{rest}e{}", if negative { "-" } else { "" }, exponent_text(exponent))
}

/// At least two digits, always with a sign.
fn exponent_text(exponent: i32) -> String {
    format!("{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}
