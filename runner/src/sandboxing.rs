//! How a configuration becomes a running sandbox, and a run's order.

use crate::catalogue::Check;
use crate::config::{RegionSettings, Settings};
use anyhow::Context as _;
use checks::{Reach, RunKey, UnixMs};
use probes::sandbox::{Limits, RunOrder, Sandbox, SandboxError, SandboxSettings};
use probes::script::ScriptBundle;
use probes::transport::NetworkSettings;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The hidden subcommand that the zygotes run as.
pub const ZYGOTE: &str = "zygote";

/// A run that is recorded brings whole bodies with its result.
const RECORDED_RESULT_BYTES_MAX: usize = 32 << 20;

/// For runs around the clock.
pub async fn start_to_stay(settings: &Settings) -> Result<Sandbox, SandboxError> {
    start_with(settings, Limits::default(), true).await
}

/// For some runs.
pub async fn start(settings: &Settings) -> Result<Sandbox, SandboxError> {
    start_with(settings, Limits::default(), false).await
}

/// For runs that are recorded.
pub async fn start_recording(settings: &Settings) -> Result<Sandbox, SandboxError> {
    start_with(settings, Limits { result_bytes_max: RECORDED_RESULT_BYTES_MAX, ..Limits::default() }, false).await
}

/// For one prompt: it may look around longer than a check.
pub async fn start_prompt(settings: &Settings) -> Result<Sandbox, SandboxError> {
    let limits = Limits { connections_max: 100_000, requests_max: 10_000, ..Limits::default() };
    start_with(settings, limits, false).await
}

/// How long a prompt's process may live.
const PROMPT_TIMEOUT_MS: u64 = 24 * 3_600_000;

async fn start_with(settings: &Settings, mut limits: Limits, rehearses: bool) -> Result<Sandbox, SandboxError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if let Some(megabytes) = settings.sandbox.memory_mb_max {
        limits.heap_bytes_max = megabytes << 20;
        // Beside the script's own values the process needs room for buffers and stacks.
        limits.address_space_bytes_max = limits.address_space_bytes_max.max((megabytes as u64 + 192) << 20);
    }
    let sandbox = SandboxSettings {
        zygote_program: own_program(),
        zygote_args: vec![ZYGOTE.to_owned()],
        zygotes: settings.sandbox.zygotes.unwrap_or(cores),
        runs_in_flight_max: settings.sandbox.runs_in_flight_max,
        rehearses,
        limits,
    };
    Sandbox::start_held(sandbox, settings.sandbox.required_protections.clone()).await
}

/// This very program, also where a newer version has been put in its place while it runs.
fn own_program() -> PathBuf {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { link } else { std::env::current_exe().unwrap_or(link) }
}

/// What runs in each region are given.
#[derive(Debug)]
pub struct Regions {
    /// Never empty, as configured.
    names: Vec<checks::Region>,
    by_name: BTreeMap<String, Region>,
    secrets: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Region {
    network: Arc<NetworkSettings>,
    vars: BTreeMap<String, String>,
}

impl Regions {
    pub fn new(settings: &Settings) -> Self {
        let region = |region: &RegionSettings| {
            let network = NetworkSettings {
                resolve: region.resolve.clone(),
                allow_private: settings.network.allow_private,
                ca_pem: settings.network.ca_pem.clone(),
                ..NetworkSettings::default()
            };
            let mut vars = settings.vars.clone();
            vars.extend(region.vars.clone());
            (region.name.to_string(), Region { network: Arc::new(network), vars })
        };
        let secrets =
            settings.secrets.iter().map(|(name, secret)| (name.clone(), secret.expose().to_owned())).collect();
        let names = settings.regions.iter().map(|region| region.name.clone()).collect();
        Self { names, by_name: settings.regions.iter().map(region).collect(), secrets }
    }

    /// In the order in which they are configured.
    pub fn names(&self) -> &[checks::Region] {
        &self.names
    }

    /// The order of a prompt's run, in this region or the first: it has every secret.
    pub fn prompt_order(&self, region: Option<&checks::Region>) -> anyhow::Result<RunOrder> {
        let name = region.or(self.names.first()).context("the configuration has no region")?;
        let region = self.by_name.get(name.as_str()).with_context(|| format!("there is no region {name}"))?;
        Ok(RunOrder {
            key: RunKey { check: "prompt".parse()?, region: name.clone(), slot: UnixMs::now(), attempt: 0 },
            bundle: Arc::new(ScriptBundle::prompt()),
            timeout_ms: PROMPT_TIMEOUT_MS,
            vars: region.vars.clone(),
            secrets: self.secrets.clone(),
            reach: Reach::default(),
            network: Arc::clone(&region.network),
        })
    }

    /// The order of one run; `None` where the configuration has no such region.
    pub fn order(&self, check: &Check, key: RunKey) -> Option<RunOrder> {
        let region = self.by_name.get(key.region.as_str())?;
        let declared = |name: &String| Some((name.clone(), self.secrets.get(name)?.clone()));
        Some(RunOrder {
            bundle: Arc::clone(&check.bundle),
            timeout_ms: check.definition.timeout_ms,
            vars: region.vars.clone(),
            secrets: check.definition.secrets.iter().filter_map(declared).collect(),
            reach: check.definition.reach.clone(),
            network: Arc::clone(&region.network),
            key,
        })
    }
}
