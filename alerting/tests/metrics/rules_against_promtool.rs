//! Rule files and their unit tests, next to promtool: what promtool passes must pass here, and what it fails must fail.
//!
//! Debian's promtool is of Prometheus 2.42, whose ranges are closed on the left: the rules use ranges such as `[299s]`,
//! on whose edge no sample lies.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::program;
use alerting::rules::unit_test::{UnitTestReport, run};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics/rules")
}

fn ours(path: &Path) -> UnitTestReport {
    let text = std::fs::read_to_string(path).expect("the test file");
    let read = |name: &str| std::fs::read_to_string(folder().join(name)).map_err(|error| error.to_string());
    run(&path.display().to_string(), &text, &read).expect("a valid test file")
}

#[test]
fn what_promtool_passes_passes() {
    let report = ours(&folder().join("logins.test.yml"));
    assert_eq!(report.failures, [], "{report:#?}");
    assert!(report.expectations > 10);
    let Some(promtool) = program("promtool") else { return };
    let theirs = Command::new(promtool)
        .args(["test", "rules", "logins.test.yml"])
        .current_dir(folder())
        .output()
        .expect("promtool");
    assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stderr));
}

/// Each change breaks some expectations; both tools must say so, the same number of times.
#[test]
fn what_promtool_fails_fails() {
    let Some(promtool) = program("promtool") else { return };
    let text = std::fs::read_to_string(folder().join("logins.test.yml")).expect("the test file");
    let changes = [
        ("eval_time: 17m", "eval_time: 27m"),
        ("eval_time: 16m", "eval_time: 40m"),
        ("eval_time: 3m", "eval_time: 0m"),
        ("eval_time: 12m", "eval_time: 30m"),
        ("severity: p1, region", "severity: p3, region"),
        ("ratio: 50%", "ratio: 51%"),
        ("value: 609", "value: 610"),
        ("value: 1069.5", "value: 1071"),
        ("'1 1 0 0 0 0 0 1x5'", "'0x9'"),
        ("0x3 stale", "0x3 0"),
        ("    interval: 1m", "    interval: 2m"),
        ("evaluation_interval: 1m", "evaluation_interval: 30s"),
        ("evaluation_interval: 1m", "evaluation_interval: 3m"),
        ("0+30x20 600+3x40", "0+30x60"),
    ];
    let target = tempfile::tempdir().expect("a temporary folder");
    std::fs::copy(folder().join("logins.rules.yml"), target.path().join("logins.rules.yml")).expect("copied");
    for (index, (from, to)) in changes.into_iter().enumerate() {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from:?} is not in the file");
        let name = format!("changed-{index}.test.yml");
        std::fs::write(target.path().join(&name), &changed).expect("written");
        let theirs = Command::new(&promtool)
            .args(["test", "rules", &name])
            .current_dir(target.path())
            .output()
            .expect("promtool");
        let said = String::from_utf8_lossy(&theirs.stderr).into_owned() + &String::from_utf8_lossy(&theirs.stdout);
        let their_failures = said.matches("alertname: ").count() + said.matches("expr: ").count();
        let report = ours(&target.path().join(&name));
        assert_eq!(
            report.failures.len(),
            their_failures,
            "{from:?} to {to:?}\nours {:#?}\ntheirs {said}",
            report.failures
        );
        assert_eq!(report.failures.is_empty(), theirs.status.success(), "{from:?} to {to:?}");
    }
}
