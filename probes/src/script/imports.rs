use super::ScriptError;
use super::library::{LIBRARY, names};
use super::transpile::Import;
use std::path::{Component, Path, PathBuf};

/// What an import of a project's module stands for.
pub(super) enum Target {
    /// The library that the sandbox brings along.
    Library,
    /// A file, relative to the root, with `/` between its parts.
    File(String),
}

/// Resolves an import of the module `importer` (relative to `root`) by its text alone, except for the help, which
/// looks at what lies beside the file that was meant.
pub(super) fn resolve(root: &Path, importer: &str, source: &str, import: &Import) -> Result<Target, ScriptError> {
    let specifier = import.specifier.as_str();
    let refuse = |message: String, help: String| {
        Err(ScriptError::new(importer, message).with_help(help).at_offset(source, import.offset))
    };
    if LIBRARY.iter().any(|module| module.name == specifier) {
        return Ok(Target::Library);
    }
    if !specifier.starts_with("./") && !specifier.starts_with("../") {
        let help = if specifier.starts_with("tocsin/") {
            format!("the library's modules are {}", names())
        } else if specifier.contains(':') {
            "a check imports `tocsin` and the project's own files; save the module in the project and import it as `./module.js`".to_owned()
        } else if root.join(importer).parent().is_some_and(|folder| folder.join(specifier).is_file()) {
            format!("write `./{specifier}`")
        } else {
            "there are no packages in the sandbox: import `tocsin`, or a file of the project as `./module.js`"
                .to_owned()
        };
        return refuse(format!("`{specifier}` cannot be imported"), help);
    }
    let folder = Path::new(importer).parent().unwrap_or(Path::new(""));
    let Some(path) = normalise(&folder.join(specifier)) else {
        return refuse(
            format!("`{specifier}` lies outside the project"),
            format!("move it below {} and import it from there", root.display()),
        );
    };
    let is_json = path.ends_with(".json");
    if !(is_json || [".js", ".mjs", ".ts", ".mts"].iter().any(|extension| path.ends_with(extension))) {
        let found = [".ts", ".js", ".mts", ".mjs", "/index.ts", "/index.js"]
            .iter()
            .find(|extension| root.join(format!("{path}{extension}")).is_file());
        return match found {
            Some(extension) => refuse(
                format!("`{specifier}` has no file extension"),
                format!("write `{specifier}{extension}`: an import names its file in full"),
            ),
            None => refuse(
                format!("`{specifier}` is no module: only .ts, .js, .mts, .mjs and .json files can be imported"),
                "write the file's name in full, such as `./module.ts`".to_owned(),
            ),
        };
    }
    if is_json != import.is_json {
        return if is_json {
            refuse(
                format!("`{specifier}` is imported without saying that it is JSON"),
                format!("write `import data from \"{specifier}\" with {{ type: \"json\" }}`"),
            )
        } else {
            refuse(
                format!("`{specifier}` is imported as JSON, and is a script"),
                "leave `with { type: \"json\" }` out".to_owned(),
            )
        };
    }
    if !root.join(&path).is_file() {
        let other =
            path.strip_suffix(".js").map(|stem| format!("{stem}.ts")).filter(|other| root.join(other).is_file());
        let help = match other {
            Some(_) => {
                format!("write `{}ts`: an import names the file as it lies on disk", specifier.trim_end_matches("js"))
            }
            None => format!("there is no file {path} below {}", root.display()),
        };
        return refuse(format!("`{specifier}` does not exist"), help);
    }
    Ok(Target::File(path))
}

/// `a/./b/../c` as `a/c`; `None` where it leaves the root.
pub(super) fn normalise(path: &Path) -> Option<String> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => normal.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal.to_str()?.replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        let cases = [
            ("a/b.ts", Some("a/b.ts")),
            ("./a/../b.ts", Some("b.ts")),
            ("../a.ts", None),
            ("a/../../b.ts", None),
            ("/etc/passwd", None),
        ];
        for (path, expected) in cases {
            assert_eq!(normalise(Path::new(path)).as_deref(), expected, "{path}");
        }
    }
}
