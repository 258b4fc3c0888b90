//! What each script was when it last loaded, in a file of the data folder. A script that does not load any more still is
//! the check that it was: an incident that is open goes on under its id, and pages those whom its policy names.

use super::memory_file::MemoryFile;
use crate::catalogue::Check;
use crate::config::{PolicyChoice, Settings, choose_policy};
use alerting::Watched;
use checks::{CheckDefinition, Region};
use probes::script::ScriptError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Inside the data folder.
const FILE: &str = "scripts.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Script {
    /// Its `policy` is what the script itself says: which one it has is the configuration's to say.
    definition: CheckDefinition,
    regions: Vec<Region>,
}

#[derive(Debug)]
pub(super) struct Remembered {
    file: MemoryFile,
    /// By the path that errors name.
    scripts: BTreeMap<String, Script>,
}

impl Remembered {
    /// Takes up what the process before this one has written. What cannot be read is forgotten: it only ever says more
    /// of a script that is refused.
    pub(super) fn open(data_dir: &Path) -> Self {
        let file = MemoryFile::new(data_dir, FILE, "scripts that do not load have the default ladder");
        Self { scripts: file.read(), file }
    }

    /// Remembers the scripts that load, goes on remembering those that are refused, and forgets the others.
    pub(super) fn follow(&mut self, checks: &[Check], refused: &[ScriptError]) {
        let kept = |path: &String| refused.iter().any(|error| error.file == *path);
        let mut scripts: BTreeMap<String, Script> = self
            .scripts
            .iter()
            .filter(|(path, _)| kept(path))
            .map(|(path, script)| (path.clone(), script.clone()))
            .collect();
        for check in checks {
            let mut definition = check.definition.clone();
            definition.policy = definition.policy.filter(|_| check.policy_choice == PolicyChoice::Own);
            scripts.insert(check.bundle.path.clone(), Script { definition, regions: check.regions.clone() });
        }
        if scripts != self.scripts {
            self.scripts = scripts;
            self.file.write(&self.scripts);
        }
    }

    /// The check that a refused script was, as the configuration has it today. `None` where nobody has seen it load.
    pub(super) fn check(&self, error: &ScriptError, settings: &Settings) -> Option<Watched> {
        let Script { definition, regions } = self.scripts.get(&error.file)?.clone();
        let (policy, _) = choose_policy(&settings.policies, &definition);
        let is_configured = |region: &Region| settings.regions.iter().any(|configured| configured.name == *region);
        let mut regions: Vec<Region> = regions.into_iter().filter(is_configured).collect();
        if regions.is_empty() {
            regions = settings.regions.iter().map(|region| region.name.clone()).collect();
        }
        Some(Watched { definition: CheckDefinition { policy: Some(policy), ..definition }, regions })
    }
}
