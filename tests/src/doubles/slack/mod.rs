//! A workspace of Slack, with the Web API methods that an alerting app calls.
//!
//! Channels exist from the start and have an ID that is not their name. As at Slack, `chat.postMessage` takes either
//! and answers with the ID, and every other method takes the ID alone; replies are in the thread and not in the
//! channel's history, unless they are broadcast; metadata comes back only where it is asked for.

mod arguments;
mod block_kit;
mod channels;
mod history;
mod press;
mod record;

pub use channels::{Channel, SCOPES};
pub use record::{SlackCall, SlackMessage, SlackRecord};

use super::Behaviour;
use super::contract::{self, Given, Swagger2};
use super::server::{Answer, Arrival, Double, Provider};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

pub const SPECIFICATION: &str = "slack_web_swagger2.json";

/// <https://docs.slack.dev/reference/methods/chat.postMessage>: longer texts are cut.
const TEXT_CHARS_MAX: usize = 40_000;

pub type Slack = Double<Workspace>;

impl Slack {
    /// A workspace with the channels `#p1` and `#p2`, that the app is in, and the token [`Self::TOKEN`].
    pub async fn workspace() -> io::Result<Self> {
        Self::workspace_with(&[]).await
    }

    /// The same with more channels.
    pub async fn workspace_with(channels: &[String]) -> io::Result<Self> {
        let names = ["p1", "p2"].into_iter().chain(channels.iter().map(String::as_str));
        Self::workspace_of(names.map(Channel::joined).collect(), SCOPES).await
    }

    /// A workspace with these channels, whose app has these scopes.
    pub async fn workspace_of(channels: Vec<Channel>, scopes: &str) -> io::Result<Self> {
        Self::start(Workspace::new(channels, scopes)).await
    }

    pub const TOKEN: &'static str = "xoxb-000000000000-doublesown";
    pub const SIGNING_SECRET: &'static str = "d0b1e00000000000000000000000000f";

    /// What stands before the method's name.
    pub fn api_url(&self) -> String {
        format!("http://{}/api/", self.addr())
    }

    pub fn posts(&self, channel: &str) -> Vec<SlackMessage> {
        self.with(|record| record.posts(channel).cloned().collect())
    }

    pub fn replies(&self, post: &SlackMessage) -> Vec<SlackMessage> {
        self.with(|record| record.replies(post).cloned().collect())
    }
}

/// The double's state: what Slack would know.
#[derive(Debug)]
pub struct Workspace {
    contract: Option<Swagger2>,
    channels: Vec<Channel>,
    /// What the app may do, with commas.
    scopes: String,
    record: SlackRecord,
    /// Ticks with every post, so that no two have one `ts`.
    serial: u32,
}

impl Workspace {
    fn new(mut channels: Vec<Channel>, scopes: &str) -> Self {
        for (index, channel) in channels.iter_mut().enumerate() {
            channel.id = format!("C0DOUBLE{index:02}");
        }
        Self {
            contract: contract::document(SPECIFICATION).map(Swagger2::new),
            channels,
            scopes: scopes.to_owned(),
            record: SlackRecord::default(),
            serial: 0,
        }
    }

    fn channel_by_id(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    fn channel_by_name_or_id(&self, given: &str) -> Option<&Channel> {
        let named = |channel: &&Channel| {
            channel.id == given || channel.name.trim_start_matches('#') == given.trim_start_matches('#')
        };
        self.channels.iter().find(named)
    }

    fn next_ts(&mut self) -> String {
        self.serial += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        format!("{now}.{:06}", self.serial)
    }
}

fn bearer(arrival: &Arrival) -> Option<&str> {
    arrival.header("authorization")?.strip_prefix("Bearer ")
}

/// Slack answers 200 to what it refuses, too.
fn refuse(error: &str) -> Answer {
    Answer { status: StatusCode::OK, body: json!({ "ok": false, "error": error }) }
}

fn agree(mut body: Value) -> Answer {
    body["ok"] = json!(true);
    Answer { status: StatusCode::OK, body }
}

impl Provider for Workspace {
    type Record = SlackRecord;

    fn record(&self) -> &SlackRecord {
        &self.record
    }

