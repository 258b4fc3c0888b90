//! `tocsin repl`: a prompt inside the sandbox.
//!
//! A session is one run of one process, contained as any other: lines go to it over a connection that the broker hands
//! over, as it hands over those to targets. A line that is interrupted is not waited for any more; one that keeps the
//! process busy is ended with its process, and the session goes on in a new one, without what was declared.

use super::arguments::Repl;
use super::printable::{printable, printable_lines};
use super::test::choice;
use super::{FAILED, MISCONFIGURED};
use crate::config::Settings;
use crate::sandboxing::{self, Regions};
use checks::{Outcome, RunResult};
use probes::sandbox::Sandbox;
use probes::script::{LineError, prompt_line};
use rustyline::error::ReadlineError;
use serde::Deserialize;
use std::io::{BufRead as _, IsTerminal as _};
use std::os::unix::net::UnixStream as Pair;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What a process that waits for something needs to hear of an interrupt.
const INTERRUPT_PATIENCE: Duration = Duration::from_secs(1);

const ANSWERS_WAITING_MAX: usize = 64;

/// Told to the process in place of a line.
const INTERRUPT: &str = "\u{3}";

const HELP: &str = "\
.help            this
.exit, ^D        leave
^C               interrupt the line that runs

vars, secrets and region are those of tocsin.toml; fetch, and what `tocsin` exports (expect, step, connection,
...), are there; import the rest: import { discover } from \"tocsin/auth\". Lines may await and may be TypeScript.
_ is the last value. What a line declares is there for the next.";

pub(super) async fn repl(settings: &Settings, arguments: &Repl) -> anyhow::Result<ExitCode> {
    let asked: Vec<_> = arguments.region.iter().cloned().collect();
    if let Some(message) = choice::unknown_region(settings, &asked) {
        eprintln!("tocsin repl: {message}");
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let sandbox = std::sync::Arc::new(sandboxing::start_prompt(settings).await?);
    let regions = Regions::new(settings);
    let mut session = Session { sandbox: sandbox.clone(), regions: &regions, arguments, process: None };
    let code = if std::io::stdin().is_terminal() { session.talk().await } else { session.read().await };
    session.end().await;
    sandbox.shutdown().await;
    code
}

struct Session<'a> {
    sandbox: std::sync::Arc<Sandbox>,
    regions: &'a Regions,
    arguments: &'a Repl,
    /// Absent until there is a line, and after a process had to be ended.
    process: Option<Process>,
}

struct Process {
    lines: OwnedWriteHalf,
    answers: mpsc::Receiver<Answer>,
    run: JoinHandle<RunResult>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    kind: String,
    text: String,
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Well,
    Badly,
}

