//! The rule files that the configuration names, as they are now.

use crate::config::RulesSettings;
use alerting::ruler::RuleSource;
use alerting::rules::RuleFile;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A longer file is none that a person wrote.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Every file, read, in the order of their names; each once, however many patterns match it.
pub(crate) fn read(settings: &RulesSettings) -> Vec<RuleSource> {
    let mut files: BTreeSet<PathBuf> = BTreeSet::new();
    for pattern in &settings.files {
        let text = pattern.to_string_lossy();
        if text.contains(['*', '?', '[']) {
            // The pattern was read when the configuration was; folders that cannot be read hold nothing.
            files.extend(glob::glob(&text).into_iter().flatten().flatten());
        } else {
            files.insert(pattern.clone());
        }
    }
    let source = |path: PathBuf| RuleSource { read: read_one(&path), path: path.display().to_string() };
    files.into_iter().map(source).collect()
}

fn read_one(path: &Path) -> Result<RuleFile, String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("{}: cannot be read: {error}", path.display());
    let bytes = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(unreadable(&format_args!("it has {bytes} bytes, and {FILE_BYTES_MAX} are the most")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    RuleFile::parse(&path.display().to_string(), &text).map_err(|error| error.to_string())
}
