//! Functions on single values, the calendar, and sorting.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::function::{ClockFunction, ElementFunction};
use super::numeric;
use super::value::{ABSENT, Row};

/// Applies the function to every element; `scalars` are its further arguments, by step.
pub(crate) fn apply(function: ElementFunction, mut rows: Vec<Row>, scalars: &[Vec<f64>]) -> Vec<Row> {
    let scalar = |index: usize, step: usize| scalars.get(index).map(|values| values[step]);
    for row in &mut rows {
        row.labels = row.labels.without_metric();
        row.map(|step, value| evaluate(function, value, |index| scalar(index, step)));
    }
    rows
}

fn evaluate(function: ElementFunction, value: f64, scalar: impl Fn(usize) -> Option<f64>) -> f64 {
    let scalar_or_nan = |index| scalar(index).unwrap_or(f64::NAN);
    match function {
        ElementFunction::Abs => value.abs(),
        ElementFunction::Acos => value.acos(),
        ElementFunction::Acosh => value.acosh(),
        ElementFunction::Asin => value.asin(),
        ElementFunction::Asinh => value.asinh(),
        ElementFunction::Atan => value.atan(),
        ElementFunction::Atanh => value.atanh(),
        ElementFunction::Ceil => value.ceil(),
        ElementFunction::Clamp => {
            let (least, most) = (scalar_or_nan(0), scalar_or_nan(1));
            if most < least { ABSENT } else { numeric::max(least, numeric::min(most, value)) }
        }
        ElementFunction::ClampMax => numeric::min(scalar_or_nan(0), value),
        ElementFunction::ClampMin => numeric::max(scalar_or_nan(0), value),
        ElementFunction::Cos => value.cos(),
        ElementFunction::Cosh => value.cosh(),
        ElementFunction::Deg => value * 180.0 / std::f64::consts::PI,
        ElementFunction::Exp => value.exp(),
        ElementFunction::Floor => value.floor(),
        ElementFunction::Ln => value.ln(),
        ElementFunction::Log10 => value.log10(),
        ElementFunction::Log2 => value.log2(),
        ElementFunction::Rad => value * std::f64::consts::PI / 180.0,
        ElementFunction::Round => {
            // By the inverse, so that 0.1 and its kind are rounded to what people expect.
            let inverse = 1.0 / scalar(0).unwrap_or(1.0);
            (value * inverse + 0.5).floor() / inverse
        }
        ElementFunction::Sgn => match value.partial_cmp(&0.0) {
            Some(Ordering::Less) => -1.0,
            Some(Ordering::Greater) => 1.0,
            _ => value,
        },
        ElementFunction::Sin => value.sin(),
        ElementFunction::Sinh => value.sinh(),
        ElementFunction::Sqrt => value.sqrt(),
        ElementFunction::Tan => value.tan(),
        ElementFunction::Tanh => value.tanh(),
    }
}

/// A part of the UTC calendar for every element, which is a time in seconds since 1970.
pub(crate) fn calendar(function: ClockFunction, mut rows: Vec<Row>) -> Vec<Row> {
    for row in &mut rows {
        row.labels = row.labels.without_metric();
        row.map(|_, value| part(function, value));
    }
    rows
}

fn part(function: ClockFunction, seconds: f64) -> f64 {
    let Some(time) = DateTime::<Utc>::from_timestamp(seconds as i64, 0).filter(|_| seconds.is_finite()) else {
        return f64::NAN;
    };
    f64::from(match function {
        ClockFunction::DayOfMonth => time.day(),
        ClockFunction::DayOfWeek => time.weekday().num_days_from_sunday(),
        ClockFunction::DayOfYear => time.ordinal(),
        ClockFunction::DaysInMonth => u32::from(time.num_days_in_month()),
        ClockFunction::Hour => time.hour(),
        ClockFunction::Minute => time.minute(),
        ClockFunction::Month => time.month(),
        ClockFunction::Year => return f64::from(time.year()),
    })
}

/// Sorts the elements of a single step by value; NaN goes last, whichever the direction.
pub(crate) fn sorted(mut rows: Vec<Row>, descending: bool) -> Vec<Row> {
    rows.sort_by(|left, right| {
        let (left, right) = (left.values[0], right.values[0]);
        match (left.is_nan(), right.is_nan()) {
            (false, false) if descending => right.partial_cmp(&left).unwrap_or(Ordering::Equal),
            (false, false) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
            (left, right) => left.cmp(&right),
        }
    });
    rows
}