    fn operation(&self, arrival: &Arrival) -> String {
        arrival.path.strip_prefix("/api/").unwrap_or(&arrival.path).to_owned()
    }

    fn violations(&self, arrival: &Arrival) -> Vec<String> {
        let given = match arguments::all(arrival) {
            Ok(given) => given,
            Err(violation) => return vec![violation],
        };
        let mut wrong = Vec::new();
        let method = self.operation(arrival);
        if let Some(contract) = &self.contract {
            let media_type = arrival.media_type().filter(|_| !arrival.body.is_empty());
            let path = format!("/{method}");
            wrong.extend(contract.violations(&path, media_type.as_deref(), bearer(arrival).is_some(), &given));
        }
        if bearer(arrival).is_none() {
            wrong.push("no `Authorization: Bearer` header".to_owned());
        }
        if given.iter().any(|given| given.name == "token") {
            wrong.push("the token is among the arguments, where logs would show it".to_owned());
        }
        let channel = arguments::text(&given, "channel");
        let by_id_alone = matches!(method.as_str(), "chat.update" | "conversations.history" | "conversations.replies");
        if by_id_alone && channel.as_deref().is_none_or(|id| self.channel_by_id(id).is_none()) {
            wrong.push(format!("`channel` must be the ID of a channel, and is {channel:?}"));
        }
        if method == "conversations.list" {
            wrong.extend(Self::list_violations(&given));
        }
        if matches!(method.as_str(), "chat.postMessage" | "chat.update") {
            wrong.extend(self.content_violations(&given));
            wrong.extend(self.reference_violations(&given, channel.as_deref()));
        }
        wrong
    }

    fn accept(&mut self, arrival: &Arrival) -> Answer {
        match bearer(arrival) {
            None => return refuse("not_authed"),
            Some(token) if token != Slack::TOKEN => return refuse("invalid_auth"),
            Some(_) => {}
        }
        let Ok(given) = arguments::all(arrival) else { return refuse("invalid_form_data") };
        match self.operation(arrival).as_str() {
            "auth.test" => agree(json!({
                "url": "https://double.slack.com/", "team": "Double", "user": "tocsin",
                "team_id": "T0DOUBLE0", "user_id": "U0DOUBLE0", "bot_id": "B0DOUBLE0",
            })),
            "chat.postMessage" => self.post(&given, arrival),
            "chat.update" => self.update(&given, arrival),
            "conversations.history" => self.history(&given),
            "conversations.replies" => self.thread(&given),
            "conversations.list" => self.list(&given),
            _ => refuse("unknown_method"),
        }
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![("x-oauth-scopes", self.scopes.clone())]
    }

    fn rate_limited(&self) -> Value {
        json!({ "ok": false, "error": "ratelimited" })
    }

    fn note(&mut self, operation: &str, arrival: &Arrival, behaviour: Behaviour, answered: Option<&Answer>) {
        let given = arguments::all(arrival).unwrap_or_default();
        let arguments = given.iter().filter_map(|given| {
            Some((given.name.clone(), arguments::value(std::slice::from_ref(given), &given.name)?))
        });
        let arguments: Map<String, Value> = arguments.collect();
        let channel = arguments.get("channel").and_then(Value::as_str);
        let channel = channel.and_then(|given| self.channel_by_name_or_id(given)).map(|channel| channel.name.clone());
        self.record.calls.push(SlackCall {
            method: operation.to_owned(),
            at: arrival.at,
            at_wall: arrival.at_wall,
            channel,
            arguments: Value::Object(arguments),
            behaviour,
            error: answered.and_then(|answer| answer.body["error"].as_str().map(str::to_owned)),
        });
    }
}

impl Workspace {
    /// The limits of texts, blocks and metadata, which the description leaves out.
    fn content_violations(&self, given: &[Given]) -> Vec<String> {
        let mut wrong = Vec::new();
        let text = arguments::text(given, "text").unwrap_or_default();
        let chars = text.chars().count();
        if chars > TEXT_CHARS_MAX {
            wrong.push(format!("`text` has {chars} characters, and Slack cuts it at {TEXT_CHARS_MAX}"));
        }
        match arguments::value(given, "blocks") {
            Some(blocks) => {
                if text.trim().is_empty() {
                    wrong.push(
                        "`blocks` without a `text`: a phone's notification and a screen reader show that".to_owned(),
                    );
                }
                wrong.extend(block_kit::violations(&blocks));
            }
            None if text.trim().is_empty() => wrong.push("neither `text` nor `blocks`".to_owned()),
            None => {}
        }
        if let Some(metadata) = arguments::value(given, "metadata") {
            if metadata["event_type"].as_str().is_none_or(str::is_empty) {
                wrong.push(format!("`metadata.event_type` is no text: {metadata}"));
            }
            if !metadata["event_payload"].is_object() {
                wrong.push(format!("`metadata.event_payload` is no object: {metadata}"));
            }
        }
        wrong
    }

