use std::path::{Path, PathBuf};

/// A folder with more is not one of checks.
const FILES_MAX: usize = 10_000;
const DEPTH_MAX: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("{}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: more than {FILES_MAX} check scripts; name a smaller folder", path.display())]
    TooMany { path: PathBuf },
    #[error("{}: is no check script; its name must end in `.check.ts` or `.check.js`", path.display())]
    NoCheck { path: PathBuf },
}

/// Whether a file is a check by its name.
pub fn is_check(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    [".check.ts", ".check.js", ".check.mts", ".check.mjs"].iter().any(|end| name.ends_with(end))
}

/// The check scripts at `path`, a file or a folder, in the order of their paths. Hidden folders and `node_modules`
/// are left out, and so are links to folders: they could lead in a circle.
pub fn find(path: &Path) -> Result<Vec<PathBuf>, FindError> {
    let unreadable = |source| FindError::Unreadable { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return if is_check(path) {
            Ok(vec![path.to_owned()])
        } else {
            Err(FindError::NoCheck { path: path.to_owned() })
        };
    }
    let mut found = Vec::new();
    walk(path, DEPTH_MAX, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(folder: &Path, depth_left: usize, found: &mut Vec<PathBuf>) -> Result<(), FindError> {
    let unreadable = |source| FindError::Unreadable { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") || name == "node_modules" {
            continue;
        }
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if depth_left > 0 {
                walk(&path, depth_left - 1, found)?;
            }
        } else if is_check(&path) {
            found.push(path);
            if found.len() > FILES_MAX {
                return Err(FindError::TooMany { path: folder.to_owned() });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_checks_by_their_names_at_every_level() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            "b.check.ts",
            "a.check.js",
            "deep/er/c.check.mts",
            "shared.ts",
            "tocsin.d.ts",
            "x.check.ts.bak",
            "node_modules/n.check.js",
            ".hidden/h.check.js",
        ];
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = find(folder.path()).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.check.js", "b.check.ts", "deep/er/c.check.mts"]);
        assert_eq!(find(&folder.path().join("b.check.ts")).unwrap().len(), 1);
        let error = find(&folder.path().join("shared.ts")).unwrap_err();
        assert!(error.to_string().contains(".check.ts"), "{error}");
        assert!(find(&folder.path().join("nowhere")).is_err());
    }
}
