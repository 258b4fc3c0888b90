//! From the configuration to the channels and the ladder of alerting.

use super::callbacks;
use crate::config::{Sender, Settings};
use alerting::email::{EmailChannel, EmailSettings};
use alerting::notification::ChannelKind;
use alerting::outbox::DeliverySettings;
use alerting::slack::{SlackChannel, SlackSettings};
use alerting::sms::{self, TwilioChannel, TwilioSettings};
use alerting::terminal::TerminalChannel;
use alerting::voice::{self, VoiceChannel, VoiceSettings};
use alerting::webhook::{SigningSecret, Webhook, WebhookChannel};
use alerting::{AlertingSettings, Channel, Channels};
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Every way to reach people, and which of them only print: those whose tokens are not set.
pub(super) struct Ways {
    pub channels: Channels,
    pub printed: BTreeSet<ChannelKind>,
}

/// The providers where they are configured, the terminal where not.
pub(super) fn ways(settings: &Settings) -> anyhow::Result<Ways> {
    let terminal: Arc<dyn Channel> = Arc::new(TerminalChannel::new(Box::new(std::io::stdout())));
    let mut printed = BTreeSet::new();
    let mut or_printed = |kind: ChannelKind, channel: Option<Arc<dyn Channel>>| {
        channel.unwrap_or_else(|| {
            printed.insert(kind);
            Arc::clone(&terminal)
        })
    };
    let slack = or_printed(ChannelKind::Slack, slack(settings)?);
    let sms = or_printed(ChannelKind::Sms, sms(settings)?);
    let mut channels = Channels::new(slack, sms);
    for (kind, channel) in [
        (ChannelKind::Webhook, webhooks(settings)?),
        (ChannelKind::Email, email(settings)?),
        (ChannelKind::Voice, voice(settings)?),
    ] {
        channels = channels.with(kind, or_printed(kind, channel));
    }
    Ok(Ways { channels, printed })
}

fn timeout_ms(settings: &Settings) -> u64 {
    milliseconds(settings.delivery.request_timeout)
}

/// `None` where there is no token.
pub(super) fn slack_settings(settings: &Settings) -> Option<SlackSettings> {
    let mut slack = SlackSettings::new(settings.slack.token.as_ref()?.expose());
    slack.timeout_ms = timeout_ms(settings);
    slack.with_buttons = settings.callbacks.is_some() && settings.slack.signing_secret.is_some();
    if let Some(url) = &settings.slack.api_url {
        slack.api_url = url.to_string();
    }
    Some(slack)
}

fn slack(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Channel>>> {
    let Some(slack) = slack_settings(settings) else { return Ok(None) };
    Ok(Some(Arc::new(SlackChannel::new(slack).context("[slack]")?)))
}

fn sms(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Channel>>> {
    let Some(account) = &settings.twilio.account else { return Ok(None) };
    let sender = match &account.sender {
        Sender::From(number) => sms::Sender::Number(number.parse().context("[twilio] from")?),
        Sender::MessagingService(sid) => sms::Sender::MessagingService(sid.clone()),
    };
    let mut twilio = TwilioSettings::new(account.account_sid.clone(), account.auth_token.expose(), sender);
    twilio.timeout_ms = timeout_ms(settings);
    twilio.status_callback = callbacks::message_reports(settings.callbacks.as_ref())?;
    if let Some(url) = &settings.twilio.api_url {
        twilio.api_url = url.to_string();
    }
    Ok(Some(Arc::new(TwilioChannel::new(twilio).context("[twilio]")?)))
}

/// Also where none is configured: an older journal may hold messages for one that is gone, and its trail says so.
fn webhooks(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Channel>>> {
    let mut webhooks = BTreeMap::new();
    for (name, webhook) in &settings.webhooks {
        let secret = SigningSecret::parse(webhook.secret.expose()).with_context(|| format!("[webhooks.{name}]"))?;
        webhooks.insert(name.clone(), Webhook { url: webhook.url.expose().to_owned(), secret });
    }
    Ok(Some(Arc::new(WebhookChannel::new(webhooks, timeout_ms(settings)).context("[webhooks]")?)))
}

fn email(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Channel>>> {
    let Some(email) = &settings.email else { return Ok(None) };
    let authorities = match &email.ca_file {
        Some(file) => Some(std::fs::read(file).with_context(|| format!("[email] ca_file {}", file.display()))?),
        None => None,
    };
    let channel = EmailChannel::new(EmailSettings {
        host: email.host.clone(),
        port: email.port,
        tls: email.tls,
        credentials: email.credentials.as_ref().map(|(user, password)| (user.clone(), password.expose().to_owned())),
        from: email.from.clone(),
        authorities,
        timeout_ms: timeout_ms(settings),
    });
    Ok(Some(Arc::new(channel.context("[email]")?)))
}

/// A number to call from was asked for where a rung calls.
fn voice(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Channel>>> {
    let Some(account) = &settings.twilio.account else { return Ok(None) };
    let Some(from) = &account.call_from else { return Ok(None) };
    let mut voice = VoiceSettings {
        account_sid: account.account_sid.clone(),
        auth_token: account.auth_token.expose().to_owned(),
        from: from.parse().context("[twilio] call_from")?,
        api_url: alerting::twilio::API_URL.to_owned(),
        timeout_ms: timeout_ms(settings),
        callbacks: settings
            .callbacks
            .as_ref()
            .map(|callbacks| voice::Callbacks { public_url: callbacks.public_url.clone() }),
    };
    if let Some(url) = &settings.twilio.api_url {
        voice.api_url = url.to_string();
    }
    Ok(Some(Arc::new(VoiceChannel::new(voice).context("[twilio]")?)))
}

pub(super) fn alerting(settings: &Settings) -> anyhow::Result<AlertingSettings> {
    let delivery = DeliverySettings {
        retry_first_ms: milliseconds(settings.delivery.retry_first),
        retry_max_ms: milliseconds(settings.delivery.retry_max),
        ..DeliverySettings::default()
    };
    Ok(AlertingSettings { ladders: crate::ladders::ladders(settings)?, delivery })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
