//! What a process writes into a file of the data folder for the one after it. Where it cannot be read or written, that is
//! logged, and Tocsin goes on as if it remembered nothing.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemoryFile {
    path: PathBuf,
    /// What is so without it.
    without: &'static str,
}

impl MemoryFile {
    pub fn new(data_dir: &Path, name: &str, without: &'static str) -> Self {
        Self { path: data_dir.join(name), without }
    }

    /// What was written last, or the default where nothing was, or nothing that can be read.
    pub fn read<T: DeserializeOwned + Default>(&self) -> T {
        let text = match std::fs::read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return T::default(),
            read => read,
        };
        match text.and_then(|text| Ok(serde_json::from_slice(&text)?)) {
            Ok(memory) => memory,
            Err(error) => {
                tracing::warn!(%error, "{} cannot be read; {}", self.path.display(), self.without);
                T::default()
            }
        }
    }

    /// Writes it whole or not at all: a process that is killed meanwhile leaves what was there. No other process writes to
    /// the data folder.
    pub fn write(&self, memory: &impl Serialize) {
        let mut draft = self.path.clone().into_os_string();
        draft.push(".draft");
        let text = serde_json::to_vec(memory).map_err(std::io::Error::from);
        let written = text.and_then(|text| std::fs::write(&draft, text));
        if let Err(error) = written.and_then(|()| std::fs::rename(&draft, &self.path)) {
            tracing::warn!(%error, "{} cannot be written", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_read_was_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = MemoryFile::new(folder.path(), "names.json", "nobody is known");
        let names = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|&name| name.to_owned()).collect() };
        let read = || file.read::<BTreeSet<String>>();
        assert_eq!(read(), names(&[]), "nothing was written yet");
        file.write(&names(&["Ada", "Bob"]));
        assert_eq!(read(), names(&["Ada", "Bob"]));
        // A process was killed in the middle of its draft.
        let draft = folder.path().join("names.json.draft");
        std::fs::write(&draft, "[\"Ad").unwrap();
        assert_eq!(read(), names(&["Ada", "Bob"]));
        file.write(&names(&["Ada"]));
        assert_eq!((read(), draft.exists()), (names(&["Ada"]), false));
        // What cannot be written leaves what was there.
        std::fs::create_dir(&draft).unwrap();
        file.write(&names(&["Eve"]));
        assert_eq!(read(), names(&["Ada"]));
        std::fs::write(folder.path().join("names.json"), "[\"Ada").unwrap();
        assert_eq!(read(), names(&[]), "a broken file is none");
    }
}
