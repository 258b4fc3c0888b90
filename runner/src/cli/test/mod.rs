//! `tocsin test`: runs checks once, now, or with `--watch` whenever their files change.
//!
//! Exit codes: 0 when every run passed or was skipped, 1 when a run failed or a script was refused, 2 when nothing could
//! be tried, because the configuration or the command line is wrong. What repeats a failed run is asked for
//! (`--retries`); a run that passes only then is a pass, and is told as one that did not pass at once.

pub(super) mod choice;
pub mod env_file;
mod record;
mod reporter;
mod round;
mod watch;

use super::arguments::Test;
use super::report::Authorities;
use super::{FAILED, MISCONFIGURED};
use crate::catalogue::{self, Catalogue};
use crate::config::Settings;
use crate::sandboxing::{self, Regions};
use probes::sandbox::Sandbox;
use record::Record;
use reporter::Reporter;
use round::Round;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the settings come from. With `--watch` they are read again when that changes.
pub struct Source<'a> {
    /// Tells what is wrong before it gives the exit code.
    pub read: &'a dyn Fn() -> Result<Settings, ExitCode>,
    /// The configuration and the files of `--env-file`; they need not be there.
    pub files: Vec<PathBuf>,
}

pub(super) async fn test(source: &Source<'_>, arguments: &Test) -> anyhow::Result<ExitCode> {
    let record = arguments.record.as_ref().map(|folder| Record::new(folder.as_deref()));
    let code = if arguments.watch {
        watch::watch(source, arguments, record.as_ref()).await
    } else {
        once(source, arguments, record.as_ref()).await
    };
    if let Some(record) = &record {
        record.tell();
    }
    code
}

async fn once(source: &Source<'_>, arguments: &Test, record: Option<&Record<'_>>) -> anyhow::Result<ExitCode> {
    let settings = match (source.read)() {
        Ok(settings) => settings,
        Err(refused) => return Ok(refused),
    };
    let Some(session) = Session::start(&settings, arguments, record).await? else {
        return Ok(ExitCode::from(MISCONFIGURED));
    };
    let code = session.once().await;
    session.sandbox.shutdown().await;
    code
}

/// What stays the same from one round to the next, while the settings do.
struct Session<'a> {
    settings: &'a Settings,
    arguments: &'a Test,
    sandbox: Sandbox,
    regions: Regions,
    authorities: Authorities,
    record: Option<&'a Record<'a>>,
}

impl<'a> Session<'a> {
    /// `None` after saying what is wrong with the command line.
    async fn start(
        settings: &'a Settings,
        arguments: &'a Test,
        record: Option<&'a Record<'a>>,
    ) -> anyhow::Result<Option<Self>> {
        if let Some(message) = choice::unknown_region(settings, &arguments.region) {
            eprintln!("tocsin test: {message}");
            return Ok(None);
        }
        let sandbox = match record {
            Some(_) => sandboxing::start_recording(settings).await?,
            None => sandboxing::start(settings).await?,
        };
        let (regions, authorities) = (Regions::new(settings), Authorities::of(&settings.network));
        Ok(Some(Self { settings, arguments, sandbox, regions, authorities, record }))
    }

    async fn once(&self) -> anyhow::Result<ExitCode> {
        let (root, catalogue) = self.load().await?;
        let chosen = choice::choose(&catalogue, self.arguments);
        if chosen.is_empty() && catalogue.refused.is_empty() {
            eprintln!("tocsin test: {}", choice::nothing_to_run(&catalogue, &root));
            return Ok(ExitCode::from(MISCONFIGURED));
        }
        let mut reporter = self.reporter(&root);
        let round = Round {
            sandbox: &self.sandbox,
            regions: &self.regions,
            chosen,
            refused: catalogue.refused.iter().collect(),
            retries: self.arguments.retries,
            record: self.record,
        };
        let tally = round.run(reporter.as_mut()).await?;
        Ok(if tally.is_good() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }

    /// The project's root, and what the scripts say of themselves now.
    async fn load(&self) -> anyhow::Result<(PathBuf, Catalogue)> {
        let (root, files) = choice::scripts(self.settings, &self.arguments.paths)?;
        let catalogue = catalogue::load(self.settings, &root, files, &self.sandbox).await;
        Ok((root, catalogue))
    }

    fn reporter<'b>(&'b self, root: &'b Path) -> Box<dyn Reporter + 'b> {
        reporter::reporter(self.arguments, root, &self.authorities, Box::new(std::io::stdout()))
    }
}
