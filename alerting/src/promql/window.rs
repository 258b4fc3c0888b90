//! Functions over the samples of a window. All are pure; a window has at least one sample.

use super::function::WindowFunction;
use super::numeric::{self, KahanSum};
use crate::series::Sample;

/// The samples of one series in `(start_ms, end_ms]`.
pub(crate) struct Window<'a> {
    pub samples: &'a [Sample],
    pub start_ms: i64,
    pub end_ms: i64,
    /// Where the query stands; differs from `end_ms` under `offset` and `@`.
    pub now_ms: i64,
    pub step: usize,
}

/// Evaluates a function; `parameter` is its scalar argument, if it has one.
pub(crate) fn evaluate(function: WindowFunction, window: &Window<'_>, parameter: f64) -> Option<f64> {
    let samples = window.samples;
    let values = || samples.iter().map(|sample| sample.value);
    Some(match function {
        WindowFunction::Rate => extrapolated(window, true, true)?,
        WindowFunction::Increase => extrapolated(window, true, false)?,
        WindowFunction::Delta => extrapolated(window, false, false)?,
        WindowFunction::Irate => instant(samples, true)?,
        WindowFunction::Idelta => instant(samples, false)?,
        WindowFunction::Deriv => {
            if samples.len() < 2 {
                return None;
            }
            regression(samples, samples[0].at_ms).0
        }
        WindowFunction::PredictLinear => {
            if samples.len() < 2 {
                return None;
            }
            let (slope, intercept) = regression(samples, window.now_ms);
            slope * parameter + intercept
        }
        WindowFunction::Resets => samples.windows(2).filter(|pair| pair[1].value < pair[0].value).count() as f64,
        WindowFunction::Changes => samples
            .windows(2)
            .filter(|pair| pair[1].value != pair[0].value && !(pair[1].value.is_nan() && pair[0].value.is_nan()))
            .count() as f64,
        WindowFunction::AvgOverTime => numeric::mean(values()),
        WindowFunction::SumOverTime => numeric::sum(values()),
        WindowFunction::CountOverTime => samples.len() as f64,
        WindowFunction::MinOverTime => {
            values().fold(f64::NAN, |least, value| if value < least || least.is_nan() { value } else { least })
        }
        WindowFunction::MaxOverTime => {
            values().fold(f64::NAN, |most, value| if value > most || most.is_nan() { value } else { most })
        }
        WindowFunction::StdvarOverTime => numeric::variance(values()),
        WindowFunction::StddevOverTime => numeric::variance(values()).sqrt(),
        WindowFunction::LastOverTime => samples[samples.len() - 1].value,
        WindowFunction::PresentOverTime => 1.0,
        WindowFunction::QuantileOverTime => numeric::quantile(parameter, &mut values().collect::<Vec<_>>()),
        WindowFunction::MadOverTime => {
            let median = numeric::quantile(0.5, &mut values().collect::<Vec<_>>());
            numeric::quantile(0.5, &mut values().map(|value| (value - median).abs()).collect::<Vec<_>>())
        }
    })
}

/// `rate`, `increase` and `delta`: the change between the first and last sample, extrapolated to the window's edges.
///
/// Where the samples begin or end further from an edge than 1.1 times their average distance, the series is taken to
/// begin or end there, and half a distance is added instead. A counter is not extrapolated to below zero.
fn extrapolated(window: &Window<'_>, is_counter: bool, per_second: bool) -> Option<f64> {
    let samples = window.samples;
    if samples.len() < 2 {
        return None;
    }
    let (first, last) = (samples[0], samples[samples.len() - 1]);
    let mut change = last.value - first.value;
    if is_counter {
        let mut before = first.value;
        for sample in &samples[1..] {
            if sample.value < before {
                change += before;
            }
            before = sample.value;
        }
    }
    let mut to_start = (first.at_ms - window.start_ms) as f64 / 1000.0;
    let mut to_end = (window.end_ms - last.at_ms) as f64 / 1000.0;
    let sampled = (last.at_ms - first.at_ms) as f64 / 1000.0;
    let distance = sampled / (samples.len() - 1) as f64;
    let threshold = distance * 1.1;
    if to_start >= threshold {
        to_start = distance / 2.0;
    }
    if is_counter && change > 0.0 && first.value >= 0.0 {
        to_start = to_start.min(sampled * (first.value / change));
    }
    if to_end >= threshold {
        to_end = distance / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if per_second {
        factor /= (window.end_ms - window.start_ms) as f64 / 1000.0;
    }
    Some(change * factor)
}

/// `irate` and `idelta`: from the last two samples only.
fn instant(samples: &[Sample], is_rate: bool) -> Option<f64> {
    let [.., before, last] = samples else { return None };
    if !is_rate {
        return Some(last.value - before.value);
    }
    let change = if last.value < before.value { last.value } else { last.value - before.value };
    Some(change / ((last.at_ms - before.at_ms) as f64 / 1000.0))
}

/// Simple linear regression, in seconds from `intercept_ms`: slope and intercept.
fn regression(samples: &[Sample], intercept_ms: i64) -> (f64, f64) {
    let first = samples[0].value;
    if samples.iter().all(|sample| sample.value == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let [mut x, mut y, mut xy, mut xx] = [KahanSum::default(); 4];
    for sample in samples {
        let seconds = (sample.at_ms - intercept_ms) as f64 / 1000.0;
        x.add(seconds);
        y.add(sample.value);
        xy.add(seconds * sample.value);
        xx.add(seconds * seconds);
    }
    let count = samples.len() as f64;
    let (x, y, xy, xx) = (x.total(), y.total(), xy.total(), xx.total());
    let slope = (xy - x * y / count) / (xx - x * x / count);
    (slope, y / count - slope * x / count)
}
