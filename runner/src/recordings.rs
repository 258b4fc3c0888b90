//! Recordings of runs as files, `CHECK.REGION.json`.
//!
//! A recording holds what the check's target sent, cookies and tokens included, so that its file is its owner's alone.

use checks::{CheckId, Region};
use probes::recording::{FORMAT, Recording};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A larger file is no recording.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The folder beside a script that its recordings are in.
const FOLDER: &str = "recordings";

#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("{}: there is no recording; make one with `tocsin test --record {}`", file.display(), script.display())]
    Missing { file: PathBuf, script: PathBuf },
    #[error("{}: {source}", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("{}: is no recording of a run: {source}; make a new one with `tocsin test --record`", file.display())]
    Malformed { file: PathBuf, source: serde_json::Error },
    #[error("{}: has format {format}, and this version reads up to {FORMAT}; record again, or use a newer tocsin", file.display())]
    TooNew { file: PathBuf, format: u32 },
}

/// Where the recording of a check in a region lies: in `folder`, or beside the script.
pub fn file(folder: Option<&Path>, script: &Path, check: &CheckId, region: &Region) -> PathBuf {
    let beside = || script.parent().unwrap_or(Path::new("")).join(FOLDER);
    folder.map_or_else(beside, Path::to_owned).join(format!("{check}.{region}.json"))
}

pub fn load(file: &Path, script: &Path) -> Result<Recording, RecordingError> {
    let unreadable = |source| RecordingError::Unreadable { file: file.to_owned(), source };
    match std::fs::metadata(file) {
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
            return Err(unreadable(std::io::Error::other(format!("has more than {FILE_BYTES_MAX} bytes"))));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(RecordingError::Missing { file: file.to_owned(), script: script.to_owned() });
        }
        Err(error) => return Err(unreadable(error)),
    }
    let text = std::fs::read(file).map_err(unreadable)?;
    let malformed = |source| RecordingError::Malformed { file: file.to_owned(), source };
    // A newer format may have nothing else in common with this one.
    #[derive(serde::Deserialize)]
    struct Head {
        format: u32,
    }
    let Head { format } = serde_json::from_slice(&text).map_err(malformed)?;
    if format > FORMAT {
        return Err(RecordingError::TooNew { file: file.to_owned(), format });
    }
    serde_json::from_slice(&text).map_err(malformed)
}

/// Writes the recording, whole or not at all, for its owner alone.
pub fn save(file: &Path, recording: &Recording) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let unfinished = file.with_extension(format!("json.{}", std::process::id()));
    let written = || {
        let mut out = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        out.write_all(&serde_json::to_vec_pretty(recording)?)?;
        out.write_all(b"\n")?;
        std::fs::rename(&unfinished, file)
    };
    written().inspect_err(|_| {
        // What is left of it is of no use to anybody; where it cannot be removed, it stays.
        let _ = std::fs::remove_file(&unfinished);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_recording_is_its_owners_and_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("login.check.ts");
        let file = file(None, &script, &"login".parse().unwrap(), &"eu".parse().unwrap());
        assert_eq!(file, folder.path().join("recordings/login.eu.json"));
        let error = load(&file, &script).unwrap_err().to_string();
        assert!(error.ends_with(&format!("`tocsin test --record {}`", script.display())), "{error}");
        let recording: Recording = serde_json::from_value(serde_json::json!({
            "format": 1, "check": "login", "region": "eu", "slot": 0, "started_at": 5, "seed": [1, 2, 3, 4], "exchanges": [],
        }))
        .unwrap();
        save(&file, &recording).unwrap();
        assert_eq!(load(&file, &script).unwrap(), recording);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        for (text, says) in [("{\"format\":2}", "format 2"), ("{}", "is no recording"), ("", "is no recording")] {
            std::fs::write(&file, text).unwrap();
            let error = load(&file, &script).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
