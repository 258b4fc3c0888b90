//! Isolated runs a second, of a check that does nothing and of one with one HTTP request, beside what a user would do
//! instead: a `node` or a `k6` process for each run. Then what the sandbox adds at half load, and the private memory
//! of a run in flight.

use checks::{CheckId, Outcome, Region, RunKey, UnixMs};
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use nix::unistd::Pid;
use probes::sandbox::{Limits, RunOrder, Sandbox, SandboxSettings};
use probes::script::{ScriptBundle, bundle};
use probes::transport::NetworkSettings;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::harness::program;
use tests::measure::{Aim, Nginx, Table, Target, block_on, cpu_time, is_asked_for, memory, percentile, window};
use tokio::process::Command;
use tokio::sync::mpsc;

/// A check that does nothing: what it costs is the sandbox.
const NOTHING: &str = r#"
import { defineCheck } from "tocsin";
export default defineCheck({ schedule: "every 30s", async run() {} });
"#;

const ONE_REQUEST: &str = r#"
import { defineCheck, expect } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  async run({ vars }) {
    const response = await fetch(vars.URL);
    expect(response).toHaveStatus(200);
    expect((await response.json()).ok).toBe(true);
  },
});
"#;

/// The same question, the ways that one would ask it without Tocsin.
const NODE: &str = r#"
const response = await fetch(process.argv[2]);
if (response.status !== 200) throw new Error(`status ${response.status}`);
if ((await response.json()).ok !== true) throw new Error("not ok");
"#;
const K6: &str = r#"
import http from "k6/http";
import { fail } from "k6";
export const options = { iterations: 1 };
export default function () {
  const response = http.get(__ENV.URL);
  if (response.status !== 200) fail(`status ${response.status}`);
  if (response.json("ok") !== true) fail("not ok");
}
"#;

const IDLE_RUNS_A_SECOND: f64 = 1_500.0;
const RUNS_A_SECOND: f64 = 800.0;
const TIMES_NODE: f64 = 60.0;
const OVERHEAD_P99_MS: f64 = 5.0;
const PRIVATE_MIB: f64 = 3.0;
/// How often those who are compared take turns.
const TURNS: u32 = 5;
/// Runs at a time: enough to keep both cores busy, few enough not to wait for each other.
const CONCURRENCY: usize = 8;
/// Runs in flight while their memory is read.
const HELD: usize = 64;

fn main() {
    if is_asked_for() {
        block_on(measure());
    }
}

async fn measure() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let nginx = Nginx::start(folder.path()).await;
    let own = Target::start(|_| (Duration::ZERO, StatusCode::OK)).await;
    let (url, served_by) = match &nginx {
        Some(nginx) => (nginx.url(), "nginx"),
        None => (own.url(), "a server in this process"),
    };
    let table = Table::new("Isolated runs", &format!("a process for each; requests are answered by {served_by}"));
    let (nothing, one_request) =
        (script(folder.path(), "nothing", NOTHING), script(folder.path(), "request", ONE_REQUEST));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let sandbox = sandbox(cores).await;
    let peers = [
        Peer::new("node", folder.path(), "one-request.mjs", NODE, |command, file, url| {
            command.arg(file).arg(url);
        }),
        Peer::new("k6", folder.path(), "one-request.js", K6, |command, file, url| {
            command.args(["run", "--quiet", "--no-usage-report", "-e", &format!("URL={url}")]).arg(file);
        }),
    ];
    let mut present = Vec::new();
    for peer in &peers {
        present.push(peer.run(&url).await);
    }

    // In turns, so that whatever else the machine does falls on all of them.
    let (mut idle, mut ours, mut theirs) = (Rate::default(), Rate::default(), [Rate::default(), Rate::default()]);
    for _ in 0..TURNS {
        idle += measure_ours(&sandbox, &nothing, &url).await;
        ours += measure_ours(&sandbox, &one_request, &url).await;
        for (index, peer) in peers.iter().enumerate().filter(|(index, _)| present[*index].is_ok()) {
            theirs[index] += measure_peer(peer, &url, cores).await;
        }
    }
    table.row("runs that do nothing", idle.a_second(), "runs/s", Aim::AtLeast(IDLE_RUNS_A_SECOND));
    table.row("runs with one request", ours.a_second(), "runs/s", Aim::AtLeast(RUNS_A_SECOND));
    // What is else on the machine makes a rate smaller, and this hardly.
    table.row("processor time of a run that does nothing", idle.processor_ms(), "ms", Aim::Nothing);
    table.row("processor time of a run with one request, answer included", ours.processor_ms(), "ms", Aim::Nothing);
    for (index, peer) in peers.iter().enumerate() {
        let what = format!("the same request, a {} process for each", peer.name);
        match &present[index] {
            Ok(()) => {
                let rate = theirs[index].a_second();
                table.row(&what, rate, "runs/s", Aim::Nothing);
                let aim = if peer.name == "node" { Aim::AtLeast(TIMES_NODE) } else { Aim::Nothing };
                table.row(&format!("Tocsin, in times of {}", peer.name), ours.a_second() / rate, "x", aim);
            }
            Err(why) => table.skipped(&what, why),
        }
    }
    overhead(&table, &sandbox, &nothing, idle.a_second() / 2.0).await;
    in_flight(&table, &sandbox, &one_request).await;
    sandbox.shutdown().await;
}

