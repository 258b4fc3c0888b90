//! The checks of a folder: found, bundled, asked for their definitions, and held against the configuration.
//!
//! A script that is refused is kept with its reason and does not stop the others.

mod find;
mod fit;
mod named;

pub use find::{FindError, find, is_check};
pub use named::{Misnamed, misnamed, refusal};

use crate::config::{PolicyChoice, Settings};
use checks::{CheckDefinition, CheckId, Region};
use futures_util::{StreamExt, stream};
use probes::sandbox::Sandbox;
use probes::schedule::Schedule;
use probes::script::{ScriptBundle, ScriptError, bundle};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Scripts that are asked for their definitions at once.
const DESCRIBED_AT_ONCE: usize = 16;

/// A check that can be run.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its `policy` is the name of the one that the check has, never absent.
    pub definition: CheckDefinition,
    /// Why it is that one.
    pub policy_choice: PolicyChoice,
    /// The declared schedule, or the one that overrides it.
    pub schedule: Schedule,
    /// How the schedule is written.
    pub schedule_text: String,
    pub bundle: Arc<ScriptBundle>,
    /// Where it runs, never empty.
    pub regions: Vec<Region>,
    pub file: PathBuf,
}

#[derive(Debug, Default)]
pub struct Catalogue {
    /// By id.
    pub checks: Vec<Check>,
    pub refused: Vec<ScriptError>,
}

/// What imports may reach: the configuration's folder where the checks lie in it, otherwise the folder of checks.
pub fn project_root(settings: &Settings) -> PathBuf {
    let folder = settings.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), settings.checks_dir.canonicalize()) {
        (Ok(folder), Ok(checks)) if checks.starts_with(&folder) && !settings.file.as_os_str().is_empty() => folder,
        (_, Ok(checks)) => checks,
        _ => settings.checks_dir.clone(),
    }
}

/// Loads `files`, which lie below `root`.
pub async fn load(settings: &Settings, root: &Path, files: Vec<PathBuf>, sandbox: &Sandbox) -> Catalogue {
    let load = |file: PathBuf| async move { (describe(root, &file, sandbox).await, file) };
    let mut described = stream::iter(files).map(load).buffered(DESCRIBED_AT_ONCE);
    let mut catalogue = Catalogue::default();
    let mut paths: BTreeMap<CheckId, String> = BTreeMap::new();
    while let Some((described, file)) = described.next().await {
        let check = described.and_then(|(definition, bundle)| fit::fit(settings, root, definition, bundle, file));
        match check {
            Ok(check) => {
                let id = &check.definition.id;
                if let Some(first) = paths.get(id) {
                    let error =
                        ScriptError::new(&check.bundle.path, format!("the id `{id}` is already taken by {first}"))
                            .with_help("write another `id` in defineCheck, or give the file another name".to_owned());
                    catalogue.refused.push(error);
                } else {
                    paths.insert(id.clone(), check.bundle.path.clone());
                    catalogue.checks.push(check);
                }
            }
            Err(error) => catalogue.refused.push(error),
        }
    }
    catalogue.checks.sort_by(|a, b| a.definition.id.cmp(&b.definition.id));
    catalogue
}

async fn describe(
    root: &Path,
    file: &Path,
    sandbox: &Sandbox,
) -> Result<(CheckDefinition, Arc<ScriptBundle>), ScriptError> {
    let (root, owned) = (root.to_owned(), file.to_owned());
    let bundled = tokio::task::spawn_blocking(move || bundle(&root, &owned)).await;
    let bundle = Arc::new(bundled.map_err(|error| ScriptError::new(&file.display().to_string(), error.to_string()))??);
    let definition = sandbox.describe(&bundle).await?;
    Ok((definition, bundle))
}
