//! The evaluator: each node once, for all steps.

use std::cell::Cell;

use super::expression::{Expr, Kind};
use super::function::{Function, WindowFunction};
use super::query::{Budget, Limits, RangeTimes};
use super::value::{ABSENT, Row, Value, is_absent, unique};
use super::window::{self};
use super::{QueryError, aggregate, binary, element, histogram, relabel};
use crate::series::{Labels, MatchKind, Matcher, MetricType, Store};

/// One query, or one subquery of it, on its way.
#[derive(Clone, Copy)]
pub(crate) struct Evaluation<'a> {
    pub store: &'a Store,
    pub limits: &'a Limits,
    budget: Budget<'a>,
    pub times: RangeTimes,
    /// The outermost query's times: what `@ start()` and `@ end()` mean, in subqueries too.
    pub query: RangeTimes,
    pub steps: usize,
    samples_read: &'a Cell<u64>,
}

impl<'a> Evaluation<'a> {
    pub fn new(
        store: &'a Store,
        limits: &'a Limits,
        budget: Budget<'a>,
        times: RangeTimes,
        samples_read: &'a Cell<u64>,
    ) -> Self {
        let steps = ((times.end_ms - times.start_ms) / times.step_ms + 1) as usize;
        Self { store, limits, budget, times, query: times, steps, samples_read }
    }

    /// The same evaluation over a subquery's steps.
    pub fn within(&self, times: RangeTimes, place: &str) -> Result<Self, QueryError> {
        let steps = (times.end_ms - times.start_ms) / times.step_ms + 1;
        if steps as u64 > self.limits.samples_max {
            return Err(QueryError::SamplesMax { place: place.to_owned(), max: self.limits.samples_max });
        }
        Ok(Self { times, steps: steps as usize, ..*self })
    }

    pub fn step_ms(&self, step: usize) -> i64 {
        self.times.start_ms + step as i64 * self.times.step_ms
    }

    pub fn last_step_ms(&self) -> i64 {
        self.step_ms(self.steps - 1)
    }

    /// Counts samples against the query's bound.
    pub fn count(&self, samples: usize, place: &str) -> Result<(), QueryError> {
        let total = self.samples_read.get() + samples as u64;
        self.samples_read.set(total);
        if total > self.limits.samples_max {
            return Err(QueryError::SamplesMax { place: place.to_owned(), max: self.limits.samples_max });
        }
        Ok(())
    }

    pub fn bound_series(&self, series: usize, place: &str) -> Result<(), QueryError> {
        if series > self.limits.series_max {
            return Err(QueryError::SeriesMax { place: place.to_owned(), max: self.limits.series_max });
        }
        Ok(())
    }

    pub fn value(&self, expr: &Expr) -> Result<Value, QueryError> {
        if (self.budget)() {
            return Err(QueryError::TimeUsedUp { place: expr.text.to_string() });
        }
        if expr.fixed && self.steps > 1 && !matches!(expr.kind, Kind::Number(_) | Kind::Text(_)) {
            return self.once(expr);
        }
        match &expr.kind {
            Kind::Number(number) => Ok(Value::Scalar(vec![*number; self.steps])),
            Kind::Text(text) => Ok(Value::Text(text.clone())),
            Kind::Instant(selector) => self.select_instant(selector, &expr.text).map(Value::Vector),
            Kind::Range { .. } | Kind::Subquery { .. } => Err(QueryError::Type {
                place: expr.text.to_string(),
                expected: "an instant vector",
                got: "a range vector",
            }),
            Kind::Negate(inner) => match self.value(inner)? {
                Value::Scalar(values) => Ok(Value::Scalar(values.into_iter().map(|value| -value).collect())),
                value => {
                    let mut rows = vector_of(value, &inner.text)?;
                    for row in &mut rows {
                        row.labels = row.labels.without_metric();
                        row.map(|_, value| -value);
                    }
                    Ok(Value::Vector(unique(rows, &expr.text)?))
                }
            },
            Kind::Binary(binary) => binary::evaluate(self, binary, &expr.text),
            Kind::Aggregate(aggregate) => aggregate::evaluate(self, aggregate, &expr.text).map(Value::Vector),
            Kind::Call { function, args } => self.call(*function, args, expr),
            Kind::Derivative { metric, gauge, counter } => {
                let is_counter = match metric.as_deref().map(|metric| (metric, self.store.metric_type(metric))) {
                    Some((_, Some(kind))) => kind == MetricType::Counter,
                    Some((metric, None)) => {
                        ["_total", "_count", "_sum", "_bucket"].iter().any(|ending| metric.ends_with(ending))
                    }
                    None => false,
                };
                self.value(if is_counter { counter } else { gauge })
            }
            Kind::LabelReplace { inner, target, replacement, source, pattern } => {
                let rows = self.vector(inner)?;
                let rows = relabel::replace(rows, target, replacement, source, pattern);
                Ok(Value::Vector(unique(rows, &expr.text)?))
            }
        }
    }

