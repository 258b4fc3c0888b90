//! Which channels a workspace has, so that one that does not exist is found before the first page is sent to it.
//!
//! Asked with `conversations.list`, page by page, until every channel that is looked for has been seen. What Slack did not
//! say for certain is a doubt and no fault: a token may not show private channels, and a list may be too long.

use super::client::SlackSettings;
use super::outcome::fault_of_code;
use crate::outbox::http::{causes, client};
use crate::outbox::{Fault, require_secure};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::Instant;

/// Slack takes less than 1000 (<https://docs.slack.dev/reference/methods/conversations.list>).
const PAGE_CHANNELS: &str = "999";
/// At Slack's limit of twenty calls a minute for this method, more would take minutes.
const PAGES_MAX: usize = 20;
/// A page of 999 channels has about a megabyte.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// The channels of a workspace, as far as a token shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    pub channels: Vec<WorkspaceChannel>,
    /// Whether all have been read that the token shows.
    pub is_whole: bool,
    /// Whether private channels that the app is in are among them.
    pub shows_private: bool,
    /// Whether the app posts to public channels that it is not in; `None` where Slack did not say.
    pub posts_uninvited: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WorkspaceChannel {
    pub id: String,
    /// Without `#`.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub is_archived: bool,
    #[serde(default)]
    pub is_member: bool,
}

/// Whether a channel can be posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelStanding {
    Open,
    /// There is none, or a private one that the app is not in. It is the same to whoever wants to post.
    Unknown,
    /// It was not seen, and may exist all the same.
    PerhapsUnknown,
    Archived,
    /// It is public, the app is not in it, and may not post uninvited.
    NotInvited,
    /// The same, where Slack did not say whether the app may.
    PerhapsNotInvited,
}

impl Workspace {
    /// How it stands with a channel, as a person writes it: `#name`, or its id.
    pub fn standing(&self, channel: &str) -> ChannelStanding {
        let Some(found) = self.channels.iter().find(|known| known.is(channel)) else {
            // Direct messages are in no list.
            return match self.is_whole && self.shows_private && !channel.starts_with('D') {
                true => ChannelStanding::Unknown,
                false => ChannelStanding::PerhapsUnknown,
            };
        };
        match (found.is_archived, found.is_member, self.posts_uninvited) {
            (true, ..) => ChannelStanding::Archived,
            (false, true, _) | (false, false, Some(true)) => ChannelStanding::Open,
            (false, false, Some(false)) => ChannelStanding::NotInvited,
            (false, false, None) => ChannelStanding::PerhapsNotInvited,
        }
    }
}

impl WorkspaceChannel {
    fn is(&self, written: &str) -> bool {
        match written.strip_prefix('#') {
            Some(name) => self.name == name,
            None => self.id == written,
        }
    }
}

