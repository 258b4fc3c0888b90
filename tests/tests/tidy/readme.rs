//! Every link of every document leads somewhere, and every command in it exists.

use crate::repository::{FILES, Source, assert_none, root};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

fn documents() -> impl Iterator<Item = &'static Source> {
    FILES.iter().filter(|file| file.has_extension(&["md"]))
}

/// `docs/../README.md` as `README.md`.
fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts
}

/// The targets of `[text](target)` and `[name]: target`, with their line, code left out.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let mut rest = line.as_str();
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let Some(end) = rest.find(')') else { break };
            found.push((number, rest[..end].split_whitespace().next().unwrap_or_default().to_owned()));
            rest = &rest[end..];
        }
        let definition = line.strip_prefix('[').and_then(|line| line.split_once("]: "));
        if let Some((_, target)) = definition {
            found.push((number, target.trim().to_owned()));
        }
    }
    found
}

/// Lines outside fenced code, with what is between backticks cut out.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let outside: Vec<_> = line.split('`').step_by(2).collect();
            lines.push((index + 1, outside.join("``")));
        }
    }
    lines
}

/// What stands between backticks, or on a line of fenced code.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push((index + 1, line.trim().trim_start_matches("$ ").to_owned()));
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(|span| (index + 1, span.to_owned())));
        }
    }
    found
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        for (number, target) in links(&document.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
            let path = if file.is_empty() { PathBuf::from(&document.path) } else { normal(&folder.join(file)) };
            let at = format!("{}:{number}", document.path);
            if !root().join(&path).exists() {
                broken.push(format!("{at}: `{target}` does not exist"));
            } else if let Some(linked) = FILES.iter().find(|file| Path::new(&file.path) == path)
                && linked.has_extension(&["md"])
                && !fragment.is_empty()
            {
                let headings = linked.text.lines().filter_map(|line| line.strip_prefix('#'));
                let mut anchors = headings.map(|heading| anchor(heading.trim_start_matches('#')));
                if !anchors.any(|anchor| anchor == fragment) {
                    broken.push(format!("{at}: {} has no heading for `#{fragment}`", path.display()));
                }
            }
        }
    }
    assert_none(broken, "links that lead nowhere");
}

#[test]
fn the_readme_names_every_package() {
    let readme = FILES.iter().find(|file| file.path == "README.md").expect("there is a README.md");
    let linked: Vec<_> = links(&readme.text).into_iter().map(|(_, target)| target).collect();
    for package in ["checks", "probes", "alerting", "dashboards", "runner", "auth-stack", "tests"] {
        let prose = format!("{package}/src/lib.rs");
        assert!(linked.contains(&prose), "README.md's code map does not lead to {prose}");
    }
}

#[test]
fn named_files_exist() {
    let folders: BTreeSet<_> = FILES.iter().filter_map(|file| file.path.split_once('/')).map(|(top, _)| top).collect();
    let mut broken = Vec::new();
    for document in documents() {
        for (number, span) in code(&document.text) {
            let is_path = span.split_once('/').is_some_and(|(top, _)| folders.contains(top));
            if is_path && !span.contains([' ', '*', '{', '<', '$', '(']) {
                let path = span.split_once(':').map_or(span.as_str(), |(path, _)| path);
                if !root().join(path).exists() {
                    broken.push(format!("{}:{number}: `{span}` does not exist", document.path));
                }
            }
        }
    }
    assert_none(broken, "files that documents name and that are not there");
}

/// The words that follow `program` where it is run, such as the subcommand.
fn words_after<'a>(span: &'a str, program: &str) -> Option<&'a str> {
    let rest = span.strip_prefix(program)?.strip_prefix(' ')?;
    rest.split_whitespace().next()
}

#[test]
fn make_targets_exist() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).expect("there is a Makefile");
    let targets: BTreeSet<_> =
        makefile.lines().filter_map(|line| line.split_once(':')).map(|(target, _)| target).collect();
    let mut broken = Vec::new();
    let mut named = 0;
    for document in documents() {
        for (number, span) in code(&document.text) {
            if let Some(target) = words_after(&span, "make") {
                named += 1;
                if !targets.contains(target) {
                    broken.push(format!("{}:{number}: `make {target}` is not in the Makefile", document.path));
                }
            }
        }
    }
    assert_none(broken, "commands that do not exist");
    assert!(named > 0, "no document names a make target: is README.md there?");
}

#[test]
fn subcommands_exist() {
    let mut broken = Vec::new();
    for program in ["tocsin", "auth-stack"] {
        let mut asked = BTreeSet::new();
        for document in documents() {
            for (number, span) in code(&document.text) {
                let run = span
                    .rsplit_once('/')
                    .map_or(span.as_str(), |(folder, run)| if folder.contains(' ') { &span } else { run });
                let Some(subcommand) = words_after(run, program) else { continue };
                let is_word = subcommand.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                if is_word && !subcommand.starts_with('-') && asked.insert(subcommand.to_owned()) {
                    let help = Command::new(tests::harness::program(program)).args([subcommand, "--help"]).output();
                    if !help.expect("the binary runs").status.success() {
                        broken.push(format!("{}:{number}: `{program} {subcommand}` does not exist", document.path));
                    }
                }
            }
        }
    }
    assert_none(broken, "commands that do not exist");
}
