//! Exceptions from the lints say why, and `unsafe` says why it is sound.

use crate::repository::{assert_none, rust_files};

/// Whole, they would be found in this file.
const EXCEPTIONS: [&str; 4] =
    [concat!("#[", "allow("), concat!("#![", "allow("), concat!("#[", "expect("), concat!("#![", "expect(")];

/// How far above an `unsafe` its reason may begin.
const SAFETY_LINES_MAX: usize = 12;

#[test]
fn exceptions_have_reasons() {
    let mut broken = Vec::new();
    for file in rust_files() {
        for exception in EXCEPTIONS {
            for (at, _) in file.text.match_indices(exception) {
                let line_start = file.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
                if file.text[line_start..at].contains("//") {
                    continue;
                }
                let attribute = file.text[at..].split(")]").next().unwrap_or_default();
                if !attribute.contains("reason") {
                    let line = file.text[..at].matches('\n').count() + 1;
                    broken.push(format!("{}:{line}: {attribute}, reason = \"why\")]", file.path));
                }
            }
        }
    }
    assert_none(broken, "exceptions from lints without a reason");
}

#[test]
fn unsafe_says_why_it_is_sound() {
    let mut broken = Vec::new();
    for file in rust_files() {
        let lines: Vec<_> = file.text.lines().collect();
        for (number, line) in file.code_lines() {
            let opens = ["unsafe {", "unsafe impl "].iter().any(|opening| {
                line.find(opening).is_some_and(|at| !line[..at].contains('"') && !line[..at].contains("//"))
            });
            let above = &lines[number.saturating_sub(SAFETY_LINES_MAX + 1)..number];
            if opens && !above.iter().any(|line| line.contains("SAFETY")) {
                broken.push(format!("{}:{number}: no `// SAFETY:` above", file.path));
            }
        }
    }
    assert_none(broken, "unsafe without its reason");
}
