//! Scripts that want out, or want to break something: `tests/hostile/`, each with the result that it must get beside it.
//!
//! They run a few at a time on one sandbox, and ordinary checks run on the same sandbox beside them all the while. These
//! must not notice: each gets its own result, whole and always the same, and no zygote dies.

mod elsewhere;
#[path = "../sandbox/matching.rs"]
mod matching;
#[path = "../sandbox/network.rs"]
mod network;
#[path = "../sandbox/nginx.rs"]
mod nginx;
mod rebinding;
#[path = "../sandbox/specs.rs"]
mod specs;
#[path = "../target/mod.rs"]
mod target;

use checks::{Outcome, RunKey, UnixMs};
use network::Network;
use probes::sandbox::{Limits, RunOrder, Sandbox, SandboxSettings};
use probes::script::ScriptBundle;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

type Test = (String, Pin<Box<dyn Future<Output = Result<(), String>> + Send>>);

/// Fewer than this many are no corpus.
const SCRIPTS_MIN: usize = 120;

/// A check like any other, with everything that a neighbour could spoil.
const ORDINARY: &str = r#"
import { defineCheck, expect, step } from "tocsin";
let loaded = 0;
export default defineCheck({
  schedule: "every 30s",
  secrets: ["PASSWORD"],
  async run(ctx) {
    expect(++loaded).toBe(1);
    expect(Object.keys(globalThis).filter((key) => key.startsWith("evil"))).toEqual([]);
    expect([3, 1, 2].sort().map((n) => n * 2)).toEqual([2, 4, 6]);
    expect(JSON.stringify({ a: [1] })).toBe('{"a":[1]}');
    await step("ask", async () => {
      const response = await fetch(`${ctx.vars.TARGET}/hello`);
      expect(response).toHaveStatus(200);
      expect(await response.text()).toBe("hello");
    });
    console.log(ctx.check, ctx.attempt, ctx.secrets.PASSWORD);
  },
});
"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == "zygote") {
        probes::sandbox::zygote_main();
    }
    if arguments.first().is_some_and(|argument| argument == rebinding::SUBCOMMAND) {
        std::process::exit(rebinding::main());
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return;
    }
    let filters: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the event loop starts");
    let failures = runtime.block_on(hold(&filters));
    failures.iter().for_each(|failure| println!("FAILED {failure}\n"));
    println!("test result: {}", if failures.is_empty() { "ok" } else { "FAILED" });
    std::process::exit(i32::from(!failures.is_empty()));
}

async fn sandbox() -> Arc<Sandbox> {
    let settings = SandboxSettings {
        zygote_program: std::env::current_exe().expect("the test has a path"),
        zygote_args: vec!["zygote".to_owned()],
        zygotes: 2,
        runs_in_flight_max: 64,
        rehearses: true,
        limits: Limits { describe_timeout_ms: 2_000, ..Limits::default() },
    };
    Arc::new(Sandbox::start(settings).await.expect("the sandbox starts"))
}

async fn hold(filters: &[&String]) -> Vec<String> {
    let sandbox = sandbox().await;
    println!("held by: {}", sandbox.containment());
    sandbox.containment().missing().iter().for_each(|missing| println!("skipped: {missing}"));
    let zygotes = sandbox.zygotes();
    let mut tests = specs::tests(&sandbox).await;
    let mut failures = Vec::new();
    if tests.len() < SCRIPTS_MIN {
        failures.push(format!("{} hostile scripts, fewer than {SCRIPTS_MIN}", tests.len()));
    }
    tests.retain(|(name, _)| !name.contains(rebinding::FOLDER));
    tests.retain(|(name, _)| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())));
    println!("running {} hostile scripts beside ordinary checks", tests.len());

    let over = Arc::new(AtomicBool::new(false));
    let network = Arc::new(Network::start().await);
    let ordinary = ordinary();
    let mut neighbours = JoinSet::new();
    for neighbour in 0..2 {
        let (sandbox, network, ordinary, over) = (sandbox.clone(), network.clone(), ordinary.clone(), over.clone());
        neighbours.spawn(async move { be_ordinary(neighbour, &sandbox, &network, &ordinary, &over).await });
    }
    let mut running = JoinSet::new();
    let turns = Arc::new(tokio::sync::Semaphore::new(4));
    for (name, test) in tests {
        let turns = turns.clone();
        running.spawn(async move {
            let _turn = turns.acquire().await;
            test.await.map_err(|reason| format!("{name}\n{reason}"))
        });
    }
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => failures.push(failure),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if filters.is_empty() || filters.iter().any(|filter| filter.contains(rebinding::FOLDER)) {
        failures.extend(rebinding::hold().await);
    }
    over.store(true, Ordering::Release);
    while let Some(neighbour) = neighbours.join_next().await {
        match neighbour {
            Ok(Ok(runs)) => println!("an ordinary check ran {runs} times and noticed nothing"),
            Ok(Err(noticed)) => failures.push(noticed),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if sandbox.zygotes() != zygotes {
        failures.push(format!("zygotes were {zygotes:?} and are {:?}: a script has ended one", sandbox.zygotes()));
    }
    sandbox.shutdown().await;
    failures
}

fn ordinary() -> Arc<ScriptBundle> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("ordinary.check.ts");
    std::fs::write(&file, ORDINARY).expect("the script is written");
    Arc::new(probes::script::bundle(folder.path(), &file).expect("the script is bundled"))
}

/// Runs until all is over, and once more. Gives the number of runs, or what one of them noticed.
async fn be_ordinary(
    neighbour: u32,
    sandbox: &Sandbox,
    network: &Network,
    bundle: &Arc<ScriptBundle>,
    over: &AtomicBool,
) -> Result<i64, String> {
    let mut runs = 0;
    loop {
        let last = over.load(Ordering::Acquire);
        let key = RunKey {
            check: "ordinary".parse().map_err(|error| format!("{error}"))?,
            region: "here".parse().map_err(|error| format!("{error}"))?,
            slot: UnixMs(runs),
            attempt: neighbour,
        };
        let result = sandbox
            .run(RunOrder {
                key: key.clone(),
                bundle: bundle.clone(),
                // Long enough for the slowest machine: what is measured here is not time.
                timeout_ms: 60_000,
                vars: network.vars.clone(),
                secrets: [("PASSWORD".to_owned(), "ordinary-secret-0815".to_owned())].into(),
                reach: checks::Reach::default(),
                network: network.settings.clone(),
            })
            .await;
        runs += 1;
        let console: Vec<&str> = result.console.iter().map(|line| line.text.as_str()).collect();
        let expected = format!("ordinary {neighbour} [redacted]");
        let whole = result.key == key
            && result.outcome == Outcome::Passed
            && console == [expected.as_str()]
            && result.steps.len() == 1
            && result.requests.len() == 1
            && result.dropped == checks::Dropped::default();
        if !whole {
            return Err(format!("an ordinary check noticed its neighbours in run {runs}: {result:?}"));
        }
        if last {
            return Ok(runs);
        }
    }
}

fn specs_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hostile")
}
