//! What the library and the host script call. Every operation is synchronous, takes strings and numbers, and stays
//! within the record's bounds.
#![allow(unsafe_code, reason = "the op2 macro writes the engine's calling convention out in full")]

use super::record::{Ending, Record, Thrown, ThrownKind};
use checks::ConsoleLevel;
use deno_core::{OpState, op2};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;
use tokio::sync::Notify;

/// In the op state of a run.
pub(crate) struct RunState {
    pub record: Rc<RefCell<Record>>,
    /// Woken when the script has ended by itself.
    pub ended: Rc<Notify>,
}

fn with_record<T>(state: &mut OpState, default: T, act: impl FnOnce(&mut Record) -> T) -> T {
    // Absent while the process that forks makes itself ready: nothing is recorded then.
    match state.try_borrow::<RunState>() {
        Some(run) => act(&mut run.record.borrow_mut()),
        None => default,
    }
}

const NO_STEP: i32 = -1;

#[op2(fast)]
pub(super) fn op_step_begin(state: &mut OpState, #[string] name: &str, #[smi] parent: i32) -> i32 {
    let begun = with_record(state, None, |record| record.begin_step(name, u32::try_from(parent).ok()));
    begun.and_then(|index| i32::try_from(index).ok()).unwrap_or(NO_STEP)
}

#[op2]
pub(super) fn op_step_end(state: &mut OpState, #[smi] index: i32, #[string] error: Option<String>) {
    let Ok(index) = u32::try_from(index) else { return };
    with_record(state, (), |record| record.end_step(index, error.as_deref()));
}

#[op2(fast)]
pub(super) fn op_step_current(state: &mut OpState, #[smi] index: i32) {
    with_record(state, (), |record| record.current_step.set(u32::try_from(index).ok()));
}

#[op2]
pub(super) fn op_soft_failure(
    state: &mut OpState,
    #[string] message: String,
    #[string] stack: String,
    #[string] class: Option<String>,
) {
    with_record(state, (), |record| record.soft_failure(message, stack, class.unwrap_or_default()));
}

/// `tags` is a JSON object of texts. What the library lets through is well-formed; nothing else is kept.
#[op2]
pub(super) fn op_metric(
    state: &mut OpState,
    #[string] name: &str,
    value: f64,
    #[string] unit: Option<String>,
    #[string] tags: &str,
) {
    let Ok(tags) = serde_json::from_str(tags) else { return };
    if value.is_finite() {
        with_record(state, (), |record| record.metric(name, value, unit.as_deref(), tags));
    }
}

/// The script called `skip`; the first reason counts. The run goes on until what `skip` throws has ended it.
#[op2(fast)]
pub(super) fn op_run_skip(state: &mut OpState, #[string] reason: &str) {
    with_record(state, (), |record| {
        record.skipped.get_or_insert_with(|| reason.to_owned());
    });
}

#[op2(fast)]
pub(super) fn op_run_skipped(state: &mut OpState) {
    end(state, Ending::Skipped);
}

/// Milliseconds that are left of the run's time, for a script that would wait; infinite where no run is on.
#[op2(fast)]
pub(super) fn op_run_left_ms(state: &mut OpState) -> f64 {
    with_record(state, f64::INFINITY, |record| {
        record.deadline.saturating_duration_since(Instant::now()).as_micros() as f64 / 1000.0
    })
}

#[op2(fast)]
pub(super) fn op_log(state: &mut OpState, #[string] text: &str, #[smi] level: i32) {
    let level = match level {
        0 => ConsoleLevel::Debug,
        1 => ConsoleLevel::Info,
        2 => ConsoleLevel::Warn,
        _ => ConsoleLevel::Error,
    };
    with_record(state, (), |record| record.log(text, level));
}

/// The newest completed request whose URL is `url`, as [`checks::Request`] in JSON.
#[op2]
#[string]
pub(super) fn op_connection_info(state: &mut OpState, #[string] url: &str) -> Option<String> {
    let request = crate::fetch::newest_request(state, url)?;
    serde_json::to_string(&request).ok()
}

#[op2(fast)]
pub(super) fn op_run_passed(state: &mut OpState) {
    end(state, Ending::Passed);
}

#[op2(fast)]
pub(super) fn op_run_failed(
    state: &mut OpState,
    #[string] kind: &str,
    #[string] name: &str,
    #[string] message: &str,
    #[string] stack: &str,
    #[string] class: &str,
) {
    let kind = match kind {
        "unhandled" => ThrownKind::Unhandled,
        "no-check" => ThrownKind::NoCheck,
        "returned" => ThrownKind::Returned,
        _ => ThrownKind::Thrown,
    };
    let [name, message, stack, class] = [name, message, stack, class].map(str::to_owned);
    end(state, Ending::Failed(Thrown { kind, name, message, stack, class }));
}

#[op2(fast)]
pub(super) fn op_described(state: &mut OpState, #[string] json: &str) {
    with_record(state, (), |record| {
        // A script whose evaluation failed has exported nothing, whatever its namespace looks like.
        if record.ending.is_none() {
            record.described = Some(json.to_owned());
        }
    });
    end(state, Ending::Passed);
}

fn end(state: &mut OpState, ending: Ending) {
    if let Some(run) = state.try_borrow::<RunState>() {
        run.record.borrow_mut().end(ending);
        run.ended.notify_one();
    }
}
