//! The sandbox against real processes. A zygote needs a program to be, and this one is it: `sandbox zygote`.
//!
//! Without arguments it runs the scripts of `tests/specs/`, each against the expectation beside it, and the tests of
//! `declared.rs` and `processes.rs`. An argument is a filter on names, as with `cargo test`.

#[path = "../target/mod.rs"]
mod target;

mod declared;
mod held;
mod matching;
mod memory;
mod network;
mod nginx;
mod processes;
mod specs;

use probes::sandbox::{Limits, Sandbox, SandboxSettings};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

type Test = (String, Pin<Box<dyn Future<Output = Result<(), String>> + Send>>);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == "zygote") {
        probes::sandbox::zygote_main();
    }
    if arguments.first().is_some_and(|argument| argument == "daemon") {
        return processes::be_a_daemon();
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return;
    }
    let filters: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the event loop starts");
    let failed = runtime.block_on(async {
        let limits = Limits { describe_timeout_ms: 500, ..Limits::default() };
        let as_in_up = SandboxSettings { rehearses: true, ..settings(2, limits) };
        let as_in_up = Sandbox::start(as_in_up).await.expect("the sandbox starts");
        let mut tests = specs::tests(&Arc::new(as_in_up)).await;
        tests.extend(declared::tests());
        tests.extend(processes::tests());
        tests.extend(held::tests());
        tests.extend(memory::tests());
        tests.retain(|(name, _)| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())));
        println!("running {} tests", tests.len());
        let mut running = tokio::task::JoinSet::new();
        // A few at once: each is a process that may use up its time on purpose.
        let turns = std::sync::Arc::new(tokio::sync::Semaphore::new(4));
        for (name, test) in tests {
            let turns = turns.clone();
            running.spawn(async move {
                let _turn = turns.acquire().await;
                (name, test.await)
            });
        }
        let (mut passed, mut failed) = (0, 0);
        while let Some(joined) = running.join_next().await {
            match joined {
                Ok((_, Ok(()))) => passed += 1,
                Ok((name, Err(reason))) => {
                    failed += 1;
                    println!("test {name} ... FAILED\n{reason}\n");
                }
                Err(error) => {
                    failed += 1;
                    println!("a test panicked: {error}\n");
                }
            }
        }
        println!("test result: {}. {passed} passed; {failed} failed", if failed == 0 { "ok" } else { "FAILED" });
        failed
    });
    std::process::exit(i32::from(failed > 0));
}

fn specs_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs")
}

fn settings(zygotes: usize, limits: Limits) -> SandboxSettings {
    SandboxSettings {
        zygote_program: std::env::current_exe().expect("the test has a path"),
        zygote_args: vec!["zygote".to_owned()],
        zygotes,
        runs_in_flight_max: 64,
        rehearses: false,
        limits,
    }
}

async fn sandbox(zygotes: usize, limits: Limits) -> Sandbox {
    Sandbox::start(settings(zygotes, limits)).await.expect("the sandbox starts")
}
