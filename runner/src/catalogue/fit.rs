//! Whether what a script declares exists in this configuration.

use super::Check;
use crate::config::{DEFAULT_POLICY, Settings, choose_policy, nearest};
use checks::{CheckDefinition, Region};
use probes::schedule::Schedule;
use probes::script::{ScriptBundle, ScriptError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The check with its schedule and regions, or what its author has to change.
pub(super) fn fit(
    settings: &Settings,
    root: &Path,
    mut definition: CheckDefinition,
    bundle: Arc<ScriptBundle>,
    file: PathBuf,
) -> Result<Check, ScriptError> {
    let refuse = |word: &str, message: String, help: String| {
        Err(pointing_at(root, &bundle.path, word, ScriptError::new(&bundle.path, message).with_help(help)))
    };
    for secret in &definition.secrets {
        if !settings.secrets.contains_key(secret) {
            let message = format!("asks for the secret `{secret}`, and there is none of that name");
            let help = match nearest(secret, settings.secrets.keys().map(String::as_str)) {
                Some(known) => format!(
                    "did you mean `{known}`? otherwise write `{secret} = {{ env = \"{secret}\" }}` under [secrets] in the configuration"
                ),
                None => format!("write `{secret} = {{ env = \"{secret}\" }}` under [secrets] in the configuration"),
            };
            return refuse(secret, message, help);
        }
    }
    for region in &definition.regions {
        if !settings.regions.iter().any(|configured| configured.name == *region) {
            let known: Vec<&str> = settings.regions.iter().map(|region| region.name.as_str()).collect();
            let message = format!("asks for the region `{region}`, and there is none of that name");
            return refuse(
                region.as_str(),
                message,
                format!("the regions of the configuration are {}", known.join(", ")),
            );
        }
    }
    let (policy, policy_choice) = choose_policy(&settings.policies, &definition);
    let known = settings.policies.iter().find(|known| known.name == policy);
    if known.is_none() && policy != DEFAULT_POLICY {
        let message = format!("asks for the policy `{policy}`, and there is none of that name");
        let help = match nearest(&policy, settings.policies.iter().map(|known| known.name.as_str())) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!(
                "write `[policies.{policy}]` in the configuration, or leave `policy` out for the default ladder"
            ),
        };
        return refuse(&policy, message, help);
    }
    let region_count = if definition.regions.is_empty() { settings.regions.len() } else { definition.regions.len() };
    if let Some(known) = known
        && let Some(rung) = known
            .policy
            .rungs
            .iter()
            .find(|rung| usize::try_from(rung.min_regions).unwrap_or(usize::MAX) > region_count)
    {
        let message = format!(
            "can never reach {} of its policy `{policy}` ({policy_choice}): that waits for {} regions, and the check runs in {region_count}",
            rung.label, rung.min_regions
        );
        let help = "let it run in more regions, or name another `policy` in defineCheck".to_owned();
        return refuse(&policy, message, help);
    }
    let (schedule_text, time_zone) = match &settings.schedule.override_all {
        Some(schedule) => (schedule.clone(), None),
        None => (definition.schedule.clone(), definition.time_zone.as_deref()),
    };
    let schedule = match Schedule::parse(&schedule_text, time_zone) {
        Ok(schedule) => schedule,
        Err(error) => {
            return refuse(
                &definition.schedule,
                error.to_string(),
                "a schedule is `every 30s` or a cron expression".to_owned(),
            );
        }
    };
    let regions: Vec<Region> = if definition.regions.is_empty() {
        settings.regions.iter().map(|region| region.name.clone()).collect()
    } else {
        definition.regions.clone()
    };
    // Alerting asks the definition alone.
    definition.policy = Some(policy);
    for dependency in settings.depends_on.iter().filter(|dependency| dependency.check.id == definition.id) {
        for parent in &dependency.parents {
            if !definition.depends_on.contains(&parent.id) {
                definition.depends_on.push(parent.id.clone());
            }
        }
    }
    Ok(Check { definition, policy_choice, schedule, schedule_text, bundle, regions, file })
}

/// Puts the author's own line on an error about a value that the script declares as a string.
fn pointing_at(root: &Path, path: &str, word: &str, error: ScriptError) -> ScriptError {
    let Ok(source) = std::fs::read_to_string(root.join(path)) else { return error };
    let offset = ['"', '\'', '`'].iter().find_map(|quote| source.find(&format!("{quote}{word}{quote}")));
    match offset {
        Some(offset) => error.at_offset(&source, offset),
        None => error,
    }
}
