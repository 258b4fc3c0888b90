//! How many runs a second the sandbox makes, and what each holds while it is in flight.
//!
//! `cargo run -p probes --example runs_per_second -- [noop|fetch|memory] [RUNS] [ZYGOTES] [IN_FLIGHT]`
//!
//! `fetch` makes one HTTP request in each run, to a server in this process, which takes its share of the processors.

use checks::{Reach, RunKey, UnixMs};
use probes::sandbox::{Limits, RunOrder, Sandbox, SandboxSettings};
use probes::script::ScriptBundle;
use probes::transport::NetworkSettings;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const NOOP: &str = "async run() {}";
const FETCH: &str = "async run(ctx) { const response = await fetch(ctx.vars.URL); await response.text(); if (!response.ok) throw new Error('not ok'); }";
const WAIT: &str = "async run(ctx) { await fetch(ctx.vars.URL).then((response) => response.text()); await new Promise((resolve) => setTimeout(resolve, 3_000)); }";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == "zygote") {
        probes::sandbox::zygote_main();
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(bench(&arguments))
}

async fn bench(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let number = |index: usize, default: usize| {
        arguments
            .get(index)
            .map_or(Ok(default), |argument| argument.parse().map_err(|_| format!("{argument} is no number")))
    };
    let mode = arguments.first().map_or("noop", String::as_str);
    let (runs, zygotes, in_flight) = (number(1, 2_000)?, number(2, 2)?, number(3, 8)?);
    let started = Instant::now();
    let sandbox = Arc::new(
        Sandbox::start(SandboxSettings {
            zygote_program: std::env::current_exe()?,
            zygote_args: vec!["zygote".to_owned()],
            zygotes,
            runs_in_flight_max: in_flight,
            rehearses: true,
            limits: Limits::default(),
        })
        .await?,
    );
    println!("{zygotes} zygotes ready after {:?}", started.elapsed());
    let url = serve().await?;
    let order = Arc::new(order(
        &bundle(match mode {
            "fetch" => FETCH,
            "memory" => WAIT,
            _ => NOOP,
        })?,
        url,
    )?);
    if mode == "memory" {
        return memory(&sandbox, &order, in_flight).await;
    }

    let before = sandbox.zygotes().into_iter().map(|zygote| Spent::of(&zygote.to_string()));
    let before = before.fold(Spent::default(), std::ops::Add::add);
    let daemon_before = Spent::of("self");
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..in_flight {
        let (sandbox, order, next) = (sandbox.clone(), order.clone(), next.clone());
        workers.spawn(async move {
            let (mut took, mut inside, mut failed) = (Vec::new(), Vec::new(), None);
            while next.fetch_add(1, Ordering::Relaxed) < runs {
                let asked = Instant::now();
                let result = sandbox.run(RunOrder::clone(&order)).await;
                took.push(asked.elapsed());
                inside.push(Duration::from_micros(result.duration_us));
                failed = failed.or_else(|| result.failure().cloned());
            }
            (took, inside, failed)
        });
    }
    let (mut took, mut inside) = (Vec::new(), Vec::new());
    while let Some(worker) = workers.join_next().await {
        let (more_took, more_inside, failed) = worker?;
        took.extend(more_took);
        inside.extend(more_inside);
        if let Some(failure) = failed {
            println!("a run failed: {failure:?}");
        }
    }
    let elapsed = started.elapsed();
    println!("{mode}: {runs} runs, {in_flight} in flight, {:.0} runs/s", runs as f64 / elapsed.as_secs_f64());
    for (name, mut times) in [("asked to answered", took), ("inside the run", inside)] {
        times.sort_unstable();
        let at = |quantile: f64| times[((times.len() - 1) as f64 * quantile) as usize];
        println!("  {name}: p50 {:.2?} p99 {:.2?}", at(0.5), at(0.99));
    }
    for zygote in sandbox.zygotes() {
        println!("  zygote: {} KiB private", private_kib(zygote.cast_signed()));
    }
    let zygotes = sandbox.zygotes().into_iter().map(|zygote| Spent::of(&zygote.to_string()));
    let zygotes = zygotes.fold(Spent::default(), std::ops::Add::add) - before;
    let daemon = Spent::of("self") - daemon_before;
    for (name, us, faults) in [
        ("daemon", daemon.own_us, daemon.own_faults),
        ("zygotes", zygotes.own_us, zygotes.own_faults),
        ("runs", zygotes.childrens_us, zygotes.childrens_faults),
    ] {
        let a_run = |count: u64| count as f64 / runs as f64;
        println!("  {name}: {:.0} us of processor time and {:.1} page faults a run", a_run(us), a_run(faults));
    }
    sandbox.shutdown().await;
    Ok(())
}

