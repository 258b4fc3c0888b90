//! Binary operators: scalars, vectors, and how vectors' elements find each other.

use std::collections::HashMap;

use super::QueryError;
use super::evaluate::Evaluation;
use super::expression::{Binary, Cardinality, Matching, Operator};
use super::value::{ABSENT, Row, Value, is_absent, unique};
use crate::series::{Labels, METRIC_NAME};

pub(crate) fn evaluate(evaluation: &Evaluation<'_>, binary: &Binary, place: &str) -> Result<Value, QueryError> {
    let (left, right) = (evaluation.value(&binary.left)?, evaluation.value(&binary.right)?);
    let rows = match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let both = left.into_iter().zip(right);
            // The parser has seen that a comparison of scalars says `bool`.
            return Ok(Value::Scalar(both.map(|(left, right)| number(binary.operator, left, right)).collect()));
        }
        (Value::Vector(rows), Value::Scalar(scalar)) => with_scalar(binary, rows, &scalar, false),
        (Value::Scalar(scalar), Value::Vector(rows)) => with_scalar(binary, rows, &scalar, true),
        (Value::Vector(left), Value::Vector(right)) => match binary.operator {
            Operator::And | Operator::Or | Operator::Unless => set(binary, left, right, evaluation.steps),
            _ => matched(binary, left, right, evaluation.steps, place)?,
        },
        (Value::Text(_), _) | (_, Value::Text(_)) => {
            return Err(QueryError::Type {
                place: place.to_owned(),
                expected: "numbers or instant vectors",
                got: "a string",
            });
        }
    };
    Ok(Value::Vector(unique(rows, place)?))
}

/// The number an operator gives; 1 or 0 for a comparison.
fn number(operator: Operator, left: f64, right: f64) -> f64 {
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Modulo => left % right,
        Operator::Power => left.powf(right),
        Operator::Atan2 => left.atan2(right),
        _ => f64::from(u8::from(holds(operator, left, right))),
    }
}

fn holds(operator: Operator, left: f64, right: f64) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Greater => left > right,
        Operator::Less => left < right,
        Operator::GreaterOrEqual => left >= right,
        Operator::LessOrEqual => left <= right,
        _ => true,
    }
}

/// Whether the result is another quantity, which must not keep the metric's name.
fn renames(binary: &Binary) -> bool {
    binary.returns_bool || !binary.operator.is_comparison()
}

fn with_scalar(binary: &Binary, mut rows: Vec<Row>, scalar: &[f64], scalar_first: bool) -> Vec<Row> {
    let filters = binary.operator.is_comparison() && !binary.returns_bool;
    for row in &mut rows {
        row.map(|step, value| {
            let (left, right) = if scalar_first { (scalar[step], value) } else { (value, scalar[step]) };
            if !filters {
                number(binary.operator, left, right)
            } else if holds(binary.operator, left, right) {
                value
            } else {
                ABSENT
            }
        });
        if renames(binary) {
            row.labels = row.labels.without_metric();
        }
    }
    rows
}

/// What two elements must have in common.
fn signature(labels: &Labels, matching: &Matching) -> Labels {
    let named = |name: &str| matching.labels.iter().any(|label| label == name);
    if matching.on { labels.filtered(named) } else { labels.filtered(|name| name != METRIC_NAME && !named(name)) }
}

/// Numbers the signatures of both sides alike.
fn signatures(matching: &Matching, left: &[Row], right: &[Row]) -> (Vec<usize>, Vec<usize>, Vec<Labels>) {
    let mut numbers: HashMap<Labels, usize> = HashMap::new();
    let mut all: Vec<Labels> = Vec::new();
    let mut of = |rows: &[Row]| -> Vec<usize> {
        let number = |row: &Row| {
            let labels = signature(&row.labels, matching);
            *numbers.entry(labels).or_insert_with_key(|labels| {
                all.push(labels.clone());
                all.len() - 1
            })
        };
        rows.iter().map(number).collect()
    };
    (of(left), of(right), all)
}

