//! A thousand checks, each every 30 s, in the real program: processor time and memory of the whole tree of processes.

use http::StatusCode;
use nix::unistd::Pid;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tests::harness::{Config, Tocsin, descendants};
use tests::measure::{Aim, Memory, Table, Target, block_on, cpu_time, is_asked_for, memory, window};

const CHECKS: usize = 1_000;
const CORES: f64 = 0.5;
const TOTAL_MIB: f64 = 200.0;
const MEMORY_SAMPLES: u32 = 20;
/// The first round is start-up: every script is read and described.
const FIRST_ROUND_WITHIN: Duration = Duration::from_secs(120);

fn main() {
    if is_asked_for() {
        block_on(measure());
    }
}

async fn measure() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let checks = folder.path().join("checks");
    std::fs::create_dir(&checks).expect("the folder can be written");
    for number in 0..CHECKS {
        let script = format!(
            r#"
import {{ defineCheck, expect, step }} from "tocsin";
export default defineCheck({{
  description: "Check {number} of {CHECKS}",
  schedule: "every 30s",
  timeout: "10s",
  async run({{ vars }}) {{
    await step("ask", async () => {{
      const response = await fetch(`${{vars.AUTH_URL}}/check/{number}`);
      expect(response).toBeOk();
      expect((await response.json()).ok).toBe(true);
    }});
  }},
}});
"#
        );
        std::fs::write(checks.join(format!("check-{number}.check.js")), script).expect("the folder can be written");
    }
    let requests = Arc::new(AtomicU64::new(0));
    let target = Target::start({
        let requests = requests.clone();
        move |_| {
            requests.fetch_add(1, Ordering::Relaxed);
            (Duration::ZERO, StatusCode::OK)
        }
    })
    .await;
    let config = Config { regions: 1, zygotes: None, ..Config::for_target(&checks, &target.url()) };
    let table =
        Table::new("A thousand checks, each every 30 s", "one request each, answered by a server in this process");
    let started = Instant::now();
    let tocsin = Tocsin::up(&config, folder.path()).await;
    table.row("start until all are scheduled", started.elapsed().as_secs_f64(), "s", Aim::Nothing);
    // One more than a round: each check has had its run of the slot that the start fell into, and from here on they
    // are spread over their slots.
    while requests.load(Ordering::Relaxed) <= CHECKS as u64 && started.elapsed() < FIRST_ROUND_WITHIN {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let root = tocsin.process.id();
    // A whole slot at least, or the window would depend on where in it the runs lie.
    let window = window().max(Duration::from_secs(30));
    let (cpu_before, requests_before, from) = (cpu_time(root), requests.load(Ordering::Relaxed), Instant::now());
    let mut most = Memory::default();
    for _ in 0..MEMORY_SAMPLES {
        tokio::time::sleep(window / MEMORY_SAMPLES).await;
        let now = of_tree(root);
        if now.proportional > most.proportional {
            most = now;
        }
    }
    let elapsed = from.elapsed().as_secs_f64();
    let cores = (cpu_time(root) - cpu_before).as_secs_f64() / elapsed;
    let runs = (requests.load(Ordering::Relaxed) - requests_before) as f64 / elapsed;
    table.row("runs", runs, "runs/s", Aim::AtLeast(CHECKS as f64 / 30.0 * 0.98));
    table.row("processor", cores, "cores", Aim::Below(CORES));
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    table.row("memory of all processes (PSS, largest sample)", mib(most.proportional), "MiB", Aim::Below(TOTAL_MIB));
    table.row("sum of RSS, shared pages counted again", mib(most.resident), "MiB", Aim::Nothing);
    tocsin.stop().await;
}

fn of_tree(root: Pid) -> Memory {
    let mut sum = Memory::default();
    for pid in std::iter::once(root).chain(descendants(root)) {
        if let Some(memory) = memory(pid) {
            sum += memory;
        }
    }
    sum
}
