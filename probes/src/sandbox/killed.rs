//! What is said of a run whose process ended without a report: how it ended, and what it had noted until then.

use super::Limits;
use super::black_box::Found;
use super::credentials;
use super::last_words::EXIT_PANIC;
use super::wire::{ProcessEnd, Ran};
use checks::{Failure, FailureClass, Outcome, Request, RequestFailure, UnixMs};

/// The run, from what its black box has of it.
pub(super) fn ran(started_at: UnixMs, end: &ProcessEnd, found: Found, timeout_ms: u64, limits: &Limits) -> Ran {
    let mut failure = process_failure(end, found.last_words.as_deref(), timeout_ms, limits);
    failure.step = found.open_step();
    if let Some(waiting_for) = &found.waiting_for {
        failure.message = format!("{}; until then {}", failure.message, credentials::addresses(waiting_for));
    }
    let mut requests = found.requests;
    requests.iter_mut().zip(found.over).for_each(|(request, is_over)| cut_off(request, is_over, failure.class));
    Ran {
        started_at,
        duration_us: UnixMs::now().since_ms(started_at).saturating_mul(1000),
        outcome: Outcome::Failed(failure),
        steps: found.steps,
        requests,
        console: found.console,
        metrics: Vec::new(),
        dropped: found.dropped,
        recorded: None,
        served: Vec::new(),
    }
}

/// An exchange that was not over when its run was.
fn cut_off(request: &mut Request, is_over: bool, class: FailureClass) {
    request.url = credentials::url(&request.url);
    if request.failure.is_none() && !is_over && request.url.starts_with("http") {
        let message = match request.status {
            Some(_) => "the body was not complete when the run was killed",
            None => "no answer until the run was killed",
        };
        request.failure = Some(RequestFailure { class, message: message.to_owned() });
    }
}

/// What a process that ended without a report says by how it ended.
pub(super) fn process_failure(end: &ProcessEnd, last_words: Option<&str>, timeout_ms: u64, limits: &Limits) -> Failure {
    let seconds = timeout_ms as f64 / 1000.0;
    let memory_mib = limits.address_space_bytes_max >> 20;
    let (class, message) = match end {
        ProcessEnd::Reported => (FailureClass::Prober, "the run's process reported nothing".to_owned()),
        ProcessEnd::Overdue => (
            FailureClass::Script,
            format!("did not stop when its {seconds} s were over, and was killed {} ms later", limits.kill_grace_ms),
        ),
        ProcessEnd::Signal(signal @ (libc::SIGKILL | libc::SIGTERM | libc::SIGINT | libc::SIGHUP)) => (
            FailureClass::Prober,
            format!(
                "the run's process was killed from outside ({}): by hand, or by the kernel for want of memory",
                signal_name(*signal)
            ),
        ),
        ProcessEnd::Signal(libc::SIGSYS) => (
            FailureClass::Script,
            "the script's process made a system call that no run makes, and the kernel killed it (SIGSYS): its engine \
             was broken into, or has a fault"
                .to_owned(),
        ),
        ProcessEnd::Signal(signal) => (
            FailureClass::Script,
            format!(
                "the script crashed its process ({}), which most often means that it needed more than {memory_mib} MiB of memory",
                signal_name(*signal)
            ),
        ),
        ProcessEnd::Exit(EXIT_PANIC) => {
            let message = last_words.unwrap_or("a panic without a message");
            (FailureClass::Script, format!("the script broke the engine that ran it: {message}"))
        }
        ProcessEnd::Exit(code) => {
            (FailureClass::Prober, format!("the run's process ended with code {code} before it reported"))
        }
        ProcessEnd::TooLarge => (
            FailureClass::Script,
            format!("its result is larger than {} bytes, and its process was killed", limits.result_bytes_max),
        ),
        ProcessEnd::NotForked { reason } => {
            (FailureClass::Prober, format!("no process could be made for the run: {reason}"))
        }
    };
    failure(class, message)
}

pub(super) fn failure(class: FailureClass, message: String) -> Failure {
    Failure { class, message, step: None, location: None, stack: String::new(), soft: Vec::new() }
}

fn signal_name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| format!("signal {signal}"), |signal| signal.as_str().to_owned())
}
