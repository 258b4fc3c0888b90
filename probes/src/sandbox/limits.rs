use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What one run may use. Past a bound of its output a run goes on, and the result counts what was dropped; past a
/// bound of memory or time it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// What the script's own values may take.
    pub heap_bytes_max: usize,
    /// What the process may map, over what it has when it is forked: buffers, stacks of threads, allocator slack.
    pub address_space_bytes_max: u64,
    pub open_files_max: u64,
    pub console_lines_max: usize,
    pub console_line_bytes_max: usize,
    pub steps_max: usize,
    pub soft_failures_max: usize,
    pub requests_max: usize,
    /// Connections that a run may make, of any kind; past it they are refused.
    pub connections_max: usize,
    /// Calls of `metric` that are kept.
    pub metrics_max: usize,
    /// The longest message, step name or URL in a result.
    pub text_bytes_max: usize,
    pub stack_bytes_max: usize,
    pub result_bytes_max: usize,
    /// How long after its time a run is killed that does not stop by itself.
    pub kill_grace_ms: u64,
    /// What evaluating a script and reading its definition may take.
    pub describe_timeout_ms: u64,
    /// Runs that wait for one in flight to end; past it a run fails at once.
    pub queue_depth_max: usize,
}

impl Limits {
    /// How long after its start a run is killed.
    pub(super) fn kill_after(&self, timeout_ms: u64) -> Duration {
        Duration::from_millis(timeout_ms.saturating_add(self.kill_grace_ms))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heap_bytes_max: 64 << 20,
            address_space_bytes_max: 256 << 20,
            open_files_max: 128,
            console_lines_max: 200,
            console_line_bytes_max: 4096,
            steps_max: 500,
            soft_failures_max: 50,
            requests_max: 200,
            connections_max: 256,
            metrics_max: 100,
            text_bytes_max: 4096,
            stack_bytes_max: 16 << 10,
            result_bytes_max: 2 << 20,
            kill_grace_ms: 1_000,
            describe_timeout_ms: 5_000,
            queue_depth_max: 10_000,
        }
    }
}
