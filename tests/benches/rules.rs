//! The series store and the rules over it: bytes of a sample, the memory of 15 days, and 10,000 rules over 100,000 series,
//! beside a real Prometheus (Debian's package `prometheus`) on the same rules where it is installed.

use alerting::Clock;
use alerting::recorder::{Recorder, RecorderSettings};
use alerting::rules::{GroupSettings, RuleFile, RunningGroup};
use alerting::series::{Labels, Sample, Store, StoreSettings};
use nix::unistd::getpid;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tests::measure::{Aim, Table, is_asked_for, memory};

const START_MS: i64 = 1_700_000_000_000;
const STEP_MS: i64 = 10_000;
const DAY_STEPS: i64 = 8640;
const SERIES: usize = 100_000;
const GROUPS: usize = 100;
const RULES_IN_GROUP: usize = 100;
/// What both sides evaluate: ten series for each rule, six samples in each window.
const EXPRESSION: &str = "sum by (region) (rate(requests_total{service=\"service-#\"}[@])) > 1e9";
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    if is_asked_for() {
        let table = Table::new("metrics and rules", "one thread; times are of the wall");
        let asked = std::env::var("TOCSIN_BENCH_SERIES").ok().and_then(|text| text.parse().ok());
        fifteen_days(&table, asked.filter(|count| (1..=SERIES_MEANT).contains(count)).unwrap_or(SERIES_KEPT));
        // What all series leave behind in the allocator would be taken for free memory by what comes after.
        if asked.is_none() {
            bytes_of_a_sample(&table);
            rules(&table);
        }
    }
}

/// xorshift64*, so that every run measures the same numbers.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn private_bytes() -> f64 {
    memory(getpid()).map_or(0.0, |memory| memory.private as f64)
}

/// What programs send: of eight series four are counters, two timers and two gauges.
fn value(kind: usize, before: f64, step: i64, numbers: &mut Numbers) -> f64 {
    let daily = 1.0 + (step as f64 / DAY_STEPS as f64 * std::f64::consts::TAU).sin() * 0.6;
    match kind % 8 {
        0 => before + (daily * 50.0 * (0.8 + 0.4 * numbers.unit())).round(),
        1 => before + f64::from(u8::from(numbers.unit() < 0.2)),
        2 => before,
        3 => before + (numbers.next() % 40) as f64,
        4 => ((20.0 + daily * 10.0 + numbers.unit() * 4.0) * 100.0).round() / 100.0,
        5 => 1.0,
        6 => (daily * 100.0 + numbers.unit() * 20.0).round(),
        _ => (before + (numbers.unit() * 10.0 - 5.0).round()).max(0.0),
    }
}

fn bytes_of_a_sample(table: &Table) {
    let settings = StoreSettings { retention_ms: i64::MAX / 4, chunk_bytes_max: 1 << 30, ..StoreSettings::default() };
    let (mut store, mut numbers) = (Store::new(settings).expect("valid settings"), Numbers(42));
    let (series, mut samples) = (160, 0);
    for kind in 0..series {
        let labels = Labels::of_metric("m", &[("series", &kind.to_string())]).expect("valid labels");
        let id = store.open(&labels).expect("there is room");
        let mut last = (numbers.next() % 1000) as f64;
        for step in 0..DAY_STEPS {
            last = value(kind, last, step, &mut numbers);
            let at_ms = START_MS + step * STEP_MS;
            store.append_to(id, Sample { at_ms, value: last }, at_ms).expect("it is newer");
            samples += 1;
        }
    }
    let bytes = store.chunk_bytes() as f64 / f64::from(samples);
    table.row("bytes of a sample, a day of 160 series as statsd has them", bytes, "bytes", Aim::Below(2.0));
}

struct SetClock(AtomicI64);

