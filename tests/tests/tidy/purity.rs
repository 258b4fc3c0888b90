//! Deciding is pure: values in, values out, time passed in.

use crate::repository::{Source, assert_none, rust_files};

/// Files and folders that decide.
const DECIDES: &[&str] = &[
    "checks/src/",
    "probes/src/schedule/",
    "alerting/src/incident/",
    "alerting/src/policy/",
    "alerting/src/outbox/plan",
    "alerting/src/outbox/fold",
    "alerting/src/decider/no_data",
    "alerting/src/decider/waiting",
    "alerting/src/silence.rs",
    "alerting/src/signal.rs",
    "alerting/src/inbound/",
    "runner/src/up/attribution/verdict.rs",
];

/// What a decision must not reach for.
const EFFECTS: &[&str] = &[
    "tokio",
    "async fn",
    "SystemTime",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "UnixMs::now",
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "rusqlite",
    "reqwest",
    "hyper",
    "rand::",
    "tracing::",
];

/// The one place where the vocabulary's clock is read, for the shells.
const CLOCK: (&str, &str) = ("checks/src/time.rs", "Self(Utc::now().timestamp_millis())");

/// Senders that never push back have no bound.
const UNBOUNDED: &[&str] = &["unbounded_channel", "mpsc::unbounded", "std::sync::mpsc::channel(", "mpsc::channel()"];

const SHIPPED: &[&str] = &["checks/src/", "probes/src/", "alerting/src/", "dashboards/src/", "runner/src/"];

/// Lines up to the file's tests, which may do as they please; none of a file that is tests alone.
fn deciding_lines(file: &Source) -> impl Iterator<Item = (usize, &str)> {
    let is_tests = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    let tests_at = file.text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(usize::MAX);
    file.code_lines().filter(move |(number, _)| !is_tests && *number <= tests_at)
}

#[test]
fn what_decides_has_no_effects() {
    let mut broken = Vec::new();
    for part in DECIDES {
        let files: Vec<_> = rust_files().filter(|file| file.path.starts_with(part)).collect();
        if files.is_empty() {
            broken.push(format!("{part}: nothing is there any more; correct the list of what decides"));
        }
        for file in files {
            for (number, line) in deciding_lines(file) {
                if (file.path.as_str(), line.trim()) == CLOCK {
                    continue;
                }
                for effect in EFFECTS.iter().filter(|effect| line.contains(**effect)) {
                    broken.push(format!("{}:{number}: `{effect}` in what decides; pass it in", file.path));
                }
            }
        }
    }
    assert_none(broken, "decisions with effects");
}

#[test]
fn every_queue_has_a_bound() {
    let mut broken = Vec::new();
    for file in rust_files().filter(|file| SHIPPED.iter().any(|shipped| file.path.starts_with(shipped))) {
        for (number, line) in deciding_lines(file) {
            for call in UNBOUNDED.iter().filter(|call| line.contains(**call)) {
                broken.push(format!(
                    "{}:{number}: `{call}` has no bound; give the queue one, and count what it drops",
                    file.path
                ));
            }
        }
    }
    assert_none(broken, "queues without a bound");
}
