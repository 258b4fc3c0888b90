//! The values of a timer, histogram or distribution within one flush.

use sketches_ddsketch::{Config, DDSketch};

/// Up to this many values are kept as they are: exact, and a tenth of a sketch's memory.
const EXACT_VALUES_MAX: usize = 32;

/// Relative error of a quantile once there are more values than that.
pub const QUANTILE_ERROR: f64 = 0.01;

/// Bins of a sketch. With 1 % error that covers a range of about 1 : 10^17; beyond, the smallest values are folded.
const SKETCH_BINS_MAX: u32 = 2048;

/// Count, sum, least and greatest value exactly, and quantiles within [`QUANTILE_ERROR`]. Two of them, made by
/// different threads or regions, add up to what one of them would have been.
///
/// Weights (one over the sample rate) are real numbers. The sketch counts whole ones, so the part of a weight that is
/// not whole is carried to the next value: quantiles are right for the sum of weights, not for each of them rounded.
#[derive(Clone)]
pub struct Distribution {
    count: f64,
    sum: f64,
    min: f64,
    max: f64,
    /// What of the weights the sketch has not counted yet, below 1.
    carried: f64,
    exact: Vec<(f64, f64)>,
    sketch: Option<Box<DDSketch>>,
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            count: 0.0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            carried: 0.0,
            exact: Vec::new(),
            sketch: None,
        }
    }
}

impl Distribution {
    #[inline]
    pub fn add(&mut self, value: f64, weight: f64) {
        self.count += weight;
        self.sum += value * weight;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if self.sketch.is_none() && self.exact.len() < EXACT_VALUES_MAX {
            self.exact.push((value, weight));
        } else {
            self.add_to_sketch(value, weight);
        }
    }

    fn add_to_sketch(&mut self, value: f64, weight: f64) {
        let sketch = self.sketch.get_or_insert_with(|| {
            // The smallest magnitude told apart from zero: a nanosecond in seconds.
            Box::new(DDSketch::new(Config::new(QUANTILE_ERROR, SKETCH_BINS_MAX, 1e-9)))
        });
        let mut carried = self.carried;
        for (value, weight) in self.exact.drain(..).chain(std::iter::once((value, weight))) {
            let whole = (weight + carried).floor();
            carried = weight + carried - whole;
            sketch.add_with_count(value, whole as u64);
        }
        self.carried = carried;
    }

    /// Adds what another thread or region has seen.
    pub fn merge(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let fits = self.exact.len() + other.exact.len() <= EXACT_VALUES_MAX;
        let (count, sum) = (self.count + other.count, self.sum + other.sum);
        if self.sketch.is_none() && other.sketch.is_none() && fits {
            self.exact.extend(other.exact);
        } else {
            for (value, weight) in other.exact {
                self.add_to_sketch(value, weight);
            }
            match (&mut self.sketch, other.sketch) {
                (Some(own), Some(theirs)) => {
                    own.merge(&theirs).expect("all sketches of this module are made with one configuration");
                }
                (None, Some(theirs)) => {
                    self.sketch = Some(theirs);
                    for (value, weight) in std::mem::take(&mut self.exact) {
                        self.add_to_sketch(value, weight);
                    }
                }
                (_, None) => {}
            }
            self.carried += other.carried;
        }
        (self.count, self.sum) = (count, sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0.0
    }

    /// How many values there were, sampled ones by their weight.
    pub fn count(&self) -> f64 {
        self.count
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// The least value; `None` where there was none.
    pub fn min(&self) -> Option<f64> {
        (!self.is_empty()).then_some(self.min)
    }

    pub fn max(&self) -> Option<f64> {
        (!self.is_empty()).then_some(self.max)
    }

    /// The value below or at which the share `quantile`, from 0 to 1, of the values lies: that of rank
    /// `quantile * (count - 1)`, rounded down, as sketches have it.
    pub fn quantiles<const N: usize>(&self, quantiles: [f64; N]) -> Option<[f64; N]> {
        if self.is_empty() {
            return None;
        }
        Some(match &self.sketch {
            // A sketch answers with the middle of a bin, which may lie a little outside of what was seen.
            Some(sketch) => quantiles.map(|quantile| match sketch.quantile(quantile) {
                Ok(Some(value)) => value.clamp(self.min, self.max),
                Ok(None) | Err(_) => f64::NAN,
            }),
            None => {
                let mut sorted = self.exact.clone();
                sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
                quantiles.map(|quantile| {
                    let rank = (quantile * (self.count - 1.0)).floor();
                    let mut below = 0.0;
                    let found = sorted.iter().find(|(_, weight)| {
                        below += weight;
                        below > rank
                    });
                    found.or(sorted.last()).map_or(f64::NAN, |(value, _)| *value)
                })
            }
        })
    }
}
