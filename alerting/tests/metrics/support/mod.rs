//! A real Prometheus beside our own evaluator: the same samples in both.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod expressions;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use alerting::series::{Labels, METRIC_NAME, MetricType, STALE_NAN, Sample, Store, StoreSettings};

/// When the samples begin: a whole hour, long ago.
pub const START_MS: i64 = 1_700_002_800_000;

/// A program on the path, or `None` with a word about it.
pub fn program(name: &str) -> Option<PathBuf> {
    let found =
        std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        let whence = if name == "promql-oracle" {
            "tools/promql-oracle says how to build it"
        } else {
            "Debian's package `prometheus` has it"
        };
        eprintln!("SKIPPED: no `{name}` on the path ({whence})");
    }
    found
}

pub struct SeriesData {
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

/// A small generator with a seed (xorshift64*), so that both sides get the same numbers on each run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

pub struct Prometheus {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// Starts a server of its own on loopback, with the samples in its store.
    pub fn start(prometheus: &Path, promtool: &Path, series: &[SeriesData]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let input = folder.path().join("samples.om");
        std::fs::write(&input, open_metrics(series)).expect("samples are written");
        let data = folder.path().join("data");
        let made = Command::new(promtool)
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&input, &data])
            .output()
            .expect("promtool runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, "global:\n  evaluation_interval: 1m\n").expect("configuration is written");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        let child = Command::new(prometheus)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--storage.tsdb.retention.time=100y")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts");
        let server = Self { child, port, _folder: folder };
        let deadline = Instant::now() + Duration::from_secs(60);
        while server.get("/-/ready").is_none_or(|(status, _)| status != 200) {
            assert!(Instant::now() < deadline, "prometheus is not ready after a minute");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        // HTTP/1.0: the body is neither chunked nor kept open.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }
}

/// Percent-encodes a query parameter.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The OpenMetrics text of all samples; series of one metric stand together.
fn open_metrics(series: &[SeriesData]) -> String {
    let mut metrics: Vec<&str> = series.iter().filter_map(|series| series.labels.metric()).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let mut text = String::new();
    for metric in metrics {
        text.push_str(&format!("# TYPE {metric} unknown\n"));
        for series in series.iter().filter(|series| series.labels.metric() == Some(metric)) {
            let labels: Vec<String> = series
                .labels
                .iter()
                .filter(|(name, _)| &**name != METRIC_NAME)
                .map(|(name, value)| format!("{name}=\"{}\"", value.replace('\n', "\\n")))
                .collect();
            for sample in &series.samples {
                let value = alerting::promql::numeric::format_value(sample.value);
                let (seconds, millis) = (sample.at_ms / 1000, sample.at_ms % 1000);
                text.push_str(&format!("{metric}{{{}}} {value} {seconds}.{millis:03}\n", labels.join(",")));
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

pub fn store_of(series: &[SeriesData]) -> Store {
    let mut store =
        Store::new(StoreSettings { retention_ms: i64::MAX / 4, ..StoreSettings::default() }).expect("valid settings");
    for series in series {
        for sample in &series.samples {
            store.append(&series.labels, *sample, sample.at_ms).expect("the sample is taken");
        }
    }
    store.describe("logins_total", MetricType::Counter);
    store
}

/// Whether samples lie between the whole seconds, or exactly on the steps, where windows begin and end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Instants {
    Jittered,
    Aligned,
}

/// Two hours of counters with resets, gauges with gaps, histograms, and values that are hard on floats.
pub fn dataset(instants: Instants) -> Vec<SeriesData> {
    let mut numbers = Numbers(0x7065_616c_696e_6721);
    let mut all = Vec::new();
    let regions = ["eu-west-1", "us-east-1", "ap-southeast-2"];
    let nodes = ["node1", "node2", "node10"];
    let mut add = |metric: &str, pairs: &[(&str, &str)], samples: Vec<Sample>| {
        let labels = Labels::of_metric(metric, pairs).expect("valid labels");
        all.push(SeriesData { labels, samples });
    };
    // Jitter keeps every sample off the whole seconds at which windows begin and end: Prometheus 2 counts a sample at a
    // window's left edge in and Prometheus 3 does not.
    let times = |numbers: &mut Numbers, step_ms: i64, count: i64| -> Vec<i64> {
        let mut jitter_ms = || 100 + numbers.below(800) as i64;
        let at = |(index, jitter_ms)| {
            START_MS + index * step_ms + if instants == Instants::Jittered { jitter_ms } else { 0 }
        };
        (0..count).map(|index| at((index, jitter_ms()))).collect()
    };
    for region in regions {
        for node in nodes {
            let mut total = numbers.below(1000) as f64;
            let samples = times(&mut numbers, 10_000, 720)
                .into_iter()
                .map(|at_ms| {
                    total += numbers.below(20) as f64;
                    if numbers.below(150) == 0 {
                        total = numbers.below(5) as f64;
                    }
                    Sample { at_ms, value: total }
                })
                .collect();
            add("logins_total", &[("region", region), ("node", node)], samples);

            let mut failed = 0.0;
            let samples = times(&mut numbers, 10_000, 720)
                .into_iter()
                .map(|at_ms| {
                    failed += numbers.below(3) as f64;
                    Sample { at_ms, value: failed }
                })
                .collect();
            add("failed_logins_total", &[("region", region), ("node", node)], samples);

            let mut level = 50.0;
            let samples = times(&mut numbers, 15_000, 480)
                .into_iter()
                .filter_map(|at_ms| {
                    level += numbers.unit() * 4.0 - 2.0;
                    (numbers.below(10) > 0).then_some(Sample { at_ms, value: level })
                })
                .collect();
            add("sessions", &[("region", region), ("node", node), ("unit", "people")], samples);
        }
        let mut buckets = [0.0; 6];
        let bounds = ["0.05", "0.1", "0.25", "0.5", "1", "+Inf"];
        let moments = times(&mut numbers, 10_000, 720);
        let mut rows: Vec<Vec<Sample>> = vec![Vec::new(); 6];
        for at_ms in moments {
            for _ in 0..numbers.below(8) {
                let landed = (numbers.unit() * numbers.unit() * 6.0) as usize;
                buckets[landed..].iter_mut().for_each(|count| *count += 1.0);
            }
            rows.iter_mut().zip(buckets).for_each(|(row, value)| row.push(Sample { at_ms, value }));
        }
        for (bound, row) in bounds.iter().zip(rows) {
            add("token_seconds_bucket", &[("region", region), ("le", bound)], row);
        }
        add(
            "region_info",
            &[("region", region), ("continent", &region[..2])],
            times(&mut numbers, 60_000, 120).into_iter().map(|at_ms| Sample { at_ms, value: 1.0 }).collect(),
        );
    }
    let stops: Vec<Sample> = times(&mut numbers, 10_000, 300)
        .into_iter()
        .zip(0..)
        .map(|(at_ms, index)| Sample { at_ms, value: f64::from(index) })
        .collect();
    add("ends_early", &[("job", "batch")], stops);
    if instants == Instants::Aligned {
        // Ends and comes back, again and again.
        let comes_and_goes = times(&mut numbers, 10_000, 720)
            .into_iter()
            .zip(0..)
            .map(|(at_ms, index)| Sample { at_ms, value: if index % 17 == 16 { STALE_NAN } else { f64::from(index) } });
        add("comes_and_goes", &[("job", "batch")], comes_and_goes.collect());
    }
    let strange = [0.0, -1.5, f64::INFINITY, 1e300, -1e-300, f64::NAN, 3.0, f64::NEG_INFINITY, 0.1, 1e17];
    let samples = times(&mut numbers, 10_000, 720)
        .into_iter()
        .map(|at_ms| Sample { at_ms, value: strange[numbers.below(10) as usize] })
        .collect();
    add("strange", &[("kind", "edge")], samples);
    let few = [-3.0, -1.0, 0.0, 0.5, 2.0];
    for code in ["a", "b", "c", "d"] {
        let samples = times(&mut numbers, 30_000, 240)
            .into_iter()
            .map(|at_ms| Sample { at_ms, value: few[numbers.below(5) as usize] })
            .collect();
        add("codes", &[("code", code), ("note", "line\nend")], samples);
    }
    all
}

/// Sums in another order differ in their last bits: Prometheus 2.42 adds some of them without compensation.
const RELATIVE_MAX: f64 = 1e-9;
/// The same for sums that cancel out to nothing.
const ABSOLUTE_MAX: f64 = 1e-12;

/// Compares two answers; how many values they have in common, or the first difference.
pub fn difference(ours: &Json, theirs: &Json, ordered: bool) -> Result<usize, String> {
    if ours["resultType"] != theirs["resultType"] {
        return Err(format!("ours is a {}, theirs a {}", ours["resultType"], theirs["resultType"]));
    }
    if matches!(ours["resultType"].as_str(), Some("scalar" | "string")) {
        return points(&ours["result"], &theirs["result"]).map(|()| 1);
    }
    let in_order = |answer: &Json| -> Vec<String> {
        let metrics = answer["result"].as_array().into_iter().flatten();
        metrics.map(|element| element["metric"].to_string()).collect()
    };
    if ordered && ours["resultType"] == "vector" && in_order(ours) != in_order(theirs) {
        return Err(format!("the order differs: ours {:?}, theirs {:?}", in_order(ours), in_order(theirs)));
    }
    let by_metric = |answer: &Json| -> BTreeMap<String, Json> {
        let elements = answer["result"].as_array().cloned().unwrap_or_default();
        elements.into_iter().map(|element| (element["metric"].to_string(), element)).collect()
    };
    let (ours, theirs) = (by_metric(ours), by_metric(theirs));
    if ours.keys().ne(theirs.keys()) {
        return Err(format!(
            "ours has {:?}, theirs {:?}",
            ours.keys().collect::<Vec<_>>(),
            theirs.keys().collect::<Vec<_>>()
        ));
    }
    let mut count = 0;
    for (metric, own) in &ours {
        let other = &theirs[metric];
        let listed = |element: &Json| match element["values"].as_array() {
            Some(values) => values.clone(),
            None => vec![element["value"].clone()],
        };
        let (own, other) = (listed(own), listed(other));
        if own.len() != other.len() {
            return Err(format!("{metric}: ours has {} values, theirs {}", own.len(), other.len()));
        }
        for (own, other) in own.iter().zip(&other) {
            points(own, other).map_err(|difference| format!("{metric}: {difference}"))?;
            count += 1;
        }
    }
    Ok(count)
}

fn points(ours: &Json, theirs: &Json) -> Result<(), String> {
    let number = |point: &Json| point[1].as_str().and_then(|text| text.parse::<f64>().ok());
    let same = match (number(ours), number(theirs)) {
        (Some(own), Some(other)) => {
            own == other
                || own.is_nan() && other.is_nan()
                || (own - other).abs() <= (RELATIVE_MAX * own.abs().max(other.abs())).max(ABSOLUTE_MAX)
        }
        _ => ours[1] == theirs[1],
    };
    if ours[0].as_f64() == theirs[0].as_f64() && same { Ok(()) } else { Err(format!("ours {ours}, theirs {theirs}")) }
}
