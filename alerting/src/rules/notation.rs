//! The notation in which unit tests write series: `0+10x5 _x3 stale 7`.

use crate::promql::{QueryError, parse};
use crate::series::{LabelError, Labels, MatchKind, STALE_NAN};

/// The most values that one series' notation may expand to.
const VALUES_MAX: usize = 1_000_000;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotationError {
    #[error("{0:?} is no value: write numbers, `_`, `stale`, or `a+bxn` for a, a+b, and so on n times")]
    Value(String),
    #[error("native histograms (`{{{{..}}}}`) are not supported")]
    Histogram,
    #[error("it expands to more than {VALUES_MAX} values")]
    TooMany,
    #[error("{0:?} is no series: write a metric and its labels, such as up{{job=\"x\"}}")]
    Series(String),
    #[error(transparent)]
    Selector(#[from] QueryError),
    #[error(transparent)]
    Labels(#[from] LabelError),
}

/// Expands a series' values; `None` is a missing sample.
///
/// # Errors
/// What is no value.
pub fn values(text: &str) -> Result<Vec<Option<f64>>, NotationError> {
    if text.contains("{{") {
        return Err(NotationError::Histogram);
    }
    let mut all = Vec::new();
    for item in text.split_whitespace() {
        let wrong = || NotationError::Value(item.to_owned());
        let number = |text: &str| crate::promql::numeric::parse_value(text);
        if item == "stale" {
            all.push(Some(STALE_NAN));
            continue;
        }
        // `x` also is in 0x1f; the times stand after the last one.
        let (item_value, times) = match item.rsplit_once('x') {
            Some((value, times)) if number(item).is_none() => {
                (value, Some(times.parse::<usize>().map_err(|_| wrong())?))
            }
            _ => (item, None),
        };
        if all.len() + times.unwrap_or(0) >= VALUES_MAX {
            return Err(NotationError::TooMany);
        }
        if item_value == "_" {
            all.extend(std::iter::repeat_n(None, times.unwrap_or(1)));
            continue;
        }
        let (start, step) = match (number(item_value), times) {
            (Some(value), _) => (value, 0.0),
            (None, Some(_)) => {
                // The sign between start and step, neither the first character nor an exponent's.
                let signs = item_value.char_indices().skip(1).filter(|(_, sign)| matches!(sign, '+' | '-'));
                let mut parts =
                    signs.filter_map(|(place, _)| Some((number(&item_value[..place])?, number(&item_value[place..])?)));
                parts.next().ok_or_else(wrong)?
            }
            (None, None) => return Err(wrong()),
        };
        // By adding up, as promtool does, so that rounding is the same.
        let mut value = start;
        all.push(Some(value));
        for _ in 0..times.unwrap_or(0) {
            value += step;
            all.push(Some(value));
        }
    }
    Ok(all)
}

/// Reads a series' labels: `up{job="x"}`, `{}`.
///
/// # Errors
/// It is no plain series.
pub fn series(text: &str) -> Result<Labels, NotationError> {
    if text.trim().is_empty() || text.trim() == "{}" {
        return Ok(Labels::default());
    }
    let matchers = parse::parse_series(text)?.ok_or_else(|| NotationError::Series(text.to_owned()))?;
    if matchers.iter().any(|matcher| !matches!(matcher.kind, MatchKind::Equal)) {
        return Err(NotationError::Series(text.to_owned()));
    }
    Ok(Labels::new(matchers.iter().map(|matcher| (&matcher.name, &matcher.value)))?)
}
