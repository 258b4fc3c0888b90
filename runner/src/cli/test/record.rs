//! `--record`: what a run that passes has asked and got goes into a file.

use crate::catalogue::Check;
use crate::recordings;
use checks::{Outcome, RunResult};
use probes::recording::{FORMAT, RecordedExchange, Recording, SecretMarks, Seed};
use probes::sandbox::{RunOrder, Sandbox};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where recordings go, and how many have been made.
#[derive(Debug)]
pub struct Record<'a> {
    /// Beside each script where absent.
    folder: Option<&'a Path>,
    saved: AtomicUsize,
}

impl<'a> Record<'a> {
    pub fn new(folder: Option<&'a Path>) -> Self {
        Self { folder, saved: AtomicUsize::new(0) }
    }

    /// Makes one run, and keeps it where it passes. What is wrong with the file is told, and changes no result.
    pub async fn run(&self, sandbox: &Sandbox, check: &Check, order: RunOrder) -> RunResult {
        let marks = SecretMarks::new(&order.secrets);
        let vars = order.vars.iter().map(|(name, value)| (name.clone(), marks.hide_text(value))).collect();
        let seed: Seed = rand::random();
        let (result, exchanges) = sandbox.record(order, seed).await;
        if !matches!(result.outcome, Outcome::Passed) {
            return result;
        }
        let shown = format!("{} in {}", result.key.check, result.key.region);
        let Some(exchanges) = exchanges else {
            eprintln!("tocsin test: {shown} passed, and was not recorded: its answers are too large to keep");
            return result;
        };
        if let Some(text) = unkept(&exchanges, &result) {
            eprintln!("tocsin test: {shown}: {text}");
        }
        let file = recordings::file(self.folder, &check.file, &result.key.check, &result.key.region);
        let recording = Recording {
            format: FORMAT,
            check: result.key.check.clone(),
            region: result.key.region.clone(),
            slot: result.key.slot,
            attempt: result.key.attempt,
            started_at: result.started_at,
            tocsin: result.prober.version.clone(),
            script_hash: result.script_hash.clone(),
            seed,
            vars,
            exchanges,
        };
        match recordings::save(&file, &recording) {
            Ok(()) => {
                self.saved.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => eprintln!("tocsin test: {shown} is not recorded: {}: {error}", file.display()),
        }
        result
    }

    /// Says how many recordings there are now; to standard error, since a report may go to the other.
    pub fn tell(&self) {
        let saved = self.saved.load(Ordering::Relaxed);
        let place = self.folder.map_or_else(|| PathBuf::from("recordings beside the scripts"), Path::to_owned);
        eprintln!("recorded runs: {saved}, in {}; `tocsin mutate` shows what they prove", place.display());
    }
}

/// What a recording lacks.
fn unkept(exchanges: &[RecordedExchange], result: &RunResult) -> Option<String> {
    let below = exchanges.iter().filter(|exchange| !exchange.is_http()).count();
    if result.dropped.requests > 0 {
        return Some(format!(
            "{} requests are past the number that a run keeps, and not recorded",
            result.dropped.requests
        ));
    }
    (below > 0).then(|| format!("{below} exchanges are no HTTP, and cannot be replayed"))
}
