//! The channels of a workspace, and the list of them.

use super::{Workspace, agree, arguments};
use crate::doubles::contract::Given;
use crate::doubles::server::Answer;
use http::StatusCode;
use serde_json::json;

/// <https://docs.slack.dev/reference/methods/conversations.list>: "an integer under 1000".
const LIMIT_MAX: usize = 999;
/// Slack may put fewer channels on a page than it is asked for, and so does this.
const PAGE_CHANNELS: usize = 2;

/// What the app of these doubles may do.
pub const SCOPES: &str = "chat:write,channels:read,channels:history,groups:read,groups:history";

/// A channel of the workspace.
#[derive(Debug, Clone)]
pub struct Channel {
    /// `#p1`
    pub(super) name: String,
    pub(super) id: String,
    is_private: bool,
    is_archived: bool,
    is_member: bool,
}

impl Channel {
    fn new(name: &str) -> Self {
        let (name, id) = (format!("#{name}"), String::new());
        Self { name, id, is_private: false, is_archived: false, is_member: false }
    }

    /// A public one that the app is in.
    pub fn joined(name: &str) -> Self {
        Self { is_member: true, ..Self::new(name) }
    }

    /// A public one that the app is not in.
    pub fn public(name: &str) -> Self {
        Self::new(name)
    }

    /// One that the app is in, and that has been archived.
    pub fn archived(name: &str) -> Self {
        Self { is_archived: true, ..Self::joined(name) }
    }

    /// A private one that the app is in, or not.
    pub fn private(name: &str, is_member: bool) -> Self {
        Self { is_private: true, is_member, ..Self::new(name) }
    }

    /// Why Slack takes no message for it.
    pub(super) fn refuses(&self, scopes: &str) -> Option<&'static str> {
        match self {
            Self { is_private: true, is_member: false, .. } => Some("channel_not_found"),
            Self { is_archived: true, .. } => Some("is_archived"),
            Self { is_member: false, .. } if !has(scopes, "chat:write.public") => Some("not_in_channel"),
            _ => None,
        }
    }
}

fn has(scopes: &str, scope: &str) -> bool {
    scopes.split(',').any(|given| given == scope)
}

impl Workspace {
    pub(super) fn list(&self, given: &[Given]) -> Answer {
        let types = arguments::text(given, "types").unwrap_or_else(|| "public_channel".to_owned());
        let wants = |kind: &str| types.split(',').any(|wanted| wanted == kind);
        for (kind, scope) in [("public_channel", "channels:read"), ("private_channel", "groups:read")] {
            if wants(kind) && !has(&self.scopes, scope) {
                let body = json!({ "ok": false, "error": "missing_scope", "needed": scope, "provided": self.scopes });
                return Answer { status: StatusCode::OK, body };
            }
        }
        let is_shown = |channel: &&Channel| {
            let kind = if channel.is_private { "private_channel" } else { "public_channel" };
            wants(kind)
                && (channel.is_member || !channel.is_private)
                && !(channel.is_archived && arguments::flag(given, "exclude_archived"))
        };
        let cursor = arguments::text(given, "cursor");
        let from = cursor.and_then(|cursor| cursor.strip_prefix("after:")?.parse().ok()).unwrap_or(0);
        let limit = arguments::count(given, "limit").unwrap_or(100).clamp(1, LIMIT_MAX).min(PAGE_CHANNELS);
        let mut rest = self.channels.iter().filter(is_shown).skip(from);
        let page: Vec<_> = rest
            .by_ref()
            .take(limit)
            .map(|channel| {
                json!({
                    "id": channel.id, "name": channel.name.trim_start_matches('#'), "is_channel": true,
                    "is_private": channel.is_private, "is_archived": channel.is_archived,
                    "is_member": channel.is_member,
                })
            })
            .collect();
        let next_cursor = if rest.next().is_some() { format!("after:{}", from + limit) } else { String::new() };
        agree(json!({ "channels": page, "response_metadata": { "next_cursor": next_cursor } }))
    }

    /// What the description does not say of the arguments.
    pub(super) fn list_violations(given: &[Given]) -> Vec<String> {
        let limit = arguments::count(given, "limit").filter(|limit| *limit > LIMIT_MAX);
        let mut wrong: Vec<String> =
            limit.map(|limit| format!("`limit` is {limit}, and Slack takes less than 1000")).into_iter().collect();
        let types = arguments::text(given, "types").unwrap_or_default();
        let known = ["public_channel", "private_channel", "mpim", "im"];
        let unknown = types.split(',').filter(|kind| !kind.is_empty() && !known.contains(kind));
        wrong.extend(unknown.map(|kind| format!("`types` has `{kind}`, which Slack does not know")));
        wrong
    }
}