impl Session<'_> {
    /// With a person at a terminal. The history is in memory: a line may hold a secret.
    async fn talk(&mut self) -> anyhow::Result<ExitCode> {
        let mut editor = rustyline::DefaultEditor::new()?;
        println!("tocsin {}: .help says what is there", env!("CARGO_PKG_VERSION"));
        let mut text = String::new();
        loop {
            let prompt = if text.is_empty() { "> " } else { "… " };
            let (back, read) = tokio::task::spawn_blocking(move || {
                let read = editor.readline(prompt);
                (editor, read)
            })
            .await?;
            editor = back;
            match read {
                Ok(line) => {
                    text.push_str(&line);
                    match self.take(&text).await? {
                        Taken::More => text.push('\n'),
                        Taken::Exit => return Ok(ExitCode::SUCCESS),
                        Taken::Done(_) => {
                            let _: bool = editor.add_history_entry(text.trim_end())?;
                            text.clear();
                        }
                    }
                }
                Err(ReadlineError::Interrupted) if text.is_empty() => println!("(.exit or ^D leaves)"),
                Err(ReadlineError::Interrupted) => text.clear(),
                Err(ReadlineError::Eof) => return Ok(ExitCode::SUCCESS),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A script on standard input. It ends with its first line that fails.
    async fn read(&mut self) -> anyhow::Result<ExitCode> {
        let mut text = String::new();
        let mut lines = std::io::stdin().lock().lines();
        while let Some(line) = lines.next().transpose()? {
            text.push_str(&line);
            match self.take(&text).await? {
                Taken::More => text.push('\n'),
                Taken::Exit => return Ok(ExitCode::SUCCESS),
                Taken::Done(Ended::Well) => text.clear(),
                Taken::Done(Ended::Badly) => return Ok(ExitCode::from(FAILED)),
            }
        }
        if text.trim().is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("tocsin repl: the last line is not complete");
        Ok(ExitCode::from(FAILED))
    }

    async fn take(&mut self, text: &str) -> anyhow::Result<Taken> {
        match text.trim() {
            "" => return Ok(Taken::Done(Ended::Well)),
            ".exit" => return Ok(Taken::Exit),
            ".help" => {
                println!("{HELP}");
                return Ok(Taken::Done(Ended::Well));
            }
            command if command.starts_with('.') && !command.contains(char::is_whitespace) => {
                eprintln!("there is no {}; .help says what there is", printable(command));
                return Ok(Taken::Done(Ended::Badly));
            }
            _ => {}
        }
        match prompt_line(text) {
            Err(LineError::Incomplete) => Ok(Taken::More),
            Err(LineError::Wrong(message)) => {
                eprintln!("{}", printable_lines(&message));
                Ok(Taken::Done(Ended::Badly))
            }
            Ok(code) => Ok(Taken::Done(self.evaluate(&code).await?)),
        }
    }

    async fn evaluate(&mut self, code: &str) -> anyhow::Result<Ended> {
        if self.process.is_none() {
            self.process = Some(self.start().await?);
        }
        let Some(process) = &mut self.process else { return Ok(Ended::Badly) };
        // One for the whole line: an interrupt that comes while an answer is printed is not lost.
        let mut interrupts = signal(SignalKind::interrupt())?;
        send(&mut process.lines, code).await?;
        let timeout = tokio::time::sleep(Duration::from_secs(self.arguments.timeout));
        tokio::pin!(timeout);
        let mut patience: Option<std::pin::Pin<Box<tokio::time::Sleep>>> = None;
        loop {
            let waits = patience.is_some();
            tokio::select! {
                answer = process.answers.recv() => match answer {
                    Some(Answer { kind, text }) => match kind.as_str() {
                        "value" => {
                            if !text.is_empty() {
                                println!("{}", printable_lines(&text));
                            }
                            return Ok(Ended::Well);
                        }
                        "problem" => {
                            eprintln!("{}", printable_lines(&text));
                            return Ok(Ended::Badly);
                        }
                        "interrupted" => {
                            eprintln!("interrupted");
                            return Ok(Ended::Badly);
                        }
                        "log" => println!("{}", printable_lines(&text)),
                        _ => {}
                    },
                    None => {
                        self.lost().await;
                        return Ok(Ended::Badly);
                    }
                },
                _ = interrupts.recv(), if !waits => {
                    send(&mut process.lines, INTERRUPT).await?;
                    patience = Some(Box::pin(tokio::time::sleep(INTERRUPT_PATIENCE)));
                }
                () = &mut timeout, if !waits => {
                    eprintln!("no answer within {} s (--timeout)", self.arguments.timeout);
                    send(&mut process.lines, INTERRUPT).await?;
                    patience = Some(Box::pin(tokio::time::sleep(INTERRUPT_PATIENCE)));
                }
                () = async { match &mut patience { Some(patience) => patience.await, None => std::future::pending().await } } => {
                    // There is no other run in this sandbox.
                    self.sandbox.kill_runs();
                    self.lost().await;
                    return Ok(Ended::Badly);
                }
            }
        }
    }

    async fn start(&self) -> anyhow::Result<Process> {
        let order = self.regions.prompt_order(self.arguments.region.as_ref())?;
        let (mine, runs) = Pair::pair()?;
        mine.set_nonblocking(true)?;
        runs.set_nonblocking(true)?;
        let sandbox = self.sandbox.clone();
        let run = tokio::spawn(async move { sandbox.converse(order, runs.into()).await });
        let (mut incoming, lines) = UnixStream::from_std(mine)?.into_split();
        let (sender, mut answers) = mpsc::channel(ANSWERS_WAITING_MAX);
        tokio::spawn(async move {
            while let Ok(answer) = receive(&mut incoming).await {
                if sender.send(answer).await.is_err() {
                    break;
                }
            }
        });
        match answers.recv().await {
            Some(_) => Ok(Process { lines, answers, run }),
            None => anyhow::bail!("the prompt does not start: {}", why(run).await),
        }
    }

    async fn lost(&mut self) {
        if let Some(Process { run, lines, answers }) = self.process.take() {
            drop((lines, answers));
            eprintln!("{}; what was declared is gone", printable_lines(&why(run).await));
        }
    }

    async fn end(&mut self) {
        if let Some(Process { lines, answers, run }) = self.process.take() {
            drop((lines, answers));
            // How it ended is of no interest now; one that is busy is ended with the sandbox.
            let _ = tokio::time::timeout(INTERRUPT_PATIENCE, run).await;
        }
    }
}

enum Taken {
    /// The line goes on.
    More,
    Exit,
    Done(Ended),
}

async fn why(run: JoinHandle<RunResult>) -> String {
    match run.await.map(|result| result.outcome) {
        Ok(Outcome::Failed(failure)) => failure.message,
        Ok(_) => "the process has ended".to_owned(),
        Err(error) => error.to_string(),
    }
}

async fn send(connection: &mut OwnedWriteHalf, text: &str) -> std::io::Result<()> {
    connection.write_u32(u32::try_from(text.len()).unwrap_or(u32::MAX)).await?;
    connection.write_all(text.as_bytes()).await
}

/// A frame is small and whole, since the run writes it in one piece; a hostile one ends the session.
async fn receive(connection: &mut OwnedReadHalf) -> std::io::Result<Answer> {
    const ANSWER_BYTES_MAX: u32 = 1 << 20;
    let length = connection.read_u32().await?;
    if length > ANSWER_BYTES_MAX {
        return Err(std::io::Error::other("an answer of more than 1 MiB"));
    }
    let mut text = vec![0; length as usize];
    connection.read_exact(&mut text).await?;
    Ok(serde_json::from_slice(&text)?)
}
