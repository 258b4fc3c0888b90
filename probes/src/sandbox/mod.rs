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
//! - However it ends, what it had noted until then is in its result: its steps, its console, the request that was under
//!   way (see `black_box`).
//! - Secrets go to a run's process through the pipe, never as arguments or environment, and are taken out of every
//!   text that comes back.

mod black_box;
mod child;
mod containment;
mod credentials;
mod describe;
mod killed;
mod last_words;
mod layout;
mod limits;
mod link;
mod pool;
mod process;
mod spawn;
mod starvation;
mod transcript;
mod verdict;
mod wire;
mod zygote;

pub(crate) use black_box::BlackBox;
pub use containment::{Containment, Lacking, Protection, ProtectionName};
pub use limits::Limits;
pub(crate) use process::GATE_FD;
pub use starvation::explains_a_time_out;
pub use zygote::zygote_main;

use crate::broker::Ticket;
use crate::engine::Redactor;
use crate::recording::{RecordedExchange, Seed, Served, Tape};
use crate::script::{ScriptBundle, ScriptError};
use crate::transport::{Dialer, NetworkSettings};
use black_box::Found;
use checks::{CheckDefinition, Dropped, Failure, FailureClass, Outcome, Prober, Reach, RunKey, RunResult, UnixMs};
use killed::{failure, process_failure};
use link::Answer;
use pool::{NoAnswer, Pool};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use wire::{Mode, Order, ProcessEnd, Ran, Report, Task};

#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// The program that calls [`zygote_main`], with the arguments that make it do so.
    pub zygote_program: PathBuf,
    pub zygote_args: Vec<String>,
    /// One or two for each processor.
    pub zygotes: usize,
    pub runs_in_flight_max: usize,
    /// Whether zygotes first learn what runs write to, and lay their memory out for it: they are ready half a second later,
    /// and a run takes two thirds of the time.
    pub rehearses: bool,
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
    #[error("{0}")]
    Uncontained(Lacking),
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

/// What a run brings beside its result.
struct Beside {
    recorded: Option<Vec<RecordedExchange>>,
    served: Vec<Served>,
}

pub struct Sandbox {
    pool: Pool,
    limits: Limits,
}

impl Sandbox {
    /// Starts the zygotes, and returns when all are ready to fork. Each must be held by the system-call filter.
    pub async fn start(settings: SandboxSettings) -> Result<Self, SandboxError> {
        Self::start_held(settings, vec![ProtectionName::SystemCalls]).await
    }

    /// The same, with the protections without which none may run a script, now and when it is replaced.
    pub async fn start_held(settings: SandboxSettings, required: Vec<ProtectionName>) -> Result<Self, SandboxError> {
        let limits = settings.limits;
        Ok(Self { pool: Pool::start(settings, required).await?, limits })
    }

    /// Evaluates the script in a run's process, and reads and validates what its default export declares.
    pub async fn describe(&self, bundle: &Arc<ScriptBundle>) -> Result<CheckDefinition, ScriptError> {
        let order = Order {
            task: Task::Describe,
            ticket: Ticket::default(),
            secret_hosts: BTreeMap::new(),
            timeout_ms: self.limits.describe_timeout_ms,
            mode: Mode::Live,
        };
        let refuse = |message: String| Err(ScriptError::new(&bundle.path, message));
        match self.pool.run(&order, bundle, &Arc::default()).await {
            Ok(Answer { end: ProcessEnd::Reported, report }) => match serde_json::from_slice(&report) {
                Ok(Report::Described(json)) => describe::definition(bundle, &json),
                Ok(Report::NotDescribed(outcome)) => Err(describe::refused(bundle, outcome)),
                Ok(Report::Unfit(reason)) => refuse(reason),
                Ok(Report::Ran(_)) => refuse("the sandbox answered another question".to_owned()),
                Err(error) => refuse(format!("the sandbox answered malformed: {error}")),
            },
            Ok(Answer { end, report }) => {
                let found = Found::read(&report, &self.limits, &Redactor::default());
                let timeout_ms = self.limits.describe_timeout_ms;
                refuse(process_failure(&end, found.last_words.as_deref(), timeout_ms, &self.limits).message)
            }
            Err(no_answer) => refuse(no_answer.to_string()),
        }
    }

