//! From how a script stopped to what its result says: pure, but for what it is given.

use super::starvation::explains_a_time_out;
use super::{Limits, credentials};
use crate::engine::{Ending, Record, Soft, Thrown, ThrownKind, authors_frames, clip, first_location};
use crate::script::Module;
use checks::{Failure, FailureClass, Outcome, Request, RequestFailure, SoftFailure};
use deno_core::error::{CoreError, CoreErrorKind};
use std::time::Duration;

/// Why a run's process stopped working on the script.
pub(super) enum Stop {
    /// The script ended by itself; the record says how.
    Ended,
    /// Loading or evaluating it failed, or it waits for what never comes.
    Error(CoreError),
    TimeUp,
    HeapExhausted,
    /// The process could not do its part.
    Unfit(String),
}

pub(super) struct Stopped {
    pub stop: Stop,
    /// The newest step that was open then.
    pub open_step: Option<u32>,
    /// The request that the run waited for then.
    pub waiting_for: Option<String>,
    /// How long the process wanted a processor until then and had none.
    pub starved: Duration,
}

pub(super) struct Facts<'a> {
    pub stopped: &'a Stopped,
    pub timeout: Duration,
    pub ran: Duration,
    pub modules: &'a [Module],
    pub limits: &'a Limits,
}

/// Whether the run has failed, without the words for it.
pub(super) fn has_failed(record: &Record, stopped: &Stopped) -> bool {
    let ended_well = matches!(record.ending, Some(Ending::Passed | Ending::Skipped)) && record.soft.is_empty();
    !(matches!(stopped.stop, Stop::Ended) && ended_well)
}

pub(super) fn outcome(record: &Record, facts: &Facts<'_>) -> Outcome {
    let failure = match &facts.stopped.stop {
        Stop::Ended => match &record.ending {
            Some(Ending::Passed | Ending::Skipped) if !record.soft.is_empty() => soft_only(record, facts),
            // A script that swallows what `skip` throws has still said that there is nothing to learn: a pass would
            // end an incident.
            Some(Ending::Passed | Ending::Skipped) => match &record.skipped {
                Some(reason) => {
                    let reason = clip(&record.redactor.redact(reason), facts.limits.text_bytes_max);
                    return Outcome::Skipped { reason };
                }
                None => return Outcome::Passed,
            },
            Some(Ending::Failed(thrown)) => thrown_failure(thrown, record, facts),
            None => waits_for_ever(record, facts),
        },
        Stop::Error(error) => match error.as_kind() {
            CoreErrorKind::Js(error) => {
                let thrown = Thrown {
                    name: error.name.clone().unwrap_or_default(),
                    message: error.message.clone().unwrap_or_else(|| error.exception_message.clone()),
                    stack: js_stack(error),
                    ..Thrown::default()
                };
                thrown_failure(&thrown, record, facts)
            }
            CoreErrorKind::PendingPromiseResolution => waits_for_ever(record, facts),
            _ => plain(FailureClass::Script, error.to_string()),
        },
        Stop::TimeUp => time_up(record, facts),
        Stop::HeapExhausted => {
            let mut failure = plain(
                FailureClass::Script,
                format!("used more than {} MiB of memory", facts.limits.heap_bytes_max >> 20),
            );
            failure.step = open_step(record, facts);
            failure
        }
        Stop::Unfit(reason) => plain(FailureClass::Prober, reason.clone()),
    };
    Outcome::Failed(finish(of_the_prober(failure, facts), record, facts))
}

/// A run that was kept from working for most of its time has not waited for the target. That explains what a clock has
/// decided, and nothing else: the runner says why, where it looks at its own stalls.
fn of_the_prober(failure: Failure, facts: &Facts<'_>) -> Failure {
    let starved = facts.stopped.starved;
    if failure.class != FailureClass::NetworkTimeout || !explains_a_time_out(starved, facts.ran) {
        return failure;
    }
    let (starved_ms, ran_ms) = (starved.as_millis(), facts.ran.as_millis());
    let message = format!(
        "the run was given no processor for {starved_ms} ms of its {ran_ms} ms: there is too much else on this machine; the run said ({}): {}",
        failure.class, failure.message
    );
    Failure { class: FailureClass::Prober, message, ..failure }
}

fn plain(class: FailureClass, message: String) -> Failure {
    Failure { class, message, step: None, location: None, stack: String::new(), soft: Vec::new() }
}

fn open_step(record: &Record, facts: &Facts<'_>) -> Option<String> {
    record.step_path(facts.stopped.open_step?)
}

fn waits_for_ever(record: &Record, facts: &Facts<'_>) -> Failure {
    let message = "waits for a promise that nothing will ever settle: nothing is left that could run";
    let mut failure = plain(FailureClass::Script, message.to_owned());
    failure.step = open_step(record, facts);
    failure
}

fn time_up(record: &Record, facts: &Facts<'_>) -> Failure {
    let seconds = seconds(facts.timeout);
    let (class, message) = match &facts.stopped.waiting_for {
        Some(request) => (FailureClass::NetworkTimeout, format!("no answer within {seconds}: {request}")),
        None => (FailureClass::Script, format!("ran for {seconds} without waiting for the network")),
    };
    let mut failure = plain(class, message);
    failure.step = open_step(record, facts);
    failure
}

