use super::duration::{parse_duration, parse_wait};
use super::reader::Section;
use std::time::Duration;

/// How patient the delivery of notifications is.
///
/// ```toml
/// [delivery]
/// request_timeout = "10s"  # for one request to Slack or Twilio
/// retry_first = "1s"       # wait before the first retry; it doubles with each further one
/// retry_max = "1m"         # the longest wait between two tries
/// message_every = "0s"     # each message on its own, at once. "1m": a telephone gets one message in this time, a Slack
///                          # channel two posts, and what comes meanwhile goes together
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySettings {
    pub request_timeout: Duration,
    pub retry_first: Duration,
    pub retry_max: Duration,
    pub message_every: Duration,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(10),
            retry_first: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
            // Until the simulation has shown that nothing is lost where messages go together.
            message_every: Duration::ZERO,
        }
    }
}

pub(super) fn read(section: Option<Section<'_>>) -> DeliverySettings {
    let mut settings = DeliverySettings::default();
    let Some(mut section) = section else { return settings };
    if let Some(timeout) = section.parsed("request_timeout", parse_duration) {
        settings.request_timeout = timeout.value;
    }
    if let Some(first) = section.parsed("retry_first", parse_duration) {
        settings.retry_first = first.value;
    }
    let retry_max = section.parsed("retry_max", parse_duration);
    if let Some(max) = retry_max {
        settings.retry_max = max.value;
        if settings.retry_first > settings.retry_max {
            section.reading.report(&max.at, "shorter than retry_first; write a longer time");
        }
    }
    if let Some(every) = section.parsed("message_every", parse_wait) {
        settings.message_every = every.value;
    }
    section.finish();
    settings
}
