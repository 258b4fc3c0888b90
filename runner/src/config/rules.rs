use super::duration::parse_duration;
use super::reader::Section;
use std::path::PathBuf;
use std::time::Duration;

/// Alert rules, in Prometheus's format.
///
/// ```toml
/// [rules]
/// files = ["rules/*.rules.yml"]    # relative to this file
/// interval = "10s"                 # of groups that name none
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesSettings {
    /// Names of files, or patterns for them. What they match is looked up at the start and at each reload.
    pub files: Vec<PathBuf>,
    pub interval: Duration,
}

/// More often than values come, an evaluation says nothing new.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3600);

impl Default for RulesSettings {
    fn default() -> Self {
        Self { files: Vec::new(), interval: Duration::from_secs(10) }
    }
}

pub(super) fn read(section: Option<Section<'_>>) -> RulesSettings {
    let mut settings = RulesSettings::default();
    let Some(mut section) = section else { return settings };
    for written in section.strings("files") {
        let path = section.reading.path(&written.value);
        let text = path.to_string_lossy();
        if let Err(error) = glob::Pattern::new(&text) {
            let problem = format!(
                "`{}` is no pattern for files: {}; write one such as \"rules/*.rules.yml\"",
                written.value, error.msg
            );
            section.reading.report(&written.at, problem);
        } else if !text.contains(['*', '?', '[']) && !path.is_file() {
            let problem =
                format!("{text} is no file; write the name of a rule file, or a pattern such as \"rules/*.rules.yml\"");
            section.reading.report(&written.at, problem);
        } else {
            settings.files.push(path);
        }
    }
    let interval = section.parsed("interval", |text| match parse_duration(text)? {
        interval if (INTERVAL_MIN..=INTERVAL_MAX).contains(&interval) => Ok(interval),
        _ => Err("must lie between 100ms and 24h; values come every \"10s\"".to_owned()),
    });
    if let Some(interval) = interval {
        settings.interval = interval.value;
    }
    section.finish();
    settings
}
