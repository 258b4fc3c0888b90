//! The file that the ruler's state survives in: JSON, written whole.

use super::told::Told;
use crate::rules::group::GroupState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    #[error("the state of the alert rules cannot be read from {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the state of the alert rules cannot be written to {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// What is kept. Additive: what an older version did not write has a default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Saved {
    #[serde(default)]
    pub saved_at_ms: i64,
    /// By the group's key.
    #[serde(default)]
    pub groups: BTreeMap<String, GroupState>,
    #[serde(default)]
    pub told: Told,
}

#[derive(Debug, Clone)]
pub(super) struct StateFile(pub PathBuf);

impl StateFile {
    /// The state, and what is worth a word about it. Something else than a state is set aside: watching matters more.
    pub fn read(&self) -> Result<(Saved, Option<String>), StateFileError> {
        let path = &self.0;
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
            Err(source) => return Err(StateFileError::Read { path: path.clone(), source }),
        };
        match serde_json::from_slice(&bytes) {
            Ok(saved) => Ok((saved, None)),
            Err(error) => {
                let aside = path.with_extension("damaged");
                std::fs::rename(path, &aside).map_err(|source| StateFileError::Read { path: path.clone(), source })?;
                let problem = format!(
                    "the state of the alert rules is damaged ({error}) and was set aside as {}: a `for` that was half run begins anew",
                    aside.display()
                );
                tracing::error!("{problem}");
                Ok((Saved::default(), Some(problem)))
            }
        }
    }

    /// Replaces the file, so that a crash leaves the old state or the new one.
    pub fn write(&self, saved: &Saved) -> Result<(), StateFileError> {
        let path = &self.0;
        let draft = path.with_extension("draft");
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(&serde_json::to_vec(saved)?)?;
            file.sync_data()?;
            std::fs::rename(&draft, path)
        };
        write().map_err(|source| StateFileError::Write { path: path.clone(), source })
    }
}