/// How long it takes from the order to the result of a run that does nothing, at half of the load that was possible.
async fn overhead(table: &Table, sandbox: &Sandbox, nothing: &Arc<ScriptBundle>, runs_a_second: f64) {
    let ticks = stream::unfold(ticks(Duration::from_secs_f64(1.0 / runs_a_second), window() / 2), |mut ticks| async {
        let due = ticks.recv().await?;
        Some((due, ticks))
    });
    let runs = ticks.enumerate().map(|(number, due)| {
        let run = sandbox.run(order(nothing, "", number as i64));
        async move {
            assert_eq!(run.await.outcome, Outcome::Passed, "a benchmark of failures measures nothing");
            due.elapsed()
        }
    });
    let mut took: Vec<_> = runs.buffer_unordered(HELD).collect().await;
    let what = format!("{runs_a_second:.0} runs/s, order to result,");
    for (percent, aim) in [(50.0, Aim::Nothing), (99.0, Aim::Below(OVERHEAD_P99_MS))] {
        let Some(took) = percentile(&mut took, percent) else { return };
        table.row(&format!("{what} p{percent}"), took.as_secs_f64() * 1000.0, "ms", aim);
    }
}

/// The instants at which runs are due, each when it has come. From a thread of its own: the event loop's timers are as exact
/// as a millisecond, which is a good part of what is measured. One that comes late is as late as it is, and the load is
/// what it is said to be.
fn ticks(every: Duration, during: Duration) -> mpsc::UnboundedReceiver<Instant> {
    let (came, ticks) = mpsc::unbounded_channel();
    let start = Instant::now();
    std::thread::spawn(move || {
        for number in 0.. {
            let due = start + every * number;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if due >= start + during || came.send(due).is_err() {
                break;
            }
        }
    });
    ticks
}

fn script(folder: &Path, name: &str, text: &str) -> Arc<ScriptBundle> {
    let file = folder.join(format!("{name}.check.js"));
    std::fs::write(&file, text).expect("the folder can be written");
    Arc::new(bundle(folder, &file).expect("the check is well-formed"))
}

async fn sandbox(zygotes: usize) -> Sandbox {
    let settings = SandboxSettings {
        zygote_program: program("tocsin"),
        zygote_args: vec!["zygote".to_owned()],
        zygotes,
        runs_in_flight_max: HELD,
        rehearses: true,
        limits: Limits::default(),
    };
    Sandbox::start(settings).await.expect("the sandbox starts")
}

fn order(script: &Arc<ScriptBundle>, url: &str, number: i64) -> RunOrder {
    RunOrder {
        key: RunKey {
            check: CheckId::new("bench").expect("a valid id"),
            region: Region::new("local").expect("a valid id"),
            slot: UnixMs(number),
            attempt: 0,
        },
        bundle: script.clone(),
        timeout_ms: 10_000,
        vars: BTreeMap::from([("URL".to_owned(), url.to_owned())]),
        secrets: BTreeMap::new(),
        reach: checks::Reach::default(),
        network: Arc::new(NetworkSettings { allow_private: true, ..NetworkSettings::default() }),
    }
}

/// Runs, and the time they took, of the clock and of all processors.
#[derive(Default)]
struct Rate {
    runs: u32,
    time: Duration,
    processor: Duration,
}

