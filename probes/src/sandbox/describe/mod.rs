//! From what a default export holds to a validated definition. Pure: the script was evaluated elsewhere.

mod reach;

use crate::schedule::Schedule;
use crate::script::{ScriptBundle, ScriptError};
use checks::{CheckDefinition, CheckId, Outcome, Reach, Region, ScriptSource};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::Path;

const FIELDS: [&str; 13] = [
    "id",
    "description",
    "schedule",
    "timeZone",
    "timeout",
    "regions",
    "tags",
    "hosts",
    "secrets",
    "policy",
    "dependsOn",
    "runbook",
    "run",
];

const TIMEOUT_MS_DEFAULT: u64 = 10_000;
const TIMEOUT_MS_MAX: u64 = 600_000;

/// What the host script read.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Export {
    Nothing,
    /// A value that `defineCheck` did not make.
    Other {
        shown: String,
        keys: Vec<String>,
    },
    Check {
        fields: Map<String, Value>,
    },
}

/// An error about a field: what is wrong with it, and what to write.
struct Wrong {
    field: &'static str,
    message: String,
    help: String,
}

type Checked<T> = Result<T, Wrong>;

pub(super) fn definition(bundle: &ScriptBundle, export_json: &str) -> Result<CheckDefinition, ScriptError> {
    let export = serde_json::from_str(export_json).map_err(|error| {
        ScriptError::new(&bundle.path, format!("the sandbox read a definition that is none: {error}"))
    })?;
    const WRITE: &str = "write `export default defineCheck({ schedule: \"every 30s\", async run(ctx) { ... } })`";
    match export {
        Export::Nothing => Err(bundle.error_at_export("the script has no default export".to_owned()).with_help(WRITE)),
        Export::Other { keys, .. } if keys.iter().any(|key| key == "run" || key == "schedule") => Err(bundle
            .error_at_export("the default export is a plain object".to_owned())
            .with_help("wrap it: `import { defineCheck } from \"tocsin\"` and `export default defineCheck({ ... })`")),
        Export::Other { shown, .. } => {
            let shown = crate::engine::clip(shown.lines().next().unwrap_or_default(), 80);
            Err(bundle.error_at_export(format!("the default export is no check: {shown}")).with_help(WRITE))
        }
        Export::Check { fields } => check(bundle, &fields),
    }
}

fn check(bundle: &ScriptBundle, fields: &Map<String, Value>) -> Result<CheckDefinition, ScriptError> {
    if let Some(unknown) = fields.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        let help = match nearest(unknown) {
            Some(known) => format!("write `{known}`"),
            None => format!("a check has the fields {}", FIELDS.join(", ")),
        };
        return Err(bundle.error_at_field(unknown, format!("a check has no field `{unknown}`")).with_help(help));
    }
    read(bundle, fields).map_err(|wrong| bundle.error_at_field(wrong.field, wrong.message).with_help(wrong.help))
}

fn read(bundle: &ScriptBundle, fields: &Map<String, Value>) -> Checked<CheckDefinition> {
    if fields.get("run").is_none_or(|run| run.get("$function").is_none()) {
        return Err(Wrong {
            field: "run",
            message: match fields.get("run") {
                None => "the check has no `run`".to_owned(),
                Some(run) => format!("`run` is {}, not a function", shown(run)),
            },
            help: "write `async run(ctx) { ... }`".to_owned(),
        });
    }
    let time_zone = text(fields, "timeZone")?;
    let schedule = text(fields, "schedule")?.ok_or_else(|| Wrong {
        field: "schedule",
        message: "the check has no schedule".to_owned(),
        help: "write `schedule: \"every 30s\"`, or a cron expression such as `schedule: \"*/5 * * * *\"`".to_owned(),
    })?;
    Schedule::parse(&schedule, time_zone.as_deref()).map_err(|error| {
        let field = match error {
            crate::schedule::ScheduleError::TimeZone { .. } => "timeZone",
            _ => "schedule",
        };
        let text = error.to_string();
        let (message, help) = text.rsplit_once("; ").unwrap_or((&text, "write `schedule: \"every 30s\"`"));
        Wrong { field, message: message.to_owned(), help: help.to_owned() }
    })?;
    let (secrets, secret_hosts) = reach::secrets(fields)?;
    Ok(CheckDefinition {
        id: id(bundle, fields)?,
        description: text(fields, "description")?.unwrap_or_default(),
        schedule,
        time_zone,
        timeout_ms: timeout_ms(fields)?,
        regions: regions(fields)?,
        tags: texts(fields, "tags", "tags: [\"login\"]")?,
        secrets,
        reach: Reach { hosts: reach::hosts(fields)?, secrets: secret_hosts },
        policy: text(fields, "policy")?,
        depends_on: depends_on(fields)?,
        runbook_url: runbook(fields)?,
        script: ScriptSource { path: bundle.path.clone(), hash: bundle.hash.clone() },
    })
}

