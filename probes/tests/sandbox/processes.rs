//! What happens between processes: many at once, none alike, and any of them killed.

use crate::target::{RawServer, read_head};
use crate::{Test, sandbox, settings};
use checks::{FailureClass, RunKey, RunResult, UnixMs};
use probes::sandbox::{Limits, RunOrder, Sandbox};
use probes::script::ScriptBundle;
use probes::transport::NetworkSettings;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

pub fn tests() -> Vec<Test> {
    fn test(name: &str, test: impl Future<Output = Result<(), String>> + Send + 'static) -> Test {
        (format!("processes/{name}"), Box::pin(test))
    }
    vec![
        test("no two runs draw the same numbers", no_two_runs_draw_the_same_numbers()),
        test("many runs are in flight at once", many_runs_are_in_flight_at_once()),
        test("a run killed from outside is the probers fault", a_killed_run()),
        test("a killed zygote is replaced", a_killed_zygote_is_replaced()),
        test("a stopped zygote is replaced", a_stopped_zygote_is_replaced()),
        test("a run that got no processor blames the prober", a_run_that_got_no_processor()),
        test("the next run's process waits already", the_next_runs_process_waits_already()),
        test("a process that waits knows what came later or goes", a_process_that_waits_knows_what_came_later()),
        test("a full queue refuses", a_full_queue_refuses()),
        test("a run that does not stop is killed", a_run_that_does_not_stop_is_killed()),
        test("what a killed run had noted is in its result", what_a_killed_run_had_noted()),
        test("the connections of a killed run are closed", the_connections_of_a_killed_run()),
        test("a killed daemon leaves no process behind", a_killed_daemon_leaves_no_process_behind()),
        test("shutdown answers everybody", shutdown_answers_everybody()),
        test("a program that is no zygote is refused", a_program_that_is_no_zygote_is_refused()),
    ]
}

pub fn bundle(name: &str, script: &str) -> Arc<ScriptBundle> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(format!("{name}.check.js"));
    std::fs::write(&file, format!("import {{ defineCheck, step }} from 'tocsin';\nexport default defineCheck({{ schedule: 'every 30s', async run(ctx) {{ {script} }} }});"))
        .expect("the script is written");
    Arc::new(probes::script::bundle(folder.path(), &file).expect("the script is bundled"))
}

pub fn order(bundle: &Arc<ScriptBundle>, slot: i64) -> RunOrder {
    RunOrder {
        key: RunKey {
            check: "c".parse().expect("an id"),
            region: "r".parse().expect("a region"),
            slot: UnixMs(slot),
            attempt: 0,
        },
        bundle: bundle.clone(),
        timeout_ms: 10_000,
        vars: Default::default(),
        secrets: Default::default(),
        reach: Default::default(),
        network: Arc::default(),
    }
}

pub const WAITS: &str = "await new Promise((resolve) => setTimeout(resolve, 60_000));";

/// Waits until `holds`, at most ten seconds.
pub async fn until(what: &str, holds: impl Fn() -> bool) -> Result<(), String> {
    for _ in 0..2_000 {
        if holds() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(format!("never: {what}"))
}

pub fn ensure(holds: bool, what: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn ensure_failed(result: &RunResult, class: FailureClass, part: &str) -> Result<(), String> {
    let failure = result.failure().ok_or_else(|| format!("did not fail: {result:?}"))?;
    ensure(failure.class == class && failure.message.contains(part), format!("{failure:?}"))
}

pub fn kill(process: i32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), signal).expect("the process is there");
}

pub async fn in_background(sandbox: &Arc<Sandbox>, order: RunOrder) -> tokio::task::JoinHandle<RunResult> {
    let sandbox = sandbox.clone();
    tokio::spawn(async move { sandbox.run(order).await })
}

async fn no_two_runs_draw_the_same_numbers() -> Result<(), String> {
    let sandbox = sandbox(1, Limits::default()).await;
    let bundle = bundle(
        "random",
        "console.log(Math.random()); console.log(crypto.randomUUID()); console.log(crypto.getRandomValues(new Uint8Array(16)).join()); console.log(Math.random(), new Set(Array.from({ length: 1000 }, Math.random)).size)",
    );
    let mut drawn: [HashSet<String>; 4] = Default::default();
    for slot in 0..20 {
        let result = sandbox.run(order(&bundle, slot)).await;
        ensure(result.failure().is_none() && result.console.len() == 4, format!("{result:?}"))?;
        for (line, drawn) in result.console.iter().zip(&mut drawn) {
            ensure(drawn.insert(line.text.clone()), format!("drawn twice: {}", line.text))?;
        }
        ensure(result.console[3].text.ends_with(" 1000"), "a thousand draws differ")?;
    }
    Ok(())
}

