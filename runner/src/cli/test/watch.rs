//! `--watch`: a round of what has changed, each time that something has.
//!
//! What changed is not what the file system says, which tells one save as several events, but what the bundles say: after
//! each burst of events all scripts are bundled again, and those run whose bundle is another one than before. A bundle
//! is made of the script and every module that it imports, so that a change to a module runs the checks that use it.
//! Another configuration is a new start: it is read again, and all checks run. One that is wrong is told, and waited for.

use super::choice;
use super::record::Record;
use super::round::Round;
use super::{Session, Source};
use crate::catalogue::{Catalogue, is_check};
use crate::cli::MISCONFIGURED;
use crate::cli::arguments::Test;
use crate::cli::paint::Paint;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use probes::script::ScriptError;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Changed,
    Everything,
    End,
}

/// How the rounds under one configuration ended.
enum Ended {
    /// The configuration has changed, or what it reads its variables from.
    Reconfigured,
    ByThePerson,
}

pub(super) async fn watch(
    source: &Source<'_>,
    arguments: &Test,
    record: Option<&Record<'_>>,
) -> anyhow::Result<ExitCode> {
    let mut watching = Watching::start()?;
    let mut is_first = true;
    loop {
        // Before they are read: what is saved meanwhile is not missed.
        let configured = Configured::now(&source.files);
        watching.add_files(&source.files)?;
        let ended = match (source.read)() {
            Ok(settings) => match Session::start(&settings, arguments, record).await? {
                Some(session) => {
                    let ended = rounds(&session, &mut watching, configured).await;
                    session.sandbox.shutdown().await;
                    ended?
                }
                None if is_first => return Ok(ExitCode::from(MISCONFIGURED)),
                None => mended(&mut watching, configured).await?,
            },
            // What does not start at all is wrong on the command line as well.
            Err(refused) if is_first => return Ok(refused),
            Err(_) => mended(&mut watching, configured).await?,
        };
        match ended {
            Ended::Reconfigured => is_first = false,
            Ended::ByThePerson => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// Rounds until the configuration changes or the person has had enough.
async fn rounds(session: &Session<'_>, watching: &mut Watching, mut configured: Configured) -> anyhow::Result<Ended> {
    let authorities = &session.settings.network.ca_files;
    configured.add(authorities);
    watching.add_files(authorities)?;
    let mut seen = Seen::default();
    let mut wish = Wish::Everything;
    loop {
        let (root, catalogue) = session.load().await?;
        // Before the runs: what is saved while they go on is not missed.
        watching.add_folders(folders(session, &root, &catalogue))?;
        round(session, &root, &catalogue, &seen, &wish).await?;
        seen = Seen::of(&catalogue);
        wish = watching.next().await?;
        if wish == Wish::End {
            return Ok(Ended::ByThePerson);
        }
        if configured.has_changed() {
            return Ok(Ended::Reconfigured);
        }
    }
}

/// Waits for another configuration, since this one cannot be used.
async fn mended(watching: &mut Watching, configured: Configured) -> anyhow::Result<Ended> {
    eprintln!("\nnothing runs until the configuration is mended");
    loop {
        match watching.next().await? {
            Wish::End => return Ok(Ended::ByThePerson),
            Wish::Everything | Wish::Changed if configured.has_changed() => return Ok(Ended::Reconfigured),
            Wish::Everything | Wish::Changed => {}
        }
    }
}

/// What the files of the configuration held when they were read.
struct Configured(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Configured {
    fn now(files: &[PathBuf]) -> Self {
        let mut configured = Self(Vec::new());
        configured.add(files);
        configured
    }

    fn add(&mut self, files: &[PathBuf]) {
        self.0.extend(files.iter().map(|file| (file.clone(), std::fs::read(file).ok())));
    }

    fn has_changed(&self) -> bool {
        self.0.iter().any(|(file, held)| std::fs::read(file).ok() != *held)
    }
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
        record: session.record,
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

/// What is looked at, and the person at the keyboard.
struct Watching {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    interest: Arc<Mutex<Interest>>,
    changes: mpsc::Receiver<()>,
    lines: Option<Lines<BufReader<Stdin>>>,
}

/// Whose changes matter. In the folder of the configuration there may be logs and data, which change all the time.
#[derive(Default)]
struct Interest {
    /// With all that is in them.
    folders: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
}

impl Interest {
    fn is_in(&self, path: &Path) -> bool {
        self.files.contains(path) || path.parent().is_some_and(|folder| self.folders.contains(folder))
    }
}

impl Watching {
    fn start() -> anyhow::Result<Self> {
        let (sender, changes) = mpsc::channel(CHANGES_WAITING_MAX);
        let interest = Arc::new(Mutex::new(Interest::default()));
        let asked = Arc::clone(&interest);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let interest = asked.lock().unwrap_or_else(PoisonError::into_inner);
            // Reading a file is an event too. What fails to be told is found with the next change.
            if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(|path| interest.is_in(path))) {
                let _ = sender.try_send(());
            }
        })?;
        let lines = Some(BufReader::new(tokio::io::stdin()).lines());
        Ok(Self { watcher, watched: BTreeSet::new(), interest, changes, lines })
    }

    fn add_folders(&mut self, folders: BTreeSet<PathBuf>) -> anyhow::Result<()> {
        for folder in folders {
            self.watch(&folder)?;
            self.interested().folders.insert(folder);
        }
        Ok(())
    }

    /// Files that are there or may come to be: an editor puts another one in the place of the old.
    fn add_files(&mut self, files: &[PathBuf]) -> anyhow::Result<()> {
        for file in files {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            // Where there is no such folder, there will be no such file.
            if let (Ok(folder), Some(name)) = (folder.canonicalize(), file.file_name()) {
                self.watch(&folder)?;
                self.interested().files.insert(folder.join(name));
            }
        }
        Ok(())
    }

    fn watch(&mut self, folder: &Path) -> anyhow::Result<()> {
        if self.watched.len() < FOLDERS_MAX && !self.watched.contains(folder) {
            self.watcher.watch(folder, RecursiveMode::NonRecursive)?;
            self.watched.insert(folder.to_owned());
        }
        Ok(())
    }

    fn interested(&self) -> MutexGuard<'_, Interest> {
        self.interest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a burst of changes to end, or for a line from the person.
    async fn next(&mut self) -> anyhow::Result<Wish> {
        loop {
            tokio::select! {
                change = self.changes.recv() => {
                    if change.is_none() {
                        return Ok(Wish::End);
                    }
                    while let Ok(Some(())) = tokio::time::timeout(QUIET, self.changes.recv()).await {}
                    return Ok(Wish::Changed);
                }
                line = line(&mut self.lines) => match line.as_deref().map(str::trim) {
                    Some("q") => return Ok(Wish::End),
                    Some(_) => return Ok(Wish::Everything),
                    // Nobody is at the keyboard: the files alone decide.
                    None => self.lines = None,
                },
            }
        }
    }
}

async fn line(lines: &mut Option<Lines<BufReader<Stdin>>>) -> Option<String> {
    match lines {
        Some(lines) => lines.next_line().await.ok().flatten(),
        None => std::future::pending().await,
    }
}