fn id(bundle: &ScriptBundle, fields: &Map<String, Value>) -> Checked<CheckId> {
    let written = text(fields, "id")?;
    let id = written.clone().unwrap_or_else(|| {
        let name = Path::new(&bundle.path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = name.split_once(".check.").map(|(stem, _)| stem);
        stem.or_else(|| name.rsplit_once('.').map(|(stem, _)| stem)).unwrap_or(name).to_owned()
    });
    CheckId::new(&id).map_err(|error| {
        let text = error.to_string();
        let (message, help) = text.rsplit_once([':', ';']).unwrap_or((&text, "write an `id`"));
        let message = match written {
            Some(_) => message.to_owned(),
            None => format!("the check has no `id`, and its file's name gives none: {message}"),
        };
        Wrong { field: "id", message, help: help.trim().to_owned() }
    })
}

fn depends_on(fields: &Map<String, Value>) -> Checked<Vec<CheckId>> {
    texts(fields, "dependsOn", "dependsOn: [\"oidc-discovery\"]")?
        .iter()
        .map(|check| {
            CheckId::new(check).map_err(|error| {
                let text = error.to_string();
                let (message, help) = text.rsplit_once([':', ';']).unwrap_or((&text, "write the id of a check"));
                Wrong { field: "dependsOn", message: format!("a check's id: {message}"), help: help.trim().to_owned() }
            })
        })
        .collect()
}

fn regions(fields: &Map<String, Value>) -> Checked<Vec<Region>> {
    texts(fields, "regions", "regions: [\"eu-west-1\"]")?
        .iter()
        .map(|region| {
            Region::new(region).map_err(|error| {
                let text = error.to_string();
                let (message, help) =
                    text.rsplit_once([':', ';']).unwrap_or((&text, "write the name of a configured region"));
                Wrong { field: "regions", message: format!("a region's name: {message}"), help: help.trim().to_owned() }
            })
        })
        .collect()
}

fn timeout_ms(fields: &Map<String, Value>) -> Checked<u64> {
    let wrong = |message: String| Wrong {
        field: "timeout",
        message,
        help: "write a duration up to 10 minutes, such as `timeout: \"10s\"`, or milliseconds as a number".to_owned(),
    };
    let Some(value) = fields.get("timeout") else { return Ok(TIMEOUT_MS_DEFAULT) };
    let timeout_ms = match value {
        Value::Number(number) => number.as_f64().filter(|ms| ms.fract() == 0.0 && *ms >= 0.0).map(|ms| ms as u64),
        Value::String(text) => duration_ms(text),
        _ => None,
    };
    match timeout_ms {
        None => Err(wrong(format!("`timeout` is {}, no duration", shown(value)))),
        Some(0) => Err(wrong("`timeout` is zero, and a run needs some time".to_owned())),
        Some(ms) if ms > TIMEOUT_MS_MAX => Err(wrong(format!("`timeout` is {}, more than 10 minutes", shown(value)))),
        Some(ms) => Ok(ms),
    }
}

/// `10s`, `500ms`, `1.5s`, `2m`.
fn duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.find(|character: char| character.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let unit_ms = match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" | "min" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    let ms = number.trim().parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite())? * unit_ms;
    (ms <= 1e15).then_some(ms.round() as u64)
}

fn runbook(fields: &Map<String, Value>) -> Checked<Option<String>> {
    let Some(runbook) = text(fields, "runbook")? else { return Ok(None) };
    match url::Url::parse(&runbook) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(runbook)),
        _ => Err(Wrong {
            field: "runbook",
            message: format!("`runbook` is {runbook:?}, no web address"),
            help: "write `runbook: \"https://...\"`".to_owned(),
        }),
    }
}

