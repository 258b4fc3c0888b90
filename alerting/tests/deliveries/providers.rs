//! Slack and Twilio as far as alerting knows them, each answering as it is told to.

use axum::body::Body;
use axum::extract::{Query, RawForm, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the next call that sends something ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// 429 with `Retry-After`, in seconds.
    RateLimit(u32),
    Status(u16),
    /// Never answers, and has not taken the message.
    HangBefore,
    /// Never answers, and has taken it.
    HangAfter,
    /// Answers 503, and takes it so many milliseconds later.
    TakeLater(u64),
    /// Takes it, and answers what nobody can read.
    Garbage,
    /// Takes it, and breaks the connection in the middle of its answer.
    Break,
    /// An error in the provider's own words: a code of Slack's, or a number of Twilio's.
    Refuse(String),
}

#[derive(Default)]
pub struct Log {
    /// Every message as it stands in a channel: `channel`, `ts`, `thread_ts`, `text`, `metadata`; or `To`, `Body`.
    pub messages: Vec<Value>,
    pub edits: Vec<Value>,
    pub faults: VecDeque<Fault>,
    /// Applies to every sending call, until it is taken away.
    pub always: Option<Fault>,
    /// Questions whether a message is there.
    pub questions: usize,
    pub sends: usize,
}

#[derive(Clone, Default)]
pub struct Provider(Arc<Mutex<Log>>);

impl Provider {
    pub fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.0.lock().unwrap()
    }

    pub fn fail_next(&self, fault: Fault) {
        self.log().faults.push_back(fault);
    }

    pub async fn serve(&self) -> String {
        let router = Router::new()
            .route("/api/chat.postMessage", post(slack_post))
            .route("/api/chat.update", post(slack_update))
            .route("/api/conversations.list", get(slack_list))
            .route("/api/conversations.history", get(slack_history))
            .route("/api/conversations.replies", get(slack_history))
            .route("/2010-04-01/Accounts/{sid}/Messages.json", post(twilio_post).get(twilio_list))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }
}

/// Takes the message where the fault does, and answers as the fault says; `ok` where there is none.
async fn answer(
    provider: &Provider,
    take: impl FnOnce(&mut Log) -> Response + Send + 'static,
    refusal: fn(&str) -> Response,
) -> Response {
    let (fault, ok) = {
        let mut log = provider.log();
        log.sends += 1;
        let fault = log.faults.pop_front().or_else(|| log.always.clone());
        let takes = matches!(fault, None | Some(Fault::HangAfter | Fault::Garbage | Fault::Break));
        if let Some(Fault::TakeLater(ms)) = fault {
            let provider = provider.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                take(&mut provider.log());
            });
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let ok = takes.then(|| take(&mut log));
        (fault, ok)
    };
    match fault {
        None => ok.unwrap(),
        Some(Fault::RateLimit(seconds)) => {
            let headers = [("retry-after", seconds.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, headers, Json(json!({"ok": false, "error": "ratelimited", "code": 20429})))
                .into_response()
        }
        Some(Fault::TakeLater(_)) => unreachable!("it has been answered"),
        Some(Fault::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::HangBefore | Fault::HangAfter) => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            StatusCode::OK.into_response()
        }
        Some(Fault::Garbage) => ([("content-type", "application/json")], "<html>\u{0}{{{").into_response(),
        Some(Fault::Break) => {
            let parts = [Ok("{\"ok\":"), Err(std::io::Error::other("the connection breaks"))];
            let body = Body::from_stream(futures_util::stream::iter(parts));
            ([("content-type", "application/json")], body).into_response()
        }
        Some(Fault::Refuse(code)) => refusal(&code),
    }
}

fn slack_refusal(code: &str) -> Response {
    Json(json!({"ok": false, "error": code})).into_response()
}

/// Slack's id of a channel that is named, or is an id already.
fn id_of(channel: &str) -> String {
    match channel.strip_prefix('#') {
        Some(name) => format!("C0000000{}", name.to_uppercase()),
        None => channel.to_owned(),
    }
}

async fn slack_post(State(provider): State<Provider>, headers: HeaderMap, Json(mut message): Json<Value>) -> Response {
    assert_eq!(headers["authorization"], "Bearer xoxb-test");
    let take = move |log: &mut Log| {
        let ts = format!("1795466400.{:06}", log.messages.len() + 1);
        let channel = id_of(message["channel"].as_str().unwrap());
        message["channel"] = channel.clone().into();
        message["ts"] = ts.clone().into();
        log.messages.push(message);
        Json(json!({"ok": true, "channel": channel, "ts": ts})).into_response()
    };
    answer(&provider, take, slack_refusal).await
}

async fn slack_update(State(provider): State<Provider>, Json(message): Json<Value>) -> Response {
    let take = move |log: &mut Log| {
        let (channel, ts) = (message["channel"].clone(), message["ts"].clone());
        let known = log.messages.iter_mut().find(|m| m["ts"] == ts && m["channel"] == channel);
        let Some(known) = known else { return slack_refusal("message_not_found") };
        known["text"] = message["text"].clone();
        log.edits.push(message);
        Json(json!({"ok": true, "channel": channel, "ts": ts})).into_response()
    };
    answer(&provider, take, slack_refusal).await
}

async fn slack_list() -> Response {
    let channels = json!([{"id": "C0000000P2", "name": "p2"}, {"id": "C0000000P1", "name": "p1"}]);
    Json(json!({"ok": true, "channels": channels})).into_response()
}

async fn slack_history(State(provider): State<Provider>, Query(query): Query<HashMap<String, String>>) -> Response {
    let mut log = provider.log();
    log.questions += 1;
    assert_eq!(query["include_all_metadata"], "true");
    let thread = query.get("ts");
    let messages: Vec<_> = log
        .messages
        .iter()
        .filter(|m| m["channel"] == query["channel"].as_str())
        .filter(|m| match thread {
            None => m.get("thread_ts").is_none_or(Value::is_null),
            Some(ts) => m["thread_ts"] == ts.as_str() || m["ts"] == ts.as_str(),
        })
        .cloned()
        .collect();
    Json(json!({"ok": true, "messages": messages, "has_more": false})).into_response()
}

fn twilio_refusal(code: &str) -> Response {
    let code: u32 = code.parse().unwrap();
    (StatusCode::BAD_REQUEST, Json(json!({"code": code, "message": "refused", "status": 400}))).into_response()
}

async fn twilio_post(State(provider): State<Provider>, headers: HeaderMap, RawForm(form): RawForm) -> Response {
    assert!(headers["authorization"].to_str().unwrap().starts_with("Basic "));
    let form: HashMap<String, String> = url::form_urlencoded::parse(&form).into_owned().collect();
    assert!(form["To"].starts_with('+') && !form["Body"].is_empty() && form.contains_key("From"));
    let take = move |log: &mut Log| {
        let sid = format!("SM{:032x}", log.messages.len() + 1);
        log.messages.push(json!({
            "sid": sid, "to": form["To"], "body": form["Body"], "status": "queued",
            "date_created": chrono::Utc::now().to_rfc2822(),
        }));
        (StatusCode::CREATED, Json(json!({"sid": sid, "status": "queued"}))).into_response()
    };
    answer(&provider, take, twilio_refusal).await
}

async fn twilio_list(State(provider): State<Provider>, Query(query): Query<HashMap<String, String>>) -> Response {
    let mut log = provider.log();
    log.questions += 1;
    let messages: Vec<_> = log.messages.iter().rev().filter(|m| m["to"] == query["To"].as_str()).cloned().collect();
    Json(json!({"messages": messages, "next_page_uri": null})).into_response()
}
