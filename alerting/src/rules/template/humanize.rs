//! The `humanize` family.

use chrono::DateTime;

use crate::rules::go_format::general;

pub(super) fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return general(value, 4);
    }
    let mut value = value;
    let mut unit = "";
    if value.abs() >= 1.0 {
        for next in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
            if value.abs() < 1000.0 {
                break;
            }
            (unit, value) = (next, value / 1000.0);
        }
    } else {
        (value, unit) = enlarged(value);
    }
    format!("{}{unit}", general(value, 4))
}

/// A value below one, with the unit that brings it to one or more.
fn enlarged(value: f64) -> (f64, &'static str) {
    let (mut value, mut unit) = (value, "");
    for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if value.abs() >= 1.0 {
            break;
        }
        (unit, value) = (next, value * 1000.0);
    }
    (value, unit)
}

pub(super) fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return general(value, 4);
    }
    let mut value = value;
    let mut unit = "";
    for next in ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"] {
        if value.abs() < 1024.0 {
            break;
        }
        (unit, value) = (next, value / 1024.0);
    }
    format!("{}{unit}", general(value, 4))
}

pub(super) fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return general(value, 4);
    }
    if value == 0.0 {
        return "0s".to_owned();
    }
    if value.abs() < 1.0 {
        let (value, unit) = enlarged(value);
        return format!("{}{unit}s", general(value, 4));
    }
    let (sign, value) = if value < 0.0 { ("-", -value) } else { ("", value) };
    let whole = value as i64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    if days > 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours > 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", general(value, 4))
    }
}

pub(super) fn humanize_timestamp(value: f64) -> String {
    let time = DateTime::from_timestamp_nanos((value * 1e9) as i64);
    if !value.is_finite() {
        return general(value, 4);
    }
    let fraction = format!("{:09}", time.timestamp_subsec_nanos());
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction} +0000 UTC", time.format("%Y-%m-%d %H:%M:%S"))
}
