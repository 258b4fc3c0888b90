//! Names that say nothing, and files that hold two subjects.

use crate::repository::{FILES, assert_none, rust_files};
use std::path::Path;

/// A drawer with such a label fills up with what belongs elsewhere.
const SAY_NOTHING: &[&str] =
    &["common", "core", "util", "utils", "utilities", "helper", "helpers", "misc", "imp", "manager", "managers"];

const LINES_MAX: usize = 600;

fn says_nothing(name: &str) -> bool {
    let last = name.rsplit(['_', '-']).next().unwrap_or(name);
    SAY_NOTHING.contains(&name) || SAY_NOTHING.contains(&last)
}

#[test]
fn names_say_something() {
    let mut broken = Vec::new();
    for file in FILES.iter().filter(|file| file.has_extension(&["rs", "ts", "js", "sh", "toml"])) {
        let path = Path::new(&file.path);
        let stems = path.iter().map(|part| Path::new(part).file_stem().unwrap_or(part).to_string_lossy().into_owned());
        for stem in stems.filter(|stem| says_nothing(stem)) {
            broken.push(format!("{}: `{stem}` says nothing; name it after what it holds", file.path));
        }
    }
    for file in rust_files() {
        for (number, line) in file.code_lines() {
            let declared =
                line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ").strip_prefix("mod ");
            let name = declared.map(|rest| rest.trim_end_matches([';', '{', ' ']));
            if let Some(name) = name.filter(|name| says_nothing(name)) {
                broken.push(format!("{}:{number}: module `{name}` says nothing", file.path));
            }
        }
    }
    assert_none(broken, "names that say nothing");
}

#[test]
fn files_hold_one_subject() {
    let long = FILES.iter().filter(|file| file.has_extension(&["rs", "ts", "js", "sh"])).filter_map(|file| {
        let lines = file.text.lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines; split it by meaning", file.path))
    });
    assert_none(long.collect(), &format!("files of more than {LINES_MAX} lines"));
}

#[test]
fn a_crate_opens_with_what_it_is_for() {
    let silent = rust_files().filter(|file| file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs"));
    let silent = silent.filter(|file| !file.text.starts_with("//!")).map(|file| file.path.clone());
    assert_none(silent.collect(), "crates that do not open with `//!` and what they are for");
}