async fn many_runs_are_in_flight_at_once() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(2, Limits::default()).await);
    // Each waits until the time at which all are there.
    let bundle = bundle(
        "meets",
        "while (Date.now() < ctx.slot.getTime()) await new Promise((resolve) => setTimeout(resolve, 5));",
    );
    let meeting = UnixMs::now().0 + 3_000;
    let mut runs = Vec::new();
    for _ in 0..50 {
        runs.push(in_background(&sandbox, order(&bundle, meeting)).await);
    }
    until("fifty processes at once", || sandbox.runs_in_flight().len() == 50).await?;
    let zygotes: HashSet<_> = sandbox.runs_in_flight().into_iter().map(parent).collect();
    ensure(zygotes.len() == 2, "both zygotes fork")?;
    for run in runs {
        let result = run.await.map_err(|error| error.to_string())?;
        ensure(result.failure().is_none(), format!("{result:?}"))?;
    }
    ensure(sandbox.runs_in_flight().is_empty(), "none is left")
}

fn parent(process: i32) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| Some(line.strip_prefix("PPid:")?.trim().to_owned()))
}

async fn a_killed_run() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    let bundle = bundle("waits", WAITS);
    let run = in_background(&sandbox, order(&bundle, 0)).await;
    until("a run in flight", || sandbox.runs_in_flight().len() == 1).await?;
    kill(sandbox.runs_in_flight()[0], nix::sys::signal::Signal::SIGKILL);
    let result = run.await.map_err(|error| error.to_string())?;
    ensure_failed(&result, FailureClass::Prober, "killed from outside (SIGKILL)")?;

    let run = in_background(&sandbox, order(&bundle, 1)).await;
    until("a run in flight", || sandbox.runs_in_flight().len() == 1).await?;
    kill(sandbox.runs_in_flight()[0], nix::sys::signal::Signal::SIGABRT);
    let result = run.await.map_err(|error| error.to_string())?;
    ensure_failed(&result, FailureClass::Script, "crashed its process (SIGABRT)")
}

async fn a_killed_zygote_is_replaced() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    let waits = bundle("waits", WAITS);
    let mut runs = Vec::new();
    for slot in 0..3 {
        runs.push(in_background(&sandbox, order(&waits, slot)).await);
    }
    until("three runs in flight", || sandbox.runs_in_flight().len() == 3).await?;
    let orphans = sandbox.runs_in_flight();
    kill(sandbox.zygotes()[0].cast_signed(), nix::sys::signal::Signal::SIGKILL);
    for run in runs {
        let result = run.await.map_err(|error| error.to_string())?;
        ensure_failed(&result, FailureClass::Prober, "the zygote that forked the run died")?;
    }
    // Its successor is asked as soon as it is there, for a script that only its predecessor was sent.
    let quick = bundle("quick", "console.log('again')");
    let result = sandbox.run(order(&quick, 4)).await;
    ensure(result.failure().is_none(), format!("{result:?}"))?;
    until("the kernel killed the orphans", || orphans.iter().all(|process| !is_running(*process))).await
}

