//! Why a well-formed line became no series.

use serde::Serialize;

/// `Display` says what to write or set instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    #[error("there are as many series as `series_max` allows, and none of them is idle")]
    SeriesMax,
    #[error("the metric has as many series as `series_per_metric_max` allows, and none of them is idle")]
    SeriesPerMetricMax,
    #[error("the metric was sent with another type before: give it another name")]
    OtherType,
    #[error(
        "the name is taken by what another metric gives out (`_count`, `_sum`, `_min`, `_max`): give it another name"
    )]
    NameTaken,
    #[error("the name or the tags are longer than `name_bytes_max` and `tag_bytes_max` allow")]
    TooLong,
}

/// How many values were refused, and what else the bounds took away, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Refusals {
    pub series_max: u64,
    pub series_per_metric_max: u64,
    pub other_type: u64,
    pub name_taken: u64,
    pub too_long: u64,
    /// Tags that were left out of a series.
    pub tags_left_out: u64,
    /// Members of sets beyond `set_members_max`.
    pub set_members: u64,
    /// Idle series that made place for a new one.
    pub series_evicted: u64,
    /// Series that were idle for `idle_ms_max`.
    pub series_expired: u64,
}

impl Refusals {
    pub(super) fn count(&mut self, refusal: Refusal) {
        *match refusal {
            Refusal::SeriesMax => &mut self.series_max,
            Refusal::SeriesPerMetricMax => &mut self.series_per_metric_max,
            Refusal::OtherType => &mut self.other_type,
            Refusal::NameTaken => &mut self.name_taken,
            Refusal::TooLong => &mut self.too_long,
        } += 1;
    }

    /// Values that did not reach a series.
    pub fn values(&self) -> u64 {
        self.series_max + self.series_per_metric_max + self.other_type + self.name_taken + self.too_long
    }
}
