//! Queries as callers see them.

use std::cell::Cell;

use serde::Serialize;

use super::evaluate::Evaluation;
use super::expression::{Expr, Kind};
use super::value::{Value, is_absent};
use super::{QueryError, parse};
use crate::series::{Labels, Sample, Store};

/// Bounds of one query, and the two times that Prometheus has as flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Samples that a query may read and make, counted at every selector and step.
    pub samples_max: u64,
    /// Series that any part of a query may have.
    pub series_max: usize,
    /// Steps of a range query.
    pub steps_max: i64,
    /// How far back an instant selector looks for a sample.
    pub lookback_ms: i64,
    /// The resolution of a subquery that names none: the rules' own interval.
    pub subquery_step_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            samples_max: 50_000_000,
            series_max: 200_000,
            steps_max: 11_000,
            lookback_ms: 300_000,
            subquery_step_ms: 60_000,
        }
    }
}

/// Says whether a query's time is used up. The caller has the clock.
pub type Budget<'a> = &'a dyn Fn() -> bool;

/// The steps of a range query; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeTimes {
    pub start_ms: i64,
    pub end_ms: i64,
    pub step_ms: i64,
}

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VectorElement {
    pub labels: Labels,
    pub value: f64,
}

/// One series of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesAnswer {
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

/// What a query says.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Scalar(f64),
    Text(String),
    Vector(Vec<VectorElement>),
    Matrix(Vec<SeriesAnswer>),
}

/// A query that has been read, and can be asked any number of times.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    expr: Expr,
}

impl Query {
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        Ok(Self { text: text.to_owned(), expr: parse::parse(text)? })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Asks for the value at one instant.
    ///
    /// # Errors
    /// A bound, or vectors that cannot be matched.
    pub fn instant(
        &self,
        store: &Store,
        at_ms: i64,
        limits: &Limits,
        budget: Budget<'_>,
    ) -> Result<Answer, QueryError> {
        let read = Cell::new(0);
        let times = RangeTimes { start_ms: at_ms, end_ms: at_ms, step_ms: 1 };
        let evaluation = Evaluation::new(store, limits, budget, times, &read);
        if matches!(self.expr.kind, Kind::Range { .. } | Kind::Subquery { .. }) {
            return evaluation.matrix(&self.expr).map(Answer::Matrix);
        }
        Ok(match evaluation.value(&self.expr)? {
            Value::Scalar(values) => Answer::Scalar(values[0]),
            Value::Text(text) => Answer::Text(text),
            Value::Vector(rows) => Answer::Vector(
                rows.into_iter()
                    .filter(|row| !is_absent(row.values[0]))
                    .map(|row| VectorElement { value: row.values[0], labels: row.labels })
                    .collect(),
            ),
        })
    }

    /// Asks for the values at every step, series in the order of their labels.
    ///
    /// # Errors
    /// As [`Query::instant`], and steps that are none or too many.
    pub fn range(
        &self,
        store: &Store,
        times: RangeTimes,
        limits: &Limits,
        budget: Budget<'_>,
    ) -> Result<Vec<SeriesAnswer>, QueryError> {
        if times.step_ms <= 0 || times.end_ms < times.start_ms {
            return Err(QueryError::Times);
        }
        let steps = (times.end_ms - times.start_ms) / times.step_ms + 1;
        if steps > limits.steps_max {
            return Err(QueryError::StepsMax { steps, max: limits.steps_max });
        }
        let read = Cell::new(0);
        let evaluation = Evaluation::new(store, limits, budget, times, &read);
        let wrong = |got: &'static str| QueryError::Type {
            place: self.text.clone(),
            expected: "a scalar or an instant vector in a range query",
            got,
        };
        if matches!(self.expr.kind, Kind::Range { .. } | Kind::Subquery { .. }) {
            return Err(wrong("a range vector"));
        }
        let samples = |values: Vec<f64>| {
            let stepped = values.into_iter().zip(0..).filter(|(value, _)| !is_absent(*value));
            stepped.map(|(value, step)| Sample { at_ms: times.start_ms + step * times.step_ms, value }).collect()
        };
        let mut answer: Vec<SeriesAnswer> = match evaluation.value(&self.expr)? {
            Value::Scalar(values) => vec![SeriesAnswer { labels: Labels::default(), samples: samples(values) }],
            Value::Text(_) => return Err(wrong("a string")),
            Value::Vector(rows) => rows
                .into_iter()
                .map(|row| SeriesAnswer { labels: row.labels, samples: samples(row.values) })
                .filter(|series| !series.samples.is_empty())
                .collect(),
        };
        answer.sort_by(|left, right| left.labels.cmp(&right.labels));
        Ok(answer)
    }
}
