//! Memory and processor time of a tree of processes, from `/proc`.

use crate::harness::descendants;
use nix::unistd::{Pid, SysconfVar, sysconf};
use std::time::Duration;

/// In bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Pages that only this process has: what it costs.
    pub private: u64,
    /// Private pages, and its share of the shared ones: sums up over processes.
    pub proportional: u64,
    /// What `top` shows: shared pages are counted in every process.
    pub resident: u64,
}

impl std::ops::AddAssign for Memory {
    fn add_assign(&mut self, other: Self) {
        self.private += other.private;
        self.proportional += other.proportional;
        self.resident += other.resident;
    }
}

/// The memory of one process, or `None` where it has ended.
pub fn memory(pid: Pid) -> Option<Memory> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).map(|kib| kib << 10)
    };
    let private = field("Private_Clean:")? + field("Private_Dirty:")? + field("Private_Hugetlb:").unwrap_or(0);
    Some(Memory { private, proportional: field("Pss:")?, resident: field("Rss:")? })
}

/// Processor time that the process, all below it and all that they have waited for have used.
pub fn cpu_time(root: Pid) -> Duration {
    let ticks_per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u64::try_from(ticks).ok());
    let ticks: u64 = std::iter::once(root).chain(descendants(root)).filter_map(ticks).sum();
    Duration::from_secs_f64(ticks as f64 / ticks_per_second.unwrap_or(100) as f64)
}

/// `utime`, `stime`, `cutime` and `cstime`: fields 14 to 17 of `/proc/PID/stat`.
fn ticks(pid: Pid) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // The third field is the first one here.
    fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_has_memory_and_time() {
        let own = memory(Pid::this()).unwrap();
        assert!(own.private > 0 && own.proportional >= own.private && own.resident >= own.proportional, "{own:?}");
        assert!(ticks(Pid::this()).is_some());
    }
}
