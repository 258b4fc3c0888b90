//! Selectors and subqueries: from the store's samples to rows, and to windows that slide over samples.

use super::QueryError;
use super::evaluate::Evaluation;
use super::expression::{At, Expr, Kind, Selector, Shift};
use super::query::{RangeTimes, SeriesAnswer};
use super::value::{ABSENT, Row, Value, is_absent};
use super::window::Window;
use crate::series::{Labels, Sample, is_stale};

/// The samples of one series that any of a query's windows can hold, staleness markers left out.
pub(crate) struct RangeRow {
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

/// All series of a range expression, and how its window lies at each step.
pub(crate) struct Ranges {
    pub rows: Vec<RangeRow>,
    pub range_ms: i64,
    pub shift: Shift,
}

impl Evaluation<'_> {
    /// The instant that a selector looks at when the query stands at `now_ms`.
    fn shifted(&self, shift: Shift, now_ms: i64) -> i64 {
        let base_ms = match shift.at {
            None => now_ms,
            Some(At::InstantMs(at_ms)) => at_ms,
            Some(At::Start) => self.query.start_ms,
            Some(At::End) => self.query.end_ms,
        };
        base_ms.saturating_sub(shift.offset_ms)
    }

    pub(crate) fn select_instant(&self, selector: &Selector, place: &str) -> Result<Vec<Row>, QueryError> {
        self.sampled(selector, place, |sample| sample.value)
    }

    /// The sample that each step sees, turned into a value.
    pub(crate) fn sampled(
        &self,
        selector: &Selector,
        place: &str,
        value_of: impl Fn(Sample) -> f64,
    ) -> Result<Vec<Row>, QueryError> {
        let lookback_ms = self.limits.lookback_ms;
        let first_ms = self.shifted(selector.shift, self.times.start_ms);
        let last_ms = self.shifted(selector.shift, self.last_step_ms());
        let mut rows = Vec::new();
        let mut samples = Vec::new();
        for id in self.store.select(&selector.matchers) {
            if !self.store.overlaps(id, first_ms.saturating_sub(lookback_ms), last_ms) {
                continue;
            }
            let Some(labels) = self.store.labels(id) else { continue };
            if self.steps == 1 {
                let newest = self.store.newest(id).filter(|newest| newest.at_ms <= first_ms);
                let seen = match newest {
                    Some(newest) => Some(newest),
                    None => {
                        samples.clear();
                        self.store.read(id, first_ms.saturating_sub(lookback_ms), first_ms, &mut samples);
                        samples.last().copied()
                    }
                };
                if let Some(sample) = seen
                    && !is_stale(sample.value)
                    && sample.at_ms > first_ms.saturating_sub(lookback_ms)
                {
                    self.count(1, place)?;
                    rows.push(Row { labels: labels.clone(), values: vec![value_of(sample)] });
                }
                continue;
            }
            samples.clear();
            self.store.read(id, first_ms.saturating_sub(lookback_ms), last_ms, &mut samples);
            self.count(samples.len(), place)?;
            let mut values = vec![ABSENT; self.steps];
            let mut next = 0;
            for (step, value) in values.iter_mut().enumerate() {
                let at_ms = self.shifted(selector.shift, self.step_ms(step));
                while next < samples.len() && samples[next].at_ms <= at_ms {
                    next += 1;
                }
                if let Some(sample) = next.checked_sub(1).map(|index| samples[index])
                    && sample.at_ms > at_ms.saturating_sub(lookback_ms)
                    && !is_stale(sample.value)
                {
                    *value = value_of(sample);
                }
            }
            let row = Row { labels: labels.clone(), values };
            if !row.is_empty() {
                rows.push(row);
            }
        }
        self.bound_series(rows.len(), place)?;
        Ok(rows)
    }

