//! Isolated runs a second, each with one HTTP request, beside what a user would do instead: a `node` process for each
//! run. Then the private memory of a run in flight.

use checks::{CheckId, Outcome, Region, RunKey, UnixMs};
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use nix::unistd::Pid;
use probes::sandbox::{Limits, RunOrder, Sandbox, SandboxSettings};
use probes::script::{ScriptBundle, bundle};
use probes::transport::NetworkSettings;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::harness::program;
use tests::measure::{Aim, Nginx, Table, Target, block_on, is_asked_for, memory, window};
use tokio::process::Command;

const CHECK: &str = r#"
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

/// The same question, the way that one would ask it without Tocsin.
const NODE: &str = r#"
const response = await fetch(process.argv[2]);
if (response.status !== 200) throw new Error(`status ${response.status}`);
if ((await response.json()).ok !== true) throw new Error("not ok");
"#;

const RUNS_A_SECOND: f64 = 400.0;
const TIMES_NODE: f64 = 30.0;
const PRIVATE_MIB: f64 = 4.0;
/// How often the two take turns.
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
    let table = Table::new("Isolated runs", &format!("one HTTP request each, answered by {served_by}"));
    let script = script(folder.path());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let sandbox = sandbox(cores).await;

    let file = folder.path().join("one-request.mjs");
    std::fs::write(&file, NODE).expect("the folder can be written");
    let has_node = run_node(&file, &url).await;
    // In turns, so that whatever else the machine does falls on both.
    let (mut ours, mut node) = (Rate::default(), Rate::default());
    for _ in 0..TURNS {
        ours += measure_ours(&sandbox, &script, &url).await;
        if has_node.is_ok() {
            node += measure_node(&file, &url, cores).await;
        }
    }
    let (ours, node) = (ours.a_second(), node.a_second());
    table.row("Tocsin, a process for each run", ours, "runs/s", Aim::AtLeast(RUNS_A_SECOND));
    match has_node {
        Ok(()) => {
            table.row("node, a process for each run", node, "runs/s", Aim::Nothing);
            table.row("Tocsin, in times of node", ours / node, "x", Aim::AtLeast(TIMES_NODE));
        }
        Err(why) => table.skipped("node, a process for each run", &why),
    }
    in_flight(&table, &sandbox, &script).await;
    sandbox.shutdown().await;
}

fn script(folder: &Path) -> Arc<ScriptBundle> {
    let file = folder.join("one-request.check.js");
    std::fs::write(&file, CHECK).expect("the folder can be written");
    Arc::new(bundle(folder, &file).expect("the check is well-formed"))
}

async fn sandbox(zygotes: usize) -> Sandbox {
    let settings = SandboxSettings {
        zygote_program: program("tocsin"),
        zygote_args: vec!["zygote".to_owned()],
        zygotes,
        runs_in_flight_max: HELD,
        limits: Limits::default(),
    };
    Sandbox::start(settings).await.expect("the sandbox starts")
}

fn order(script: &Arc<ScriptBundle>, url: &str, number: i64) -> RunOrder {
    RunOrder {
        key: RunKey {
            check: CheckId::new("one-request").expect("a valid id"),
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

/// Runs, and the time they took.
#[derive(Default)]
struct Rate {
    runs: u32,
    time: Duration,
}

impl Rate {
    fn a_second(&self) -> f64 {
        f64::from(self.runs) / self.time.as_secs_f64()
    }
}

impl std::ops::AddAssign for Rate {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.time += other.time;
    }
}

async fn measure_ours(sandbox: &Sandbox, script: &Arc<ScriptBundle>, url: &str) -> Rate {
    let started = Instant::now();
    let until = started + window() / TURNS;
    let numbers = stream::iter(1..).take_while(|_| std::future::ready(Instant::now() < until));
    let runs = numbers.map(|number| sandbox.run(order(script, url, number)));
    let passed = runs.buffer_unordered(CONCURRENCY).fold(0, |passed, result| {
        assert_eq!(result.outcome, Outcome::Passed, "a benchmark of failures measures nothing");
        std::future::ready(passed + 1)
    });
    Rate { runs: passed.await, time: started.elapsed() }
}

async fn run_node(file: &Path, url: &str) -> Result<(), String> {
    let mut command = Command::new("node");
    command.arg(file).arg(url).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status().await {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("node ends with {status}")),
        Err(error) => Err(format!("node does not start: {error}")),
    }
}

async fn measure_node(file: &Path, url: &str, concurrency: usize) -> Rate {
    let started = Instant::now();
    let until = started + window() / TURNS;
    let times = stream::repeat(()).take_while(|()| std::future::ready(Instant::now() < until));
    let runs = times.map(|()| run_node(file, url)).buffer_unordered(concurrency);
    let passed = runs.fold(0, |passed, run| {
        run.expect("node did it before");
        std::future::ready(passed + 1)
    });
    Rate { runs: passed.await, time: started.elapsed() }
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
