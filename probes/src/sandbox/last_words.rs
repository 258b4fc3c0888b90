//! The last that a run's process says, in whatever way it ends.

use super::Limits;
use super::black_box::BlackBox;
use super::process::exit_now;
use super::wire::{Ran, Report};
use std::fs::File;
use std::io::Write as _;
use std::sync::Mutex;

pub(super) const EXIT_PANIC: i32 = 71;

/// The pipe to the zygote. Whoever reports first takes it.
static OUTPUT: Mutex<Option<File>> = Mutex::new(None);

pub(super) fn hand_over(report: &[u8]) {
    let output = OUTPUT.try_lock().ok().and_then(|mut output| output.take());
    if let Some(mut output) = output {
        // The zygote is gone when this fails, and this process dies with it.
        let _ = output.write_all(report);
    }
}

/// A panic inside an operation would be swallowed by the event loop, and the run would hang until its time is up.
pub(super) fn take_output(output: File, black_box: BlackBox) {
    if let Ok(mut slot) = OUTPUT.lock() {
        *slot = Some(output);
    }
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or("a panic without a message");
        let place = panic.location().map(|place| {
            // The path is that of the machine that built the engine; its last two names say enough.
            let start = place.file().rmatch_indices('/').nth(1).map_or(0, |(slash, _)| slash + 1);
            format!(" ({}:{})", &place.file()[start..], place.line())
        });
        black_box.last_words(&format!("{message}{}", place.unwrap_or_default()));
        exit_now(EXIT_PANIC);
    }));
}

/// The report on the wire, without its bulk where it is too long.
pub(super) fn report_json(report: &Report, limits: &Limits) -> Vec<u8> {
    let json = serde_json::to_vec(report).unwrap_or_default();
    let Report::Ran(ran) = report else { return json };
    if json.len() <= limits.result_bytes_max {
        return json;
    }
    let mut dropped = ran.dropped;
    dropped.console_lines += ran.console.len() as u64;
    dropped.requests += ran.requests.len() as u64;
    let slim = Ran {
        started_at: ran.started_at,
        duration_us: ran.duration_us,
        outcome: ran.outcome.clone(),
        steps: ran.steps.clone(),
        requests: Vec::new(),
        console: Vec::new(),
        metrics: ran.metrics.clone(),
        dropped,
        recorded: None,
        served: ran.served.clone(),
    };
    serde_json::to_vec(&Report::Ran(slim)).unwrap_or_default()
}