    /// The series of a range selector or subquery, with every sample that some step's window holds.
    pub(crate) fn ranges(&self, expr: &Expr) -> Result<Ranges, QueryError> {
        match &expr.kind {
            Kind::Range { selector, range_ms } => {
                let from_ms = self.shifted(selector.shift, self.times.start_ms).saturating_sub(*range_ms);
                let to_ms = self.shifted(selector.shift, self.last_step_ms());
                let mut rows = Vec::new();
                for id in self.store.select(&selector.matchers) {
                    let Some(labels) = self.store.labels(id) else { continue };
                    if !self.store.overlaps(id, from_ms, to_ms) {
                        continue;
                    }
                    let mut samples = Vec::new();
                    self.store.read(id, from_ms, to_ms, &mut samples);
                    samples.retain(|sample| !is_stale(sample.value));
                    self.count(samples.len(), &expr.text)?;
                    if !samples.is_empty() {
                        rows.push(RangeRow { labels: labels.clone(), samples });
                    }
                }
                self.bound_series(rows.len(), &expr.text)?;
                Ok(Ranges { rows, range_ms: *range_ms, shift: selector.shift })
            }
            Kind::Subquery { inner, range_ms, step_ms, shift } => {
                let step_ms = step_ms.unwrap_or(self.limits.subquery_step_ms);
                let from_ms = self.shifted(*shift, self.times.start_ms).saturating_sub(*range_ms);
                let to_ms = self.shifted(*shift, self.last_step_ms());
                // The first multiple of the step after the window's open left edge.
                let start_ms = (from_ms.div_euclid(step_ms) + 1) * step_ms;
                let rows = if to_ms < start_ms {
                    Vec::new()
                } else {
                    self.subquery_rows(inner, RangeTimes { start_ms, end_ms: to_ms, step_ms })?
                };
                Ok(Ranges { rows, range_ms: *range_ms, shift: *shift })
            }
            _ => Err(QueryError::Type {
                place: expr.text.to_string(),
                expected: "a range vector such as `x[5m]`",
                got: "something else",
            }),
        }
    }

    fn subquery_rows(&self, inner: &Expr, times: RangeTimes) -> Result<Vec<RangeRow>, QueryError> {
        let within = self.within(times, &inner.text)?;
        let samples = |values: Vec<f64>| -> Vec<Sample> {
            let stepped = values.into_iter().enumerate().filter(|(_, value)| !is_absent(*value));
            stepped.map(|(step, value)| Sample { at_ms: within.step_ms(step), value }).collect()
        };
        Ok(match within.value(inner)? {
            Value::Scalar(values) => vec![RangeRow { labels: Labels::default(), samples: samples(values) }],
            Value::Vector(rows) => {
                rows.into_iter().map(|row| RangeRow { labels: row.labels, samples: samples(row.values) }).collect()
            }
            Value::Text(_) => {
                return Err(QueryError::Type {
                    place: inner.text.to_string(),
                    expected: "an instant vector",
                    got: "a string",
                });
            }
        })
    }

    /// Slides the window over one row: one value for each step at which the function has one.
    pub(crate) fn slide(
        &self,
        ranges: &Ranges,
        row: &RangeRow,
        mut function: impl FnMut(&Window<'_>) -> Option<f64>,
    ) -> Vec<f64> {
        let (mut low, mut high) = (0, 0);
        let mut values = vec![ABSENT; self.steps];
        for (step, value) in values.iter_mut().enumerate() {
            let now_ms = self.step_ms(step);
            let end_ms = self.shifted(ranges.shift, now_ms);
            let start_ms = end_ms.saturating_sub(ranges.range_ms);
            while high < row.samples.len() && row.samples[high].at_ms <= end_ms {
                high += 1;
            }
            while low < high && row.samples[low].at_ms <= start_ms {
                low += 1;
            }
            if low < high {
                let samples = &row.samples[low..high];
                if let Some(result) = function(&Window { samples, start_ms, end_ms, now_ms, step }) {
                    *value = result;
                }
            }
        }
        values
    }

    /// A range vector as the answer to an instant query.
    pub(crate) fn matrix(&self, expr: &Expr) -> Result<Vec<SeriesAnswer>, QueryError> {
        let ranges = self.ranges(expr)?;
        let mut answer: Vec<SeriesAnswer> = ranges
            .rows
            .into_iter()
            .filter(|row| !row.samples.is_empty())
            .map(|row| SeriesAnswer { labels: row.labels, samples: row.samples })
            .collect();
        answer.sort_by(|left, right| left.labels.cmp(&right.labels));
        Ok(answer)
    }
}
