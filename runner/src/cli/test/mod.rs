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

pub(super) async fn test(settings: &Settings, arguments: &Test) -> anyhow::Result<ExitCode> {
    if let Some(message) = choice::unknown_region(settings, &arguments.region) {
        eprintln!("tocsin test: {message}");
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let record = arguments.record.as_ref().map(|folder| Record::new(folder.as_deref()));
    let sandbox = match record {
        Some(_) => sandboxing::start_recording(settings).await?,
        None => sandboxing::start(settings).await?,
    };
    let session = Session { settings, arguments, sandbox, regions: Regions::new(settings), record };
    let code = if arguments.watch { watch::watch(&session).await } else { session.once().await };
    session.sandbox.shutdown().await;
    if let Some(record) = &session.record {
        record.tell();
    }
    code
}

/// What stays the same from one round to the next.
struct Session<'a> {
    settings: &'a Settings,
    arguments: &'a Test,
    sandbox: Sandbox,
    regions: Regions,
    record: Option<Record<'a>>,
}

impl Session<'_> {
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
            record: self.record.as_ref(),
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

    fn reporter<'a>(&self, root: &'a Path) -> Box<dyn Reporter + 'a> {
        reporter::reporter(self.arguments, root, Box::new(std::io::stdout()))
    }
}
