use super::silence_order::{EXAMPLE, Known, SilenceOrder};
use super::{Api, Refusal, act, actor, number, who};
use alerting::journal::IncidentFilter;
use alerting::silence::KeptSilence;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use checks::UnixMs;
use serde_json::{Value, json};
use std::sync::Arc;

/// Open incidents that a silence may name.
const OPEN_MAX: usize = 10_000;

pub(super) async fn list(State(api): State<Arc<Api>>) -> Result<Json<Value>, Refusal> {
    let silences = api.alerting.silences().await?;
    Ok(Json(json!({ "silences": silences.iter().map(document).collect::<Vec<_>>() })))
}

pub(super) async fn begin(State(api): State<Arc<Api>>, request: Request) -> Result<(StatusCode, Json<Value>), Refusal> {
    let (caller, mut order) = act::<SilenceOrder>(request, EXAMPLE).await?;
    let by = who(order.by.take(), &caller)?;
    let silence = order.silence(by, &known(&api).await?, UnixMs::now())?;
    let id = api.alerting.silence(silence).await?;
    let kept = api.alerting.silences().await?.into_iter().find(|kept| kept.id == id);
    let kept = kept.ok_or_else(|| Refusal::absent(format!("silence {id} is over already")))?;
    tracing::info!(id, by = kept.silence.by, until = %kept.silence.until, "silenced: {}", kept.silence.matcher);
    Ok((StatusCode::CREATED, Json(json!({ "silence": document(&kept) }))))
}

pub(super) async fn end(
    State(api): State<Arc<Api>>,
    Path(text): Path<String>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    actor(&request)?;
    let id = number(&text, "a silence")?;
    let ended = api.alerting.unsilence(id).await?;
    let ended =
        ended.ok_or_else(|| Refusal::absent(format!("there is no silence {id}; `tocsin silences` lists them")))?;
    tracing::info!(id, "not silenced any more: {}", ended.silence.matcher);
    Ok(Json(json!({ "silence": document(&ended) })))
}

async fn known(api: &Api) -> Result<Known, Refusal> {
    let open = IncidentFilter { check: None, open_only: true, rows_max: OPEN_MAX };
    let open = api.alerting.incidents(open).await?;
    let mut known = Known::default();
    for row in api.board.rows() {
        known.subjects.insert(row.id.to_string());
        known.tags.extend(row.tags);
    }
    for incident in open {
        known.subjects.insert(incident.check.to_string());
        known.open_incidents.insert(incident.number);
    }
    Ok(known)
}

/// As it is kept, with what it is about in words.
fn document(kept: &KeptSilence) -> Value {
    let mut document = serde_json::to_value(kept).unwrap_or_default();
    document["about"] = kept.silence.matcher.to_string().into();
    document
}
