//! What names a series.

use crate::sample::{METRIC_NAME, SampleLabel, SampleLabels};
use crate::statsd::names;
use crate::statsd::parser::Kind;
use std::sync::Arc;

/// The quantiles that a distribution is shown by, and their labels' values.
pub const QUANTILES: [(f64, &str); 4] = [(0.5, "0.5"), (0.9, "0.9"), (0.95, "0.95"), (0.99, "0.99")];

/// What is appended to a distribution's name.
pub const SUFFIXES: [&str; 4] = ["_count", "_sum", "_min", "_max"];

/// A series as clients know it, with the labels of everything it gives out.
#[derive(Debug)]
pub struct SeriesKey {
    /// As the first client wrote it.
    pub written_name: Box<str>,
    pub kind: Kind,
    pub labels: SampleLabels,
    /// The labels of [`QUANTILES`] and then of [`SUFFIXES`]; empty unless it is a distribution.
    derived: Box<[SampleLabels]>,
}

impl SeriesKey {
    pub(super) fn new(written_name: &str, kind: Kind, labels: SampleLabels) -> Self {
        let derived = if is_distribution(kind) {
            let with_name = |name: &str, extra: Option<SampleLabel>| {
                let tags = labels.shared().iter().filter(|(name, _)| &**name != METRIC_NAME).cloned();
                SampleLabels::new(name, tags.chain(extra))
            };
            let metric = labels.metric();
            QUANTILES
                .iter()
                .map(|(_, shown)| with_name(metric, Some((Arc::from("quantile"), Arc::from(*shown)))))
                .chain(SUFFIXES.iter().map(|suffix| with_name(&format!("{metric}{suffix}"), None)))
                .collect()
        } else {
            Box::default()
        };
        Self { written_name: Box::from(written_name), kind, labels, derived }
    }

    pub fn quantile_labels(&self) -> &[SampleLabels] {
        &self.derived[..QUANTILES.len().min(self.derived.len())]
    }

    /// The labels of `_count`, `_sum`, `_min` and `_max`.
    pub fn suffix_labels(&self) -> Option<[&SampleLabels; 4]> {
        match &*self.derived {
            [.., count, sum, min, max] => Some([count, sum, min, max]),
            _ => None,
        }
    }
}

pub(super) fn is_distribution(kind: Kind) -> bool {
    matches!(kind, Kind::Timer | Kind::Histogram | Kind::Distribution)
}

/// The labels of a line's name and tags, and how many tags were left out.
pub(super) fn labels_of_line(name: &str, tags: &[u8], tags_max: usize) -> (SampleLabels, usize) {
    let (labels, left_out) = names::labels_of(tags, tags_max);
    (SampleLabels::new(&names::metric_name(name), labels), left_out)
}