    /// Makes one run. Never an `Err`: what goes wrong is a result with a class.
    pub async fn run(&self, order: RunOrder) -> RunResult {
        self.make(order, Mode::Live, None).await.0
    }

    /// Makes one run, and keeps what it asked and got. Absent where the process ended before it could say, or the
    /// recording is too large to be handed over.
    pub async fn record(&self, order: RunOrder, seed: Seed) -> (RunResult, Option<Vec<RecordedExchange>>) {
        let (result, more) = self.make(order, Mode::Record(seed), None).await;
        (result, more.recorded)
    }

    /// Makes one run that a recording answers. It reaches no network.
    pub async fn replay(&self, order: RunOrder, tape: Tape) -> (RunResult, Vec<Served>) {
        let (result, more) = self.make(order, Mode::Replay(Box::new(tape)), None).await;
        (result, more.served)
    }

    /// Makes one run of the lines that come over `prompt`; see `engine/prompt.rs` for its frames.
    pub async fn converse(&self, order: RunOrder, prompt: OwnedFd) -> RunResult {
        self.make(order, Mode::Prompt, Some(prompt)).await.0
    }

    async fn make(&self, order: RunOrder, mode: Mode, prompt: Option<OwnedFd>) -> (RunResult, Beside) {
        let RunOrder { key, bundle, timeout_ms, vars, secrets, reach, network } = order;
        let asked_at = UnixMs::now();
        let Reach { hosts, secrets: secret_hosts } = reach;
        let dialer = Dialer::direct(Arc::clone(&network), hosts);
        // The ticket of nobody: the broker knows no run by it.
        let admitted = (!matches!(mode, Mode::Replay(_)))
            .then(|| self.pool.broker().admit(dialer, self.limits.connections_max, prompt));
        let ticket = admitted.as_ref().map_or_else(Ticket::default, |admitted| admitted.ticket().clone());
        let wire_order =
            Order { task: Task::Run { key: key.clone(), vars, secrets }, ticket, secret_hosts, timeout_ms, mode };
        let answer = self.pool.run(&wire_order, &bundle, &network).await;
        drop(admitted);
        let ran = match answer {
            Ok(Answer { end: ProcessEnd::Reported, report }) => match serde_json::from_slice(&report) {
                Ok(Report::Ran(ran)) => ran,
                Ok(Report::Unfit(reason)) => failed(asked_at, failure(FailureClass::Prober, reason)),
                Ok(_) => {
                    failed(asked_at, failure(FailureClass::Prober, "the sandbox answered another question".to_owned()))
                }
                Err(error) => {
                    let message = format!("the run's process answered malformed: {error}");
                    failed(asked_at, failure(FailureClass::Script, message))
                }
            },
            Ok(Answer { end, report }) => {
                let redactor = match &wire_order.task {
                    Task::Run { secrets, .. } => Redactor::new(secrets),
                    Task::Describe => Redactor::default(),
                };
                let found = Found::read(&report, &self.limits, &redactor);
                killed::ran(asked_at, &end, found, timeout_ms, &self.limits)
            }
            Err(no_answer) => failed(asked_at, failure(FailureClass::Prober, no_answer.to_string())),
        };
        let beside = Beside { recorded: ran.recorded, served: ran.served };
        let result = RunResult {
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
        };
        (result, beside)
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

    /// Kills the runs in flight, which end as runs do that are killed from outside.
    pub fn kill_runs(&self) {
        for process in self.runs_in_flight() {
            // It may have ended by itself meanwhile.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// Process numbers of the runs in flight, with their keys' text, for diagnostics.
    pub fn runs_in_flight(&self) -> Vec<i32> {
        self.pool.runs_in_flight()
    }
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
        recorded: None,
        served: Vec::new(),
    }
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
