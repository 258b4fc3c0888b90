//! The process of one run, from the fork to its last line. It is alone: what it does to itself, it does to nobody else.

use super::Limits;
use super::black_box::BlackBox;
use super::containment::RunFilter;
use super::credentials;
use super::last_words::{hand_over, report_json, take_output};
use super::layout::{Region, Touched, Written};
use super::process::{self, Bounds, exit_now};
use super::starvation::Pulse;
use super::transcript::{self, Redaction};
use super::verdict::{self, Stop, Stopped};
use super::wire::{self, Mode, Modules, Order, Ran, Report, Task, ToZygote};
use crate::engine::{Engine, Prompt, Record, Redactor, RunState};
use crate::fetch::{self, PreparedNetwork, RunNetwork};
use crate::recording::{self, Player, SecretMarks, Seed};
use crate::spellings::encoded_forms;
use crate::transport::{DialTarget, Dialer, GuardedSecret, Onlooker, SecretGuard, Seen};
use checks::{Outcome, UnixMs};
use deno_core::error::CoreError;
use rand::TryRngCore as _;
use std::cell::RefCell;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long a script may go on after its time, for what waits for `ctx.signal` to unwind.
const UNWIND: Duration = Duration::from_millis(50);

/// For what takes the processor long, such as making a key pair. Each takes 2 MiB of address space for its stack.
const THREADS_MAX: usize = 8;

/// The shortest value that a request is searched for.
const GUARDED_BYTES_MIN: usize = 4;

/// Where the process ends that could not even become one.
const EXIT_UNPREPARED: i32 = 70;

/// What the zygote has ready for any run when it forks.
pub(super) struct Seat<'a> {
    pub engine: &'a mut Engine,
    /// Where the engine's memory has one.
    pub region: Option<&'a Region>,
    pub zygote: i32,
    pub report: OwnedFd,
    pub black_box: BlackBox,
    pub limits: Limits,
    /// Absent where the kernel has no system-call filters.
    pub filter: Option<&'a RunFilter>,
    /// The zygote's own address space: the limit comes on top of it.
    pub address_space_bytes: u64,
}

/// One run.
pub(super) struct Job<'a> {
    pub order: &'a [u8],
    pub modules: Arc<Modules>,
    pub network: Arc<PreparedNetwork>,
    /// By when the zygote kills it.
    pub kill_after: Duration,
    /// What a run like this one writes to.
    pub written: &'a Written,
}

impl Seat<'_> {
    /// Takes copies of what a run is going to write to. The first thing after the fork.
    fn take_own(&self, written: &Written) {
        if let Some(region) = self.region {
            region.take_own();
        }
        written.copy_now();
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            address_space_bytes_max: self.address_space_bytes + self.limits.address_space_bytes_max,
            open_files_max: self.limits.open_files_max,
        }
    }
}

static HEAP_EXHAUSTED: AtomicBool = AtomicBool::new(false);

pub(super) fn run(seat: Seat<'_>, job: Job<'_>) -> ! {
    let now = (Instant::now(), UnixMs::now());
    seat.take_own(job.written);
    let bounds = seat.bounds();
    let Seat { engine, zygote, report, black_box, limits, filter, .. } = seat;
    let Ok((output, _)) = process::become_run(zygote, report, None, &bounds) else {
        exit_now(EXIT_UNPREPARED);
    };
    carry_out(engine, output, job, black_box, limits, filter, now)
}

/// Makes everything ready and waits for an order, which the zygote passes on as it came. `find` has what it speaks of.
pub(super) fn wait<'a>(
    seat: Seat<'_>,
    orders: OwnedFd,
    likely: &Written,
    find: impl FnOnce(&str, u32) -> Option<(Arc<Modules>, Arc<PreparedNetwork>, &'a Written)>,
) -> ! {
    seat.take_own(likely);
    let bounds = seat.bounds();
    let Seat { engine, zygote, report, black_box, limits, filter, .. } = seat;
    let Ok((output, Some(mut orders))) = process::become_run(zygote, report, Some(orders), &bounds) else {
        exit_now(EXIT_UNPREPARED);
    };
    let Ok(Some((ToZygote::Start { hash, network, timeout_ms, .. }, order))) = wire::read(&mut orders) else {
        exit_now(EXIT_UNPREPARED);
    };
    let now = (Instant::now(), UnixMs::now());
    drop(orders);
    let Some((modules, network, written)) = find(&hash, network) else { exit_now(EXIT_UNPREPARED) };
    if !std::ptr::eq(written, likely) {
        written.copy_now();
    }
    let kill_after = limits.kill_after(timeout_ms);
    let job = Job { order: &order, modules, network, kill_after, written };
    carry_out(engine, output, job, black_box, limits, filter, now)
}