/// `10 s`, `1.5 s`.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_millis() as f64 / 1000.0)
}

fn thrown_failure(thrown: &Thrown, record: &Record, facts: &Facts<'_>) -> Failure {
    let class = FailureClass::ALL.into_iter().find(|class| class.as_str() == thrown.class);
    let message = match thrown.kind {
        ThrownKind::NoCheck => format!(
            "the default export is no check ({}): write `export default defineCheck({{ schedule: \"every 30s\", async run() {{}} }})`",
            thrown.message
        ),
        ThrownKind::Returned => format!(
            "run() returned a value that cannot be serialised ({}): return nothing, or plain data",
            thrown.message
        ),
        // The class says what kind of error it is; only a script's own is told apart by its name.
        _ if class.is_some() || thrown.name.is_empty() || thrown.name == "Error" => thrown.message.clone(),
        _ if thrown.message.is_empty() => thrown.name.clone(),
        _ => format!("{}: {}", thrown.name, thrown.message),
    };
    let message = match thrown.kind {
        ThrownKind::Unhandled => format!("{message} (a promise failed that nobody awaits)"),
        _ if message.is_empty() => "threw an error without a message".to_owned(),
        _ => message,
    };
    Failure {
        class: class.unwrap_or(FailureClass::Script),
        message,
        step: record.step_that_failed(thrown).and_then(|step| record.step_path(step)),
        location: first_location(&thrown.stack, facts.modules),
        stack: authors_frames(&thrown.stack, facts.modules),
        soft: Vec::new(),
    }
}

/// Nothing was thrown, and something did not hold.
fn soft_only(record: &Record, facts: &Facts<'_>) -> Failure {
    let soft = soft_failures(record, facts);
    let first = &soft[0];
    let message = match soft.len() {
        1 => first.message.clone(),
        count => {
            let count = count as u64 + record.dropped.soft_failures;
            format!("{count} checks did not hold; the first: {}", first.message)
        }
    };
    let class = FailureClass::ALL.into_iter().find(|class| class.as_str() == record.soft[0].class);
    Failure {
        class: class.unwrap_or(FailureClass::Assertion),
        message,
        step: first.step.clone(),
        location: first.location.clone(),
        stack: authors_frames(&record.soft[0].stack, facts.modules),
        soft: Vec::new(),
    }
}

fn soft_failures(record: &Record, facts: &Facts<'_>) -> Vec<SoftFailure> {
    let soft = |soft: &Soft| SoftFailure {
        message: clip(&record.redactor.redact(&soft.message), facts.limits.text_bytes_max),
        step: soft.step.and_then(|step| record.step_path(step)),
        location: first_location(&soft.stack, facts.modules),
    };
    record.soft.iter().map(soft).collect()
}

/// Redacts and cuts what a failure says, and adds what else did not hold.
fn finish(mut failure: Failure, record: &Record, facts: &Facts<'_>) -> Failure {
    let message = credentials::addresses(&record.redactor.redact(&failure.message));
    failure.message = clip(&message, facts.limits.text_bytes_max);
    failure.stack = clip(&record.redactor.redact(&failure.stack), facts.limits.stack_bytes_max);
    failure.soft = soft_failures(record, facts);
    failure
}

fn js_stack(error: &deno_core::error::JsError) -> String {
    if let Some(stack) = &error.stack
        && stack.lines().any(|line| line.trim_start().starts_with("at "))
    {
        return stack.clone();
    }
    // A syntax error has no stack; where it is, is in its frames.
    let mut stack = String::from("Error");
    for frame in &error.frames {
        if let (Some(file), Some(line), Some(column)) = (&frame.file_name, frame.line_number, frame.column_number) {
            stack.push_str(&format!("\n    at {file}:{line}:{column}"));
        }
    }
    stack
}

/// The requests as the result shows them: redacted, and those that were cut off say so.
/// `over` says of each whether it has come to its end.
pub(super) fn requests(mut requests: Vec<Request>, over: &[bool], record: &Record, facts: &Facts<'_>) -> Vec<Request> {
    for (request, is_over) in requests.iter_mut().zip(over) {
        record.redactor.redact_in_place(&mut request.method);
        request.url = clip(&credentials::url(&record.redactor.redact(&request.url)), facts.limits.text_bytes_max);
        request.method = clip(&request.method, 64);
        // What is no HTTP has no status; it is over as far as it got.
        let is_http = request.url.starts_with("http");
        if matches!(facts.stopped.stop, Stop::TimeUp) && request.failure.is_none() && is_http && !is_over {
            let message = match request.status {
                Some(_) => format!("the body was not complete within {}", seconds(facts.timeout)),
                None => format!("no answer within {}", seconds(facts.timeout)),
            };
            request.failure = Some(RequestFailure { class: FailureClass::NetworkTimeout, message });
        }
        if let Some(failure) = &mut request.failure {
            let message = credentials::addresses(&record.redactor.redact(&failure.message));
            failure.message = clip(&message, facts.limits.text_bytes_max);
        }
    }
    requests
}
