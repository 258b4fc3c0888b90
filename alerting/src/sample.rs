//! What everything that measures hands to the series store: a value, its instant, and the labels of its series.

use checks::UnixMs;
use std::fmt;
use std::sync::Arc;

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// The NaN that says "this series has ended" (Prometheus's `value.StaleNaN`), bit for bit.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The staleness marker as a sample's value.
pub const STALE_NAN: f64 = f64::from_bits(STALE_NAN_BITS);

/// Whether the value is the staleness marker, by its bits.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// One label: name and value. Both texts may be shared with other series.
pub type SampleLabel = (Arc<str>, Arc<str>);

/// A series' labels: sorted by name, the metric's name among them as `__name__`, none of them empty. Made once for a
/// series and cloned by reference ever after.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SampleLabels(Arc<[SampleLabel]>);

impl SampleLabels {
    /// Sorts the labels, drops the empty ones, and of a name given twice keeps the last.
    pub fn new(metric: &str, labels: impl IntoIterator<Item = SampleLabel>) -> Self {
        let mut all: Vec<SampleLabel> = vec![(Arc::from(METRIC_NAME), Arc::from(metric))];
        all.extend(labels);
        Self::from_labels(all)
    }

    pub(crate) fn from_labels(mut all: Vec<SampleLabel>) -> Self {
        // The sort is stable: of equal names the last written one comes last, and wins.
        all.sort_by(|left, right| left.0.cmp(&right.0));
        all.reverse();
        all.dedup_by(|next, kept| next.0 == kept.0);
        all.reverse();
        all.retain(|(_, value)| !value.is_empty());
        Self(all.into())
    }

    pub fn shared(&self) -> &Arc<[SampleLabel]> {
        &self.0
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    pub fn metric(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or_default()
    }

    /// The labels but for the metric's name.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(name, _)| *name != METRIC_NAME)
    }
}

/// As PromQL writes it: `logins{region="eu-west-1"}`.
impl fmt::Display for SampleLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric())?;
        for (index, (name, value)) in self.tags().enumerate() {
            write!(f, "{}{name}={value:?}", if index == 0 { "{" } else { ", " })?;
        }
        if self.tags().next().is_some() { f.write_str("}") } else { Ok(()) }
    }
}

impl fmt::Debug for SampleLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a sample's metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleKind {
    /// Grows for ever, but for a restart at zero.
    Counter,
    Gauge,
    /// A quantile, or a summary's `_count` and `_sum`.
    Summary,
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub labels: SampleLabels,
    pub kind: SampleKind,
    pub at: UnixMs,
    /// [`STALE_NAN`] where the series has ended.
    pub value: f64,
}

/// Where samples go: the series store, behind whatever guards it.
pub trait SampleSink: Send + Sync {
    /// Takes the samples of one flush. Those of one series come in order of time. Returns how many were refused.
    fn append(&self, samples: &[Sample]) -> usize;
}
