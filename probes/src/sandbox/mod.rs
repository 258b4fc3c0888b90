//! Runs scripts, each in a process of its own.
//!
//! The daemon has no JavaScript. It keeps K *zygotes*: processes with one warm engine and one thread, each of which
//! forks once for every run. Nothing of a run outlives its process: no state, no leak, no engine that a script has
//! broken. The way of a run:
//!
//! `Sandbox::run -> queue (bounded, fair) -> a zygote's pipe -> fork -> script -> report -> zygote -> daemon`
//!
//! What the sandbox guarantees:
//! - `run` always returns a result, and its class says whose fault a failure is. A script that loops, eats memory,
//!   floods its console or kills its process fails alone, as `script`; a zygote that dies, a queue that is full or a
//!   process that cannot be made is `prober`: nothing was learnt about the target.
//! - A run ends: by itself; by the event loop when its time is up; by an alarm when it does not wait for anything; by
//!   its zygote's SIGKILL after `kill_grace_ms`; by the daemon, which gives up on a zygote that does not answer.
//! - Secrets go to a run's process through the pipe, never as arguments or environment, and are taken out of every
//!   text that comes back.

mod child;
mod containment;
mod describe;
mod limits;
mod link;
mod memory;
mod pages;
mod pool;
mod process;
mod rehearsal;
mod spawn;
mod transcript;
mod verdict;
mod wire;
mod zygote;

pub use containment::{Containment, Protection};
pub use limits::Limits;
pub(crate) use process::GATE_FD;
pub use zygote::zygote_main;

use crate::broker::Ticket;
use crate::script::{ScriptBundle, ScriptError};
use crate::transport::{Dialer, NetworkSettings};
use checks::{CheckDefinition, Dropped, Failure, FailureClass, Outcome, Prober, Reach, RunKey, RunResult, UnixMs};
use link::Answer;
use pool::{NoAnswer, Pool};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use wire::{Order, ProcessEnd, Ran, Report, Task};

#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// The program that calls [`zygote_main`], with the arguments that make it do so.
    pub zygote_program: PathBuf,
    pub zygote_args: Vec<String>,
    /// One or two for each processor.
    pub zygotes: usize,
    pub runs_in_flight_max: usize,
    pub limits: Limits,
}

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("cannot start {program}")]
    Spawn {
        program: String,
        #[source]
        source: std::io::Error,
    },
    #[error("a zygote ({program}) ended before it was ready")]
    EndedEarly { program: String },
    #[error("a zygote is not ready after {seconds} s")]
    NotReady { seconds: u64 },
    #[error("a zygote gave up: {reason}")]
    Unfit { reason: String },
    #[error("{setting} is 0; write at least 1")]
    Zero { setting: &'static str },
}

/// One run to make.
#[derive(Debug, Clone)]
pub struct RunOrder {
    pub key: RunKey,
    pub bundle: Arc<ScriptBundle>,
    pub timeout_ms: u64,
    pub vars: BTreeMap<String, String>,
    /// Those that the check declares, and no others.
    pub secrets: BTreeMap<String, String>,
    /// Where the script may connect to, and its secrets may go.
    pub reach: Reach,
    pub network: Arc<NetworkSettings>,
}

pub struct Sandbox {
    pool: Pool,
    limits: Limits,
}

impl Sandbox {
    /// Starts the zygotes, and returns when all are ready to fork.
    pub async fn start(settings: SandboxSettings) -> Result<Self, SandboxError> {
        let limits = settings.limits;
        Ok(Self { pool: Pool::start(settings).await?, limits })
    }

    /// Evaluates the script in a run's process, and reads and validates what its default export declares.
    pub async fn describe(&self, bundle: &Arc<ScriptBundle>) -> Result<CheckDefinition, ScriptError> {
        let order = Order {
            task: Task::Describe,
            ticket: Ticket::default(),
            secret_hosts: BTreeMap::new(),
            timeout_ms: self.limits.describe_timeout_ms,
        };
        let refuse = |message: String| Err(ScriptError::new(&bundle.path, message));
        match self.pool.run(order, bundle, &Arc::default()).await {
            Ok(Answer { end: ProcessEnd::Reported, report }) => match serde_json::from_slice(&report) {
                Ok(Report::Described(json)) => describe::definition(bundle, &json),
                Ok(Report::NotDescribed(outcome)) => Err(describe::refused(bundle, outcome)),
                Ok(Report::Panicked(message)) => refuse(engine_broken(&message)),
                Ok(Report::Unfit(reason)) => refuse(reason),
                Ok(Report::Ran(_)) => refuse("the sandbox answered another question".to_owned()),
                Err(error) => refuse(format!("the sandbox answered malformed: {error}")),
            },
            Ok(Answer { end, .. }) => {
                refuse(process_failure(&end, self.limits.describe_timeout_ms, &self.limits).message)
            }
            Err(no_answer) => refuse(no_answer.to_string()),
        }
    }

