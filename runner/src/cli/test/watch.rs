//! `--watch`: a round of what has changed, each time that something has.
//!
//! What changed is not what the file system says, which tells one save as several events, but what the bundles say: after
//! each burst of events all scripts are bundled again, and those run whose bundle is another one than before. A bundle
//! is made of the script and every module that it imports, so that a change to a module runs the checks that use it.

use super::Session;
use super::choice;
use super::round::Round;
use crate::catalogue::{Catalogue, is_check};
use crate::cli::paint::Paint;
use notify::{RecursiveMode, Watcher};
use probes::script::ScriptError;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::sync::mpsc;

/// An editor that saves writes several times within this.
const QUIET: Duration = Duration::from_millis(60);
/// Changes that wait to be looked at; more of them say nothing new.
const CHANGES_WAITING_MAX: usize = 64;
const FOLDERS_MAX: usize = 1_000;

/// What the scripts were when they last ran.
#[derive(Default)]
struct Seen {
    /// Path of each check to the hash of its bundle.
    hashes: BTreeMap<String, String>,
    refused: Vec<ScriptError>,
}

impl Seen {
    fn of(catalogue: &Catalogue) -> Self {
        let hash = |check: &crate::catalogue::Check| (check.bundle.path.clone(), check.bundle.hash.clone());
        Self { hashes: catalogue.checks.iter().map(hash).collect(), refused: catalogue.refused.clone() }
    }
}

/// What a person asked for, or the files did.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Changed,
    Everything,
    End,
}

pub(super) async fn watch(session: &Session<'_>) -> anyhow::Result<ExitCode> {
    let (sender, mut changes) = mpsc::channel(CHANGES_WAITING_MAX);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is an event too. What fails to be told is found with the next change.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = sender.try_send(());
        }
    })?;
    let mut watched = BTreeSet::new();
    let mut lines = Some(BufReader::new(tokio::io::stdin()).lines());
    let mut seen = Seen::default();
    let mut wish = Wish::Everything;
    while wish != Wish::End {
        let (root, catalogue) = session.load().await?;
        // Before the runs: what is saved while they go on is not missed.
        for folder in folders(session, &root, &catalogue) {
            if watched.len() < FOLDERS_MAX && !watched.contains(&folder) {
                watcher.watch(&folder, RecursiveMode::NonRecursive)?;
                watched.insert(folder);
            }
        }
        round(session, &root, &catalogue, &seen, &wish).await?;
        seen = Seen::of(&catalogue);
        wish = next(&mut changes, &mut lines).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn round(
    session: &Session<'_>,
    root: &Path,
    catalogue: &Catalogue,
    seen: &Seen,
    wish: &Wish,
) -> anyhow::Result<()> {
    let mut chosen = choice::choose(catalogue, session.arguments);
    let mut refused: Vec<&ScriptError> = catalogue.refused.iter().collect();
    if *wish == Wish::Changed {
        chosen.retain(|(check, _)| seen.hashes.get(&check.bundle.path) != Some(&check.bundle.hash));
        refused.retain(|error| !seen.refused.contains(error));
        let is_mended = seen.refused.len() > catalogue.refused.len();
        if chosen.is_empty() && refused.is_empty() && !is_mended {
            return Ok(());
        }
    }
    let is_terminal = std::io::stdout().is_terminal();
    let paint = Paint::for_stdout();
    let mut out = std::io::stdout();
    if is_terminal {
        // The screen and what has scrolled off it.
        write!(out, "\x1b[2J\x1b[3J\x1b[H")?;
    }
    let all = catalogue.checks.len();
    let shown = if *wish == Wish::Everything { "all".to_owned() } else { format!("{} of {all}", chosen.len()) };
    if !session.arguments.is_for_programs() {
        writeln!(out, "{}\n", paint.dim(&format!("running {shown} checks")))?;
    }
    let mut reporter = session.reporter(root);
    let round = Round {
        sandbox: &session.sandbox,
        regions: &session.regions,
        chosen,
        refused,
        retries: session.arguments.retries,
        record: session.record.as_ref(),
    };
    round.run(reporter.as_mut()).await?;
    if !session.arguments.is_for_programs() {
        let keys = if std::io::stdin().is_terminal() { "; Enter runs all, q and Enter ends" } else { "" };
        writeln!(out, "{}", paint.dim(&format!("waiting for changes{keys}")))?;
    }
    out.flush()?;
    Ok(())
}

/// Where changes are expected: beside every script and module, and wherever a new check would be found.
fn folders(session: &Session<'_>, root: &Path, catalogue: &Catalogue) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let modules = catalogue.checks.iter().flat_map(|check| check.bundle.paths());
    let refused = catalogue.refused.iter().map(|error| error.file.as_str());
    for file in modules.chain(refused) {
        folders.extend(root.join(file).parent().map(Path::to_owned));
    }
    let places = match session.arguments.paths.as_slice() {
        [] => std::slice::from_ref(&session.settings.checks_dir),
        paths => paths,
    };
    for place in places {
        match place.canonicalize() {
            Ok(place) if place.is_dir() => below(&place, &mut folders),
            Ok(place) if is_check(&place) => folders.extend(place.parent().map(Path::to_owned)),
            _ => {}
        }
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

/// A folder and those in it, as far as checks are looked for in them.
fn below(folder: &Path, folders: &mut BTreeSet<PathBuf>) {
    if folders.len() >= FOLDERS_MAX || !folders.insert(folder.to_owned()) {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if !is_hidden && name != "node_modules" && name != "target" && entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            below(&entry.path(), folders);
        }
    }
}

/// Waits for a burst of changes to end, or for a line from the person.
async fn next(changes: &mut mpsc::Receiver<()>, lines: &mut Option<Lines<BufReader<Stdin>>>) -> anyhow::Result<Wish> {
    loop {
        tokio::select! {
            change = changes.recv() => {
                if change.is_none() {
                    return Ok(Wish::End);
                }
                while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
                return Ok(Wish::Changed);
            }
            line = line(lines) => match line.as_deref().map(str::trim) {
                Some("q") => return Ok(Wish::End),
                Some(_) => return Ok(Wish::Everything),
                // Nobody is at the keyboard: the files alone decide.
                None => *lines = None,
            },
        }
    }
}

async fn line(lines: &mut Option<Lines<BufReader<Stdin>>>) -> Option<String> {
    match lines {
        Some(lines) => lines.next_line().await.ok().flatten(),
        None => std::future::pending().await,
    }
}