fn carry_out(
    engine: &mut Engine,
    output: File,
    job: Job<'_>,
    black_box: BlackBox,
    limits: Limits,
    filter: Option<&RunFilter>,
    now: (Instant, UnixMs),
) -> ! {
    // Nothing of the script has been looked at so far, not even its order.
    let is_held = process::limit_processor(processor_seconds_max(job.kill_after)).is_ok()
        && filter.is_none_or(|filter| filter.hold().is_ok());
    if !is_held {
        exit_now(EXIT_UNPREPARED);
    }
    take_output(output, black_box.clone());
    let report = match serde_json::from_slice::<Order>(job.order) {
        Ok(order) => act(engine, order, job.modules, job.network, black_box, limits, now),
        Err(error) => Report::Unfit(format!("the run's order is malformed: {error}")),
    };
    hand_over(&report_json(&report, &limits));
    exit_now(0)
}

/// What all threads of a run can use until the zygote kills it. The kernel ends a run with this that no zygote ends.
fn processor_seconds_max(kill_after: Duration) -> u64 {
    (kill_after.as_secs() + 1).saturating_mul(1 + THREADS_MAX as u64)
}

/// Makes a run of the zygote's own, and hands over what it used in place of a report. Nobody's script runs here, so
/// that the process need not be contained; `heap_top` is the zygote's.
pub(super) fn rehearse(seat: Seat<'_>, job: Job<'_>, heap_top: usize) -> ! {
    seat.take_own(job.written);
    let Seat { engine, region, report, black_box, limits, .. } = seat;
    take_output(File::from(report), black_box.clone());
    if let Ok(order) = serde_json::from_slice::<Order>(job.order) {
        let now = (Instant::now(), UnixMs::now());
        let report = act(engine, order, job.modules, job.network, black_box, limits, now);
        let json = report_json(&report, &limits);
        let passed = matches!(&report, Report::Ran(Ran { outcome: Outcome::Passed, .. })) && !json.is_empty();
        if let (true, Ok(touched)) = (passed, Touched::so_far(region, heap_top)) {
            hand_over(&serde_json::to_vec(&touched).unwrap_or_default());
        }
    }
    exit_now(0)
}

