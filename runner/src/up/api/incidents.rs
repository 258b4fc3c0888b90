use super::{Api, Refusal, act, number, who};
use crate::up::numbers::Private;
use alerting::act::{ActOutcome, ResolveOutcome, Via};
use alerting::incident::IncidentStatus;
use alerting::journal::IncidentFilter;
use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Newest first.
const ROWS_MAX: usize = 200;

/// The open ones; with `?all=true` closed ones too.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> Result<Json<Value>, Refusal> {
    let all = match parameters.get("all").map(String::as_str) {
        None | Some("false" | "0") => false,
        Some("" | "true" | "1") => true,
        Some(other) => return Err(Refusal::wrong(format!("`all` is `{other}`; write ?all=true, or leave it out"))),
    };
    let filter = IncidentFilter { check: None, open_only: !all, rows_max: ROWS_MAX };
    Ok(Json(json!({ "incidents": api.alerting.incidents(filter).await? })))
}

/// One incident with its whole trail.
pub(super) async fn show(State(api): State<Arc<Api>>, Path(text): Path<String>) -> Result<Json<Value>, Refusal> {
    let number = number(&text, "an incident")?;
    let record = api.alerting.incident(number).await?.ok_or_else(|| unknown(number))?;
    let mut document = serde_json::to_value(&record)
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    take_out(&mut document, &Private::of(&record));
    Ok(Json(document))
}

/// Out of every text of the document, wherever it stands.
fn take_out(document: &mut Value, private: &Private) {
    match document {
        Value::String(text) => *text = private.taken_out_of(text),
        Value::Array(items) => items.iter_mut().for_each(|item| take_out(item, private)),
        Value::Object(fields) => fields.values_mut().for_each(|value| take_out(value, private)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn unknown(number: u64) -> Refusal {
    Refusal::absent(format!("there is no incident {number}; GET /api/v1/incidents lists those that are open"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledgement {
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    via: Means,
}

/// What people may say of how they act; buttons and replies are known by their own callbacks.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Means {
    #[default]
    Api,
    CommandLine,
}

impl From<Means> for Via {
    fn from(means: Means) -> Self {
        match means {
            Means::Api => Self::Api,
            Means::CommandLine => Self::CommandLine,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolution {
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    because: String,
    #[serde(default)]
    via: Means,
}

pub(super) async fn acknowledge(
    State(api): State<Arc<Api>>,
    Path(text): Path<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let (caller, Acknowledgement { by, via }) = act(request, "{\"by\": \"Ada\"}").await?;
    let (number, by) = (number(&text, "an incident")?, who(by, &caller)?);
    match api.alerting.acknowledge(number, &by, via.into()).await? {
        ActOutcome::Done => Ok(Json(json!({ "incident": number, "outcome": "done", "by": by }))),
        ActOutcome::AlreadyAcknowledged { by } => {
            Ok(Json(json!({ "incident": number, "outcome": "already-acknowledged", "by": by })))
        }
        ActOutcome::Unknown => Err(unknown(number)),
        ActOutcome::NotOpen => Err(over(&api, number).await),
    }
}

pub(super) async fn resolve(
    State(api): State<Arc<Api>>,
    Path(text): Path<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let example = "{\"by\": \"Ada\", \"because\": \"the alarm was deleted\"}";
    let (caller, Resolution { by, because, via }) = act(request, example).await?;
    let (number, by) = (number(&text, "an incident")?, who(by, &caller)?);
    match api.alerting.resolve(number, &by, via.into(), because.trim()).await? {
        ResolveOutcome::Done => {
            tracing::info!(number, by, because, "resolved by hand");
            Ok(Json(json!({ "incident": number, "outcome": "done", "by": by })))
        }
        ResolveOutcome::StillSeen => Err(still_seen(&api, number).await),
        ResolveOutcome::Unknown => Err(unknown(number)),
        ResolveOutcome::NotOpen => Err(over(&api, number).await),
    }
}

/// What Tocsin sees for itself is not over because somebody says so.
async fn still_seen(api: &Api, number: u64) -> Refusal {
    let check = match api.alerting.incident(number).await {
        Ok(Some(record)) if record.report.signal.is_none() => Some(record.report.check),
        _ => None,
    };
    let why = match check {
        Some(check) => format!("the check {check} still fails, and it ends when that passes"),
        None => "results are still missing, and it ends when they come again".to_owned(),
    };
    let instead =
        format!("`tocsin ack {number}` ends its repeats, `tocsin silence --incident {number} --for 2h` its pages");
    Refusal::new(StatusCode::CONFLICT, format!("incident {number} is not over: {why}; {instead}"))
}

/// There is nothing more to take care of.
async fn over(api: &Api, number: u64) -> Refusal {
    let status = match api.alerting.incident(number).await {
        Ok(Some(record)) => record.report.status,
        _ => IncidentStatus::Closed,
    };
    Refusal::new(StatusCode::CONFLICT, format!("incident {number} is over: {}", status.as_str()))
}
