//! The start: what the files hold becomes the store again.

use super::folder::{Folder, Kind, Named};
use super::keeper::KeptBlock;
use super::{RecorderError, RecorderSettings};
use crate::series::Store;
use crate::series::log::{SEGMENT_MAGIC, replay};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// How the start went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    pub series: usize,
    pub blocks: usize,
    /// Samples that the write-ahead log had and no block.
    pub samples_replayed: u64,
    /// Bytes at the ends of segments that were not whole: what a crash or a full disk left.
    pub torn_bytes: usize,
    /// Files that cannot be read, as they are called now; they were set aside.
    pub damaged: Vec<PathBuf>,
}

/// In words, for the log and the status page.
impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} series from {} blocks, and {} samples", self.series, self.blocks, self.samples_replayed)?;
        f.write_str(" that were newer")?;
        if self.torn_bytes > 0 {
            write!(f, "; {} bytes at the end of the log were torn and are left out", self.torn_bytes)?;
        }
        for file in &self.damaged {
            write!(f, "; {} is damaged and was set aside", file.display())?;
        }
        Ok(())
    }
}

pub(super) struct Opened {
    pub folder: Arc<Folder>,
    pub store: Store,
    pub blocks: Vec<KeptBlock>,
    pub segments: Vec<Named>,
    pub recovery: Recovery,
}

pub(super) fn open(settings: &RecorderSettings, now_ms: i64) -> Result<Opened, RecorderError> {
    let in_folder = |source| RecorderError::Folder { folder: settings.folder.clone(), source };
    let folder = Arc::new(Folder::open(settings.folder.clone()).map_err(in_folder)?);
    let files = folder.list().map_err(in_folder)?;
    let mut store = Store::new(settings.store.clone())?.with_blocks(Arc::clone(&folder) as Arc<_>);
    let (mut blocks, mut recovery) = (Vec::new(), Recovery::default());
    let of = |kind| files.iter().copied().filter(move |file: &Named| file.kind == kind);

    for file in of(Kind::Block) {
        match folder.index(file) {
            Ok(index) => {
                store.adopt(file.number, &index);
                blocks.push(KeptBlock { file, last_ms: index.last_ms().unwrap_or(0), bytes: folder.bytes_of(file) });
            }
            Err(error) => recovery.set_aside(&folder, file, &error),
        }
    }
    let segments: Vec<Named> = of(Kind::Segment).collect();
    for file in &segments {
        // A segment whose first flush was cut short has not even its first bytes.
        match folder.read_whole(*file) {
            Ok(bytes) if bytes.is_empty() || SEGMENT_MAGIC.starts_with(&bytes) => {}
            Ok(bytes) => {
                let replayed = replay(&bytes, &mut store, now_ms);
                recovery.samples_replayed += replayed.samples_taken;
                recovery.torn_bytes += replayed.torn_bytes;
            }
            Err(error) => recovery.set_aside(&folder, *file, &error),
        }
    }
    // Last, as it is for series that are known.
    for file in of(Kind::History) {
        match folder.index(file) {
            Ok(index) => {
                store.adopt_history(file.number, &index);
                blocks.push(KeptBlock { file, last_ms: index.last_ms().unwrap_or(0), bytes: folder.bytes_of(file) });
            }
            Err(error) => recovery.set_aside(&folder, file, &error),
        }
    }
    store.expire(now_ms);
    recovery.series = store.series_count();
    recovery.blocks = blocks.len();
    Ok(Opened { folder, store, blocks, segments, recovery })
}

impl Recovery {
    fn set_aside(&mut self, folder: &Folder, file: Named, error: &dyn std::error::Error) {
        let path = folder.set_aside(file);
        tracing::error!(file = %path.display(), "metrics cannot be read, and are set aside: {error}");
        self.damaged.push(path);
    }
}