fn act(
    engine: &mut Engine,
    mut order: Order,
    modules: Arc<Modules>,
    network: Arc<PreparedNetwork>,
    black_box: BlackBox,
    limits: Limits,
    (started, started_at): (Instant, UnixMs),
) -> Report {
    let again = Again::of(&order.mode, started_at);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(THREADS_MAX)
        .build()
    else {
        return Report::Unfit("the run's event loop does not start".to_owned());
    };
    let timeout = Duration::from_millis(order.timeout_ms);
    watch(engine, timeout + 2 * UNWIND);
    let redactor = match &order.task {
        Task::Run { secrets, .. } => Redactor::new(secrets),
        Task::Describe => Redactor::default(),
    };
    let redactor = Rc::new(redactor);
    let record = Record::new(started, started + timeout, limits, redactor.clone(), black_box.clone());
    let record = Rc::new(RefCell::new(record));
    let ended = Rc::new(Notify::new());
    let (player, bodies_bytes_max) = match &mut order.mode {
        Mode::Live | Mode::Prompt => (None, None),
        Mode::Record(_) => (None, Some(recording::BODIES_BYTES_MAX)),
        Mode::Replay(tape) => (Some(Player::new(std::mem::take(&mut **tape))), None),
    };
    {
        let state = engine.op_state();
        let mut state = state.borrow_mut();
        let current_step = record.borrow().current_step.clone();
        let requests_max = limits.requests_max;
        let dialer = Dialer::brokered(order.ticket.clone());
        let guard = guard(&order);
        let onlooker = onlooker(black_box, redactor);
        fetch::begin_run(
            &mut state,
            RunNetwork {
                prepared: network,
                dialer,
                guard,
                started,
                requests_max,
                bodies_bytes_max,
                player,
                current_step,
                onlooker,
            },
        );
        if let Some(again) = &again {
            Engine::draw_from(&mut state, again.seed);
        }
        state.put(RunState { record: record.clone(), ended: ended.clone() });
    }
    let (stopped, duration_us) = runtime.block_on(async {
        // deno_core takes an exhausted budget of tokio's for a script that waits for nothing.
        tokio::task::yield_now().await;
        if matches!(order.mode, Mode::Prompt) {
            let dialer = Dialer::brokered(order.ticket.clone());
            // Without one, the operations say that there is none.
            if let Ok((connection, _)) = dialer.tcp(DialTarget::Prompt, &mut |_| {}).await {
                engine.op_state().borrow_mut().put(Prompt::on(connection));
            }
        }
        let has_prompt = matches!(order.mode, Mode::Prompt);
        let stopped = drive(
            engine,
            (&order.task, has_prompt),
            again.as_ref(),
            modules.clone(),
            &record,
            &ended,
            started + timeout,
        )
        .await;
        let duration_us = record.borrow().offset_us();
        let has_failed = verdict::has_failed(&record.borrow(), &stopped);
        if has_failed {
            fetch::overhear_unread(&engine.op_state()).await;
        } else if matches!(order.mode, Mode::Record(_)) {
            let time_left = (started + timeout).saturating_duration_since(Instant::now());
            fetch::overhear_all(&engine.op_state(), time_left).await;
        }
        (stopped, duration_us)
    });

    let state = engine.op_state();
    let mut state = state.borrow_mut();
    let log = fetch::end_run(&mut state);
    let mut record = record.borrow_mut();
    let ran = Duration::from_micros(duration_us);
    let facts = verdict::Facts { stopped: &stopped, timeout, ran, modules: &modules, limits: &limits };
    let outcome = verdict::outcome(&record, &facts);
    if matches!(order.task, Task::Describe) {
        return match record.described.take() {
            Some(described) => Report::Described(described),
            None => Report::NotDescribed(outcome),
        };
    }
    record.dropped.requests += log.dropped;
    let recorded = match (&order.mode, &order.task) {
        (Mode::Record(_), Task::Run { secrets, .. }) => {
            Some(recording::exchanges(&log.requests, &log.overheard, &SecretMarks::new(secrets), |step| {
                record.step_path(step)
            }))
        }
        _ => None,
    };
    let served = fetch::served(&state);
    let mut requests = verdict::requests(log.requests, &log.over, &record, &facts);
    if let (Outcome::Failed(_), Task::Run { secrets, .. }) = (&outcome, &order.task) {
        transcript::attach(&mut requests, &log.overheard, &Redaction::new(secrets, &record.redactor));
    }
    Report::Ran(Ran {
        started_at,
        duration_us,
        outcome,
        requests,
        steps: std::mem::take(&mut record.steps),
        console: record.take_console(),
        metrics: std::mem::take(&mut record.metrics),
        dropped: record.dropped,
        recorded,
        served,
    })
}

/// Notes how the run's exchanges go on.
fn onlooker(black_box: BlackBox, redactor: Rc<Redactor>) -> Onlooker {
    Box::new(move |index, seen| match seen {
        Seen::Waits(waits) => black_box.waits(index, waits),
        Seen::Progress { request, waits_for, is_over } => {
            let mut request = request.clone();
            request.url = credentials::url(&redactor.redact(&request.url));
            redactor.redact_in_place(&mut request.method);
            if let Some(failure) = &mut request.failure {
                failure.message = credentials::addresses(&redactor.redact(&failure.message));
            }
            let waits_for = waits_for.map(|waits_for| redactor.redact(&waits_for));
            black_box.exchange(index, &request, waits_for.as_deref(), is_over);
        }
    })
}

/// What makes a run the same as another.
struct Again {
    seed: Seed,
    /// How far the script's time of day is from this machine's.
    clock_ms: f64,
}

impl Again {
    fn of(mode: &Mode, started_at: UnixMs) -> Option<Self> {
        match mode {
            Mode::Live | Mode::Prompt => None,
            Mode::Record(seed) => Some(Self { seed: *seed, clock_ms: 0.0 }),
            Mode::Replay(tape) => {
                Some(Self { seed: tape.seed, clock_ms: tape.started_at.0.saturating_sub(started_at.0) as f64 })
            }
        }
    }
}

