use super::duration::{parse_duration, parse_wait};
use super::reader::Section;
use std::time::Duration;

/// The longest time that a page may have to wait for another one.
const MESSAGE_EVERY_MAX: Duration = Duration::from_secs(300);
const POST_EVERY: Duration = Duration::from_secs(2);

/// How patient the delivery of notifications is.
///
/// ```toml
/// [delivery]
/// request_timeout = "10s"  # for one request to Slack or Twilio
/// retry_first = "1s"       # wait before the first retry; it doubles with each further one
/// retry_max = "1m"         # the longest wait between two tries
/// message_every = "1m"     # a telephone gets one message in this time
/// post_every = "2s"        # a Slack channel or a mailbox gets one in this time; no longer than message_every
/// ```
///
/// The first message to a place leaves at once. What follows within its time leaves together when that is over: fifty
/// checks that fail together are one post with a list, and one text. In a channel or mailbox a page waits for nothing but
/// another page. A telephone gets one message in `message_every`, whatever it is about; so a page leaves at most
/// `message_every` and a second after the message before it. Where the answer to that one is outstanding, its time counts
/// from the end of the attempt. Each waits in the journal meanwhile, and its incident's trail says with which message it
/// left. `"0s"` sends each message on its own, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySettings {
    pub request_timeout: Duration,
    pub retry_first: Duration,
    pub retry_max: Duration,
    pub message_every: Duration,
    pub post_every: Duration,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(10),
            retry_first: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
            message_every: Duration::from_secs(60),
            post_every: POST_EVERY,
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
        if every.value > MESSAGE_EVERY_MAX {
            let problem = "a page would wait so long behind another one; write at most \"5m\"";
            section.reading.report(&every.at, problem);
        }
    }
    // Whoever wants each text at once wants each post at once.
    settings.post_every = POST_EVERY.min(settings.message_every);
    if let Some(every) = section.parsed("post_every", parse_wait) {
        settings.post_every = every.value;
        if every.value > settings.message_every {
            section.reading.report(&every.at, "longer than message_every; write a shorter time");
        }
    }
    section.finish();
    settings
}
