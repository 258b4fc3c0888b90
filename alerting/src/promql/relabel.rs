//! Functions that change or sort by labels.

use std::cmp::Ordering;

use regex::Regex;

use super::QueryError;
use super::value::Row;
use crate::series::labels::is_label_name;

/// `label_replace`: where the pattern matches the whole source value, the target becomes the expanded replacement.
pub(crate) fn replace(mut rows: Vec<Row>, target: &str, replacement: &str, source: &str, pattern: &Regex) -> Vec<Row> {
    for row in &mut rows {
        let Some(captures) = pattern.captures(row.labels.get(source).unwrap_or_default()) else { continue };
        let mut value = String::new();
        captures.expand(replacement, &mut value);
        row.labels = row.labels.with(target, &value);
    }
    rows
}

/// `label_join`: the target becomes the sources' values, joined.
pub(crate) fn join(
    mut rows: Vec<Row>,
    target: &str,
    separator: &str,
    sources: &[String],
    place: &str,
) -> Result<Vec<Row>, QueryError> {
    if let Some(wrong) =
        std::iter::once(target).chain(sources.iter().map(String::as_str)).find(|name| !is_label_name(name))
    {
        let reason = format!("{wrong:?} is no label name");
        return Err(QueryError::Argument { place: place.to_owned(), reason });
    }
    for row in &mut rows {
        let values: Vec<&str> = sources.iter().map(|source| row.labels.get(source).unwrap_or_default()).collect();
        row.labels = row.labels.with(target, &values.join(separator));
    }
    Ok(rows)
}

/// Sorts the elements of a single step by these labels in turn, `node2` before `node10`, then by all labels.
pub(crate) fn sorted(mut rows: Vec<Row>, names: &[String], descending: bool) -> Vec<Row> {
    rows.sort_by(|left, right| {
        let by_name = names.iter().map(|name| {
            let value = |row: &Row| row.labels.get(name).unwrap_or_default().to_owned();
            natural(&value(left), &value(right))
        });
        let order = by_name.fold(Ordering::Equal, Ordering::then).then_with(|| left.labels.cmp(&right.labels));
        if descending { order.reverse() } else { order }
    });
    rows
}

/// Compares texts with the runs of digits in them as numbers.
fn natural(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    while !left.is_empty() && !right.is_empty() {
        let (left_part, left_rest) = split_run(left);
        let (right_part, right_rest) = split_run(right);
        let is_number = |part: &str| part.as_bytes()[0].is_ascii_digit();
        let order = if is_number(left_part) && is_number(right_part) {
            let (left_digits, right_digits) = (left_part.trim_start_matches('0'), right_part.trim_start_matches('0'));
            left_digits.len().cmp(&right_digits.len()).then_with(|| left_digits.cmp(right_digits))
        } else {
            left_part.cmp(right_part)
        };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    left.len().cmp(&right.len())
}

/// The longest run of digits, or of anything else, and what follows.
fn split_run(text: &str) -> (&str, &str) {
    let is_digit = text.as_bytes()[0].is_ascii_digit();
    text.split_at(text.find(|character: char| character.is_ascii_digit() != is_digit).unwrap_or(text.len()))
}