#[async_trait::async_trait]
impl Clock for SetClock {
    fn now(&self) -> checks::UnixMs {
        checks::UnixMs(self.0.load(Ordering::Relaxed))
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

/// Series of the fifteen days, unless `TOCSIN_BENCH_SERIES` says otherwise: a tenth, since all 10,000 take seven minutes.
const SERIES_KEPT: usize = 1000;
/// What the target speaks of.
const SERIES_MEANT: usize = 10_000;

/// The shipped recorder with a part of the series in as large a part of the memory, 15 days at 10 s.
fn fifteen_days(table: &Table, count: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let before = private_bytes();
    let clock = Arc::new(SetClock(AtomicI64::new(START_MS)));
    let shipped = StoreSettings::default();
    let store = StoreSettings { chunk_bytes_max: shipped.chunk_bytes_max * count / SERIES_MEANT, ..shipped };
    // Blocks are made by hand, as often as they are made in two hours of real time.
    let settings = RecorderSettings {
        store,
        flush_every: Duration::from_secs(3600),
        checkpoint_every_ms: i64::MAX / 4,
        ..RecorderSettings::new(folder.path().to_owned())
    };
    let (recorder, _) = Recorder::open(settings, Arc::clone(&clock) as Arc<dyn Clock>).expect("the folder opens");
    let mut numbers = Numbers(11);
    let labels = |index: usize| Labels::of_metric("m", &[("node", &index.to_string()), ("region", "eu-west-1")]);
    let mut series: Vec<(Labels, Sample)> = (0..count)
        .map(|index| (labels(index).expect("valid labels"), Sample { at_ms: START_MS, value: 0.0 }))
        .collect();
    let steps = 15 * DAY_STEPS;
    for step in 0..steps {
        let at_ms = START_MS + step * STEP_MS;
        clock.0.store(at_ms, Ordering::Relaxed);
        for (kind, (_, sample)) in series.iter_mut().enumerate() {
            *sample = Sample { at_ms, value: value(kind, sample.value, step, &mut numbers) };
        }
        assert_eq!(recorder.record(&series), series.len(), "a sample is refused");
        if step % 720 == 719 {
            recorder.checkpoint();
            recorder.expire_now();
        }
    }
    let times = SERIES_MEANT as f64 / count as f64;
    let what = match count {
        SERIES_MEANT => "15 days of 10,000 series at 10 s".to_owned(),
        _ => format!("15 days of 10,000 series at 10 s, {times} times {count}"),
    };
    let memory_mib = (private_bytes() - before) * times / f64::from(1 << 20);
    table.row(&what, memory_mib, "MiB", Aim::Below(512.0));
    let files = std::fs::read_dir(folder.path()).expect("the folder is there").flatten();
    let bytes: u64 = files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum();
    table.row("the same on disk", bytes as f64 * times / f64::from(1 << 20), "MiB", Aim::Nothing);
}

fn rule_file(window: &str) -> String {
    let mut text = "groups:\n".to_owned();
    for group in 0..GROUPS {
        text.push_str(&format!("- name: g{group}\n  interval: 10s\n  rules:\n"));
        for rule in 0..RULES_IN_GROUP {
            let service = (group * RULES_IN_GROUP + rule).to_string();
            let expression = EXPRESSION.replace('#', &service).replace('@', window);
            text.push_str(&format!("  - alert: A{rule}\n    expr: '{expression}'\n    for: 1m\n"));
        }
    }
    text
}

fn series_labels(index: usize) -> [(&'static str, String); 3] {
    [
        ("service", format!("service-{}", index / 10)),
        ("node", format!("node-{}", index % 10)),
        ("region", "eu-west-1".to_owned()),
    ]
}

fn rules(table: &Table) {
    let settings = StoreSettings {
        series_per_metric_max: 2 * SERIES,
        series_max: 2 * SERIES,
        chunk_bytes_max: 4 << 30,
        ..StoreSettings::default()
    };
    let before = private_bytes();
    let (mut store, mut numbers) = (Store::new(settings).expect("valid settings"), Numbers(7));
    let open = |index: usize| {
        let labels = series_labels(index);
        let pairs = labels.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
        store.open(&Labels::of_metric("requests_total", &pairs).expect("valid labels")).expect("there is room")
    };
    let ids: Vec<_> = (0..SERIES).map(open).collect();
    let mut totals = vec![0.0; SERIES];
    for step in 0..90 {
        let at_ms = START_MS + step * STEP_MS;
        for (id, total) in ids.iter().zip(&mut totals) {
            *total += (numbers.next() % 20) as f64;
            store.append_to(*id, Sample { at_ms, value: *total }, at_ms).expect("it is newer");
        }
    }
    let bytes = (private_bytes() - before) / SERIES as f64;
    table.row("memory of a series with 15 minutes of samples", bytes, "bytes", Aim::Nothing);

    let file = RuleFile::parse("bench.rules.yml", &rule_file("1m")).expect("valid rules");
    let group = |group| RunningGroup::new(group, GroupSettings::default());
    let mut groups: Vec<RunningGroup> = file.groups.into_iter().map(group).collect();
    let mut best = f64::MAX;
    for tick in 0..3 {
        let began = Instant::now();
        for group in &mut groups {
            let report = group.tick(&mut store, START_MS + 895_000 + tick, &|| false);
            assert_eq!(report.problems, []);
        }
        best = best.min(began.elapsed().as_secs_f64());
    }
    let title = "10,000 rules over 100,000 series, evaluated once";
    table.row(title, best, "s", Aim::Below(1.0));
    match prometheus_seconds() {
        Ok(seconds) => {
            table.row("the same in Prometheus, its groups' durations", seconds, "s", Aim::Nothing);
            table.row("as many times as long", seconds / best, "times", Aim::Nothing);
        }
        Err(why) => table.skipped("the same in Prometheus", &why),
    }
}

/// Ended with whoever measures.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets a real Prometheus scrape the same series and evaluate the same rules, and asks it how long that takes.
fn prometheus_seconds() -> Result<f64, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let target = serve_series();
    std::fs::write(folder.path().join("bench.rules.yml"), rule_file("12s")).map_err(|error| error.to_string())?;
    let config = format!(
        "global: {{scrape_interval: 2s, evaluation_interval: 10s}}\nrule_files: [bench.rules.yml]\n\
         scrape_configs: [{{job_name: bench, honor_labels: true, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n"
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).map_err(|error| error.to_string())?;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = port.map_err(|error| error.to_string())?.port();
    let _prometheus = start_prometheus(folder.path(), port)?;
    let deadline = Instant::now() + PATIENCE;
    let sum = |text: &str, metric: &str| -> f64 {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{metric}{{")));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    loop {
        let text = get(port, "/metrics").unwrap_or_default();
        // Twice around, the second time with whole windows.
        if sum(&text, "prometheus_rule_group_iterations_total") >= 4.0 * GROUPS as f64 {
            return Ok(sum(&text, "prometheus_rule_group_last_duration_seconds"));
        }
        if Instant::now() > deadline {
            return Err("it does not evaluate within two minutes".to_owned());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn start_prometheus(folder: &Path, port: u16) -> Result<Running, String> {
    let mut command = Command::new("prometheus");
    command.current_dir(folder).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.map(Running).map_err(|_| "Debian's package `prometheus` is not installed".to_owned())
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

/// A target with the series, each greater at each scrape. Returns its port.
fn serve_series() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port is to be had");
    let port = listener.local_addr().expect("it listens").port();
    let scrapes = AtomicU64::new(0);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let scrape = scrapes.fetch_add(1, Ordering::Relaxed);
            let mut text = String::with_capacity(SERIES * 90);
            for index in 0..SERIES {
                let [(_, service), (_, node), (_, region)] = series_labels(index);
                let total = scrape * (1 + index as u64 % 20);
                text.push_str(&format!(
                    "requests_total{{service=\"{service}\",node=\"{node}\",region=\"{region}\"}} {total}\n"
                ));
            }
            answer(stream, &text);
        }
    });
    port
}

fn answer(mut stream: TcpStream, text: &str) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let head = format!("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", text.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
}