    /// Evaluates at the first step and repeats the value, as it is the same at each.
    fn once(&self, expr: &Expr) -> Result<Value, QueryError> {
        let times = RangeTimes { end_ms: self.times.start_ms, ..self.times };
        let single = Self { times, steps: 1, ..*self };
        Ok(match single.value(expr)? {
            Value::Scalar(values) => Value::Scalar(vec![values[0]; self.steps]),
            Value::Text(text) => Value::Text(text),
            Value::Vector(rows) => {
                self.count(rows.len() * self.steps, &expr.text)?;
                let repeat = |row: Row| Row { values: vec![row.values[0]; self.steps], labels: row.labels };
                Value::Vector(rows.into_iter().map(repeat).collect())
            }
        })
    }

    pub fn vector(&self, expr: &Expr) -> Result<Vec<Row>, QueryError> {
        vector_of(self.value(expr)?, &expr.text)
    }

    pub fn scalar(&self, expr: &Expr) -> Result<Vec<f64>, QueryError> {
        match self.value(expr)? {
            Value::Scalar(values) => Ok(values),
            other => Err(QueryError::Type { place: expr.text.to_string(), expected: "a scalar", got: other.kind() }),
        }
    }

    pub fn text(&self, expr: &Expr) -> Result<String, QueryError> {
        match self.value(expr)? {
            Value::Text(text) => Ok(text),
            other => Err(QueryError::Type { place: expr.text.to_string(), expected: "a string", got: other.kind() }),
        }
    }

    /// The times of all steps in seconds, as a scalar.
    fn seconds(&self) -> Vec<f64> {
        (0..self.steps).map(|step| self.step_ms(step) as f64 / 1000.0).collect()
    }

    fn call(&self, function: Function, args: &[Expr], expr: &Expr) -> Result<Value, QueryError> {
        let place = &*expr.text;
        let arg = |index: usize| {
            args.get(index).ok_or_else(|| QueryError::Argument {
                place: place.to_owned(),
                reason: format!("argument {} is missing", index + 1),
            })
        };
        let rows = match function {
            Function::Window(function) => return self.over_window(function, args, place).map(Value::Vector),
            Function::Time => return Ok(Value::Scalar(self.seconds())),
            Function::Pi => return Ok(Value::Scalar(vec![std::f64::consts::PI; self.steps])),
            Function::Scalar => return self.vector(arg(0)?).map(|rows| Value::Scalar(self.single_element(&rows))),
            Function::Vector => {
                vec![Row { labels: Labels::default(), values: self.scalar(arg(0)?)? }]
            }
            Function::Element(function) => {
                let mut scalars = Vec::new();
                for scalar in args.iter().skip(1) {
                    scalars.push(self.scalar(scalar)?);
                }
                element::apply(function, self.vector(arg(0)?)?, &scalars)
            }
            Function::Clock(function) => {
                let times = match args.first() {
                    Some(arg) => self.vector(arg)?,
                    None => vec![Row { labels: Labels::default(), values: self.seconds() }],
                };
                element::calendar(function, times)
            }
            Function::Timestamp => self.timestamp(arg(0)?)?,
            Function::Absent => {
                let rows = self.vector(arg(0)?)?;
                let present = |step: usize| rows.iter().any(|row| !is_absent(row.values[step]));
                self.absent(arg(0)?, present)
            }
            Function::AbsentOverTime => {
                let ranges = self.ranges(arg(0)?)?;
                let mut present = vec![false; self.steps];
                for row in &ranges.rows {
                    for (step, value) in self.slide(&ranges, row, |_| Some(1.0)).into_iter().enumerate() {
                        present[step] |= !is_absent(value);
                    }
                }
                self.absent(arg(0)?, |step| present[step])
            }
            Function::HistogramQuantile => {
                let quantiles = self.scalar(arg(0)?)?;
                histogram::quantile(&quantiles, self.vector(arg(1)?)?, self.steps)
            }
            Function::LabelJoin => {
                let (target, separator) = (self.text(arg(1)?)?, self.text(arg(2)?)?);
                let sources = args[3..].iter().map(|arg| self.text(arg)).collect::<Result<Vec<_>, _>>()?;
                relabel::join(self.vector(arg(0)?)?, &target, &separator, &sources, place)?
            }
            Function::Sort | Function::SortDescending => {
                let rows = self.vector(arg(0)?)?;
                if self.steps == 1 { element::sorted(rows, function == Function::SortDescending) } else { rows }
            }
            Function::SortByLabel | Function::SortByLabelDescending => {
                let names = args[1..].iter().map(|arg| self.text(arg)).collect::<Result<Vec<_>, _>>()?;
                let rows = self.vector(arg(0)?)?;
                if self.steps == 1 {
                    relabel::sorted(rows, &names, function == Function::SortByLabelDescending)
                } else {
                    rows
                }
            }
        };
        Ok(Value::Vector(unique(rows, place)?))
    }

