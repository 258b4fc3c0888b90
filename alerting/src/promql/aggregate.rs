//! Aggregations.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::QueryError;
use super::evaluate::Evaluation;
use super::expression::{Aggregate, Aggregation};
use super::numeric;
use super::value::{ABSENT, Row, is_absent, unique};
use crate::series::labels::is_label_name;
use crate::series::{Labels, METRIC_NAME};

/// Elements that are aggregated together.
struct Group {
    labels: Labels,
    rows: Vec<Row>,
}

pub(crate) fn evaluate(
    evaluation: &Evaluation<'_>,
    aggregate: &Aggregate,
    place: &str,
) -> Result<Vec<Row>, QueryError> {
    let rows = evaluation.vector(&aggregate.inner)?;
    let steps = evaluation.steps;
    let parameter = || {
        aggregate.parameter.as_ref().ok_or_else(|| QueryError::Argument {
            place: place.to_owned(),
            reason: "its parameter is missing".to_owned(),
        })
    };
    let groups = group(rows, aggregate);
    let result = match aggregate.operation {
        Aggregation::Top | Aggregation::Bottom => {
            let counts = evaluation.scalar(parameter()?)?;
            if counts.iter().any(|count| count.is_nan()) {
                let reason = "the number of elements is NaN".to_owned();
                return Err(QueryError::Argument { place: place.to_owned(), reason });
            }
            let is_top = aggregate.operation == Aggregation::Top;
            groups.into_iter().flat_map(|group| select_extreme(group.rows, &counts, is_top)).collect()
        }
        Aggregation::CountValues => {
            let label = evaluation.text(parameter()?)?;
            if !is_label_name(&label) {
                let reason = format!("{label:?} is no label name");
                return Err(QueryError::Argument { place: place.to_owned(), reason });
            }
            groups.into_iter().flat_map(|group| count_values(&group, &label, steps)).collect()
        }
        Aggregation::Quantile => {
            let quantiles = evaluation.scalar(parameter()?)?;
            fold(groups, steps, |values, step| numeric::quantile(quantiles[step], values))
        }
        Aggregation::Sum => fold(groups, steps, |values, _| numeric::sum(values.iter().copied())),
        Aggregation::Average => fold(groups, steps, |values, _| numeric::mean(values.iter().copied())),
        Aggregation::Min => fold(groups, steps, |values, _| {
            values.iter().fold(f64::NAN, |least, &value| if value < least || least.is_nan() { value } else { least })
        }),
        Aggregation::Max => fold(groups, steps, |values, _| {
            values.iter().fold(f64::NAN, |most, &value| if value > most || most.is_nan() { value } else { most })
        }),
        Aggregation::Count => fold(groups, steps, |values, _| values.len() as f64),
        Aggregation::Group => fold(groups, steps, |_, _| 1.0),
        Aggregation::Variance => fold(groups, steps, |values, _| numeric::variance(values.iter().copied())),
        Aggregation::StandardDeviation => {
            fold(groups, steps, |values, _| numeric::variance(values.iter().copied()).sqrt())
        }
    };
    unique(result, place)
}

fn group(rows: Vec<Row>, aggregate: &Aggregate) -> Vec<Group> {
    let named = |name: &str| aggregate.labels.iter().any(|label| label == name);
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    for row in rows {
        let labels = if aggregate.without {
            row.labels.filtered(|name| name != METRIC_NAME && !named(name))
        } else if aggregate.labels.is_empty() {
            Labels::default()
        } else {
            row.labels.filtered(named)
        };
        let place = *places.entry(labels.clone()).or_insert_with(|| {
            groups.push(Group { labels, rows: Vec::new() });
            groups.len() - 1
        });
        groups[place].rows.push(row);
    }
    groups
}

/// One element for each group and step, from all values there.
fn fold(groups: Vec<Group>, steps: usize, mut function: impl FnMut(&mut [f64], usize) -> f64) -> Vec<Row> {
    let mut values = Vec::new();
    let mut evaluate = |group: Group| {
        let at = |step: usize| {
            values.clear();
            values.extend(group.rows.iter().map(|row| row.values[step]).filter(|value| !is_absent(*value)));
            if values.is_empty() { ABSENT } else { function(&mut values, step) }
        };
        Row { values: (0..steps).map(at).collect(), labels: group.labels }
    };
    groups.into_iter().map(&mut evaluate).collect()
}

/// `topk` and `bottomk`: at each step, the elements with the greatest or least values, NaN only where there are too few
/// others. For a single step they come out in order.
fn select_extreme(rows: Vec<Row>, counts: &[f64], is_top: bool) -> Vec<Row> {
    let mut chosen: Vec<Row> =
        rows.iter().map(|row| Row { labels: row.labels.clone(), values: vec![ABSENT; counts.len()] }).collect();
    let mut order: Vec<usize> = Vec::with_capacity(rows.len());
    for (step, &count) in counts.iter().enumerate() {
        if count < 1.0 {
            continue;
        }
        order.clear();
        order.extend((0..rows.len()).filter(|&row| !is_absent(rows[row].values[step])));
        order.sort_by(|&left, &right| {
            let (left, right) = (rows[left].values[step], rows[right].values[step]);
            match (left.is_nan(), right.is_nan()) {
                (false, false) if is_top => right.partial_cmp(&left).unwrap_or(Ordering::Equal),
                (false, false) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
                (left, right) => left.cmp(&right),
            }
        });
        // A float beyond all counts saturates.
        for &row in order.iter().take(count as usize) {
            chosen[row].values[step] = rows[row].values[step];
        }
    }
    if counts.len() == 1 {
        let mut slots: Vec<Option<Row>> = chosen.into_iter().map(Some).collect();
        return order.iter().filter_map(|&row| slots[row].take()).filter(|row| !row.is_empty()).collect();
    }
    chosen
}

/// `count_values`: how many elements have each value, the value being a label.
fn count_values(group: &Group, label: &str, steps: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in &group.rows {
        for (step, &value) in row.values.iter().enumerate() {
            if is_absent(value) {
                continue;
            }
            let text = numeric::format_value(value);
            let place = *places.entry(text.clone()).or_insert_with(|| {
                rows.push(Row { labels: group.labels.with(label, &text), values: vec![ABSENT; steps] });
                rows.len() - 1
            });
            let count = &mut rows[place].values[step];
            *count = if is_absent(*count) { 1.0 } else { *count + 1.0 };
        }
    }
    rows
}
