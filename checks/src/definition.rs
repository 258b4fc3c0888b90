use crate::{CheckId, Reach, Region};
use serde::{Deserialize, Serialize};

/// What `defineCheck({...})` declares, validated, with where it came from.
///
/// The schedule stays as its author wrote it: parsing it belongs to the schedule, and an error about it quotes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDefinition {
    pub id: CheckId,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `every 30s`, or a cron expression with five or six fields.
    pub schedule: String,
    /// IANA name that the cron expression is read in; UTC where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    pub timeout_ms: u64,
    /// Where it runs; empty means every configured region.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Names of the secrets that the script may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Where it may connect to, and its secrets may go.
    #[serde(default, skip_serializing_if = "Reach::is_open")]
    pub reach: Reach,
    /// Name of the escalation policy; the default ladder where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Checks without which this one cannot pass: while they fail, its own failures wake nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<CheckId>,
    /// What the person who is woken should open first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook_url: Option<String>,
    pub script: ScriptSource,
}

/// The script of a check: its path as a person would open it, and the version of it that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptSource {
    pub path: String,
    /// Hex SHA-256 over the script and the project's own modules that it imports.
    pub hash: String,
}