fn is_running(process: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Of a time-out only: a run that stands still through most of its time has not waited for the target.
async fn a_run_that_got_no_processor() -> Result<(), String> {
    use nix::sys::signal::Signal;
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    let (asked, mut was_asked) = tokio::sync::mpsc::channel(1);
    let server = RawServer::start(move |_, mut stream| {
        let asked = asked.clone();
        async move {
            let _ = asked.send(read_head(&mut stream).await).await;
            std::future::pending().await
        }
    })
    .await;
    let asks = bundle(
        "asks",
        "const end = Date.now() + 100 * (ctx.slot - 1); while (Date.now() < end); await fetch(ctx.vars.URL);",
    );
    // The slot, for how long the process is stopped, and whom that blames. The last one keeps the processor to itself.
    for (slot, stopped_ms, class, part) in [
        (0, 900, FailureClass::Prober, "no processor for"),
        (1, 0, FailureClass::NetworkTimeout, "no answer within 1.5 s: GET "),
        (12, 0, FailureClass::NetworkTimeout, "no answer within 1.5 s: GET "),
    ] {
        let run = RunOrder {
            vars: [("URL".to_owned(), server.url("/"))].into(),
            network: Arc::new(NetworkSettings { allow_private: true, ..NetworkSettings::default() }),
            timeout_ms: 1_500,
            ..order(&asks, slot)
        };
        let run = in_background(&sandbox, run).await;
        was_asked.recv().await.ok_or("the server went")?;
        if stopped_ms > 0 {
            let process = sandbox.runs_in_flight()[0];
            kill(process, Signal::SIGSTOP);
            tokio::time::sleep(Duration::from_millis(stopped_ms)).await;
            kill(process, Signal::SIGCONT);
        }
        let result = run.await.map_err(|error| error.to_string())?;
        ensure_failed(&result, class, part)?;
        ensure_failed(&result, class, "no answer within 1.5 s: GET ")?;
    }
    Ok(())
}

/// The process that the only zygote has ready while nothing is in flight.
async fn process_that_waits(sandbox: &Sandbox) -> Result<i32, String> {
    let zygote = sandbox.zygotes()[0];
    let children = || {
        let listed = std::fs::read_to_string(format!("/proc/{zygote}/task/{zygote}/children")).unwrap_or_default();
        let numbers = listed.split_whitespace().filter_map(|number| number.parse().ok());
        numbers.filter(|child| is_running(*child)).collect::<Vec<i32>>()
    };
    until("one process waits", || children().len() == 1).await?;
    Ok(children()[0])
}

async fn the_next_runs_process_waits_already() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    let bundle = bundle("maybe", "if (ctx.slot > 0) { await new Promise((resolve) => setTimeout(resolve, 60_000)); }");
    let result = sandbox.run(order(&bundle, 0)).await;
    ensure(result.failure().is_none(), format!("{result:?}"))?;
    let waits = process_that_waits(&sandbox).await?;
    let run = in_background(&sandbox, order(&bundle, 1)).await;
    until("a run in flight", || sandbox.runs_in_flight() == [waits]).await?;
    kill(waits, nix::sys::signal::Signal::SIGKILL);
    let result = run.await.map_err(|error| error.to_string())?;
    ensure_failed(&result, FailureClass::Prober, "killed from outside (SIGKILL)")?;
    // One that is gone when it is needed is nobody's failure.
    let waits = process_that_waits(&sandbox).await?;
    kill(waits, nix::sys::signal::Signal::SIGKILL);
    until("it is gone", || !is_running(waits)).await?;
    let result = sandbox.run(order(&bundle, 0)).await;
    ensure(result.failure().is_none(), format!("{result:?}"))
}

/// Neither a script nor a network that its zygote was told of after the fork is in it.
async fn a_process_that_waits_knows_what_came_later() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    for slot in 0..5 {
        let bundle = bundle("said", &format!("console.log('script {slot}')"));
        let network = Arc::new(NetworkSettings { allow_private: slot % 2 == 0, ..NetworkSettings::default() });
        let result = sandbox.run(RunOrder { network, ..order(&bundle, slot) }).await;
        let said: Vec<_> = result.console.iter().map(|line| line.text.as_str()).collect();
        ensure(said == [format!("script {slot}")], format!("{result:?}"))?;
        process_that_waits(&sandbox).await?;
    }
    Ok(())
}

async fn a_stopped_zygote_is_replaced() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits { kill_grace_ms: 0, ..Limits::default() }).await);
    let quick = bundle("quick", "");
    let stopped = sandbox.zygotes()[0];
    kill(stopped.cast_signed(), nix::sys::signal::Signal::SIGSTOP);
    let result = sandbox.run(RunOrder { timeout_ms: 10, ..order(&quick, 0) }).await;
    ensure_failed(&result, FailureClass::Prober, "did not answer in time")?;
    let result = sandbox.run(order(&quick, 1)).await;
    ensure(result.failure().is_none(), format!("{result:?}"))?;
    ensure(!sandbox.zygotes().contains(&stopped), "another zygote serves")
}

async fn a_full_queue_refuses() -> Result<(), String> {
    let limits = Limits { queue_depth_max: 2, ..Limits::default() };
    let settings = probes::sandbox::SandboxSettings { runs_in_flight_max: 1, ..settings(1, limits) };
    let sandbox = Arc::new(Sandbox::start(settings).await.map_err(|error| error.to_string())?);
    let waits = bundle("waits", WAITS);
    let quick = bundle("quick", "");
    let first = in_background(&sandbox, order(&waits, 0)).await;
    until("a run in flight", || sandbox.runs_in_flight().len() == 1).await?;
    let mut queued = Vec::new();
    for slot in 1..=8 {
        queued.push(in_background(&sandbox, order(&quick, slot)).await);
    }
    until("six refusals", || queued.iter().filter(|run| run.is_finished()).count() == 6).await?;
    kill(sandbox.runs_in_flight()[0], nix::sys::signal::Signal::SIGKILL);
    first.await.map_err(|error| error.to_string())?;
    let mut passed = 0;
    for run in queued {
        let result = run.await.map_err(|error| error.to_string())?;
        match result.failure() {
            None => passed += 1,
            Some(_) => ensure_failed(&result, FailureClass::Prober, "2 runs wait already")?,
        }
    }
    ensure(passed == 2, format!("{passed} queued runs were made"))
}

