//! What the Slack double wrote down.

use crate::doubles::Behaviour;
use serde_json::{Value, json};
use std::time::{Instant, SystemTime};

#[derive(Debug, Default)]
pub struct SlackRecord {
    /// Every call in order of arrival, kept or not.
    pub calls: Vec<SlackCall>,
    /// What people see, oldest first.
    pub messages: Vec<SlackMessage>,
}

#[derive(Debug, Clone)]
pub struct SlackCall {
    /// `chat.postMessage`
    pub method: String,
    pub at: Instant,
    pub at_wall: SystemTime,
    /// By name, where the call has one that exists.
    pub channel: Option<String>,
    pub arguments: Value,
    pub behaviour: Behaviour,
    /// Slack's own error code, where it refused.
    pub error: Option<String>,
}

#[derive(Clone)]
pub struct SlackMessage {
    /// `#p1`
    pub channel: String,
    pub ts: String,
    /// The post that it is a reply to.
    pub thread_ts: Option<String>,
    /// A reply that the channel shows, too.
    pub broadcast: bool,
    pub text: String,
    pub blocks: Option<Value>,
    pub metadata: Option<Value>,
    pub posted_at: Instant,
    pub posted_at_wall: SystemTime,
    /// When it was edited, and what it said until then.
    pub edits: Vec<(Instant, String)>,
}

impl std::fmt::Debug for SlackMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let thread = self.thread_ts.as_deref().map(|ts| format!(" in the thread of {ts}")).unwrap_or_default();
        write!(f, "{} {}{thread}, {} edits: {:?}", self.channel, self.ts, self.edits.len(), self.everything())
    }
}

impl SlackRecord {
    /// The posts of a channel, threads left out.
    pub fn posts(&self, channel: &str) -> impl DoubleEndedIterator<Item = &SlackMessage> {
        self.messages.iter().filter(move |message| message.channel == channel && message.thread_ts.is_none())
    }

    /// What the channel shows: its posts, and the replies that were broadcast.
    pub(super) fn shown(&self, channel: &str) -> impl DoubleEndedIterator<Item = &SlackMessage> {
        self.messages.iter().filter(move |m| m.channel == channel && (m.thread_ts.is_none() || m.broadcast))
    }

    pub fn replies<'a>(&'a self, post: &'a SlackMessage) -> impl DoubleEndedIterator<Item = &'a SlackMessage> {
        let ts = post.ts.as_str();
        self.messages
            .iter()
            .filter(move |message| message.channel == post.channel && message.thread_ts.as_deref() == Some(ts))
    }

    pub fn message(&self, channel: &str, ts: &str) -> Option<&SlackMessage> {
        self.messages.iter().find(|message| message.channel == channel && message.ts == ts)
    }

    pub(super) fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut SlackMessage> {
        self.messages.iter_mut().find(|message| message.channel == channel && message.ts == ts)
    }

    pub fn calls_of<'a>(&'a self, method: &'a str) -> impl DoubleEndedIterator<Item = &'a SlackCall> {
        self.calls.iter().filter(move |call| call.method == method)
    }
}

impl SlackMessage {
    /// All that a person can read in it: the fallback text, and every text of its blocks, a line each.
    pub fn everything(&self) -> String {
        let mut lines = vec![self.text.clone()];
        if let Some(blocks) = &self.blocks {
            collect_texts(blocks, &mut lines);
        }
        lines.join("\n")
    }

    pub(in crate::doubles) fn as_slack_shows(&self, with_metadata: bool) -> Value {
        let mut shown = json!({
            "type": "message",
            "user": "U0DOUBLE0",
            "bot_id": "B0DOUBLE0",
            "team": "T0DOUBLE0",
            "text": self.text,
            "ts": self.ts,
        });
        let optional = [
            ("blocks", self.blocks.clone()),
            ("thread_ts", self.thread_ts.clone().map(Value::String)),
            ("subtype", self.broadcast.then(|| json!("thread_broadcast"))),
            ("metadata", self.metadata.clone().filter(|_| with_metadata)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                shown[name] = value;
            }
        }
        shown
    }
}

fn collect_texts(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, lines)),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "text" => lines.push(text.clone()),
                    value => collect_texts(value, lines),
                }
            }
        }
        _ => {}
    }
}
