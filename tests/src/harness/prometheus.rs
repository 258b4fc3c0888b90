//! A real Prometheus (Debian's package `prometheus`) over samples that a test gives it.

use super::{Process, SOON, auth_stack};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::process::Command;

/// Samples of one series: seconds since 1970, and the value as Prometheus writes it.
#[derive(Debug, Clone)]
pub struct Series {
    /// The metric's name among them, as `__name__`.
    pub labels: Vec<(String, String)>,
    pub samples: Vec<(f64, String)>,
}

pub struct Prometheus {
    url: String,
    _process: Process,
}

pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// For a program that can be told a port and cannot say which one it took.
pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("a port of this machine is free").port()
}

impl Prometheus {
    /// Starts it over these samples; `None`, with a word, where it is not installed.
    pub async fn over(series: &[Series], folder: &Path) -> Option<Self> {
        let (Some(prometheus), Some(promtool)) = (on_path("prometheus"), on_path("promtool")) else {
            crate::say_skipped(
                "the comparison with a real Prometheus (Debian's package `prometheus` is not installed)",
            );
            return None;
        };
        let (input, data, config) =
            (folder.join("samples.om"), folder.join("prometheus-data"), folder.join("prometheus.yml"));
        std::fs::write(&input, open_metrics(series)).expect("a test's own folder can be written");
        std::fs::write(&config, "global:\n  evaluation_interval: 1m\n").expect("a test's own folder can be written");
        let mut load = Command::new(promtool);
        load.args(["tsdb", "create-blocks-from", "openmetrics"]).args([&input, &data]);
        Process::spawn("promtool", load, folder).finished().await.assert_code(0);
        let port = free_port();
        let mut command = Command::new(prometheus);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", data.display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let process = Process::spawn("prometheus", command, folder);
        let server = Self { url: format!("http://127.0.0.1:{port}"), _process: process };
        let started = Instant::now();
        loop {
            let ready = auth_stack::client().get(format!("{}/-/ready", server.url)).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                return Some(server);
            }
            assert!(started.elapsed() < SOON, "Prometheus is not ready within {SOON:?}: {}", server._process.logs());
            tokio::time::sleep(super::process::LOOK_AGAIN).await;
        }
    }

    /// The address without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Asks an HTTP API of Prometheus's shape: status and answer.
pub async fn ask(url: &str, path: &str, parameters: &[(&str, String)], post: bool) -> (u16, Value) {
    let url = format!("{}/api/v1/{path}", url.trim_end_matches('/'));
    let client = auth_stack::client();
    let request = if post { client.post(&url).form(parameters) } else { client.get(&url).query(parameters) };
    let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap_or_else(|error| panic!("{url}: {error}"));
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}")))
}

/// The text that promtool loads; series of one metric stand together.
fn open_metrics(series: &[Series]) -> String {
    let name = |series: &Series| {
        let found = series.labels.iter().find(|(name, _)| name == "__name__");
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut sorted: Vec<&Series> = series.iter().collect();
    sorted.sort_by_key(|series| name(series));
    let mut text = String::new();
    for series in sorted {
        let metric = name(series);
        if !text.contains(&format!("# TYPE {metric} unknown\n")) {
            writeln!(text, "# TYPE {metric} unknown").expect("memory can be written");
        }
        let labels = series.labels.iter().filter(|(name, _)| name != "__name__");
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={value:?}")).collect();
        for (at, value) in &series.samples {
            writeln!(text, "{metric}{{{}}} {value} {at:.3}", labels.join(",")).expect("memory can be written");
        }
    }
    text + "# EOF\n"
}
