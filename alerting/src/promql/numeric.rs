//! Arithmetic as Prometheus does it.

/// A compensated sum (Neumaier's variant of Kahan's), with Prometheus's rule that an infinity ends compensation.
#[derive(Debug, Clone, Copy, Default)]
pub struct KahanSum {
    sum: f64,
    correction: f64,
}

impl KahanSum {
    #[inline]
    pub fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.correction = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.correction += (self.sum - total) + value;
        } else {
            self.correction += (value - total) + self.sum;
        }
        self.sum = total;
    }

    pub fn total(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.correction }
    }
}

pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = KahanSum::default();
    values.into_iter().for_each(|value| sum.add(value));
    sum.total()
}

/// The mean: a compensated sum, or, once that overflows, a compensated running mean.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = KahanSum::default();
    let mut running: Option<KahanSum> = None;
    let mut count = 0.0;
    for value in values {
        count += 1.0;
        if running.is_none() {
            let mut next = sum;
            next.add(value);
            if !next.sum.is_infinite() {
                sum = next;
                continue;
            }
            let before = count - 1.0;
            running = Some(KahanSum {
                sum: if before > 0.0 { sum.sum / before } else { 0.0 },
                correction: if before > 0.0 { sum.correction / before } else { 0.0 },
            });
        }
        if let Some(mean) = &mut running {
            let keep = (count - 1.0) / count;
            *mean = KahanSum { sum: keep * mean.sum, correction: keep * mean.correction };
            mean.add(value / count);
        }
    }
    match running {
        Some(mean) => mean.total(),
        None => sum.sum / count + sum.correction / count,
    }
}

/// Population variance (Welford's, compensated).
pub fn variance(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut mean, mut squares) = (KahanSum::default(), KahanSum::default());
    let mut count = 0.0;
    for value in values {
        count += 1.0;
        let delta = value - (mean.sum + mean.correction);
        mean.add(delta / count);
        squares.add(delta * (value - (mean.sum + mean.correction)));
    }
    (squares.sum + squares.correction) / count
}

/// The φ-quantile with linear interpolation; sorts the values, NaN first.
pub fn quantile(phi: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|left, right| match (left.is_nan(), right.is_nan()) {
        (false, false) => left.total_cmp(right),
        (left, right) => right.cmp(&left),
    });
    let last = (values.len() - 1) as f64;
    let rank = phi * last;
    let lower = rank.floor().max(0.0);
    let upper = (lower + 1.0).min(last);
    let weight = rank - rank.floor();
    if weight == 0.0 {
        // Nothing of the upper neighbour: an infinity there must not make a NaN.
        return values[lower as usize];
    }
    values[lower as usize] * (1.0 - weight) + values[upper as usize] * weight
}

/// Go's `math.Max`: +Inf wins over NaN, and NaN over the rest.
pub fn max(left: f64, right: f64) -> f64 {
    if left == f64::INFINITY || right == f64::INFINITY {
        f64::INFINITY
    } else if left.is_nan() || right.is_nan() {
        f64::NAN
    } else {
        left.max(right)
    }
}

/// Go's `math.Min`: -Inf wins over NaN, and NaN over the rest.
pub fn min(left: f64, right: f64) -> f64 {
    if left == f64::NEG_INFINITY || right == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if left.is_nan() || right.is_nan() {
        f64::NAN
    } else {
        left.min(right)
    }
}

/// Writes a value as Prometheus's API and `count_values` do: the shortest digits that read back the same, no exponent.
pub fn format_value(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        format!("{value}")
    }
}

/// Reads a value, a bucket's `le` among them: digits, exponents, `Inf`, `+Inf`, `-Inf`, `NaN`.
pub fn parse_value(text: &str) -> Option<f64> {
    // Rust reads "infinity" and "nan" in any case, as Go does.
    text.parse().ok()
}
