//! From the configuration to the channels and the ladder of alerting.

use crate::config::{Sender, Settings};
use alerting::notification::ChannelKind;
use alerting::outbox::DeliverySettings;
use alerting::slack::{SlackChannel, SlackSettings};
use alerting::sms::{self, TwilioChannel, TwilioSettings};
use alerting::terminal::TerminalChannel;
use alerting::{AlertingSettings, Channel, Channels};
use anyhow::Context;
use std::sync::Arc;
use std::time::Duration;

/// Slack and Twilio where their tokens are set, the terminal where not.
pub(super) fn channels(settings: &Settings) -> anyhow::Result<Channels> {
    let terminal: Arc<dyn Channel> = Arc::new(TerminalChannel::new(Box::new(std::io::stdout())));
    let timeout_ms = milliseconds(settings.delivery.request_timeout);
    let slack: Arc<dyn Channel> = match &settings.slack.token {
        None => Arc::clone(&terminal),
        Some(token) => {
            let mut slack = SlackSettings::new(token.expose());
            slack.timeout_ms = timeout_ms;
            if let Some(url) = &settings.slack.api_url {
                slack.api_url = url.to_string();
            }
            Arc::new(SlackChannel::new(slack).context("[slack]")?)
        }
    };
    let sms: Arc<dyn Channel> = match &settings.twilio.account {
        None => Arc::clone(&terminal),
        Some(account) => {
            let sender = match &account.sender {
                Sender::From(number) => sms::Sender::Number(number.parse().context("[twilio] from")?),
                Sender::MessagingService(sid) => sms::Sender::MessagingService(sid.clone()),
            };
            let mut twilio = TwilioSettings::new(account.account_sid.clone(), account.auth_token.expose(), sender);
            twilio.timeout_ms = timeout_ms;
            if let Some(url) = &settings.twilio.api_url {
                twilio.api_url = url.to_string();
            }
            Arc::new(TwilioChannel::new(twilio).context("[twilio]")?)
        }
    };
    let mut channels = Channels::new(slack, sms);
    for kind in [ChannelKind::Webhook, ChannelKind::Email, ChannelKind::Voice] {
        channels = channels.with(kind, Arc::clone(&terminal));
    }
    Ok(channels)
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
