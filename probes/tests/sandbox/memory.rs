//! What is in the memory of a run's process, and how much of it is its own.

use crate::processes::{WAITS, bundle, ensure, in_background, kill, order, until};
use crate::{Test, sandbox, settings};
use checks::RunResult;
use nix::sys::signal::Signal::SIGKILL;
use probes::sandbox::{Limits, RunOrder, Sandbox, SandboxSettings};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinHandle;

pub fn tests() -> Vec<Test> {
    fn test(name: &str, test: impl Future<Output = Result<(), String>> + Send + 'static) -> Test {
        (format!("memory/{name}"), Box::pin(test))
    }
    vec![
        test("runs leave nothing behind for others", runs_leave_nothing_behind()),
        test("a run has its own notes and nobody elses", a_run_has_its_own_notes()),
        test("the environment stays outside", the_environment_stays_outside()),
        test("what runs write to is in one large page", what_runs_write_to_is_in_one_large_page()),
        test("a run may need more room than the large page has", a_run_may_need_more_room()),
    ]
}

/// One with zygotes as in `tocsin up`.
async fn rehearsed(limits: Limits) -> Sandbox {
    let settings = SandboxSettings { rehearses: true, ..settings(1, limits) };
    Sandbox::start(settings).await.expect("the sandbox starts")
}

/// So many runs that are in flight, and wait.
async fn hold(sandbox: &Arc<Sandbox>, count: usize) -> Result<Vec<JoinHandle<RunResult>>, String> {
    let waits = bundle("waits", WAITS);
    let mut runs = Vec::new();
    for slot in (0..).take(count) {
        runs.push(in_background(sandbox, order(&waits, slot)).await);
    }
    until("all runs in flight", || sandbox.runs_in_flight().len() == count).await?;
    Ok(runs)
}

async fn let_go(sandbox: &Sandbox, runs: Vec<JoinHandle<RunResult>>) -> Result<(), String> {
    for process in sandbox.runs_in_flight() {
        kill(process, SIGKILL);
    }
    for run in runs {
        run.await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

async fn runs_leave_nothing_behind() -> Result<(), String> {
    let bundle = bundle(
        "stateful",
        "if (globalThis.seen) throw new Error('seen'); globalThis.seen = true; Array.prototype.seen = 1;",
    );
    for sandbox in [sandbox(1, Limits::default()).await, rehearsed(Limits::default()).await] {
        for slot in 0..5 {
            let result = sandbox.run(order(&bundle, slot)).await;
            ensure(result.failure().is_none(), format!("{result:?}"))?;
        }
    }
    Ok(())
}

/// What a run shares with its zygote is in no other run, whether that was forked before or after it.
async fn a_run_has_its_own_notes() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    let runs = hold(&sandbox, 4).await?;
    let mut notes = HashSet::new();
    for process in sandbox.runs_in_flight() {
        let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).map_err(|error| error.to_string())?;
        // `7f0000000000-7f0000100000 rw-s 00000000 00:01 4711 /dev/zero (deleted)`
        let shared: Vec<_> = maps.lines().filter(|line| line.split(' ').nth(1) == Some("rw-s")).collect();
        let [shared] = shared[..] else { return Err(format!("one shared mapping, not {shared:?}")) };
        let inode = shared.split_whitespace().nth(4).unwrap_or_default().to_owned();
        ensure(notes.insert(inode), format!("two runs share {shared}"))?;
    }
    let_go(&sandbox, runs).await
}

async fn the_environment_stays_outside() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    let secret = "in-no-environment-4711";
    let run = RunOrder { secrets: [("S".to_owned(), secret.to_owned())].into(), ..order(&bundle("waits", WAITS), 0) };
    let run = in_background(&sandbox, run).await;
    until("a run in flight", || sandbox.runs_in_flight().len() == 1).await?;
    let process = sandbox.runs_in_flight()[0];
    for process in [process, sandbox.zygotes()[0].cast_signed()] {
        for file in ["environ", "cmdline"] {
            let bytes = std::fs::read(format!("/proc/{process}/{file}")).map_err(|error| error.to_string())?;
            let text = String::from_utf8_lossy(&bytes);
            ensure(
                !text.contains(secret) && !text.contains("CARGO") && !text.contains("HOME="),
                format!("{file}: {text}"),
            )?;
        }
    }
    until("the run's descriptors are its own", || {
        let Ok(descriptors) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return false };
        let targets: Vec<_> = descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect();
        let pipes = targets.iter().filter(|target| target.to_string_lossy().starts_with("pipe:")).count();
        pipes == 1 && targets.iter().any(|target| target == Path::new("/dev/null"))
    })
    .await?;
    kill(process, SIGKILL);
    run.await.map_err(|error| error.to_string()).map(|_| ())
}

const LARGE_PAGE_KIB: u64 = 2_048;

/// Of what a process has for itself, in KiB: all of it, and what is in large pages.
fn private_kib(process: i32) -> Result<(u64, u64), String> {
    let smaps = std::fs::read_to_string(format!("/proc/{process}/smaps")).map_err(|error| error.to_string())?;
    let (mut all, mut large, mut in_mapping) = (0, 0, 0);
    for line in smaps.lines() {
        let mut fields = line.split_whitespace();
        let (Some(field), Some(Ok(kib))) = (fields.next(), fields.next().map(str::parse::<u64>)) else { continue };
        match field {
            "Size:" => in_mapping = 0,
            "Private_Clean:" | "Private_Dirty:" => {
                all += kib;
                in_mapping += kib;
            }
            // Comes after the private ones of its mapping. Most large pages are shared with the zygote.
            "AnonHugePages:" if kib > 0 => large += in_mapping / LARGE_PAGE_KIB * LARGE_PAGE_KIB,
            _ => {}
        }
    }
    Ok((all, large))
}

async fn what_runs_write_to_is_in_one_large_page() -> Result<(), String> {
    let modes = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    if modes.is_empty() || modes.contains("[never]") {
        println!("skipped: transparent large pages (this kernel has none)");
        return Ok(());
    }
    let sandbox = Arc::new(rehearsed(Limits::default()).await);
    let runs = hold(&sandbox, 2).await?;
    for process in sandbox.runs_in_flight() {
        let is_under_way = || private_kib(process).is_ok_and(|(_, large)| large == LARGE_PAGE_KIB);
        until("a run with a large page of its own", is_under_way).await?;
        let (all, large) = private_kib(process)?;
        let small = all - large;
        // Without a layout a run that does nothing has some 1,700.
        ensure(small < 700, format!("{small} KiB in small pages, beside {large}"))?;
    }
    let_go(&sandbox, runs).await
}

async fn a_run_may_need_more_room() -> Result<(), String> {
    let sandbox = rehearsed(Limits::default()).await;
    let takes = bundle(
        "takes",
        "const kept = Array.from({ length: 100_000 }, (_, i) => ({ i, text: `number ${i}` }));
         const large = 'x'.repeat(8 << 20) + kept.length;
         if (kept[77_777].text !== 'number 77777' || large.length !== (8 << 20) + 6) throw new Error('lost');",
    );
    for slot in 0..3 {
        let result = sandbox.run(order(&takes, slot)).await;
        ensure(result.failure().is_none(), format!("{result:?}"))?;
    }
    Ok(())
}
