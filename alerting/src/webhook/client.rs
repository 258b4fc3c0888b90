use super::body::body;
use super::outcome::{judge, sent_again};
use super::signature::{SigningSecret, webhook_id};
use crate::notification::{Address, Notification, Span};
use crate::outbox::{Channel, DeliveryOutcome, Fault, Reconciled, http};
use async_trait::async_trait;
use checks::UnixMs;
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use tokio::time::{Duration, Instant};

/// Of an answer, only what may explain a refusal.
const ANSWER_BYTES_MAX: usize = 2 << 10;
/// A receiver that wants more patience than this is asked again all the same.
const HOLD_MAX: Duration = Duration::from_secs(3600);

/// One receiver.
#[derive(Clone)]
pub struct Webhook {
    pub url: String,
    pub secret: SigningSecret,
}

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Without the URL: whoever knows it may be able to use it.
    #[error("the URL of webhook `{name}` cannot be used, {problem}")]
    Url { name: String, problem: String },
    #[error("the HTTP client for webhooks cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

pub struct WebhookChannel {
    client: Client,
    webhooks: BTreeMap<String, Webhook>,
    /// Until when a receiver wants to be left alone. As large as the configuration.
    held: Mutex<BTreeMap<String, Instant>>,
}

impl WebhookChannel {
    /// The receivers by the name that rungs have for them; `timeout_ms` is for each call.
    pub fn new(webhooks: BTreeMap<String, Webhook>, timeout_ms: u64) -> Result<Self, WebhookError> {
        for (name, webhook) in &webhooks {
            crate::outbox::require_secure(&webhook.url)
                .map_err(|problem| WebhookError::Url { name: name.clone(), problem })?;
        }
        Ok(Self { client: http::client(timeout_ms)?, webhooks, held: Mutex::default() })
    }

    async fn send(&self, notification: &Notification) -> Result<String, Fault> {
        let Address::Webhook { name } = &notification.address else {
            return Err(Fault::Permanent { reason: format!("{} is no webhook", notification.address) });
        };
        let Some(webhook) = self.webhooks.get(name) else {
            let reason = format!("there is no webhook {name} any more; write its URL as `[webhooks.{name}]`");
            return Err(Fault::Permanent { reason });
        };
        if let Some(left) = self.hold_of(name) {
            let retry_after_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            let reason = format!("webhook {name} wants to be left alone for another {}", Span(retry_after_ms));
            return Err(Fault::Refused { retry_after_ms: Some(retry_after_ms), reason });
        }
        let (id, body) = (webhook_id(&notification.id), body(notification));
        // Of the attempt, not of the message: receivers refuse what is older than some minutes.
        let timestamp_s = UnixMs::now().0.div_euclid(1000);
        let request = self
            .client
            .post(&webhook.url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("Tocsin/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp_s)
            .header("webhook-signature", webhook.secret.sign(&id, timestamp_s, &body))
            .body(body);
        let answer = http::exchange_for_status(request, &format!("webhook {name}"), ANSWER_BYTES_MAX).await;
        let judged = judge(name, &answer.map_err(sent_again)?);
        if let Err(Fault::Refused { retry_after_ms: Some(ms), .. }) = &judged {
            let until = Instant::now() + Duration::from_millis(*ms).min(HOLD_MAX);
            self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), until);
        }
        judged
    }

    fn hold_of(&self, name: &str) -> Option<Duration> {
        let until = *self.held.lock().unwrap_or_else(PoisonError::into_inner).get(name)?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }
}

#[async_trait]
impl Channel for WebhookChannel {
    async fn deliver(&self, notification: &Notification, _post: Option<&str>) -> DeliveryOutcome {
        match self.send(notification).await {
            Ok(receipt) => DeliveryOutcome::Delivered { receipt },
            Err(fault) => fault.into(),
        }
    }

    async fn reconcile(
        &self,
        _notification: &Notification,
        _post: Option<&str>,
        _taken: &BTreeSet<String>,
    ) -> Reconciled {
        Reconciled::CannotBeAsked { reason: "a webhook's receiver has no list of what it has".to_owned() }
    }
}

impl fmt::Debug for WebhookChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookChannel").field("webhooks", &self.webhooks.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_secure_and_not_told() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let of = |url: &str| {
            let webhook = Webhook { url: url.to_owned(), secret: secret.clone() };
            WebhookChannel::new([("pager".to_owned(), webhook)].into(), 1000)
        };
        assert!(of("https://hooks.example.com/T0/hidden").is_ok());
        assert!(of("http://127.0.0.1:9/hidden").is_ok());
        for url in ["http://hooks.example.com/T0/hidden", "ftp://hooks.example.com/hidden", "hidden"] {
            let error = of(url).unwrap_err().to_string();
            assert!(error.contains("`pager`") && !error.contains("hidden"), "{error}");
        }
    }
}
