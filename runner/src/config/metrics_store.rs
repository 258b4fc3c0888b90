use super::duration::parse_duration;
use super::reader::Section;
use std::time::Duration;

/// How much of the metrics is kept: at full resolution in memory and on disk, and thinned out for much longer.
///
/// ```toml
/// [metrics.store]
/// retention = "15d"        # every sample
/// history = "400d"         # one point for every five minutes
/// memory_mb_max = 512
/// disk_mb_max = 4096
/// series_max = 200000
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsStore {
    pub retention: Duration,
    pub history: Duration,
    /// Half of it is for samples; the other half for labels, indexes and what is being written.
    pub memory_mb_max: u64,
    pub disk_mb_max: u64,
    pub series_max: u64,
}

const DAY: Duration = Duration::from_secs(24 * 3600);
const RETENTION_MIN: Duration = Duration::from_secs(3600);
const RETENTION_MAX: Duration = DAY.saturating_mul(3650);

impl Default for MetricsStore {
    fn default() -> Self {
        Self { retention: DAY * 15, history: DAY * 400, memory_mb_max: 512, disk_mb_max: 4096, series_max: 200_000 }
    }
}

pub(super) fn read(section: Option<Section<'_>>) -> MetricsStore {
    let mut settings = MetricsStore::default();
    let Some(mut section) = section else { return settings };
    let time = |text: &str| match parse_duration(text)? {
        time if (RETENTION_MIN..=RETENTION_MAX).contains(&time) => Ok(time),
        _ => Err("must lie between 1h and 3650d".to_owned()),
    };
    for (key, setting) in [("retention", &mut settings.retention), ("history", &mut settings.history)] {
        if let Some(written) = section.parsed(key, time) {
            *setting = written.value;
        }
    }
    for (key, setting, range) in [
        ("memory_mb_max", &mut settings.memory_mb_max, 16..=1 << 20),
        ("disk_mb_max", &mut settings.disk_mb_max, 16..=1 << 24),
        ("series_max", &mut settings.series_max, 100..=10_000_000),
    ] {
        if let Some(written) = section.integer(key, range) {
            *setting = written;
        }
    }
    section.finish();
    settings
}
