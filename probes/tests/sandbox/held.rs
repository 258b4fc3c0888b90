//! How a run in flight is held, seen from outside: what the kernel says of its process, and not what the sandbox does.

use crate::processes::{WAITS, bundle, ensure, in_background, kill, order, until};
use crate::{Test, sandbox};
use probes::sandbox::{Limits, Protection, RunOrder, Sandbox};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn tests() -> Vec<Test> {
    fn test(name: &str, look: fn(&Held) -> Result<(), String>) -> Test {
        (format!("held/{name}"), Box::pin(with_a_run(look)))
    }
    vec![
        test("no privilege and a filter", no_privilege_and_a_filter),
        test("limits", limits),
        test("no network", no_network),
        test("no file", no_file),
        test("no descriptor and no environment of others", nothing_inherited),
        (
            "held/nothing of another run is in the memory of a later one".to_owned(),
            Box::pin(nothing_of_another_run_is_in_memory()),
        ),
    ]
}

/// A run that has begun, and the sandbox that says how it is held.
struct Held {
    sandbox: Arc<Sandbox>,
    process: i32,
}

async fn with_a_run(look: fn(&Held) -> Result<(), String>) -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    let run = in_background(&sandbox, order(&bundle("held", WAITS), 0)).await;
    let process = begun(&sandbox).await?;
    let held = Held { sandbox, process };
    let looked = look(&held);
    kill(process, nix::sys::signal::Signal::SIGKILL);
    run.await.map_err(|error| error.to_string())?;
    looked
}

/// Waits until the one run in flight has gone to sleep, its script begun.
async fn begun(sandbox: &Sandbox) -> Result<i32, String> {
    until("a run in flight", || sandbox.runs_in_flight().len() == 1).await?;
    let process = sandbox.runs_in_flight()[0];
    // It waits for its timer, and the loop of events is the first thing that it makes after it was held.
    let waits = || {
        let links = links(process).unwrap_or_default();
        let sleeps = status(process, "State").is_ok_and(|state| state.starts_with('S'));
        sleeps && links.iter().any(|link| link == Path::new("anon_inode:[eventpoll]"))
    };
    until("the run waits", waits).await?;
    Ok(process)
}

fn read(process: i32, file: &str) -> Result<String, String> {
    std::fs::read_to_string(format!("/proc/{process}/{file}")).map_err(|error| format!("{file}: {error}"))
}

fn status(process: i32, name: &str) -> Result<String, String> {
    let status = read(process, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(|value| value.trim().to_owned()).ok_or_else(|| format!("no {name} in {status}"))
}

fn links(process: i32) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(format!("/proc/{process}/fd")).map_err(|error| error.to_string())?;
    Ok(entries.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect())
}

/// Whether a protection is there that is to be seen; where it is not, that is told.
fn is_on(protection: &Protection) -> bool {
    if let Protection::Off { reason } = protection {
        println!("skipped: {reason}");
    }
    *protection == Protection::On
}

fn no_privilege_and_a_filter(held: &Held) -> Result<(), String> {
    let zygote = held.sandbox.zygotes()[0].cast_signed();
    for process in [held.process, zygote] {
        for (name, expected) in [("NoNewPrivs", "1"), ("CapEff", "0000000000000000"), ("CapPrm", "0000000000000000")] {
            let value = status(process, name)?;
            ensure(value == expected, format!("{name} is {value}"))?;
        }
    }
    ensure(status(held.process, "CapInh")? == "0000000000000000", "it would hand privileges on")?;
    if is_on(&held.sandbox.containment().system_calls) {
        ensure(status(held.process, "Seccomp")? == "2", "a filter judges its system calls")?;
        let filters = [held.process, zygote].map(|process| status(process, "Seccomp_filters"));
        if let [Ok(run), Ok(zygote)] = filters {
            ensure(run.parse::<u32>().ok() > zygote.parse().ok(), format!("{run} filters, its zygote's {zygote}"))?;
        }
    }
    Ok(())
}

