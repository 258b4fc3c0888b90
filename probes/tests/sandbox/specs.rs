//! Scripts as data: `NAME.ts` or `NAME.js`, and beside it `NAME.json` with what must come of it.
//!
//! An expectation is what the run's result must have; or it has any of: `bundle`, the error that bundling gives; `describe`, the definition or `{"error": ...}`;
//! `result`, the run's result; `lacking`, what a machine's result says that cannot do it; `never`, texts that must be nowhere in the result; `order`, with `vars`, `secrets`,
//! `ca_pem`, `slot`, `attempt` and `timeout_ms` of the run.

use crate::matching::difference;
use crate::network::Network;
use crate::{Test, specs_folder};
use checks::{Reach, Region, RunKey, UnixMs};
use probes::sandbox::{RunOrder, Sandbox};
use probes::transport::NetworkSettings;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    bundle: Option<Value>,
    describe: Option<Value>,
    result: Option<Value>,
    #[serde(default)]
    never: Vec<String>,
    /// What a machine's result says that lacks what the script needs; such a one is told, and not compared.
    lacking: Option<String>,
    #[serde(default)]
    order: Order,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Order {
    vars: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    reach: Reach,
    /// Further authorities, PEM.
    ca_pem: Vec<String>,
    slot: i64,
    attempt: u32,
    timeout_ms: u64,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            vars: BTreeMap::new(),
            secrets: BTreeMap::new(),
            reach: Reach::default(),
            ca_pem: Vec::new(),
            slot: 0,
            attempt: 0,
            timeout_ms: 60_000,
        }
    }
}

pub async fn tests(sandbox: &Arc<Sandbox>) -> Vec<Test> {
    let network = Arc::new(Network::start().await);
    let scripts = scripts().into_iter().filter(|script| network.has_what_it_needs(script)).collect();
    tests_of(scripts, sandbox, Some(&network))
}

/// The specifications of one folder, for a place that has a network of its own.
#[allow(dead_code, reason = "one of the two test binaries that have specifications has such a place")]
pub fn tests_elsewhere(sandbox: &Arc<Sandbox>, folder: &str) -> Vec<Test> {
    let scripts = scripts().into_iter().filter(|script| script.starts_with(specs_folder().join(folder))).collect();
    tests_of(scripts, sandbox, None)
}

fn scripts() -> Vec<PathBuf> {
    let mut scripts = Vec::new();
    collect(&specs_folder(), &mut scripts);
    scripts.sort();
    assert!(!scripts.is_empty(), "there are specifications");
    scripts
}

fn tests_of(scripts: Vec<PathBuf>, sandbox: &Arc<Sandbox>, network: Option<&Arc<Network>>) -> Vec<Test> {
    let test = |script: PathBuf| -> Test {
        let name = script.strip_prefix(specs_folder()).unwrap_or(&script).display().to_string();
        let (sandbox, network) = (sandbox.clone(), network.cloned());
        (format!("specs/{name}"), Box::pin(async move { hold(&sandbox, network.as_deref(), &script).await }))
    };
    scripts.into_iter().map(test).collect()
}

/// The scripts that have an expectation beside them.
fn collect(folder: &Path, scripts: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder of specifications can be read") {
        let path = entry.expect("its entries can be read").path();
        if path.is_dir() {
            collect(&path, scripts);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let script = ["ts", "js"]
                .map(|extension| path.with_extension(extension))
                .into_iter()
                .find(|script| script.is_file());
            scripts.extend(script);
        }
    }
}

async fn hold(sandbox: &Sandbox, network: Option<&Network>, script: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(script.with_extension("json")).map_err(|error| error.to_string())?;
    let expected: Value = serde_json::from_str(&text).map_err(|error| format!("the expectation: {error}"))?;
    let whole = ["bundle", "describe", "result"].iter().any(|member| expected.get(member).is_some());
    let expected = if whole { expected } else { json!({ "result": expected }) };
    let expected: Expectation =
        serde_json::from_value(expected).map_err(|error| format!("the expectation: {error}"))?;
    let bundled = probes::script::bundle(&specs_folder(), script);
    let bundle = match (bundled, &expected.bundle) {
        (Ok(bundle), None) => Arc::new(bundle),
        (Ok(_), Some(_)) => return Err("was bundled".to_owned()),
        (Err(error), Some(expected)) => return compare(&json!(error.to_string()), expected, "error"),
        (Err(error), None) => return Err(format!("was not bundled: {error}")),
    };
    if let Some(expected) = &expected.describe {
        let described = match sandbox.describe(&bundle).await {
            Ok(definition) => serde_json::to_value(definition).map_err(|error| error.to_string())?,
            Err(error) => json!({ "error": error.to_string() }),
        };
        compare(&described, expected, "definition")?;
    }
    let Some(expected_result) = &expected.result else { return Ok(()) };
    let stem = script.file_stem().and_then(|stem| stem.to_str()).unwrap_or("check");
    let Order { mut vars, secrets, reach, ca_pem, slot, attempt, timeout_ms } = expected.order;
    let mut settings = Arc::default();
    if let Some(network) = network.filter(|_| Network::serves(script)) {
        vars.extend(network.vars.clone());
        settings = network.settings.clone();
    }
    if !ca_pem.is_empty() {
        settings = Arc::new(NetworkSettings { ca_pem, ..NetworkSettings::clone(&settings) });
    }
    let key = RunKey {
        check: stem.parse().map_err(|error| format!("{error}"))?,
        region: Region::new("eu-west-1").map_err(|error| format!("{error}"))?,
        slot: UnixMs(slot),
        attempt,
    };
    let order = RunOrder { key, bundle: bundle.clone(), timeout_ms, vars, secrets, reach, network: settings };
    let result = sandbox.run(order).await;
    let result = serde_json::to_value(result).map_err(|error| error.to_string())?;
    if let Some(lacking) = expected.lacking.filter(|lacking| result.to_string().contains(lacking.as_str())) {
        println!("skipped: {stem} ({lacking})");
        return Ok(());
    }
    compare(&result, expected_result, "result")?;
    compare(&result["script_hash"], &json!(bundle.hash), "result.script_hash")?;
    let text = result.to_string();
    match expected.never.iter().find(|never| text.contains(never.as_str())) {
        Some(found) => Err(format!("the result has {found:?}: {text}")),
        None => Ok(()),
    }
}

fn compare(value: &Value, expected: &Value, name: &str) -> Result<(), String> {
    match difference(value, expected, name) {
        Some(difference) => Err(format!("{difference}\n  in {value}")),
        None => Ok(()),
    }
}
