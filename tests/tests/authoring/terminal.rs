//! `tocsin repl` at a terminal: what the keys do that no pipe has. The terminal is that of `script` (util-linux), which
//! gives the program a pty and passes on what is typed.

use crate::project::Project;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tests::harness::program;
use tests::say_skipped;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A bound for a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than a busy process is given to hear of an interrupt.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

const INTERRUPT: &str = "\x03";
const END: &str = "\x04";

struct Terminal {
    process: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    /// What has been shown and not been looked for yet.
    shown: String,
}

impl Terminal {
    /// `None`, and a word about it, where there is no `script`.
    async fn open(project: &Project) -> Option<Self> {
        let config = project.config();
        let mut command = Command::new("script");
        let repl = format!(
            "exec {} repl --timeout 60 --config {}",
            program("tocsin").display(),
            config.write(project.path()).display()
        );
        command.args(["--quiet", "--flush", "--return", "--command", &repl, "/dev/null"]);
        command.envs(config.environment()).env("TERM", "xterm").env_remove("NO_COLOR").current_dir(project.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        match command.spawn() {
            Ok(mut process) => {
                let (keys, screen) = (process.stdin.take()?, process.stdout.take()?);
                let mut terminal = Self { process, keys, screen, shown: String::new() };
                terminal.shows(".help says what is there").await;
                terminal.shows("> ").await;
                Some(terminal)
            }
            Err(error) => {
                say_skipped(&format!("the prompt at a terminal: `script` does not start ({error})"));
                None
            }
        }
    }

    async fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).await.expect("the terminal takes keys");
        self.keys.flush().await.expect("the terminal takes keys");
    }

    /// Waits until this is on the screen, behind what was looked for before.
    async fn shows(&mut self, text: &str) {
        assert!(self.shows_within(text, PATIENCE).await, "`{text}` is not shown:\n{}", self.shown);
    }

    /// Again and again: a key that comes before anybody waits for it does nothing.
    async fn types_until(&mut self, keys: &str, text: &str) {
        let started = Instant::now();
        self.types(keys).await;
        while !self.shows_within(text, AGAIN_AFTER).await {
            assert!(started.elapsed() < PATIENCE, "`{text}` is not shown:\n{}", self.shown);
            self.types(keys).await;
        }
    }

    async fn shows_within(&mut self, text: &str, bound: Duration) -> bool {
        let started = Instant::now();
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return true;
            }
            let mut piece = [0; 4096];
            match tokio::time::timeout(bound.saturating_sub(started.elapsed()), self.screen.read(&mut piece)).await {
                Ok(Ok(length)) if length > 0 => self.shown.push_str(&String::from_utf8_lossy(&piece[..length])),
                Ok(ended) => panic!("the terminal ended ({ended:?}) before `{text}`:\n{}", self.shown),
                Err(_) => return false,
            }
        }
    }

    /// What it showed until its end, and its exit code.
    async fn ends(mut self) -> Option<i32> {
        let mut rest = Vec::new();
        let end = async {
            // A terminal whose program has gone may end with an error.
            let _ = self.screen.read_to_end(&mut rest).await;
            self.process.wait().await.expect("a child can be waited for").code()
        };
        tokio::time::timeout(PATIENCE, end).await.expect("the prompt ends")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_go_on_are_interrupted_and_end() {
    let project = Project::empty().await;
    let Some(mut terminal) = Terminal::open(&project).await else { return };
    terminal.types("const kept = 40 + 1\r").await;
    terminal.shows("> ").await;
    terminal.types("kept + 1\r").await;
    terminal.shows("42").await;

    // A line that is not complete goes on with another prompt, and ^C takes it back.
    terminal.types("function twice(x) {\r").await;
    terminal.shows("… ").await;
    terminal.types("return 2 * x;\r").await;
    terminal.shows("… ").await;
    terminal.types("}\r").await;
    terminal.shows("> ").await;
    terminal.types("[twice(kept)]\r").await;
    terminal.shows("[ 82 ]").await;
    terminal.types("const open = {\r").await;
    terminal.shows("… ").await;
    terminal.types(INTERRUPT).await;
    terminal.shows("> ").await;
    terminal.types("typeof open\r").await;
    terminal.shows("\"undefined\"").await;
    // Keys are the prompt's again once it is there; before, a ^C takes back all that was typed.
    terminal.shows("> ").await;
    terminal.types(INTERRUPT).await;
    terminal.shows("(.exit or ^D leaves)").await;
    terminal.shows("> ").await;

    // A line that waits is interrupted, and what was declared is still there.
    terminal.types("await new Promise(() => console.log(\"it \" + \"waits\"))\r").await;
    terminal.shows("it waits").await;
    terminal.types(INTERRUPT).await;
    terminal.shows("interrupted").await;
    terminal.types("kept\r").await;
    terminal.shows("41").await;
    terminal.shows("> ").await;

    // One that keeps the process busy is ended with it, and the session goes on in another.
    terminal.types("while (true) {}\r").await;
    terminal.shows("while (true) {}").await;
    terminal.types_until(INTERRUPT, "what was declared is gone").await;
    terminal.types("typeof kept\r").await;
    terminal.shows("\"undefined\"").await;

    // The last line again, from the history.
    terminal.types("1000 + 234\r").await;
    terminal.shows("1234").await;
    terminal.shows("> ").await;
    terminal.types("\x1b[A\r").await;
    terminal.shows("1234").await;
    terminal.shows("> ").await;
    terminal.types(END).await;
    assert_eq!(terminal.ends().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_ends_it_too() {
    let project = Project::empty().await;
    let Some(mut terminal) = Terminal::open(&project).await else { return };
    terminal.types("throw new Error(\"not \" + \"the end\")\r").await;
    terminal.shows("not the end").await;
    terminal.types(".exit\r").await;
    assert_eq!(terminal.ends().await, Some(0));
}