fn text(fields: &Map<String, Value>, field: &'static str) -> Checked<Option<String>> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(Wrong {
            field,
            message: format!("`{field}` is {}, not a text", shown(other)),
            help: format!("write `{field}: \"...\"`"),
        }),
    }
}

fn texts(fields: &Map<String, Value>, field: &'static str, example: &str) -> Checked<Vec<String>> {
    let wrong = |message: String| Wrong { field, message, help: format!("write `{example}`") };
    match fields.get(field) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            let mut texts: Vec<String> = Vec::new();
            for item in items {
                let Value::String(text) = item else {
                    return Err(wrong(format!("`{field}` holds {}, not a text", shown(item))));
                };
                if text.is_empty() {
                    return Err(wrong(format!("`{field}` holds an empty text")));
                }
                if texts.contains(text) {
                    return Err(wrong(format!("`{field}` holds {text:?} twice")));
                }
                texts.push(text.clone());
            }
            Ok(texts)
        }
        Some(other) => Err(wrong(format!("`{field}` is {}, not a list of texts", shown(other)))),
    }
}

/// A value as its author would recognise it.
fn shown(value: &Value) -> String {
    if value.get("$function").is_some() {
        return "a function".to_owned();
    }
    match value.get("$unfit").and_then(Value::as_str) {
        Some(text) => crate::engine::clip(text, 80),
        None => crate::engine::clip(&value.to_string(), 80),
    }
}

/// The field that was probably meant.
fn nearest(unknown: &str) -> Option<&'static str> {
    const OTHER_NAMES: [(&str, &str); 8] = [
        ("name", "id"),
        ("interval", "schedule"),
        ("cron", "schedule"),
        ("every", "schedule"),
        ("tz", "timeZone"),
        ("runbookurl", "runbook"),
        ("handler", "run"),
        ("test", "run"),
    ];
    let lower = unknown.to_lowercase();
    if let Some((_, field)) = OTHER_NAMES.iter().find(|(name, _)| *name == lower.replace('_', "")) {
        return Some(field);
    }
    FIELDS
        .into_iter()
        .map(|field| (distance(&lower.replace('_', ""), &field.to_lowercase()), field))
        .min()
        .filter(|(distance, field)| *distance <= field.len() / 3)
        .map(|(_, field)| field)
}

/// How many letters must be put in, left out or changed to make `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(letter != *other)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

/// A script that could not be evaluated at all.
pub(super) fn refused(bundle: &ScriptBundle, outcome: Outcome) -> ScriptError {
    let Outcome::Failed(failure) = outcome else {
        return ScriptError::new(&bundle.path, "declared nothing");
    };
    match &failure.location {
        Some(location) => bundle.error_at(location, failure.message),
        None => ScriptError::new(&bundle.path, failure.message),
    }
    .with_help("a script is evaluated once to read its definition: do at the top level only what needs no network, no variables and no secrets, and the rest in `run`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let cases = [
            ("10s", Some(10_000)),
            ("500ms", Some(500)),
            ("1.5s", Some(1_500)),
            ("2m", Some(120_000)),
            ("2 min", Some(120_000)),
            ("10", None),
            ("s", None),
            ("-1s", None),
            ("10 parsecs", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration_ms(text), expected, "{text}");
        }
    }

    #[test]
    fn a_field_misspelt_is_recognised() {
        let cases = [
            ("shedule", Some("schedule")),
            ("timezone", Some("timeZone")),
            ("time_zone", Some("timeZone")),
            ("timeOut", Some("timeout")),
            ("region", Some("regions")),
            ("cron", Some("schedule")),
            ("name", Some("id")),
            ("colour", None),
        ];
        for (written, expected) in cases {
            assert_eq!(nearest(written), expected, "{written}");
        }
    }
}
