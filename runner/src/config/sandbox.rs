use super::reader::Section;

/// How much the scripts may use.
///
/// ```toml
/// [sandbox]
/// zygotes = 2              # processes that runs are forked from; one for each core by default
/// runs_in_flight_max = 64
/// memory_mb_max = 64       # of one run's JavaScript heap
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxLimits {
    /// `None`: one for each core.
    pub zygotes: Option<usize>,
    pub runs_in_flight_max: usize,
    /// `None`: the sandbox's own default.
    pub memory_mb_max: Option<usize>,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self { zygotes: None, runs_in_flight_max: 64, memory_mb_max: None }
    }
}

pub(super) fn read(section: Option<Section<'_>>) -> SandboxLimits {
    let mut limits = SandboxLimits::default();
    let Some(mut section) = section else { return limits };
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    limits.zygotes = section.integer("zygotes", 1..=64).map(size);
    if let Some(number) = section.integer("runs_in_flight_max", 1..=4096) {
        limits.runs_in_flight_max = size(number);
    }
    limits.memory_mb_max = section.integer("memory_mb_max", 8..=2048).map(size);
    section.finish();
    limits
}