    /// A thread hangs under a post that exists, and an edit changes one.
    fn reference_violations(&self, given: &[Given], channel: Option<&str>) -> Vec<String> {
        let Some(channel) = channel.and_then(|given| self.channel_by_name_or_id(given)) else {
            return vec![format!("no such channel: {channel:?}")];
        };
        let mut wrong = Vec::new();
        if arguments::flag(given, "reply_broadcast") && arguments::text(given, "thread_ts").is_none() {
            wrong.push("`reply_broadcast` without a `thread_ts`".to_owned());
        }
        for name in ["thread_ts", "ts"] {
            if let Some(ts) = arguments::text(given, name)
                && self.record.message(&channel.name, &ts).is_none()
            {
                wrong.push(format!("`{name}` is {ts}, and {} has no such message", channel.name));
            }
        }
        wrong
    }

    fn post(&mut self, given: &[Given], arrival: &Arrival) -> Answer {
        let channel = arguments::text(given, "channel").unwrap_or_default();
        let Some(channel) = self.channel_by_name_or_id(&channel) else { return refuse("channel_not_found") };
        if let Some(error) = channel.refuses(&self.scopes) {
            return refuse(error);
        }
        let (name, id) = (channel.name.clone(), channel.id.clone());
        let blocks = arguments::value(given, "blocks");
        let text = arguments::text(given, "text").unwrap_or_default();
        if text.is_empty() && blocks.is_none() {
            return refuse("no_text");
        }
        if blocks.as_ref().is_some_and(|blocks| !block_kit::violations(blocks).is_empty()) {
            return refuse("invalid_blocks");
        }
        let thread_ts = arguments::text(given, "thread_ts");
        if thread_ts.as_deref().is_some_and(|ts| self.record.message(&name, ts).is_none()) {
            return refuse("thread_not_found");
        }
        let message = SlackMessage {
            channel: name,
            ts: self.next_ts(),
            broadcast: thread_ts.is_some() && arguments::flag(given, "reply_broadcast"),
            thread_ts,
            text,
            blocks,
            metadata: arguments::value(given, "metadata"),
            posted_at: arrival.at,
            posted_at_wall: arrival.at_wall,
            edits: Vec::new(),
        };
        let answer = agree(json!({ "channel": id, "ts": message.ts, "message": message.as_slack_shows(false) }));
        self.record.messages.push(message);
        answer
    }

    fn update(&mut self, given: &[Given], arrival: &Arrival) -> Answer {
        let channel = arguments::text(given, "channel").unwrap_or_default();
        let Some(channel) = self.channel_by_id(&channel) else { return refuse("channel_not_found") };
        let (name, id) = (channel.name.clone(), channel.id.clone());
        let ts = arguments::text(given, "ts").unwrap_or_default();
        let Some(message) = self.record.message_mut(&name, &ts) else { return refuse("message_not_found") };
        let blocks = arguments::value(given, "blocks");
        if blocks.as_ref().is_some_and(|blocks| !block_kit::violations(blocks).is_empty()) {
            return refuse("invalid_blocks");
        }
        message.edits.push((arrival.at, message.everything()));
        if let Some(text) = arguments::text(given, "text") {
            message.text = text;
        }
        if blocks.is_some() {
            message.blocks = blocks;
        }
        if let Some(metadata) = arguments::value(given, "metadata") {
            message.metadata = Some(metadata);
        }
        let shown = message.as_slack_shows(false);
        agree(
            json!({ "channel": id, "ts": ts, "text": message.text, "message": { "text": shown["text"], "user": shown["user"] } }),
        )
    }
}