fn limits(held: &Held) -> Result<(), String> {
    let text = read(held.process, "limits")?;
    let of = |name: &str| -> Result<[String; 2], String> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no {name}: {text}"))?;
        let mut values = line.split_whitespace().map(str::to_owned);
        values.next().zip(values.next()).map(|(soft, hard)| [soft, hard]).ok_or_else(|| line.to_owned())
    };
    // Ten seconds and the grace, for each thread that it may have.
    for (name, expected) in [
        ("Max open files", "128"),
        ("Max cpu time", "108"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max locked memory", "0"),
        ("Max msgqueue size", "0"),
    ] {
        ensure(of(name)? == [expected, expected], format!("{name}: {:?}", of(name)?))?;
    }
    let [soft, hard] = of("Max address space")?;
    let bytes: u64 = hard.parse().map_err(|error| format!("{hard}: {error}"))?;
    ensure(soft == hard && (256 << 20..1 << 30).contains(&bytes), format!("address space: {soft}, {hard}"))
}

fn no_network(held: &Held) -> Result<(), String> {
    if !is_on(&held.sandbox.containment().network) {
        return Ok(());
    }
    let namespace = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).map_err(|e| e.to_string());
    ensure(namespace(&held.process.to_string())? != namespace("self")?, "it is in the network of this process")?;
    let devices = read(held.process, "net/dev")?;
    // Every namespace is born with a loopback interface, which is down.
    let names: Vec<_> = devices.lines().filter_map(|line| Some(line.split_once(':')?.0.trim())).collect();
    ensure(names == ["lo"], format!("interfaces: {names:?}"))?;
    for (file, what) in [("net/if_inet6", "an address"), ("net/fib_trie", "a route")] {
        let text = read(held.process, file).unwrap_or_default();
        ensure(text.trim().is_empty(), format!("it has {what}: {text}"))?;
    }
    ensure(read(held.process, "net/route")?.lines().count() <= 1, "it has a route")
}

fn no_file(held: &Held) -> Result<(), String> {
    if !is_on(&held.sandbox.containment().root) {
        return Ok(());
    }
    for of in ["root", "cwd"] {
        let folder = format!("/proc/{}/{of}/", held.process);
        let names: Vec<_> = std::fs::read_dir(&folder).map_err(|error| error.to_string())?.flatten().collect();
        ensure(names.is_empty(), format!("{of}: {names:?}"))?;
    }
    let mounts = read(held.process, "mountinfo")?;
    let [root] = mounts.lines().collect::<Vec<_>>()[..] else { return Err(format!("more than a root: {mounts}")) };
    let options = root.split(' ').nth(5).unwrap_or_default();
    for wanted in ["ro", "nosuid", "nodev", "noexec"] {
        ensure(options.split(',').any(|option| option == wanted), format!("{wanted} is not in {root}"))?;
    }
    Ok(())
}

fn nothing_inherited(held: &Held) -> Result<(), String> {
    let mut names: Vec<_> = links(held.process)?.iter().map(|link| link.display().to_string()).collect();
    names.sort();
    let known =
        |name: &String| ["/dev/null", "pipe:", "socket:", "anon_inode:"].iter().any(|part| name.starts_with(part));
    ensure(names.iter().all(known), format!("{names:?}"))?;
    let of = |part: &str| names.iter().filter(|name| name.starts_with(part)).count();
    // The pipe of its report, the gate to the broker, and the pair by which its event loop hears of signals, one end twice.
    ensure((of("/dev/null"), of("pipe:")) == (3, 1) && of("socket:") <= 4, format!("{names:?}"))?;
    let environment = read(held.process, "environ")?;
    let mut variables: Vec<_> = environment.split_terminator('\0').collect();
    variables.sort_unstable();
    ensure(variables == ["TZ=UTC", "V82JSC_NO_BC_CACHE=1"], format!("{variables:?}"))
}

