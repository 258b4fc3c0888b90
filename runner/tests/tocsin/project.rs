//! A project folder of its own for each test, and the `tocsin` binary run in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) struct Project {
    folder: TempDir,
}

/// A configuration with one secret and two regions.
pub(crate) const CONFIGURATION: &str = r#"
checks = "checks"
data = "data"
listen = "127.0.0.1:0"

[secrets]
TOKEN = { env = "TEST_TOKEN" }

[[regions]]
name = "eu-west-1"

[[regions]]
name = "us-east-1"
"#;

pub(crate) const TOKEN: &str = "sesame-open-123";

/// What is waited for at most; far more than it takes.
const PATIENCE: Duration = Duration::from_secs(60);

impl Project {
    pub(crate) fn new(configuration: &str, scripts: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(project.path("checks")).unwrap();
        std::fs::write(project.path("tocsin.toml"), configuration).unwrap();
        for (name, script) in scripts {
            project.write(name, script);
        }
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, script: &str, text: &str) {
        std::fs::write(self.path("checks").join(script), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
        command.current_dir(self.folder.path()).args(arguments).env_clear().env("TEST_TOKEN", TOKEN);
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Starts `tocsin up` and waits until it is ready.
    pub(crate) fn up(&self) -> Up {
        let ready = self.path("ready.json");
        let _ = std::fs::remove_file(&ready);
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut command = self.command(&["up", "--ready-file", "ready.json"]);
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut up = Up { child, status_url: String::new(), ready: serde_json::Value::Null, log: self.path("log") };
        let text = up.wait_for("the ready file", || std::fs::read_to_string(&ready).ok());
        let ready: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(ready["pid"], up.child.id());
        up.status_url = ready["status_url"].as_str().unwrap().to_owned();
        up.ready = ready;
        up
    }
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub(crate) fn expect(&self, code: i32, facts: &[&str]) {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        for fact in facts {
            let said = self.stdout.contains(fact) || self.stderr.contains(fact);
            assert!(said, "`{fact}` is not in\n{}\n{}", self.stdout, self.stderr);
        }
    }
}

/// A running `tocsin up`. Killed where the test ends without having stopped it.
pub(crate) struct Up {
    child: Child,
    pub(crate) status_url: String,
    /// What the ready file says.
    pub(crate) ready: serde_json::Value,
    log: PathBuf,
}

impl Up {
    pub(crate) fn log(&self) -> String {
        read(&self.log)
    }

    fn wait_for<T>(&mut self, what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = seen() {
                return seen;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("tocsin ended ({status}) before {what}:\n{}", self.log());
            }
            assert!(Instant::now() < deadline, "not seen: {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks for the status until it is as wanted.
    pub(crate) async fn status(
        &mut self,
        what: &str,
        wanted: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let url = format!("{}/api/v1/status", self.status_url);
            let status: serde_json::Value = client().get(url).send().await.unwrap().json().await.unwrap();
            if wanted(&status["status"]) {
                return status;
            }
            assert!(Instant::now() < deadline, "not seen: {what}\n{status:#}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks for a page's text until it is as wanted.
    pub(crate) async fn page(&mut self, path: &str, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let url = format!("{}{path}", self.status_url);
            let text = client().get(url).send().await.unwrap().text().await.unwrap();
            if wanted(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "not seen: {what}\n{text}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Waits until the log says it.
    pub(crate) fn logged(&mut self, text: &str) {
        let log = self.log.clone();
        self.wait_for(text, || read(&log).contains(text).then_some(()));
    }

    /// SIGTERM; returns the exit code.
    pub(crate) fn stop(self) -> Option<i32> {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        self.ended()
    }

    /// Waits for the end; returns the exit code.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "did not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::new()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

pub(crate) const PASSES: &str = r#"import { defineCheck, step } from "tocsin";
export default defineCheck({
  description: "all is well",
  schedule: "every 1s",
  tags: ["quick", "calm"],
  secrets: ["TOKEN"],
  async run(ctx) {
    console.log("token", ctx.secrets.TOKEN);
    await step("outer", () => step("inner", () => {}));
  },
});
"#;

pub(crate) const FAILS: &str = r#"import { defineCheck, expect, step } from "tocsin";

function verify(value: number): void {
  expect(value).toBe(2);
}

export default defineCheck({
  schedule: "every 1s",
  tags: ["quick"],
  async run() {
    await step("compare", () => verify(3));
  },
});
"#;
