//! One program that a test started.

use super::SOON;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How much of each log is shown when a test fails.
const SHOWN_BYTES_MAX: usize = 16 << 10;

/// How often a file that is not there yet is looked for.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A running program, the leader of a process group. Dropping it kills the group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    group: Pid,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Both streams, for messages.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// # Panics
    /// With all that it printed, where the exit code is another.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "exit code; printed:\n{}", self.output());
        self
    }

    /// # Panics
    /// Where it did not print one of `parts`.
    #[track_caller]
    pub fn assert_says(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(self.output().contains(part), "`{part}` was not printed:\n{}", self.output());
        }
        self
    }
}

impl Process {
    /// Starts `command`; its output goes to files in `folder` that are called after `name`.
    pub fn spawn(name: &str, mut command: Command, folder: &Path) -> Self {
        let log = |stream: &str| folder.join(format!("{name}.{stream}"));
        let (stdout, stderr) = (log("stdout"), log("stderr"));
        let create = |path: &Path| File::create(path).expect("a test's own folder can be written");
        command.stdin(Stdio::null()).stdout(create(&stdout)).stderr(create(&stderr));
        // A group of its own: the program's own children end with it, and a ^C at the terminal ends the test first.
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let id = child.id().expect("a child that was not waited for has an id");
        let group = Pid::from_raw(i32::try_from(id).expect("process ids are small"));
        Self { name: name.to_owned(), child, group, stdout, stderr }
    }

    pub fn id(&self) -> Pid {
        self.group
    }

    /// Waits for the file that the program writes once it is ready.
    ///
    /// # Panics
    /// Where it ends before, or takes longer than [`SOON`].
    pub async fn ready(&mut self, file: &Path) -> Value {
        let started = Instant::now();
        loop {
            if let Some(ready) = std::fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
                return ready;
            }
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                panic!("{} ended with {status} before it was ready:\n{}", self.name, self.logs());
            }
            assert!(started.elapsed() < SOON, "{} was not ready within {SOON:?}:\n{}", self.name, self.logs());
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until the program has printed `text` on either stream.
    ///
    /// # Panics
    /// Where that takes longer than [`SOON`], or it ends before.
    pub async fn prints(&mut self, text: &str) {
        let started = Instant::now();
        while !self.logs().contains(text) {
            let ended = self.child.try_wait().expect("a child can be waited for");
            // What it printed last may have come between the two looks.
            if ended.is_some() && self.logs().contains(text) {
                return;
            }
            assert!(ended.is_none(), "{} ended with {ended:?} and never printed `{text}`:\n{}", self.name, self.logs());
            assert!(started.elapsed() < SOON, "{} did not print `{text}`:\n{}", self.name, self.logs());
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    pub fn signal(&self, signal: Signal) {
        nix::sys::signal::kill(self.group, signal).expect("the program is running");
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// Where that takes longer than [`SOON`].
    pub async fn finished(self) -> Finished {
        self.finished_within(SOON).await
    }

    /// Waits for the end of something that takes longer than most.
    ///
    /// # Panics
    /// Where that takes longer than `bound`.
    pub async fn finished_within(mut self, bound: Duration) -> Finished {
        let status = tokio::time::timeout(bound, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("{} does not end:\n{}", self.name, self.logs()));
        Finished {
            status: status.expect("a child can be waited for"),
            stdout: read(&self.stdout),
            stderr: read(&self.stderr),
        }
    }

    /// Ends it as an init system does, and waits.
    pub async fn terminate(self) -> Finished {
        self.signal(Signal::SIGTERM);
        self.finished().await
    }

    /// Ends it as a power cut does, and waits. Its own children are left to themselves.
    pub async fn kill(self) -> Finished {
        self.signal(Signal::SIGKILL);
        self.finished().await
    }

    /// What it printed so far.
    pub fn logs(&self) -> String {
        let shown = |path: &Path| {
            let text = read(path);
            let from = text.len().saturating_sub(SHOWN_BYTES_MAX);
            let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text[from..].to_owned()
        };
        format!("--- {0} stdout\n{1}--- {0} stderr\n{2}", self.name, shown(&self.stdout), shown(&self.stderr))
    }
}

fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
        // An error says that nobody of the group is left.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}
