//! A line that measures something.

use super::number::parse_number;
use super::splits::cut;
use super::{Invalid, Visitor};
use serde::Serialize;

/// What is done with a metric's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `c`: values are added up.
    Counter,
    /// `g`: the last value counts; `+` and `-` change it.
    Gauge,
    /// `ms`: a duration in milliseconds.
    Timer,
    /// `h`: a value whose distribution matters.
    Histogram,
    /// `d`: the same, meant to be added up over hosts.
    Distribution,
    /// `s`: how many different members were seen.
    Set,
}

/// One value as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Number(f64),
    /// A gauge's `+n` or `-n`.
    Change(f64),
    Member(&'a [u8]),
}

/// One value of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading<'a> {
    /// As written, in UTF-8; never empty.
    pub name: &'a [u8],
    pub kind: Kind,
    pub value: Value<'a>,
    /// How many values this one stands for: one over the sample rate, so 1 or more, and not always whole.
    pub weight: f64,
    /// What is after `#`, as written; empty where there are no tags.
    pub tags: &'a [u8],
    /// Seconds since 1970, where the client said when.
    pub timestamp_s: Option<u64>,
}

/// What is after a value's type.
#[derive(Clone, Copy)]
struct Parts<'a> {
    weight: f64,
    tags: &'a [u8],
    timestamp_s: Option<u64>,
    /// The further values of a line of 2011.
    more: Option<&'a [u8]>,
}

#[inline]
pub(super) fn parse_metric(line: &[u8], visitor: &mut impl Visitor) {
    let (name, rest) = cut(line, b':');
    let Some(mut rest) = rest else { return visitor.invalid(line, Invalid::NoValue) };
    if name.is_empty() {
        return visitor.invalid(line, Invalid::NoName);
    }
    if !name.is_ascii() && std::str::from_utf8(name).is_err() {
        return visitor.invalid(line, Invalid::NameNotText);
    }
    loop {
        let (values, after) = cut(rest, b'|');
        let Some(after) = after else { return visitor.invalid(line, Invalid::NoType) };
        let (kind, after) = match parse_kind(after) {
            Ok(found) => found,
            Err(reason) => return visitor.invalid(line, reason),
        };
        let parts = match parse_parts(after) {
            Ok(parts) => parts,
            Err(reason) => return visitor.invalid(line, reason),
        };
        let mut take = |value| {
            let Parts { weight, tags, timestamp_s, .. } = parts;
            match value {
                Ok(value) => visitor.reading(Reading { name, kind, value, weight, tags, timestamp_s }),
                Err(reason) => visitor.invalid(line, reason),
            }
        };
        if kind == Kind::Set {
            take(if values.is_empty() { Err(Invalid::EmptyMember) } else { Ok(Value::Member(values)) });
        } else {
            let mut values = Some(values);
            while let Some(packed) = values {
                let (value, others) = cut(packed, b':');
                take(parse_value(kind, value));
                values = others;
            }
        }
        match parts.more {
            Some(more) => rest = more,
            None => return,
        }
    }
}

/// The type, and what follows it with its first separator.
#[inline]
fn parse_kind(text: &[u8]) -> Result<(Kind, &[u8]), Invalid> {
    let (kind, rest) = match text {
        [b'c', rest @ ..] => (Kind::Counter, rest),
        [b'g', rest @ ..] => (Kind::Gauge, rest),
        [b'm', b's', rest @ ..] => (Kind::Timer, rest),
        [b'h', rest @ ..] => (Kind::Histogram, rest),
        [b'd', rest @ ..] => (Kind::Distribution, rest),
        [b's', rest @ ..] => (Kind::Set, rest),
        [] => return Err(Invalid::NoType),
        _ => return Err(Invalid::UnknownType),
    };
    match rest.first() {
        None | Some(b'|' | b':') => Ok((kind, rest)),
        Some(_) => Err(Invalid::UnknownType),
    }
}

#[inline]
fn parse_parts(after_kind: &[u8]) -> Result<Parts<'_>, Invalid> {
    let mut parts = Parts { weight: 1.0, tags: &[], timestamp_s: None, more: None };
    let mut rest = after_kind;
    loop {
        let (part, after) = match rest {
            [] => return Ok(parts),
            [b':', more @ ..] => {
                parts.more = Some(more);
                return Ok(parts);
            }
            // Only `|` and `:` are left in front of the rest.
            [_, rest @ ..] => match rest.first() {
                Some(b'@') => rate(rest, &mut parts)?,
                Some(b'#') => {
                    let (tags, after) = until(&rest[1..], |byte| byte == b'|');
                    parts.tags = tags;
                    (tags, after)
                }
                Some(b'T') => {
                    let (digits, after) = until(&rest[1..], |byte| byte == b'|');
                    let text = std::str::from_utf8(digits).map_err(|_| Invalid::BadTimestamp)?;
                    parts.timestamp_s = Some(text.parse().map_err(|_| Invalid::BadTimestamp)?);
                    (digits, after)
                }
                _ => {
                    let (part, after) = until(rest, |byte| byte == b'|');
                    let (word, value) = cut(part, b':');
                    // The container of DogStatsD 1.2, and what later versions add in its manner. An empty last part
                    // is what some clients write where they have no tags.
                    let known = value.is_some() && !word.is_empty() && word.iter().all(u8::is_ascii_lowercase);
                    if !(known || part.is_empty()) {
                        return Err(Invalid::UnknownPart);
                    }
                    (part, after)
                }
            },
        };
        debug_assert!(part.len() < rest.len());
        rest = after;
    }
}

#[inline]
fn rate<'a>(part: &'a [u8], parts: &mut Parts<'a>) -> Result<(&'a [u8], &'a [u8]), Invalid> {
    let (text, after) = until(&part[1..], |byte| matches!(byte, b'|' | b':'));
    let rate = parse_number(text).ok_or(Invalid::BadRate)?;
    let weight = 1.0 / rate;
    if !(rate > 0.0 && rate <= 1.0 && weight.is_finite()) {
        return Err(Invalid::BadRate);
    }
    parts.weight = weight;
    Ok((text, after))
}

/// What is before the first separator, and the rest with it.
#[inline]
fn until(text: &[u8], separates: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| separates(*byte)).unwrap_or(text.len());
    text.split_at(end)
}

#[inline]
fn parse_value(kind: Kind, text: &[u8]) -> Result<Value<'_>, Invalid> {
    let number = parse_number(text).ok_or(Invalid::BadNumber)?;
    match (kind, text.first()) {
        (Kind::Gauge, Some(b'+' | b'-')) => Ok(Value::Change(number)),
        (Kind::Counter, _) if number < 0.0 => Err(Invalid::NegativeCounter),
        _ => Ok(Value::Number(number)),
    }
}
