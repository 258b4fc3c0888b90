//! The processes below another one, as Linux shows them under `/proc`.

use super::SOON;
use nix::unistd::Pid;
use std::time::{Duration, Instant};

const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Every process below `ancestor`, itself left out.
pub fn descendants(ancestor: Pid) -> Vec<Pid> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("Linux has /proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // A process may end between the listing and this look.
        let Some(parent) = std::fs::read_to_string(entry.path().join("stat")).ok().as_deref().and_then(parent_of)
        else {
            continue;
        };
        parents.push((Pid::from_raw(pid), Pid::from_raw(parent)));
    }
    let mut found = vec![ancestor];
    let mut next = 0;
    while next < found.len() {
        let above = found[next];
        found.extend(parents.iter().filter(|(_, parent)| *parent == above).map(|(pid, _)| *pid));
        next += 1;
    }
    found.remove(0);
    found
}

/// How many descriptors a process has open; 0 where it has ended.
pub fn open_files(process: Pid) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count)
}

/// The fourth field of `/proc/PID/stat`; the second, the name, is in parentheses and may hold anything.
fn parent_of(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Waits until none of `processes` is there any more.
///
/// # Panics
/// After [`SOON`], with those that are left.
pub async fn all_gone(processes: &[Pid]) {
    let started = Instant::now();
    loop {
        let left: Vec<_> = processes.iter().filter(|pid| is_running(**pid)).collect();
        if left.is_empty() {
            return;
        }
        assert!(started.elapsed() < SOON, "still running after {SOON:?}: {left:?}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// A zombie has ended; whoever inherited it has not looked yet.
fn is_running(pid: Pid) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    stat.rsplit_once(')').is_some_and(|(_, rest)| !matches!(rest.split_whitespace().next(), None | Some("Z" | "X")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_read_past_any_name() {
        assert_eq!(parent_of("12 (a) b) c (d) S 7 12 12 0"), Some(7));
        assert_eq!(parent_of("12 (sh) S"), None);
        assert!(is_running(Pid::this()));
        assert!(descendants(Pid::this()).iter().all(|pid| *pid != Pid::this()));
    }
}