#[derive(Deserialize)]
struct Page {
    ok: bool,
    error: Option<String>,
    #[serde(default)]
    channels: Vec<WorkspaceChannel>,
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Cursor {
    next_cursor: Option<String>,
}

/// What a page was answered with.
enum Answered {
    Page { page: Page, scopes: Option<String> },
    Wait(Duration),
}

/// Asks Slack for its channels until all of `wanted` have been seen, for at most `within`. An error is a sentence about
/// Slack or the token, and says nothing about the channels.
pub async fn workspace(settings: &SlackSettings, wanted: &[&str], within: Duration) -> Result<Workspace, String> {
    let until = Instant::now() + within;
    let asked = tokio::time::timeout_at(until, pages(settings, wanted, until)).await;
    asked.unwrap_or_else(|_| Err(format!("Slack did not answer within {} ms", within.as_millis())))
}

async fn pages(settings: &SlackSettings, wanted: &[&str], until: Instant) -> Result<Workspace, String> {
    let api_url = settings.api_url.trim_end_matches('/');
    require_secure(api_url).map_err(|problem| format!("Slack's `api_url` is `{api_url}`, {problem}"))?;
    let client = client(settings.timeout_ms).map_err(|error| causes(&error))?;
    let url = format!("{api_url}/conversations.list");
    let mut workspace = Workspace { shows_private: true, ..Workspace::default() };
    let (mut cursor, mut read) = (String::new(), 0);
    while read < PAGES_MAX {
        let types = if workspace.shows_private { "public_channel,private_channel" } else { "public_channel" };
        let query =
            [("types", types), ("exclude_archived", "false"), ("limit", PAGE_CHANNELS), ("cursor", cursor.as_str())];
        let query = &query[..if cursor.is_empty() { 3 } else { 4 }];
        let (page, scopes) = match ask(&client, &url, &settings.token, query).await? {
            Answered::Page { page, scopes } => (page, scopes),
            Answered::Wait(wait) if Instant::now() + wait >= until => return Err("Slack's rate limit".to_owned()),
            Answered::Wait(wait) => {
                tokio::time::sleep(wait).await;
                continue;
            }
        };
        match page.error.as_deref() {
            Some("missing_scope") if workspace.shows_private => {
                workspace = Workspace { posts_uninvited: workspace.posts_uninvited, ..Workspace::default() };
                cursor.clear();
                continue;
            }
            Some(error) => {
                let (Fault::Refused { reason, .. }
                | Fault::Blocked { reason }
                | Fault::Ambiguous { reason }
                | Fault::Permanent { reason }) = fault_of_code(error);
                return Err(reason);
            }
            None if !page.ok => return Err("Slack's answer says neither yes nor no".to_owned()),
            None => {}
        }
        let may = |scopes: String| scopes.split(',').any(|scope| scope.trim() == "chat:write.public");
        workspace.posts_uninvited = scopes.map(may).or(workspace.posts_uninvited);
        workspace.channels.extend(page.channels);
        read += 1;
        cursor = page.response_metadata.and_then(|metadata| metadata.next_cursor).unwrap_or_default();
        workspace.is_whole = cursor.is_empty();
        let is_seen = |wanted: &&str| workspace.channels.iter().any(|known| known.is(wanted));
        if workspace.is_whole || wanted.iter().all(is_seen) {
            break;
        }
    }
    Ok(workspace)
}

async fn ask(client: &Client, url: &str, token: &str, query: &[(&str, &str)]) -> Result<Answered, String> {
    let broken = |error: reqwest::Error| format!("Slack cannot be reached: {}", causes(&error.without_url()));
    let mut response = client.get(url).query(query).bearer_auth(token).send().await.map_err(broken)?;
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        return Ok(Answered::Wait(retry_after(response.headers())));
    }
    if !response.status().is_success() {
        return Err(format!("Slack answered HTTP {}", response.status()));
    }
    let scopes = response.headers().get("x-oauth-scopes").and_then(|scopes| scopes.to_str().ok()).map(str::to_owned);
    let wait = retry_after(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > PAGE_BYTES_MAX {
            return Err(format!("Slack's answer has more than {PAGE_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    let page: Page =
        serde_json::from_slice(&body).map_err(|error| format!("Slack's answer cannot be read: {error}"))?;
    match page.error.as_deref() {
        Some("ratelimited") => Ok(Answered::Wait(wait)),
        _ => Ok(Answered::Page { page, scopes }),
    }
}

/// Whole seconds (<https://docs.slack.dev/apis/web-api/rate-limits>); at least one, so that nobody asks in a loop.
fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_slack_said_for_certain_is_a_fault() {
        let channel = |id: &str, name: &str, is_archived, is_member| WorkspaceChannel {
            id: id.to_owned(),
            name: name.to_owned(),
            is_archived,
            is_member,
        };
        let channels = vec![
            channel("C0000000001", "p1", false, true),
            channel("C0000000002", "public", false, false),
            channel("C0000000003", "old", true, true),
        ];
        let whole = Workspace { channels, is_whole: true, shows_private: true, posts_uninvited: Some(false) };
        let cut = Workspace { is_whole: false, ..whole.clone() };
        let public = Workspace { shows_private: false, ..whole.clone() };
        let trusted = Workspace { posts_uninvited: Some(true), ..whole.clone() };
        let unsaid = Workspace { posts_uninvited: None, ..whole.clone() };
        let cases = [
            (&whole, "#p1", ChannelStanding::Open),
            (&whole, "C0000000001", ChannelStanding::Open),
            (&whole, "#p3", ChannelStanding::Unknown),
            (&whole, "C0000000009", ChannelStanding::Unknown),
            (&whole, "D0000000009", ChannelStanding::PerhapsUnknown),
            (&whole, "#old", ChannelStanding::Archived),
            (&whole, "#public", ChannelStanding::NotInvited),
            (&cut, "#p1", ChannelStanding::Open),
            (&cut, "#p3", ChannelStanding::PerhapsUnknown),
            (&public, "#p3", ChannelStanding::PerhapsUnknown),
            (&public, "#public", ChannelStanding::NotInvited),
            (&trusted, "#public", ChannelStanding::Open),
            (&trusted, "#old", ChannelStanding::Archived),
            (&unsaid, "#public", ChannelStanding::PerhapsNotInvited),
        ];
        for (workspace, channel, expected) in cases {
            assert_eq!(workspace.standing(channel), expected, "{channel} {workspace:?}");
        }
    }
}
