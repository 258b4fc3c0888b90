//! The program under test.

use super::{Config, Finished, Process, SOON, program};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// `tocsin up`, running.
#[derive(Debug)]
pub struct Tocsin {
    pub process: Process,
    /// Its status page: `http://127.0.0.1:PORT/`.
    pub status_url: String,
    pub ready: Value,
}

/// How often the status is looked at while a test waits for it to change.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Keeps the logs of one folder's runs apart.
static RUNS: AtomicU32 = AtomicU32::new(0);

/// What is not to reach the program from whoever runs the tests: tokens that would reach a real provider, and settings
/// of output and proxies.
pub const NOT_FOR_TESTS: [&str; 14] = [
    "SLACK_TOKEN",
    "SLACK_SIGNING_SECRET",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_FROM",
    "TWILIO_MESSAGING_SERVICE_SID",
    "TOCSIN_LOG",
    "RUST_LOG",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
];

fn command(config: &Config, folder: &Path, arguments: &[&str]) -> Command {
    let file = config.write(folder);
    let mut command = Command::new(program("tocsin"));
    let (subcommand, rest) = arguments.split_first().expect("a subcommand");
    command.arg(subcommand).arg("--config").arg(file).args(rest).current_dir(folder);
    for variable in NOT_FOR_TESTS {
        command.env_remove(variable);
    }
    command.envs(config.environment());
    command
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The rows of one of the status's lists whose `key` is `value`.
fn rows<'a>(status: &'a Value, of: &str, key: &'a str, value: &'a str) -> impl Iterator<Item = &'a Value> {
    list(&status[of]).iter().filter(move |row| row[key] == value)
}

fn name(arguments: &[&str]) -> String {
    format!("tocsin-{}-{}", arguments[0], RUNS.fetch_add(1, Ordering::Relaxed))
}

impl Tocsin {
    /// Starts it, and waits until its checks are scheduled.
    pub async fn up(config: &Config, folder: &Path) -> Self {
        let name = name(&["up"]);
        let ready_file = folder.join(format!("{name}.ready.json"));
        let mut command = command(config, folder, &["up"]);
        command.arg("--ready-file").arg(&ready_file);
        let mut process = Process::spawn(&name, command, folder);
        let ready = process.ready(&ready_file).await;
        let status_url = ready["status_url"].as_str().expect("the ready file names the status page").to_owned();
        Self { process, status_url, ready }
    }

    /// Starts a subcommand that goes on until it is ended.
    pub fn start(config: &Config, folder: &Path, arguments: &[&str]) -> Process {
        Process::spawn(&name(arguments), command(config, folder, arguments), folder)
    }

    /// Runs a subcommand to its end.
    pub async fn run(config: &Config, folder: &Path, arguments: &[&str]) -> Finished {
        Self::start(config, folder, arguments).finished().await
    }

    /// Where others call in.
    ///
    /// # Panics
    /// Where its configuration has no `[callbacks]`.
    pub fn callbacks(&self) -> String {
        let address = self.ready["callbacks"].as_str();
        format!("http://{}", address.expect("the ready file names where callbacks are taken"))
    }

    /// The text of one of its pages.
    pub async fn page(&self, path: &str) -> String {
        let url = format!("{}/{}", self.status_url.trim_end_matches('/'), path.trim_start_matches('/'));
        let response =
            super::auth_stack::client().get(&url).send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let status = response.status();
        let text = response.text().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        assert!(status.is_success(), "{url}: {status}\n{text}");
        text
    }

    /// What `/api/v1/status` says: the same snapshot that the status page shows.
    pub async fn status(&self) -> Value {
        let text = self.page("api/v1/status").await;
        let mut answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        answer["status"].take()
    }

    /// Waits until the status satisfies `until`.
    ///
    /// # Panics
    /// After [`SOON`], with the whole status and the logs.
    pub async fn status_until(&self, what: &str, until: impl Fn(&Value) -> bool) {
        let started = Instant::now();
        loop {
            let status = self.status().await;
            if until(&status) {
                return;
            }
            assert!(started.elapsed() < SOON, "{what}: not within {SOON:?}; the status is {status:#}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until the newest run of the check in every region has passed. Slots that were missed, as on a machine
    /// with too much to do, are passed over.
    pub async fn passes(&self, check: &str) {
        self.status_until(&format!("{check} passes"), |status| {
            let cells: Vec<_> = rows(status, "checks", "id", check).flat_map(|row| list(&row["cells"])).collect();
            let newest = |cell: &&Value| list(&cell["recent"]).iter().find(|run| run["verdict"] != "missed").cloned();
            !cells.is_empty() && cells.iter().all(|cell| newest(cell).is_some_and(|run| run["verdict"] == "passed"))
        })
        .await;
    }

    /// Waits until the check has an incident with at least `count` failures in a row in a region.
    pub async fn failed_in_a_row(&self, check: &str, count: u64) {
        self.status_until(&format!("{check} has failed {count} times in a row"), |status| {
            rows(status, "incidents_open", "check", check)
                .flat_map(|incident| list(&incident["regions"]))
                .any(|region| region["failures_in_a_row"].as_u64().is_some_and(|failures| failures >= count))
        })
        .await;
    }

    /// Waits until the check has had an incident, and has none.
    pub async fn recovered(&self, check: &str) {
        self.status_until(&format!("{check} has recovered"), |status| {
            rows(status, "incidents_open", "check", check).next().is_none()
                && rows(status, "incidents_closed", "check", check).next().is_some()
        })
        .await;
    }

    /// SIGTERM: it drains, and ends with 0.
    pub async fn stop(self) -> Finished {
        let finished = self.process.terminate().await;
        finished.assert_code(0);
        finished
    }

    /// SIGKILL.
    pub async fn kill(self) {
        self.process.signal(Signal::SIGKILL);
        self.process.finished().await;
    }
}
