//! The files: their names, writing one whole, and reading a part of one.

use crate::series::block::{BlockError, BlockIndex, BlockSource, HEAD_BYTES, TAIL_BYTES};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Files that stay open for queries; beyond, they are opened again.
const OPEN_FILES_MAX: usize = 128;
const DRAFT: &str = "draft";
/// What a damaged file is called from then on, so that a person can look at it.
const DAMAGED: &str = "damaged";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Segment,
    Block,
    History,
}

impl Kind {
    fn extension(self) -> &'static str {
        match self {
            Self::Segment => "log",
            Self::Block => "block",
            Self::History => "history",
        }
    }
}

/// One file of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub number: u64,
    pub kind: Kind,
}

pub(super) struct Folder {
    path: PathBuf,
    /// By the block's number: numbers are never given twice.
    open: Mutex<HashMap<u64, Arc<File>>>,
}

/// Why a block's index cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    Block(#[from] BlockError),
}

impl Folder {
    pub fn open(path: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&path)?;
        Ok(Self { path, open: Mutex::default() })
    }

    pub fn path_of(&self, file: Named) -> PathBuf {
        self.path.join(format!("{:010}.{}", file.number, file.kind.extension()))
    }

    /// What is there, in the order in which it was made. Drafts of a process that was killed are removed.
    pub fn list(&self) -> io::Result<Vec<Named>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let path = entry?.path();
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if extension == DRAFT {
                std::fs::remove_file(&path)?;
            }
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let kinds = [Kind::Segment, Kind::Block, Kind::History];
            let kind = kinds.into_iter().find(|kind| kind.extension() == extension);
            files.extend(number.zip(kind).map(|(number, kind)| Named { number, kind }));
        }
        files.sort_unstable();
        Ok(files)
    }

    pub fn read_whole(&self, file: Named) -> io::Result<Vec<u8>> {
        std::fs::read(self.path_of(file))
    }

    pub fn bytes_of(&self, file: Named) -> u64 {
        std::fs::metadata(self.path_of(file)).map_or(0, |metadata| metadata.len())
    }

    /// The index of a block, without reading the block.
    pub fn index(&self, file: Named) -> Result<BlockIndex, IndexError> {
        let opened = File::open(self.path_of(file))?;
        let length = opened.metadata()?.len();
        let tail_at = length.checked_sub(TAIL_BYTES as u64).ok_or(BlockError::Damaged)?;
        let (mut head, mut tail) = ([0; HEAD_BYTES], [0; TAIL_BYTES]);
        opened.read_exact_at(&mut head, 0)?;
        opened.read_exact_at(&mut tail, tail_at)?;
        let place = u64::from(BlockIndex::place(&head, &tail)?);
        let bytes = tail_at.checked_sub(place).ok_or(BlockError::Damaged)?;
        let mut index = vec![0; usize::try_from(bytes).map_err(|_| BlockError::Damaged)?];
        opened.read_exact_at(&mut index, place)?;
        Ok(BlockIndex::decode_from(&index)?)
    }

    /// Writes a file so that it is there whole or not at all, also after a power failure.
    pub fn write_whole(&self, file: Named, bytes: &[u8]) -> io::Result<()> {
        let path = self.path_of(file);
        let draft = path.with_extension(DRAFT);
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        let written = written.and_then(|()| std::fs::rename(&draft, &path)).and_then(|()| self.sync());
        if written.is_err() {
            // Where the disk is full, the draft is what fills it.
            let _ = std::fs::remove_file(&draft);
        }
        written
    }

    /// A new segment, to append to.
    pub fn create_segment(&self, number: u64) -> io::Result<File> {
        let path = self.path_of(Named { number, kind: Kind::Segment });
        let file = OpenOptions::new().create_new(true).append(true).open(path)?;
        self.sync()?;
        Ok(file)
    }

    /// Makes names durable.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    pub fn remove(&self, file: Named) -> io::Result<()> {
        self.files().remove(&file.number);
        std::fs::remove_file(self.path_of(file))
    }

    /// Sets a damaged file aside and returns its new path.
    pub fn set_aside(&self, file: Named) -> PathBuf {
        let path = self.path_of(file);
        let aside = path.with_extension(format!("{}-{DAMAGED}", file.kind.extension()));
        if std::fs::rename(&path, &aside).is_ok() { aside } else { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn files(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<File>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self, number: u64) -> Option<Arc<File>> {
        let mut files = self.files();
        if let Some(file) = files.get(&number) {
            return Some(Arc::clone(file));
        }
        if files.len() >= OPEN_FILES_MAX {
            files.clear();
        }
        let named = [Kind::Block, Kind::History].map(|kind| Named { number, kind });
        let file = Arc::new(named.into_iter().find_map(|named| File::open(self.path_of(named)).ok())?);
        files.insert(number, Arc::clone(&file));
        Some(file)
    }
}

impl BlockSource for Folder {
    fn read(&self, block: u64, offset: u32, length: u32) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        self.opened(block)?.read_exact_at(&mut bytes, u64::from(offset)).ok()?;
        Some(bytes)
    }
}