async fn a_run_that_does_not_stop_is_killed() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits { kill_grace_ms: 100, ..Limits::default() }).await);
    let waits = bundle("waits", WAITS);
    let run = in_background(&sandbox, RunOrder { timeout_ms: 200, ..order(&waits, 0) }).await;
    until("a run in flight", || sandbox.runs_in_flight().len() == 1).await?;
    kill(sandbox.runs_in_flight()[0], nix::sys::signal::Signal::SIGSTOP);
    let result = run.await.map_err(|error| error.to_string())?;
    ensure_failed(&result, FailureClass::Script, "did not stop when its 0.2 s were over, and was killed 100 ms later")
}

const NOTES: &str = r#"
console.log("signing in as", ctx.vars.USER, ctx.secrets.PASSWORD);
console.warn(ctx.secrets.PASSWORD.slice(0, 7));
console.warn(ctx.secrets.PASSWORD.slice(7));
await step("login", async () => {
  await step(`token ${ctx.secrets.PASSWORD}`, async () => {});
  await step("profile", () => fetch(`${ctx.vars.URL}/me?code=one-time&user=${ctx.secrets.PASSWORD}`));
});
"#;

/// However a run's process ends: which step it was in, what it had logged, and which request was under way.
async fn what_a_killed_run_had_noted() -> Result<(), String> {
    use nix::sys::signal::Signal;
    let cases = [
        (Signal::SIGSTOP, FailureClass::Script, "did not stop when its 10 s were over"),
        (Signal::SIGSYS, FailureClass::Script, "made a system call that no run makes"),
        (Signal::SIGILL, FailureClass::Script, "crashed its process (SIGILL)"),
        (Signal::SIGABRT, FailureClass::Script, "crashed its process (SIGABRT)"),
        (Signal::SIGKILL, FailureClass::Prober, "killed from outside (SIGKILL)"),
    ];
    let ended = cases.map(|(signal, class, part)| async move {
        end_with(signal, class, part).await.map_err(|reason| format!("{signal}: {reason}"))
    });
    futures_util::future::try_join_all(ended).await.map(drop)
}

async fn end_with(signal: nix::sys::signal::Signal, class: FailureClass, part: &str) -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits { kill_grace_ms: 100, ..Limits::default() }).await);
    let (asked, mut was_asked) = tokio::sync::mpsc::channel(1);
    let server = RawServer::start(move |_, mut stream| {
        let asked = asked.clone();
        async move {
            if let Some(head) = read_head(&mut stream).await {
                let _ = asked.send(head).await;
            }
            std::future::pending().await
        }
    })
    .await;
    // Its second piece starts with letters: digits alone may be those of a duration.
    let secret = "s3cret-zx4711-0815";
    let run = RunOrder {
        vars: [("USER".to_owned(), "ada".to_owned()), ("URL".to_owned(), server.url(""))].into(),
        secrets: [("PASSWORD".to_owned(), secret.to_owned())].into(),
        network: Arc::new(NetworkSettings { allow_private: true, ..NetworkSettings::default() }),
        ..order(&bundle("notes", NOTES), 0)
    };
    let run = in_background(&sandbox, run).await;
    let head = was_asked.recv().await.ok_or("the server went")?;
    ensure(head.contains("code=one-time") && head.contains(secret), head)?;
    kill(sandbox.runs_in_flight()[0], signal);
    let result = run.await.map_err(|error| error.to_string())?;
    ensure_failed(&result, class, part)?;
    ensure_failed(&result, class, "/me?code=[redacted:CODE]&user=[redacted] waited for the first byte")?;
    let all = format!("{result:?}");
    ensure(result.failure().is_some_and(|failure| failure.step.as_deref() == Some("login › profile")), &all)?;
    let steps: Vec<_> = result.steps.iter().map(|step| (step.name.as_str(), step.parent)).collect();
    ensure(steps == [("login", None), ("token [redacted]", Some(0)), ("profile", Some(0))], &all)?;
    let open: Vec<_> = result.steps.iter().map(|step| step.duration_us.is_none()).collect();
    ensure(open == [true, false, true], &all)?;
    let console: Vec<_> = result.console.iter().map(|line| line.text.as_str()).collect();
    ensure(console == ["signing in as ada [redacted]", "[redacted]", "[redacted]"], &all)?;
    let [request] = &result.requests[..] else { return Err(all) };
    let failure = request.failure.as_ref().map(|failure| failure.message.as_str());
    ensure(request.step == Some(2) && failure == Some("no answer until the run was killed"), &all)?;
    ensure(!all.contains("s3cret") && !all.contains("zx47") && !all.contains("one-time"), &all)
}

