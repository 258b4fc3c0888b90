//! The store's bounds.

/// Bounds and times of the series store. Every bound has a counter for what it refused, in [`super::Counters`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// How long samples are kept at full resolution, in milliseconds.
    pub retention_ms: i64,
    /// Bytes of memory for sealed chunks; the oldest go first, and are then read from their blocks.
    pub chunk_bytes_max: usize,
    /// Series in all.
    pub series_max: usize,
    /// Series of one metric name.
    pub series_per_metric_max: usize,
    /// Labels of one series, the metric's name among them.
    pub labels_per_series_max: usize,
    /// Bytes of one series' label names and values.
    pub label_bytes_max: usize,
    /// Samples after which a chunk is sealed.
    pub chunk_samples: u32,
    /// How far ahead of now a sample's time may be, in milliseconds: a clock gone wrong would block its series.
    pub ahead_ms_max: i64,
}

/// 15 days at full resolution, the newest 256 MiB of it in memory and the rest in blocks. With open chunks, blocks'
/// indexes and what the allocator loses, 10,000 series at 10 s stay within 512 MiB.
impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            retention_ms: 15 * 24 * 3_600_000,
            chunk_bytes_max: 256 << 20,
            series_max: 200_000,
            series_per_metric_max: 50_000,
            labels_per_series_max: 32,
            label_bytes_max: 4096,
            chunk_samples: 240,
            ahead_ms_max: 10 * 60_000,
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("`{key}` is {value}: write {least} or more")]
    TooSmall { key: &'static str, value: i64, least: i64 },
}

impl StoreSettings {
    /// # Errors
    /// The first key whose value cannot work.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let limits = [
            ("retention_ms", self.retention_ms, 60_000),
            ("chunk_bytes_max", self.chunk_bytes_max as i64, 1 << 20),
            ("series_max", self.series_max as i64, 1),
            ("series_per_metric_max", self.series_per_metric_max as i64, 1),
            ("labels_per_series_max", self.labels_per_series_max as i64, 1),
            ("label_bytes_max", self.label_bytes_max as i64, 64),
            ("chunk_samples", i64::from(self.chunk_samples), 2),
            ("ahead_ms_max", self.ahead_ms_max, 0),
        ];
        match limits.into_iter().find(|(_, value, least)| value < least) {
            Some((key, value, least)) => Err(SettingsError::TooSmall { key, value, least }),
            None => Ok(()),
        }
    }
}
