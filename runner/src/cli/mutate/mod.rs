//! `tocsin mutate`: runs checks on what they have recorded, with faults in it, and lists those that they let pass.
//!
//! Nothing leaves the machine: the recorded answers are all that the script gets. A recording that the script does not
//! pass on any more is stale, and says nothing about the script; why is told.

mod document;
mod report;
mod trial;

use super::arguments::Mutate;
use super::paint::Paint;
use super::printable::printable_json;
use super::test::choice;
use super::{FAILED, MISCONFIGURED};
use crate::catalogue::{self, Check};
use crate::config::Settings;
use crate::recordings;
use crate::sandboxing::{self, Regions};
use checks::Region;
use std::path::PathBuf;
use std::process::ExitCode;
use trial::Trial;

pub(super) async fn mutate(settings: &Settings, arguments: &Mutate) -> anyhow::Result<ExitCode> {
    if let Some(message) = choice::unknown_region(settings, &arguments.region) {
        eprintln!("tocsin mutate: {message}");
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let sandbox = sandboxing::start(settings).await?;
    let (root, files) = choice::scripts(settings, &arguments.paths)?;
    let catalogue = catalogue::load(settings, &root, files, &sandbox).await;
    let (trials, mut problems) = trials(&catalogue.checks, arguments);
    problems.extend(catalogue.refused.iter().map(ToString::to_string));
    if trials.is_empty() && problems.is_empty() {
        eprintln!("tocsin mutate: there is no check script in {}", root.display());
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let at_once = settings.sandbox.runs_in_flight_max;
    let faults_max = arguments.faults_max as usize;
    let proofs = trial::prove(&trials, &sandbox, &Regions::new(settings), faults_max, at_once).await;
    sandbox.shutdown().await;
    let is_good = problems.is_empty()
        && proofs
            .iter()
            .all(|proof| proof.as_ref().is_ok_and(|proof| proof.score(arguments.strict) >= arguments.min_score));
    if arguments.json {
        let document = document::document(&trials, &proofs, &problems);
        println!("{}", printable_json(&serde_json::to_string_pretty(&document)?));
    } else {
        print!("{}", report::report(&trials, &proofs, &problems, arguments, Paint::for_stdout()));
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// The recordings to try, and what is wrong with others.
fn trials<'a>(checks: &'a [Check], arguments: &Mutate) -> (Vec<Trial<'a>>, Vec<String>) {
    let mut trials = Vec::new();
    let mut problems = Vec::new();
    let folder = arguments.recordings.as_deref();
    for check in checks {
        let file = |region: &Region| recordings::file(folder, &check.file, &check.definition.id, region);
        let wanted = |region: &&Region| arguments.region.is_empty() || arguments.region.contains(region);
        // Those that are there; where there is none, the one that `tocsin test --record` makes.
        let mut regions: Vec<&Region> =
            check.regions.iter().filter(wanted).filter(|region| file(region).exists()).collect();
        if regions.is_empty() {
            regions.extend(check.regions.iter().find(wanted));
        }
        for region in regions {
            let file: PathBuf = file(region);
            match recordings::load(&file, &check.file) {
                Ok(recording) => trials.push(Trial { check, file, recording }),
                Err(error) => problems.push(error.to_string()),
            }
        }
    }
    (trials, problems)
}
