use super::message::{METADATA_EVENT, render};
use super::outcome::{fault_of, fault_of_timeout};
use crate::notification::{Address, Notification, Role};
use crate::outbox::http::CONNECT_TIMEOUT;
use crate::outbox::{Channel, DeliveryOutcome, Fault, Reconciled};
use async_trait::async_trait;
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Messages are looked for from this long before the notification was made: clocks differ.
const LOOK_BACK_MS: u64 = 10 * 60 * 1000;
/// Pages of a channel's history, or of the list of channels, that one question reads.
const PAGES_MAX: usize = 20;

#[derive(Clone)]
pub struct SlackSettings {
    /// A bot token, `xoxb-…`.
    pub token: String,
    pub api_url: String,
    /// For each call.
    pub timeout_ms: u64,
    /// Whether posts have buttons: where Slack knows where to tell of them, and we can tell that it is Slack.
    pub with_buttons: bool,
}

impl SlackSettings {
    pub fn new(token: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            api_url: "https://slack.com/api".to_owned(),
            timeout_ms: 10_000,
            with_buttons: false,
        }
    }
}

impl fmt::Debug for SlackSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackSettings").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SlackError {
    #[error("Slack's `api_url` is `{url}`, {problem}")]
    Url { url: String, problem: String },
    #[error("the Slack token is empty, or has characters that a header cannot carry: write a bot token, `xoxb-…`")]
    Token,
    #[error("no root certificates to verify Slack with: {0}; install the package ca-certificates")]
    Roots(std::io::Error),
}

pub struct SlackChannel {
    client: SlackClient<SlackClientHyperHttpsConnector>,
    token: SlackApiToken,
    timeout_ms: u64,
    with_buttons: bool,
    /// Ids of channels by the name that they are configured with. `chat.update` and the history take only ids.
    ids: Mutex<HashMap<String, String>>,
}

/// What of an answer is needed; whatever else Slack puts into it cannot break the reading.
#[derive(Deserialize)]
struct Posted {
    channel: String,
    ts: String,
}

