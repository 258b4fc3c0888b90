//! Bounds of aggregation.

/// Every bound has a counter for what it refused, in [`super::Refusals`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggregateSettings {
    /// Series in all. At the bound a new series takes the place of the one that is idle for the longest time, and
    /// is refused where none is idle.
    pub series_max: usize,
    /// Series of one metric, with the same rule.
    pub series_per_metric_max: usize,
    /// A series that got no value for so long is forgotten.
    pub idle_ms_max: u64,
    /// Tags of one series; the others are left out.
    pub tags_max: usize,
    /// Bytes of a metric's name.
    pub name_bytes_max: usize,
    /// Bytes of a line's tags.
    pub tag_bytes_max: usize,
    /// Members that a set tells apart within one flush.
    pub set_members_max: usize,
}

impl Default for AggregateSettings {
    fn default() -> Self {
        Self {
            series_max: 200_000,
            series_per_metric_max: 50_000,
            idle_ms_max: 24 * 3_600_000,
            tags_max: 24,
            name_bytes_max: 256,
            tag_bytes_max: 2048,
            set_members_max: 100_000,
        }
    }
}