    /// A function over windows: of its arguments one is the range, and the others are scalars.
    fn over_window(&self, function: WindowFunction, args: &[Expr], place: &str) -> Result<Vec<Row>, QueryError> {
        let is_range = |arg: &&Expr| matches!(arg.kind, Kind::Range { .. } | Kind::Subquery { .. });
        let range = args.iter().find(is_range).ok_or_else(|| QueryError::Type {
            place: place.to_owned(),
            expected: "a range vector such as `x[5m]`",
            got: "something else",
        })?;
        let parameter = args.iter().find(|arg| !is_range(arg)).map(|arg| self.scalar(arg)).transpose()?;
        let ranges = self.ranges(range)?;
        let keeps_metric = function == WindowFunction::LastOverTime;
        let mut rows = Vec::with_capacity(ranges.rows.len());
        for row in &ranges.rows {
            let values = self.slide(&ranges, row, |window| {
                window::evaluate(function, window, parameter.as_ref().map_or(f64::NAN, |values| values[window.step]))
            });
            let labels = if keeps_metric { row.labels.clone() } else { row.labels.without_metric() };
            rows.push(Row { labels, values });
        }
        unique(rows, place)
    }

    fn timestamp(&self, arg: &Expr) -> Result<Vec<Row>, QueryError> {
        let mut rows = match &arg.kind {
            Kind::Instant(selector) => self.sampled(selector, &arg.text, |sample| sample.at_ms as f64 / 1000.0)?,
            _ => {
                let mut rows = self.vector(arg)?;
                for row in &mut rows {
                    row.map(|step, _| self.step_ms(step) as f64 / 1000.0);
                }
                rows
            }
        };
        rows.iter_mut().for_each(|row| row.labels = row.labels.without_metric());
        Ok(rows)
    }

    fn single_element(&self, rows: &[Row]) -> Vec<f64> {
        let at = |step: usize| {
            let mut there = rows.iter().map(|row| row.values[step]).filter(|value| !is_absent(*value));
            match (there.next(), there.next()) {
                (Some(value), None) => value,
                _ => f64::NAN,
            }
        };
        (0..self.steps).map(at).collect()
    }

    fn absent(&self, arg: &Expr, present: impl Fn(usize) -> bool) -> Vec<Row> {
        let values = (0..self.steps).map(|step| if present(step) { ABSENT } else { 1.0 }).collect();
        vec![Row { labels: labels_of_absent(arg), values }]
    }
}

fn vector_of(value: Value, place: &str) -> Result<Vec<Row>, QueryError> {
    match value {
        Value::Vector(rows) => Ok(rows),
        other => Err(QueryError::Type { place: place.to_owned(), expected: "an instant vector", got: other.kind() }),
    }
}

/// What an absent series would have been labelled: by the selector's equality matchers, each name that has one only.
fn labels_of_absent(arg: &Expr) -> Labels {
    let (Kind::Instant(selector) | Kind::Range { selector, .. }) = &arg.kind else { return Labels::default() };
    let is_label = |matcher: &&Matcher| matcher.name != crate::series::METRIC_NAME;
    let mut labels = Labels::default();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in selector.matchers.iter().filter(is_label) {
        if matches!(matcher.kind, MatchKind::Equal) && !seen.contains(&matcher.name.as_str()) {
            labels = labels.with(&matcher.name, &matcher.value);
            seen.push(&matcher.name);
        } else {
            labels = labels.with(&matcher.name, "");
        }
    }
    labels
}
