//! How the command line finds the process that runs: a file in the data folder with its address and a token that it made at
//! its start. Only the file's owner may read it, and whoever may read it may act.

use crate::config::Secret;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Inside the data folder.
const FILE: &str = "running.json";
const TOKEN_BYTES: usize = 32;

#[derive(Serialize, Deserialize)]
struct Document {
    pid: u32,
    url: String,
    token: String,
}

/// The process that runs, as its file describes it.
#[derive(Debug)]
pub struct Running {
    pub pid: u32,
    /// Without a slash at its end.
    pub url: String,
    pub token: Secret,
    pub file: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum NotRunning {
    #[error("nothing runs on {}; start it with `tocsin up`, or name the data folder of the one that runs with `--data`", .0.display())]
    NoFile(PathBuf),
    #[error("{} is not yours to read; do this as the user that runs `tocsin up`, such as with `sudo -u`", .0.display())]
    NotYours(PathBuf),
    #[error("{} cannot be read: {problem}", .file.display())]
    Unreadable { file: PathBuf, problem: String },
}

/// The file of this process. It goes when this does: at an orderly end.
#[derive(Debug)]
pub struct RunningFile {
    path: PathBuf,
    pub token: Secret,
}

impl RunningFile {
    /// Written whole, and in place of one that a killed process has left: the journal's lock says that there is no other.
    pub fn write(data_dir: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let token = hex::encode(rand::random::<[u8; TOKEN_BYTES]>());
        let document = Document { pid: std::process::id(), url: format!("http://{}", reachable(address)), token };
        let path = data_dir.join(FILE);
        let draft = data_dir.join(format!("{FILE}.draft"));
        let written = private(&draft).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(&document)?)?;
            std::fs::rename(&draft, &path)
        });
        written.with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self { path, token: Secret::new(document.token) })
    }
}

impl Drop for RunningFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "{} stays behind", self.path.display());
        }
    }
}

/// A file that has never been anybody else's to read.
fn private(path: &Path) -> std::io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Where this machine reaches a listener that may listen on every address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Who runs on this folder, according to the file.
pub fn read(data_dir: &Path) -> Result<Running, NotRunning> {
    let file = data_dir.join(FILE);
    let text = match std::fs::read(&file) {
        Ok(text) => text,
        Err(error) => {
            return Err(match error.kind() {
                ErrorKind::NotFound => NotRunning::NoFile(data_dir.to_owned()),
                ErrorKind::PermissionDenied => NotRunning::NotYours(file),
                _ => NotRunning::Unreadable { file, problem: error.to_string() },
            });
        }
    };
    match serde_json::from_slice::<Document>(&text) {
        Ok(Document { pid, url, token }) => Ok(Running { pid, url, token: Secret::new(token), file }),
        Err(error) => Err(NotRunning::Unreadable { file, problem: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_file_is_private_whole_and_gone_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        assert!(matches!(read(folder.path()), Err(NotRunning::NoFile(_))));
        // What a killed process has left, drafts included.
        std::fs::write(&path, "{}").unwrap();
        std::fs::write(folder.path().join(format!("{FILE}.draft")), "half").unwrap();
        assert!(matches!(read(folder.path()), Err(NotRunning::Unreadable { .. })));

        let first = RunningFile::write(folder.path(), "0.0.0.0:9480".parse().unwrap()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let running = read(folder.path()).unwrap();
        assert_eq!((running.pid, running.url.as_str()), (std::process::id(), "http://127.0.0.1:9480"));
        assert_eq!(running.token, first.token);
        assert_eq!(running.token.expose().len(), 2 * TOKEN_BYTES);
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn a_listener_on_every_address_is_reached_on_this_machine() {
        let cases =
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("10.0.0.7:1", "10.0.0.7:1"), ("[::1]:1", "[::1]:1")];
        for (address, expected) in cases {
            assert_eq!(reachable(address.parse().unwrap()).to_string(), expected);
        }
    }
}
