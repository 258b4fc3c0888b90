//! The ready file: everything a test or a demo needs to know of a running stack, written once it answers.

use crate::oauth::ClientCredentials;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The account that every stack has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Account {
    pub email: String,
    pub password: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// With a slash at its end, as tokens say it.
    pub issuer: String,
    pub port: u16,
    /// URL of the admin endpoint, without a slash at its end.
    pub admin: String,
    /// Path of the authority's certificate.
    pub ca: PathBuf,
    pub nodes: BTreeMap<String, IpAddr>,
    pub user: Account,
    pub clients: BTreeMap<String, ClientCredentials>,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot write the ready file {path}: {source}; give a file in a folder that exists and can be written")]
pub struct ReadyError {
    pub path: PathBuf,
    pub source: std::io::Error,
}

impl Ready {
    /// Writes the file whole or not at all, so that whoever waits for it never reads half of it. Only its owner can
    /// read it: it holds passwords.
    pub(crate) fn write(&self, path: &Path) -> Result<(), ReadyError> {
        let failed = |source| ReadyError { path: path.to_owned(), source };
        let mut partial = path.to_owned().into_os_string();
        partial.push(".partial");
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        let mut options = std::fs::OpenOptions::new();
        let file = options.create(true).write(true).truncate(true).mode(0o600).open(&partial);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)?;
        std::fs::rename(&partial, path).map_err(failed)
    }
}