    /// Makes one run. Never an `Err`: what goes wrong is a result with a class.
    pub async fn run(&self, order: RunOrder) -> RunResult {
        let RunOrder { key, bundle, timeout_ms, vars, secrets, reach, network } = order;
        let asked_at = UnixMs::now();
        let Reach { hosts, secrets: secret_hosts } = reach;
        let dialer = Dialer::direct(Arc::clone(&network), hosts);
        let admitted = self.pool.broker().admit(dialer, self.limits.connections_max);
        let ticket = admitted.ticket().clone();
        let wire_order =
            Order { task: Task::Run { key: key.clone(), vars, secrets }, ticket, secret_hosts, timeout_ms };
        let answer = self.pool.run(wire_order, &bundle, &network).await;
        drop(admitted);
        let ran = match answer {
            Ok(Answer { end: ProcessEnd::Reported, report }) => match serde_json::from_slice(&report) {
                Ok(Report::Ran(ran)) => ran,
                Ok(Report::Panicked(message)) => {
                    failed(asked_at, failure(FailureClass::Script, engine_broken(&message)))
                }
                Ok(Report::Unfit(reason)) => failed(asked_at, failure(FailureClass::Prober, reason)),
                Ok(_) => {
                    failed(asked_at, failure(FailureClass::Prober, "the sandbox answered another question".to_owned()))
                }
                Err(error) => {
                    let message = format!("the run's process answered malformed: {error}");
                    failed(asked_at, failure(FailureClass::Script, message))
                }
            },
            Ok(Answer { end, .. }) => failed(asked_at, process_failure(&end, timeout_ms, &self.limits)),
            Err(no_answer) => failed(asked_at, failure(FailureClass::Prober, no_answer.to_string())),
        };
        RunResult {
            key,
            started_at: ran.started_at,
            duration_us: ran.duration_us,
            outcome: ran.outcome,
            steps: ran.steps,
            requests: ran.requests,
            console: ran.console,
            metrics: ran.metrics,
            dropped: ran.dropped,
            script_hash: bundle.hash.clone(),
            prober: Prober { version: env!("CARGO_PKG_VERSION").to_owned() },
        }
    }

    /// Lets no further run start, and ends the zygotes; runs in flight end as `prober` results. Wait for the runs
    /// first where they matter.
    pub async fn shutdown(&self) {
        self.pool.shutdown().await;
    }

    /// Which of the kernel's protections hold the runs.
    pub fn containment(&self) -> &Containment {
        self.pool.containment()
    }

    /// Process numbers of the zygotes that are ready, for diagnostics.
    pub fn zygotes(&self) -> Vec<u32> {
        self.pool.zygotes()
    }

    /// Process numbers of the runs in flight, with their keys' text, for diagnostics.
    pub fn runs_in_flight(&self) -> Vec<i32> {
        self.pool.runs_in_flight()
    }
}

fn engine_broken(message: &str) -> String {
    format!("the script broke the engine that ran it: {message}")
}

fn failure(class: FailureClass, message: String) -> Failure {
    Failure { class, message, step: None, location: None, stack: String::new(), soft: Vec::new() }
}

fn failed(started_at: UnixMs, failure: Failure) -> Ran {
    Ran {
        started_at,
        duration_us: UnixMs::now().since_ms(started_at).saturating_mul(1000),
        outcome: Outcome::Failed(failure),
        steps: Vec::new(),
        requests: Vec::new(),
        console: Vec::new(),
        metrics: Vec::new(),
        dropped: Dropped::default(),
    }
}

/// What a process that ended without a report says by how it ended.
fn process_failure(end: &ProcessEnd, timeout_ms: u64, limits: &Limits) -> Failure {
    let seconds = timeout_ms as f64 / 1000.0;
    let memory_mib = limits.address_space_bytes_max >> 20;
    match end {
        ProcessEnd::Reported => failure(FailureClass::Prober, "the run's process reported nothing".to_owned()),
        ProcessEnd::Overdue => failure(
            FailureClass::Script,
            format!("did not stop when its {seconds} s were over, and was killed {} ms later", limits.kill_grace_ms),
        ),
        ProcessEnd::Signal(signal @ (libc::SIGKILL | libc::SIGTERM | libc::SIGINT | libc::SIGHUP)) => failure(
            FailureClass::Prober,
            format!(
                "the run's process was killed from outside ({}): by hand, or by the kernel for want of memory",
                signal_name(*signal)
            ),
        ),
        ProcessEnd::Signal(libc::SIGSYS) => failure(
            FailureClass::Script,
            "the script's process made a system call that no run makes, and the kernel killed it (SIGSYS): its engine \
             was broken into, or has a fault"
                .to_owned(),
        ),
        ProcessEnd::Signal(signal) => failure(
            FailureClass::Script,
            format!(
                "the script crashed its process ({}), which most often means that it needed more than {memory_mib} MiB of memory",
                signal_name(*signal)
            ),
        ),
        ProcessEnd::Exit(code) => {
            failure(FailureClass::Prober, format!("the run's process ended with code {code} before it reported"))
        }
        ProcessEnd::TooLarge => failure(
            FailureClass::Script,
            format!("its result is larger than {} bytes, and its process was killed", limits.result_bytes_max),
        ),
        ProcessEnd::NotForked { reason } => {
            failure(FailureClass::Prober, format!("no process could be made for the run: {reason}"))
        }
    }
}

fn signal_name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| format!("signal {signal}"), |signal| signal.as_str().to_owned())
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::QueueFull { depth_max } => {
                write!(
                    f,
                    "{depth_max} runs wait already for one in flight to end: allow more in flight, or schedule fewer"
                )
            }
            Self::ZygoteDied => f.write_str("the zygote that forked the run died, and the run with it"),
            Self::ZygoteSilent => f.write_str("the zygote did not answer in time, and was replaced"),
            Self::NoZygote => f.write_str("no zygote was ready in time to fork the run"),
            Self::ShutDown => f.write_str("the sandbox is shut down"),
        }
    }
}