#[derive(Deserialize)]
struct Messages {
    #[serde(default)]
    messages: Vec<Message>,
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Message {
    ts: String,
    metadata: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Conversations {
    #[serde(default)]
    channels: Vec<Conversation>,
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Conversation {
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Cursor {
    next_cursor: Option<String>,
}

impl SlackChannel {
    pub fn new(settings: SlackSettings) -> Result<Self, SlackError> {
        let api_url = settings.api_url.trim_end_matches('/').to_owned();
        crate::outbox::require_secure(&api_url)
            .map_err(|problem| SlackError::Url { url: settings.api_url.clone(), problem })?;
        if settings.token.is_empty() || !settings.token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(SlackError::Token);
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(SlackError::Roots)?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let connector = SlackClientHyperConnector::from(https).with_slack_api_url(&api_url);
        let token = SlackApiToken::new(SlackApiTokenValue(settings.token.clone()));
        let client = SlackClient::new(connector);
        let SlackSettings { timeout_ms, with_buttons, .. } = settings;
        Ok(Self { client, token, timeout_ms, with_buttons, ids: Mutex::new(HashMap::new()) })
    }

    async fn call<R>(&self, call: impl Future<Output = Result<R, SlackClientError>>) -> Result<R, Fault> {
        match tokio::time::timeout(Duration::from_millis(self.timeout_ms), call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(fault_of(&error)),
            Err(_) => Err(fault_of_timeout(self.timeout_ms)),
        }
    }

    async fn post(&self, channel: &str, thread: Option<&str>, notification: &Notification) -> Result<Posted, Fault> {
        let mut request = SlackApiChatPostMessageRequest::new(channel.into(), render(notification, self.with_buttons))
            .with_unfurl_links(false)
            .with_unfurl_media(false);
        if let Some(thread) = thread {
            request = request.with_thread_ts(thread.into());
            if notification.role == Role::Broadcast {
                request = request.with_reply_broadcast(true);
            }
        }
        let session = self.client.open_session(&self.token);
        self.call(session.http_session_api.http_post("chat.postMessage", &request, None)).await
    }

    async fn edit(&self, channel: &str, ts: &str, notification: &Notification) -> Result<Posted, Fault> {
        let request =
            SlackApiChatUpdateRequest::new(channel.into(), render(notification, self.with_buttons), ts.into());
        let session = self.client.open_session(&self.token);
        self.call(session.http_session_api.http_post("chat.update", &request, None)).await
    }

    async fn get<R: DeserializeOwned + Send>(
        &self,
        method: &str,
        query: Vec<(&str, Option<String>)>,
    ) -> Result<R, Fault> {
        let session = self.client.open_session(&self.token);
        self.call(session.http_session_api.http_get(method, &query, None)).await
    }

    fn remember(&self, name: &str, id: &str) {
        // The names are those of the configuration, so the map is as small as it is.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), id.to_owned());
    }

    /// The id of a channel; `None` where there is no such channel.
    async fn channel_id(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some(bare) = name.strip_prefix('#') else { return Ok(Some(name.to_owned())) };
        let known = self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let query = vec![
                ("types", Some("public_channel,private_channel".to_owned())),
                ("exclude_archived", Some("true".to_owned())),
                ("limit", Some("999".to_owned())),
                ("cursor", cursor.take()),
            ];
            let page: Conversations = self.get("conversations.list", query).await?;
            if let Some(found) = page.channels.into_iter().find(|channel| channel.name.as_deref() == Some(bare)) {
                self.remember(name, &found.id);
                return Ok(Some(found.id));
            }
            cursor = page.response_metadata.and_then(|m| m.next_cursor).filter(|cursor| !cursor.is_empty());
            if cursor.is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// Looks for the message of `notification` in a channel, or in the thread under `thread`.
    async fn find(
        &self,
        channel: &str,
        thread: Option<&str>,
        notification: &Notification,
    ) -> Result<Reconciled, Fault> {
        let oldest = (notification.created_at - LOOK_BACK_MS).0.div_euclid(1000);
        let method = if thread.is_some() { "conversations.replies" } else { "conversations.history" };
        let cargo = notification.cargo();
        let mut earlier = None;
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let query = vec![
                ("channel", Some(channel.to_owned())),
                ("ts", thread.map(str::to_owned)),
                ("oldest", Some(oldest.to_string())),
                ("include_all_metadata", Some("true".to_owned())),
                ("limit", Some("200".to_owned())),
                ("cursor", cursor.take()),
            ];
            let page: Messages = self.get(method, query).await?;
            for message in page.messages.iter().filter(|message| message.says("id") == Some(&notification.id.0)) {
                let receipt = receipt(channel, &message.ts);
                match message.says("cargo").unwrap_or_default() == cargo {
                    true => return Ok(Reconciled::Has { receipt }),
                    false => earlier = Some(Reconciled::HasEarlier { receipt }),
                }
            }
            cursor = page.response_metadata.and_then(|m| m.next_cursor).filter(|cursor| !cursor.is_empty());
            if cursor.is_none() {
                return Ok(earlier.unwrap_or(Reconciled::HasNot));
            }
        }
        let reason = format!("more than {PAGES_MAX} pages of history since it was made");
        Ok(earlier.unwrap_or(Reconciled::CannotBeAsked { reason }))
    }
}

impl Message {
    /// What Tocsin noted in it under `key`; `None` where it is not Tocsin's.
    fn says(&self, key: &str) -> Option<&str> {
        let metadata = self.metadata.as_ref().filter(|metadata| metadata["event_type"] == METADATA_EVENT)?;
        metadata["event_payload"][key].as_str()
    }
}

/// A channel's id and a message's `ts` in it.
fn receipt(channel: &str, ts: &str) -> String {
    format!("{channel}/{ts}")
}

fn parse_receipt(receipt: Option<&str>) -> Result<(&str, &str), Fault> {
    let parsed = receipt.and_then(|receipt| receipt.split_once('/'));
    parsed.ok_or_else(|| Fault::Permanent { reason: "its post went to the terminal, not to Slack".to_owned() })
}

fn slack_channel(address: &Address) -> Result<&str, Fault> {
    match address {
        Address::Slack { channel } => Ok(channel),
        _ => Err(Fault::Permanent { reason: format!("{address} is no Slack channel") }),
    }
}

#[async_trait]
impl Channel for SlackChannel {
    async fn deliver(&self, notification: &Notification, post: Option<&str>) -> DeliveryOutcome {
        let sent = async {
            let name = slack_channel(&notification.address)?;
            let posted = match notification.role {
                Role::Post => {
                    let posted = self.post(name, None, notification).await?;
                    self.remember(name, &posted.channel);
                    posted
                }
                Role::Edit => {
                    let (channel, ts) = parse_receipt(post)?;
                    self.edit(channel, ts, notification).await?
                }
                Role::Reply | Role::Broadcast => {
                    let (channel, ts) = parse_receipt(post)?;
                    self.post(channel, Some(ts), notification).await?
                }
            };
            Ok::<_, Fault>(receipt(&posted.channel, &posted.ts))
        };
        match sent.await {
            Ok(receipt) => DeliveryOutcome::Delivered { receipt },
            Err(fault) => fault.into(),
        }
    }

    async fn reconcile(
        &self,
        notification: &Notification,
        post: Option<&str>,
        _taken: &BTreeSet<String>,
    ) -> Reconciled {
        let asked = async {
            if notification.role != Role::Post {
                let (channel, ts) = parse_receipt(post)?;
                return self.find(channel, Some(ts), notification).await;
            }
            match self.channel_id(slack_channel(&notification.address)?).await? {
                Some(channel) => self.find(&channel, None, notification).await,
                None => Ok(Reconciled::HasNot),
            }
        };
        asked.await.unwrap_or_else(Reconciled::from)
    }
}

impl fmt::Debug for SlackChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackChannel").field("timeout_ms", &self.timeout_ms).finish_non_exhaustive()
    }
}