/// Neither the run's process nor the broker that made them keeps any.
async fn the_connections_of_a_killed_run() -> Result<(), String> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::AsyncReadExt as _;
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    let (opened, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (opened.clone(), closed.clone());
    let server = RawServer::start(move |_, mut stream| {
        let (opened, closed) = counters.clone();
        async move {
            opened.fetch_add(1, Ordering::SeqCst);
            // Ends when the other side does, in whatever way.
            let _ = stream.read_to_end(&mut Vec::new()).await;
            closed.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let holds = bundle("holds", "await Promise.all(Array.from({ length: 30 }, () => fetch(ctx.vars.URL)));");
    let run = RunOrder {
        vars: [("URL".to_owned(), server.url("/"))].into(),
        network: Arc::new(NetworkSettings { allow_private: true, ..NetworkSettings::default() }),
        timeout_ms: 60_000,
        ..order(&holds, 0)
    };
    let run = in_background(&sandbox, run).await;
    until("thirty connections", || opened.load(Ordering::SeqCst) == 30).await?;
    ensure(closed.load(Ordering::SeqCst) == 0, "they are held")?;
    kill(sandbox.runs_in_flight()[0], nix::sys::signal::Signal::SIGKILL);
    let result = run.await.map_err(|error| error.to_string())?;
    ensure(result.requests.len() == 30, format!("{result:?}"))?;
    until("all of them are closed", || closed.load(Ordering::SeqCst) == 30).await
}

/// The subcommand `daemon`: starts a sandbox with a run that waits, prints all their processes, and waits too.
pub fn be_a_daemon() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the event loop starts");
    runtime.block_on(async {
        let sandbox = Arc::new(sandbox(2, Limits::default()).await);
        let run = in_background(&sandbox, order(&bundle("waits", WAITS), 0)).await;
        until("a run in flight", || sandbox.runs_in_flight().len() == 1).await.expect("the run starts");
        let zygotes = sandbox.zygotes().into_iter().map(u32::cast_signed);
        let processes: Vec<_> = zygotes.chain(sandbox.runs_in_flight()).map(|process| process.to_string()).collect();
        println!("{}", processes.join(" "));
        run.await.expect("the run ends")
    });
}

async fn a_killed_daemon_leaves_no_process_behind() -> Result<(), String> {
    use tokio::io::AsyncBufReadExt as _;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut daemon = tokio::process::Command::new(program)
        .arg("daemon")
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| error.to_string())?;
    let output = daemon.stdout.take().ok_or("the daemon's output is a pipe")?;
    let mut line = String::new();
    tokio::io::BufReader::new(output).read_line(&mut line).await.map_err(|error| error.to_string())?;
    let processes: Vec<i32> = line.split_whitespace().filter_map(|process| process.parse().ok()).collect();
    ensure(processes.len() == 3, format!("two zygotes and a run, not {line:?}"))?;
    daemon.kill().await.map_err(|error| error.to_string())?;
    until("all its processes ended", || processes.iter().all(|process| !is_running(*process))).await
}

async fn shutdown_answers_everybody() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    let run = in_background(&sandbox, order(&bundle("waits", WAITS), 0)).await;
    until("a run in flight", || sandbox.runs_in_flight().len() == 1).await?;
    let zygotes = sandbox.zygotes();
    sandbox.shutdown().await;
    let result = run.await.map_err(|error| error.to_string())?;
    ensure_failed(&result, FailureClass::Prober, "shut down")?;
    let result = sandbox.run(order(&bundle("late", ""), 1)).await;
    ensure_failed(&result, FailureClass::Prober, "shut down")?;
    until("the zygotes ended", || zygotes.iter().all(|process| !is_running(process.cast_signed()))).await
}

async fn a_program_that_is_no_zygote_is_refused() -> Result<(), String> {
    for (program, part) in
        [("/bin/true", "ended before it was ready"), ("/no/such/program", "cannot start /no/such/program")]
    {
        let settings =
            probes::sandbox::SandboxSettings { zygote_program: program.into(), ..settings(1, Limits::default()) };
        match Sandbox::start(settings).await {
            Ok(_) => return Err(format!("{program} was taken for a zygote")),
            Err(error) => ensure(error.to_string().contains(part), error.to_string())?,
        }
    }
    Ok(())
}