impl Rate {
    fn a_second(&self) -> f64 {
        f64::from(self.runs) / self.time.as_secs_f64()
    }

    fn processor_ms(&self) -> f64 {
        self.processor.as_secs_f64() * 1000.0 / f64::from(self.runs)
    }
}

impl std::ops::AddAssign for Rate {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.time += other.time;
        self.processor += other.processor;
    }
}

async fn measure_ours(sandbox: &Sandbox, script: &Arc<ScriptBundle>, url: &str) -> Rate {
    let (started, processor) = (Instant::now(), cpu_time(Pid::this()));
    let until = started + window() / TURNS;
    let numbers = stream::iter(1..).take_while(|_| std::future::ready(Instant::now() < until));
    let runs = numbers.map(|number| sandbox.run(order(script, url, number)));
    let passed = runs.buffer_unordered(CONCURRENCY).fold(0, |passed, result| {
        assert_eq!(result.outcome, Outcome::Passed, "a benchmark of failures measures nothing");
        std::future::ready(passed + 1)
    });
    Rate { runs: passed.await, time: started.elapsed(), processor: cpu_time(Pid::this()).saturating_sub(processor) }
}

/// A program that is started anew for each run.
struct Peer {
    name: &'static str,
    file: PathBuf,
    arguments: fn(&mut Command, &Path, &str),
}

impl Peer {
    fn new(
        name: &'static str,
        folder: &Path,
        file: &str,
        script: &str,
        arguments: fn(&mut Command, &Path, &str),
    ) -> Self {
        let file = folder.join(file);
        std::fs::write(&file, script).expect("the folder can be written");
        Self { name, file, arguments }
    }

    /// Once, as a user would.
    async fn run(&self, url: &str) -> Result<(), String> {
        let mut command = Command::new(installed(self.name));
        (self.arguments)(&mut command, &self.file, url);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.status().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("it ends with {status}")),
            Err(error) => {
                Err(format!("it does not start ({error}); tools/bench-peers.sh builds it where Go is installed"))
            }
        }
    }
}

/// As it is on the PATH, or as `tools/bench-peers.sh` has built it.
fn installed(program: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers").join(program);
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let is_on_path = std::env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    if !is_on_path && built.is_file() { built } else { PathBuf::from(program) }
}

async fn measure_peer(peer: &Peer, url: &str, concurrency: usize) -> Rate {
    let (started, processor) = (Instant::now(), cpu_time(Pid::this()));
    let until = started + window() / TURNS;
    let times = stream::repeat(()).take_while(|()| std::future::ready(Instant::now() < until));
    let runs = times.map(|()| peer.run(url)).buffer_unordered(concurrency);
    let passed = runs.fold(0, |passed, run| {
        run.expect("it did it before");
        std::future::ready(passed + 1)
    });
    Rate { runs: passed.await, time: started.elapsed(), processor: cpu_time(Pid::this()).saturating_sub(processor) }
}

/// Runs that wait for an answer, and what each of them costs.
async fn in_flight(table: &Table, sandbox: &Sandbox, script: &Arc<ScriptBundle>) {
    let slow = Target::start(|_| (Duration::from_secs(4), StatusCode::OK)).await;
    let url = slow.url();
    let runs = futures_util::future::join_all((1..=HELD).map(|n| sandbox.run(order(script, &url, n as i64))));
    let look = async {
        // All have been forked and have sent their request well before the answer comes.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let running = sandbox.runs_in_flight();
        running.into_iter().filter_map(|pid| memory(Pid::from_raw(pid))).collect::<Vec<_>>()
    };
    let (results, memories) = tokio::join!(runs, look);
    let passed = results.iter().filter(|result| result.outcome == Outcome::Passed).count();
    if memories.is_empty() || passed < HELD {
        table.skipped("private memory of a run in flight", &format!("only {passed} of {HELD} runs passed"));
        return;
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let mean = memories.iter().map(|memory| mib(memory.private)).sum::<f64>() / memories.len() as f64;
    let most = memories.iter().map(|memory| mib(memory.private)).fold(0.0, f64::max);
    let what = format!("private memory of a run, mean of {} in flight", memories.len());
    table.row(&what, mean, "MiB", Aim::Below(PRIVATE_MIB));
    table.row("private memory of a run, largest", most, "MiB", Aim::Below(PRIVATE_MIB));
}
