//! The files of the repository, as a commit would have them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// What a commit would hold: tracked files, and new ones that are not ignored.
pub static FILES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let mut paths = listed_by_git().unwrap_or_else(walked);
    paths.sort();
    paths.dedup();
    let read = |path: String| {
        let bytes = std::fs::read(root().join(&path)).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        Some(Source { path, text })
    };
    let files: Vec<_> = paths.into_iter().filter_map(read).collect();
    assert!(files.len() > 20, "the repository's files were not found under {}", root().display());
    files
});

/// A text file.
pub struct Source {
    /// From the root, with slashes.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn has_extension(&self, extensions: &[&str]) -> bool {
        let extension = Path::new(&self.path).extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| extensions.contains(&extension))
    }

    /// The lines of a Rust file that are not comments, numbered from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        root.canonicalize().expect("the folder above this package is the repository")
    });
    &ROOT
}

pub fn rust_files() -> impl Iterator<Item = &'static Source> {
    FILES.iter().filter(|file| file.has_extension(&["rs"]))
}

/// Fails with every line of `broken`.
#[track_caller]
pub fn assert_none(broken: Vec<String>, rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

/// `None` where this is no checkout, or git is not there.
fn listed_by_git() -> Option<Vec<String>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(root()).args(list).output().ok()?;
    let paths = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<_> = paths.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

fn walked() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository can be read").flatten() {
            let name = entry.file_name();
            let path = entry.path();
            match path.is_dir() {
                true if name == "target" || name == ".git" => {}
                true => folders.push(path),
                false => {
                    let relative = path.strip_prefix(root()).expect("the walk starts at the root");
                    found.push(relative.to_string_lossy().into_owned());
                }
            }
        }
    }
    found
}
