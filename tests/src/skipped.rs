//! Saying what a test could not look at on this machine, so that a green run is not taken for more than it is.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Mutex;

/// Prints `skipped: what`, once in a process.
pub fn say_skipped(what: &str) {
    static SAID: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let mut said = SAID.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if said.get_or_insert_default().insert(what.to_owned()) {
        // Not `eprintln!`, which the test harness captures where the test passes.
        let _ = writeln!(std::io::stderr(), "skipped: {what}");
    }
}
