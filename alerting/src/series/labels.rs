//! Label sets: sorted by name, without empty values, cheap to clone and to compare.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// Why something is no label set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    #[error("{0:?} is no label name: write letters, digits and underscores, and no digit first")]
    Name(String),
    #[error("the label {0:?} is given twice")]
    Twice(String),
}

/// A label as it is kept: both texts may be shared with other series.
pub type Label = (Arc<str>, Arc<str>);

/// A sorted, immutable set of labels. A label with an empty value is the same as no label, as in Prometheus.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Labels(Arc<[Label]>);

impl Labels {
    /// Sorts the labels and drops the empty ones.
    ///
    /// # Errors
    /// A name that is no label name, or that is given twice.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, LabelError> {
        let mut labels = Vec::new();
        for (name, value) in pairs {
            let name = name.as_ref();
            if !is_label_name(name) {
                return Err(LabelError::Name(name.to_owned()));
            }
            labels.push((Arc::<str>::from(name), Arc::<str>::from(value.as_ref())));
        }
        labels.sort_by(|left, right| left.0.cmp(&right.0));
        if let Some(twice) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(LabelError::Twice(twice[0].0.to_string()));
        }
        labels.retain(|(_, value)| !value.is_empty());
        Ok(Self(labels.into()))
    }

    /// The labels of a metric: its name and further labels.
    ///
    /// # Errors
    /// As [`Labels::new`].
    pub fn of_metric(metric: &str, pairs: &[(&str, &str)]) -> Result<Self, LabelError> {
        Self::new(std::iter::once((METRIC_NAME, metric)).chain(pairs.iter().copied()))
    }

    /// Labels that are sorted by name, none of them empty and none given twice, without copying them.
    pub fn from_shared(labels: Arc<[Label]>) -> Self {
        debug_assert!(labels.windows(2).all(|pair| pair[0].0 < pair[1].0));
        Self(labels)
    }

    pub(crate) fn from_sorted(labels: Vec<Label>) -> Self {
        debug_assert!(labels.windows(2).all(|pair| pair[0].0 < pair[1].0));
        Self(labels.into())
    }

    #[inline]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|value| &**value)
    }

    fn find(&self, name: &str) -> Option<&Arc<str>> {
        self.0.iter().find(|(own, _)| &**own == name).map(|(_, value)| value)
    }

    pub fn metric(&self) -> Option<&str> {
        self.get(METRIC_NAME)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Label> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of all names and values.
    pub fn text_bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// The same labels without the metric's name.
    pub fn without_metric(&self) -> Self {
        if self.find(METRIC_NAME).is_none() { self.clone() } else { self.filtered(|name| name != METRIC_NAME) }
    }

    /// Only the labels whose name is accepted.
    pub fn filtered(&self, mut accepts: impl FnMut(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| accepts(name)).cloned().collect())
    }

    /// The same labels with one set, or removed where the value is empty.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut labels: Vec<Label> = self.0.iter().filter(|(own, _)| &**own != name).cloned().collect();
        if !value.is_empty() {
            let place = labels.partition_point(|(own, _)| &**own < name);
            labels.insert(place, (Arc::from(name), Arc::from(value)));
        }
        Self(labels.into())
    }
}

/// Whether the text may be a label's name: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_label_name(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether the text may be a metric's name: as a label's, and colons.
pub fn is_metric_name(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

/// As PromQL writes it: `logins{region="eu-west-1"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.metric().filter(|metric| is_metric_name(metric));
        f.write_str(metric.unwrap_or_default())?;
        let shown = self.0.iter().filter(|(name, _)| metric.is_none() || &**name != METRIC_NAME);
        let mut count = 0;
        for (name, value) in shown {
            f.write_str(if count == 0 { "{" } else { ", " })?;
            write!(f, "{name}={value:?}")?;
            count += 1;
        }
        if count > 0 {
            f.write_str("}")
        } else if metric.is_none() {
            f.write_str("{}")
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A JSON object in the order of names, as Prometheus's API writes a metric.
impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (&**name, &**value)))
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
        Self::new(pairs).map_err(D::Error::custom)
    }
}