fn fresh_seed() -> Result<Seed, String> {
    let mut random = [0; 16];
    rand::rngs::OsRng.try_fill_bytes(&mut random).map_err(|error| format!("no randomness: {error}"))?;
    let words = random.as_chunks::<4>().0;
    Ok([words[0], words[1], words[2], words[3]].map(u32::from_ne_bytes))
}

fn guard(order: &Order) -> SecretGuard {
    let Task::Run { secrets, .. } = &order.task else { return SecretGuard::default() };
    let guarded = order.secret_hosts.iter().filter_map(|(name, hosts)| {
        // Shorter values are in every other text.
        let value = secrets.get(name).filter(|value| value.len() >= GUARDED_BYTES_MIN)?;
        let forms = encoded_forms(value).into_iter().chain([value.clone()]).collect();
        Some(GuardedSecret { name: name.clone(), forms, hosts: hosts.clone() })
    });
    SecretGuard::new(guarded.collect())
}

/// Stops the script when it takes more time or memory than it may. A script that waits is stopped by the event loop
/// instead, a little earlier.
fn watch(engine: &mut Engine, after: Duration) {
    let stopper = engine.stopper();
    let alarm = stopper.clone();
    let set = process::stop_after(
        after,
        Box::new(move || {
            alarm.terminate_execution();
        }),
    );
    // Without an alarm the zygote still kills the process when it is overdue.
    if let Err(error) = set {
        tracing::debug!(%error, "no alarm");
    }
    engine.on_heap_exhausted(move |limit_bytes, _| {
        HEAP_EXHAUSTED.store(true, Ordering::Release);
        stopper.terminate_execution();
        // Room for the engine to unwind in.
        limit_bytes + (16 << 20)
    });
}

async fn drive(
    engine: &mut Engine,
    (task, has_prompt): (&Task, bool),
    again: Option<&Again>,
    modules: Arc<Modules>,
    record: &RefCell<Record>,
    ended: &Notify,
    deadline: Instant,
) -> Stopped {
    let pulse = Pulse::new();
    let unfit =
        |reason| Stopped { stop: Stop::Unfit(reason), open_step: None, waiting_for: None, starved: Duration::ZERO };
    let (seed, clock_ms) = match again {
        Some(again) => (again.seed, again.clock_ms),
        None => match fresh_seed() {
            Ok(seed) => (seed, 0.0),
            Err(reason) => return unfit(reason),
        },
    };
    if let Err(error) = engine.begin(seed, matches!(task, Task::Run { .. }), clock_ms) {
        return unfit(error.to_string());
    }
    let result = tokio::select! {
        biased;
        result = async {
            match task {
                Task::Describe => engine.describe(modules).await,
                Task::Run { key, vars, secrets } => engine.run(modules, &context_json(key, vars, secrets, has_prompt)).await,
            }
        } => Some(result),
        () = ended.notified() => Some(Ok(())),
        never = pulse.beat() => match never {},
        () = tokio::time::sleep_until(deadline.into()) => None,
    };
    let starved = pulse.starved();
    // Before the script unwinds: what it was doing when it was stopped.
    let open_step = record.borrow().step_still_open();
    let waiting_for = fetch::in_flight_summary(&engine.op_state().borrow());
    let stop = match result {
        _ if HEAP_EXHAUSTED.load(Ordering::Acquire) => Stop::HeapExhausted,
        _ if process::time_is_up() => Stop::TimeUp,
        Some(Ok(())) => Stop::Ended,
        // What a script left behind may throw in the same turn of the event loop in which it ended.
        Some(Err(_)) if record.borrow().ending.is_some() => Stop::Ended,
        Some(Err(error)) => Stop::Error(error),
        None => {
            engine.abort();
            // Whatever the script still does is seen in its steps and its console, and changes nothing else.
            let _: Result<Result<(), CoreError>, _> = tokio::time::timeout(UNWIND, engine.turn()).await;
            Stop::TimeUp
        }
    };
    Stopped { stop, open_step, waiting_for, starved }
}

/// What `run` gets as its context, but for the signal.
fn context_json(
    key: &checks::RunKey,
    vars: &std::collections::BTreeMap<String, String>,
    secrets: &std::collections::BTreeMap<String, String>,
    has_prompt: bool,
) -> String {
    serde_json::json!({
        "check": key.check,
        "region": key.region,
        "slot": key.slot,
        "attempt": key.attempt,
        "vars": vars,
        "secrets": secrets,
        "hasPrompt": has_prompt,
    })
    .to_string()
}
