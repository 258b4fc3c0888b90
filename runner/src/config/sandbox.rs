use super::reader::Section;
use probes::sandbox::ProtectionName;

/// How much the scripts may use.
///
/// ```toml
/// [sandbox]
/// zygotes = 2              # processes that runs are forked from; one for each core by default
/// runs_in_flight_max = 64
/// memory_mb_max = 64       # of one run's JavaScript heap
/// required_protections = ["system_calls"]  # without these of the kernel no script is run; also "landlock", "root", "network"
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxLimits {
    /// `None`: one for each core.
    pub zygotes: Option<usize>,
    pub runs_in_flight_max: usize,
    /// `None`: the sandbox's own default.
    pub memory_mb_max: Option<usize>,
    pub required_protections: Vec<ProtectionName>,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self {
            zygotes: None,
            runs_in_flight_max: 64,
            memory_mb_max: None,
            required_protections: vec![ProtectionName::SystemCalls],
        }
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
    if section.has("required_protections") {
        let names = section.strings("required_protections");
        let parsed = names.into_iter().filter_map(|name| match name.value.parse::<ProtectionName>() {
            Ok(protection) => Some(protection),
            Err(error) => {
                section.reading.report(&name.at, format_args!("\"{}\" {error}", name.value));
                None
            }
        });
        limits.required_protections = parsed.collect();
    }
    section.finish();
    limits
}
