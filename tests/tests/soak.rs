//! Runs by the ten thousand: neither the daemon nor its zygotes grow, and no run leaves anything behind.
//!
//! `TOCSIN_SOAK_RUNS=1000000 cargo test -p tests --test soak` for as many as that; the bounds stay the same.

use checks::{FailureClass, Outcome, Reach, RunKey, RunResult, UnixMs};
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use probes::sandbox::{Limits, RunOrder, Sandbox, SandboxSettings};
use probes::script::{ScriptBundle, bundle};
use probes::transport::NetworkSettings;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::harness::program;
use tests::measure::Target;

const RUNS: u64 = 20_000;
/// Runs before the first look: buffers reach their size, and every script has been everywhere.
const RUNS_BEFORE: u64 = 2_000;
const IN_FLIGHT: usize = 16;
/// What a zygote may have more at the end than at the first look, however many runs lie between.
const ZYGOTE_GROWTH_BYTES_MAX: i64 = 512 << 10;
/// The same for this process, which is daemon and target at once, with threads and their arenas.
const DAEMON_GROWTH_BYTES_MAX: i64 = 8 << 20;
/// How long the last processes may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(60);

/// A kind of script: how many of a hundred runs are such, the body of `run`, and how it ends.
const KINDS: [(u64, &str, Option<FailureClass>); 5] = [
    (75, "", None),
    (20, "const response = await fetch(ctx.vars.URL); await response.json();", None),
    (2, "for (let i = 0; i < 300; i++) console.log('x'.repeat(30));", None),
    (2, "throw new Error('as it should');", Some(FailureClass::Script)),
    (1, "globalThis.kept = new Array(20000).fill('x'.repeat(100) + Math.random());", None),
];

/// What a process holds while nothing runs.
#[derive(Debug, Clone, Copy)]
struct Held {
    anonymous_bytes: i64,
    descriptors: usize,
}

/// What process `pid` holds, or "self".
fn held(pid: &str) -> Held {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is alive");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux says RssAnon");
    let kib: i64 = line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number");
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is alive").count();
    Held { anonymous_bytes: kib << 10, descriptors }
}

fn children(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default()
}

/// What this process and the zygotes hold when every run's process is gone: each zygote has the one left that waits for the
/// next order, and goes on having it.
async fn at_rest(sandbox: &Sandbox) -> Vec<Held> {
    let started = Instant::now();
    for zygote in sandbox.zygotes() {
        let mut before = String::new();
        loop {
            let now = children(zygote);
            if now == before && now.split_whitespace().count() == 1 {
                break;
            }
            assert!(started.elapsed() < GONE_WITHIN, "zygote {zygote} still has children: {now}");
            before = now;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let zygotes = sandbox.zygotes();
    std::iter::once("self".to_owned()).chain(zygotes.iter().map(u32::to_string)).map(|pid| held(&pid)).collect()
}

fn scripts(folder: &Path) -> Vec<Arc<ScriptBundle>> {
    let script = |(index, (_, body, _)): (usize, &(u64, &str, Option<FailureClass>))| {
        let file = folder.join(format!("soak-{index}.check.js"));
        let text = format!(
            "import {{ defineCheck }} from 'tocsin';\nexport default defineCheck({{ schedule: 'every 30s', async run(ctx) {{ {body} }} }});"
        );
        std::fs::write(&file, text).expect("the folder can be written");
        Arc::new(bundle(folder, &file).expect("the script is well-formed"))
    };
    KINDS.iter().enumerate().map(script).collect()
}

/// Which kind run number `run` is.
fn kind(run: u64) -> usize {
    let mut place = run * 37 % 100;
    KINDS.iter().position(|(share, ..)| place.checked_sub(*share).map(|rest| place = rest).is_none()).unwrap_or(0)
}

fn assert_as_expected(run: u64, result: &RunResult) {
    match (KINDS[kind(run)].2, &result.outcome) {
        (None, Outcome::Passed) => {}
        (Some(class), Outcome::Failed(failure)) if failure.class == class => {}
        (expected, outcome) => panic!("run {run} should have {expected:?}: {outcome:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_grows_and_nothing_stays() {
    let runs = std::env::var("TOCSIN_SOAK_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scripts = scripts(folder.path());
    let target = Target::start(|_| (Duration::ZERO, StatusCode::OK)).await;
    let sandbox = Sandbox::start(SandboxSettings {
        zygote_program: program("tocsin"),
        zygote_args: vec!["zygote".to_owned()],
        zygotes: 2,
        runs_in_flight_max: IN_FLIGHT,
        rehearses: true,
        limits: Limits::default(),
    })
    .await
    .expect("the sandbox starts");
    let zygotes = sandbox.zygotes();
    let network = Arc::new(NetworkSettings { allow_private: true, ..NetworkSettings::default() });
    let order = |run: u64| RunOrder {
        key: RunKey {
            check: "soak".parse().expect("an id"),
            region: "local".parse().expect("a region"),
            slot: UnixMs(i64::try_from(run).expect("fewer runs than milliseconds")),
            attempt: 0,
        },
        bundle: scripts[kind(run)].clone(),
        timeout_ms: 60_000,
        vars: BTreeMap::from([("URL".to_owned(), target.url())]),
        secrets: BTreeMap::new(),
        reach: Reach::default(),
        network: network.clone(),
    };
    let make = |from: u64, to: u64| {
        let runs = stream::iter(from..to).map(|run| {
            let made = sandbox.run(order(run));
            async move { assert_as_expected(run, &made.await) }
        });
        runs.buffer_unordered(IN_FLIGHT).collect::<()>()
    };

    make(0, RUNS_BEFORE.min(runs)).await;
    let first = at_rest(&sandbox).await;
    make(RUNS_BEFORE.min(runs), runs).await;
    let last = at_rest(&sandbox).await;

    assert_eq!(sandbox.zygotes(), zygotes, "a zygote was replaced");
    for (index, (first, last)) in first.iter().zip(&last).enumerate() {
        let (name, growth_bytes_max) = match index {
            0 => ("this process".to_owned(), DAEMON_GROWTH_BYTES_MAX),
            _ => (format!("zygote {index}"), ZYGOTE_GROWTH_BYTES_MAX),
        };
        let growth_bytes = last.anonymous_bytes - first.anonymous_bytes;
        println!("{name}: {first:?} after {RUNS_BEFORE} runs, {last:?} after {runs}");
        assert!(growth_bytes <= growth_bytes_max, "{name} has grown by {growth_bytes} bytes in {runs} runs");
        if index > 0 {
            assert_eq!(last.descriptors, first.descriptors, "{name} has left descriptors open");
        }
    }
    sandbox.shutdown().await;
}
