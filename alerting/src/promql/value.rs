//! Values while a query is evaluated: one column for each step.

use std::collections::HashMap;

use super::QueryError;
use crate::series::{Labels, STALE_NAN, is_stale};

/// Stands for "no element at this step". The staleness marker never is a value, so it is free to say this.
pub(crate) const ABSENT: f64 = STALE_NAN;

#[inline]
pub(crate) fn is_absent(value: f64) -> bool {
    is_stale(value)
}

/// One element of a vector through all steps.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub labels: Labels,
    pub values: Vec<f64>,
}

impl Row {
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|value| is_absent(*value))
    }

    /// Applies a function to each value that is there.
    pub fn map(&mut self, mut change: impl FnMut(usize, f64) -> f64) {
        for (step, value) in self.values.iter_mut().enumerate() {
            if !is_absent(*value) {
                *value = change(step, *value);
            }
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// One number for each step.
    Scalar(Vec<f64>),
    Vector(Vec<Row>),
    Text(String),
}

impl Value {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "a scalar",
            Self::Vector(_) => "an instant vector",
            Self::Text(_) => "a string",
        }
    }
}

/// Makes the rows a vector: rows without an element go, rows with the same labels become one.
///
/// Two elements with the same labels at the same step are an error, as they would be one series with two values.
pub(crate) fn unique(mut rows: Vec<Row>, place: &str) -> Result<Vec<Row>, QueryError> {
    rows.retain(|row| !row.is_empty());
    if rows.len() < 2 {
        return Ok(rows);
    }
    let mut seen: HashMap<Labels, usize> = HashMap::with_capacity(rows.len());
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        match seen.entry(row.labels.clone()) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(kept.len());
                kept.push(row);
            }
            std::collections::hash_map::Entry::Occupied(entry) => {
                for (own, value) in kept[*entry.get()].values.iter_mut().zip(&row.values) {
                    if is_absent(*own) {
                        *own = *value;
                    } else if !is_absent(*value) {
                        return Err(QueryError::DuplicateLabels {
                            place: place.to_owned(),
                            labels: row.labels.to_string(),
                        });
                    }
                }
            }
        }
    }
    Ok(kept)
}