/// What a run reports, notes and is given passes through its zygote, whose memory every later run has a copy of.
async fn nothing_of_another_run_is_in_memory() -> Result<(), String> {
    let sandbox = Arc::new(sandbox(1, Limits::default()).await);
    // Written apart, so that the text is only where a run has put it together.
    let says = "const text = ctx.vars.A + ctx.vars.B; console.log(text);";
    let order_of = |name: &str, script: &str, mark: &str| RunOrder {
        vars: [("A".to_owned(), "mark-of-".to_owned()), ("B".to_owned(), mark.to_owned())].into(),
        secrets: [("S".to_owned(), format!("secret-beside-{mark}"))].into(),
        ..order(&bundle(name, script), 0)
    };
    let reported = sandbox.run(order_of("reports", says, "a-report")).await;
    ensure(reported.console.len() == 1 && reported.failure().is_none(), format!("{reported:?}"))?;
    // More than a pipe holds: its parts go on one by one, and runs are forked between them.
    let long = "for (let i = 0; i < 100; i++) console.log(ctx.vars.A + ctx.vars.B + '-' + i + 'x'.repeat(2000));";
    let reported = sandbox.run(order_of("reports-long", long, "a-long-report")).await;
    ensure(reported.console.len() == 100 && reported.failure().is_none(), format!("{reported:?}"))?;
    let killed = in_background(&sandbox, order_of("killed", &format!("{says} {WAITS}"), "notes")).await;
    kill(begun(&sandbox).await?, nix::sys::signal::Signal::SIGKILL);
    let killed = killed.await.map_err(|error| error.to_string())?;
    ensure(killed.console.len() == 1 && killed.failure().is_some(), format!("{killed:?}"))?;

    let run = in_background(&sandbox, order_of("looks", &format!("{says} {WAITS}"), "its-own")).await;
    let process = begun(&sandbox).await?;
    let found = marks_in_memory(process);
    kill(process, nix::sys::signal::Signal::SIGKILL);
    run.await.map_err(|error| error.to_string())?;
    match found {
        Ok(found) => {
            ensure(found.iter().any(|mark| mark == "mark-of-its-own"), format!("what is there is found: {found:?}"))?;
            let of_others = ["a-report", "a-long-report", "notes"];
            let others: Vec<_> =
                found.iter().filter(|mark| of_others.iter().any(|other| mark.contains(other))).collect();
            ensure(others.is_empty(), format!("it has {others:?}"))
        }
        Err(reason) => {
            println!("skipped: the memory of a run cannot be read here ({reason})");
            Ok(())
        }
    }
}

/// The texts in a process's memory that begin as the marks above do.
fn marks_in_memory(process: i32) -> Result<std::collections::BTreeSet<String>, String> {
    use std::os::unix::fs::FileExt as _;
    let memory = std::fs::File::open(format!("/proc/{process}/mem")).map_err(|error| error.to_string())?;
    let mut marks = std::collections::BTreeSet::new();
    for line in read(process, "maps")?.lines() {
        let Some((range, rest)) = line.split_once(' ') else { continue };
        let bounds = range.split_once('-').map(|(start, end)| [start, end].map(|at| u64::from_str_radix(at, 16)));
        let (Some([Ok(start), Ok(end)]), true) = (bounds, rest.starts_with("rw")) else { continue };
        let mut content = vec![0; usize::try_from(end - start).map_err(|error| error.to_string())?];
        // Some mappings are the kernel's, and cannot be read.
        let Ok(()) = memory.read_exact_at(&mut content, start) else { continue };
        for beginning in ["mark-of-", "secret-beside-"] {
            for at in memchr::memmem::find_iter(&content, beginning) {
                let is_name = |byte: &&u8| byte.is_ascii_lowercase() || **byte == b'-';
                marks.insert(content[at..].iter().take_while(is_name).map(|byte| char::from(*byte)).collect());
            }
        }
    }
    Ok(marks)
}