/// `and`, `or`, `unless`: by signature only; values are never compared.
fn set(binary: &Binary, mut left: Vec<Row>, mut right: Vec<Row>, steps: usize) -> Vec<Row> {
    let (left_numbers, right_numbers, all) = signatures(&binary.matching, &left, &right);
    let presence = |rows: &[Row], numbers: &[usize]| {
        let mut present = vec![false; all.len() * steps];
        for (row, number) in rows.iter().zip(numbers) {
            for (step, value) in row.values.iter().enumerate() {
                present[number * steps + step] |= !is_absent(*value);
            }
        }
        present
    };
    let keep = |rows: &mut [Row], numbers: &[usize], present: &[bool], wanted: bool| {
        for (row, number) in rows.iter_mut().zip(numbers) {
            row.map(|step, value| if present[number * steps + step] == wanted { value } else { ABSENT });
        }
    };
    match binary.operator {
        Operator::And => keep(&mut left, &left_numbers, &presence(&right, &right_numbers), true),
        Operator::Unless => keep(&mut left, &left_numbers, &presence(&right, &right_numbers), false),
        _ => {
            keep(&mut right, &right_numbers, &presence(&left, &left_numbers), false);
            left.append(&mut right);
        }
    }
    left
}

/// Arithmetic and comparisons between vectors.
fn matched(
    binary: &Binary,
    left: Vec<Row>,
    right: Vec<Row>,
    steps: usize,
    place: &str,
) -> Result<Vec<Row>, QueryError> {
    // With `group_right` the right side is the one with many elements; the work is the same, mirrored.
    let mirrored = binary.matching.side == Cardinality::OneToMany;
    let (many, one) = if mirrored { (right, left) } else { (left, right) };
    let (many_numbers, one_numbers, all) = signatures(&binary.matching, &many, &one);
    let grouped = |numbers: &[usize]| {
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
        numbers.iter().enumerate().for_each(|(row, number)| rows[*number].push(row));
        rows
    };
    let (many_rows, one_rows) = (grouped(&many_numbers), grouped(&one_numbers));
    let any_at = |rows: &[Row], step: usize| rows.iter().any(|row| !is_absent(row.values[step]));
    let mut result = Vec::new();

    for (number, ones) in one_rows.iter().enumerate() {
        // Two elements on the "one" side are an error as soon as there is anything at all to match with.
        if ones.len() > 1 {
            for step in 0..steps {
                let mut there = ones.iter().filter(|&&row| !is_absent(one[row].values[step]));
                if let (Some(&first), Some(&second)) = (there.next(), there.next())
                    && any_at(&many, step)
                {
                    return Err(QueryError::ManyMatches {
                        place: place.to_owned(),
                        side: if mirrored { "left" } else { "right" },
                        group: all[number].to_string(),
                        first: one[first].labels.to_string(),
                        second: one[second].labels.to_string(),
                    });
                }
            }
        }
        let mut taken = vec![false; if many_rows[number].len() > 1 { steps } else { 0 }];
        for &row in &many_rows[number] {
            for &partner in ones {
                let values = pair(binary, &many[row], &one[partner], mirrored);
                if binary.matching.side == Cardinality::OneToOne && !taken.is_empty() {
                    // Also where a comparison then filters the element out: what is ambiguous must not depend on values.
                    let both = many[row].values.iter().zip(&one[partner].values).enumerate();
                    for (step, _) in both.filter(|(_, (many, one))| !is_absent(**many) && !is_absent(**one)) {
                        if std::mem::replace(&mut taken[step], true) {
                            let group = all[number].to_string();
                            return Err(QueryError::ImplicitManyToOne { place: place.to_owned(), group });
                        }
                    }
                }
                result.push(Row { labels: result_labels(binary, &many[row].labels, &one[partner].labels), values });
            }
        }
    }
    Ok(result)
}

fn pair(binary: &Binary, many: &Row, one: &Row, mirrored: bool) -> Vec<f64> {
    let filters = binary.operator.is_comparison() && !binary.returns_bool;
    let combine = |(&many, &one): (&f64, &f64)| {
        if is_absent(many) || is_absent(one) {
            return ABSENT;
        }
        let (left, right) = if mirrored { (one, many) } else { (many, one) };
        if !filters {
            number(binary.operator, left, right)
        } else if holds(binary.operator, left, right) {
            left
        } else {
            ABSENT
        }
    };
    many.values.iter().zip(&one.values).map(combine).collect()
}

fn result_labels(binary: &Binary, many: &Labels, one: &Labels) -> Labels {
    let matching = &binary.matching;
    let named = |name: &str| matching.labels.iter().any(|label| label == name);
    let mut labels = if renames(binary) { many.without_metric() } else { many.clone() };
    if matching.side == Cardinality::OneToOne {
        labels = labels.filtered(|name| named(name) == matching.on);
    }
    for name in &matching.include {
        labels = labels.with(name, one.get(name).unwrap_or_default());
    }
    labels
}
