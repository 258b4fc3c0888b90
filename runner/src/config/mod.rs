//! `tocsin.toml`: what a person configures, read once and checked whole.
//!
//! Each group of settings is one file: its type, what it means, and how it is validated. Reading goes on after a
//! fault, so that a person sees every [`Problem`] of the file at once, each with line, column and key, what is
//! wrong, and what to write instead. A configuration with one problem is refused: a pager that runs with half of
//! its settings looks as if it worked.
//!
//! Every string may hold `${NAME}` and `${NAME:-default}` from the environment ([`substitute`]). Secrets are never
//! written into the file; it says where they are ([`Secret`]).

mod alerts;
mod authentication;
mod callbacks;
mod control;
mod delivery;
mod depends_on;
mod duration;
mod email;
mod heartbeat_out;
mod heartbeats;
mod maintenance;
mod metrics;
mod metrics_store;
mod network;
mod policies;
mod problem;
mod reader;
mod regions;
mod rules;
mod sandbox;
mod schedule;
mod secret;
mod slack;
mod statsd;
mod substitute;
mod suggest;
mod teams;
mod top;
mod twilio;
mod vars;
mod webhooks;

pub use alerts::{AlertsSettings, CloudWatchSource, TokenSource, Topic};
pub use authentication::Authentication;
pub use callbacks::CallbacksSettings;
pub use control::{ControlSettings, ControlTarget};
pub use delivery::DeliverySettings;
pub use depends_on::Dependency;
pub(crate) use duration::parse_duration;
pub use email::EmailSettings;
pub use heartbeat_out::HeartbeatOutSettings;
pub use heartbeats::HeartbeatsSettings;
pub use maintenance::{Maintenance, When};
pub use metrics::{Librato, MetricsSettings, Receiver};
pub use metrics_store::MetricsStore;
pub use network::Network;
pub(crate) use policies::directory;
pub use policies::{DEFAULT_POLICY, ListedCheck, NamedPolicy, PolicyChoice, choose as choose_policy};
pub use problem::{ConfigError, Problem};
pub use regions::RegionSettings;
pub use rules::RulesSettings;
pub use sandbox::SandboxLimits;
pub use schedule::ScheduleSettings;
pub use secret::Secret;
pub use slack::{ListedChannel, SlackSettings};
pub use statsd::StatsdListening;
pub(crate) use suggest::nearest;
pub use teams::{Member, PAGED_TEAM};
pub use twilio::{Sender, TwilioAccount, TwilioSettings};
pub use webhooks::WebhookSettings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Looks up an environment variable. Passed in, so that tests need no process-wide state.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything that `tocsin.toml` says, validated. Paths are absolute or relative to the working directory.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file itself, as errors name it; empty where the built-in defaults are used.
    pub file: PathBuf,
    /// Folder with the check scripts, searched through all levels.
    pub checks_dir: PathBuf,
    /// Folder of the journal.
    pub data_dir: PathBuf,
    /// Address of the status page.
    pub listen: SocketAddr,
    pub authentication: Option<Authentication>,
    /// Absent where nobody may call in.
    pub callbacks: Option<CallbacksSettings>,
    /// Alerting systems that may call in.
    pub alerts: AlertsSettings,
    /// Programs that are expected to call.
    pub heartbeats: HeartbeatsSettings,
    /// Whom this process calls while it is healthy.
    pub heartbeat_out: Option<HeartbeatOutSettings>,
    /// Plain values that scripts read as `ctx.vars`.
    pub vars: BTreeMap<String, String>,
    /// Values that only the scripts which name them read, as `ctx.secrets`.
    pub secrets: BTreeMap<String, Secret>,
    /// At least one.
    pub regions: Vec<RegionSettings>,
    pub network: Network,
    pub control: ControlSettings,
    pub sandbox: SandboxLimits,
    pub schedule: ScheduleSettings,
    pub delivery: DeliverySettings,
    pub statsd: StatsdListening,
    pub metrics: MetricsSettings,
    pub rules: RulesSettings,
    pub slack: SlackSettings,
    pub twilio: TwilioSettings,
    /// Absent where e-mail is printed.
    pub email: Option<EmailSettings>,
    /// By the name that rungs have for them.
    pub webhooks: BTreeMap<String, WebhookSettings>,
    /// Team name to members.
    pub teams: BTreeMap<String, Vec<Member>>,
    /// In the order of the file.
    pub maintenance: Vec<Maintenance>,
    pub policies: Vec<NamedPolicy>,
    /// Beside what the scripts say themselves.
    pub depends_on: Vec<Dependency>,
}

impl Settings {
    /// Reads and validates `file`.
    pub fn load(file: &Path, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
        Self::parse(file, &text, environment)
    }

    /// Validates `text`, which was read from `file`; paths inside are relative to the folder of `file`.
    pub fn parse(file: &Path, text: &str, environment: Environment<'_>) -> Result<Self, ConfigError> {
        top::read(file, text, environment)
    }
}