/// What each of `in_flight` runs holds for itself alone, after a request and while it waits.
async fn memory(sandbox: &Arc<Sandbox>, order: &Arc<RunOrder>, in_flight: usize) -> Result<(), Box<dyn Error>> {
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..in_flight {
        let (sandbox, order) = (sandbox.clone(), order.clone());
        runs.spawn(async move { sandbox.run(RunOrder::clone(&order)).await });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let private: Vec<u64> = sandbox.runs_in_flight().into_iter().map(private_kib).collect();
    let zygotes: Vec<u64> = sandbox.zygotes().into_iter().map(|zygote| private_kib(zygote.cast_signed())).collect();
    println!(
        "{} runs in flight: {} KiB private each on average, {} at most; zygotes {zygotes:?}",
        private.len(),
        private.iter().sum::<u64>() / private.len().max(1) as u64,
        private.iter().max().unwrap_or(&0)
    );
    while let Some(run) = runs.join_next().await {
        if let Some(failure) = run?.failure() {
            println!("a run failed: {failure:?}");
        }
    }
    Ok(())
}

/// What a process and the children that it has waited for have used up.
#[derive(Default, Clone, Copy)]
struct Spent {
    own_us: u64,
    childrens_us: u64,
    own_faults: u64,
    childrens_faults: u64,
}

impl Spent {
    /// From `/proc/PID/stat`, whose ticks are hundredths of a second.
    fn of(process: &str) -> Self {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields: Vec<u64> = stat
            .rsplit_once(") ")
            .map(|(_, fields)| fields.split(' ').map(|field| field.trim().parse().unwrap_or(0)).collect())
            .unwrap_or_default();
        let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0);
        Self {
            own_us: (field(14) + field(15)) * 10_000,
            childrens_us: (field(16) + field(17)) * 10_000,
            own_faults: field(10),
            childrens_faults: field(11),
        }
    }
}

impl std::ops::Add for Spent {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            own_us: self.own_us + other.own_us,
            childrens_us: self.childrens_us + other.childrens_us,
            own_faults: self.own_faults + other.own_faults,
            childrens_faults: self.childrens_faults + other.childrens_faults,
        }
    }
}

impl std::ops::Sub for Spent {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            own_us: self.own_us - other.own_us,
            childrens_us: self.childrens_us - other.childrens_us,
            own_faults: self.own_faults - other.own_faults,
            childrens_faults: self.childrens_faults - other.childrens_faults,
        }
    }
}

fn private_kib(process: i32) -> u64 {
    let Ok(smaps) = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")) else { return 0 };
    let private = smaps.lines().filter(|line| line.starts_with("Private_Clean") || line.starts_with("Private_Dirty"));
    private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

fn bundle(run: &str) -> Result<Arc<ScriptBundle>, Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("tocsin-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("bench.check.ts");
    let script = format!(
        "import {{ defineCheck }} from 'tocsin';\nexport default defineCheck({{ schedule: 'every 30s', {run} }});\n"
    );
    std::fs::write(&file, script)?;
    let bundle = probes::script::bundle(&folder, &file);
    std::fs::remove_dir_all(&folder)?;
    Ok(Arc::new(bundle?))
}

fn order(bundle: &Arc<ScriptBundle>, url: String) -> Result<RunOrder, Box<dyn Error>> {
    let key = RunKey { check: "bench".parse()?, region: "here".parse()?, slot: UnixMs(0), attempt: 0 };
    let network = Arc::new(NetworkSettings { allow_private: true, ..NetworkSettings::default() });
    let vars = BTreeMap::from([("URL".to_owned(), url)]);
    let (secrets, reach) = (BTreeMap::new(), Reach::default());
    Ok(RunOrder { key, bundle: bundle.clone(), timeout_ms: 10_000, vars, secrets, reach, network })
}

/// The smallest HTTP server that a client is content with.
async fn serve() -> Result<String, Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                let mut part = [0; 2048];
                while let Ok(bytes) = stream.read(&mut part).await {
                    if bytes == 0 {
                        return;
                    }
                    head.extend_from_slice(&part[..bytes]);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
                        if stream.write_all(answer).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    Ok(url)
}
