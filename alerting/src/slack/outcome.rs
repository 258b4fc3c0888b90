use crate::outbox::{DeliveryOutcome, Reconciled};
use slack_morphism::errors::SlackClientError;

/// How a call can fail, as far as sending again is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Slack certainly did not take it.
    Refused {
        retry_after_ms: Option<u64>,
        reason: String,
    },
    /// It may have taken it.
    Ambiguous {
        reason: String,
    },
    Permanent {
        reason: String,
    },
}

impl Fault {
    pub fn timeout(timeout_ms: u64) -> Self {
        Self::Ambiguous { reason: format!("Slack did not answer within {timeout_ms} ms") }
    }

    pub fn of(error: &SlackClientError) -> Self {
        match error {
            SlackClientError::RateLimitError(limit) => Self::Refused {
                retry_after_ms: limit.retry_after.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
                reason: "Slack's rate limit".to_owned(),
            },
            SlackClientError::ApiError(error) => Self::of_code(&error.code),
            SlackClientError::HttpError(error) => {
                let status = error.status_code;
                let reason = format!("Slack answered HTTP {status}");
                match status.is_client_error() && status != http::StatusCode::REQUEST_TIMEOUT {
                    true => Self::Permanent { reason },
                    false => Self::Ambiguous { reason },
                }
            }
            SlackClientError::HttpProtocolError(error) => {
                let cause = error.cause.as_deref();
                let transport = cause.and_then(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>());
                let reason = cause.map_or_else(|| "unknown fault".to_owned(), |cause| chain(cause));
                match transport.is_some_and(hyper_util::client::legacy::Error::is_connect) {
                    true => {
                        Self::Refused { retry_after_ms: None, reason: format!("Slack cannot be reached: {reason}") }
                    }
                    false => Self::Ambiguous { reason: format!("the connection to Slack broke: {reason}") },
                }
            }
            SlackClientError::ProtocolError(error) => {
                Self::Ambiguous { reason: format!("Slack's answer cannot be read: {}", error.json_error) }
            }
            SlackClientError::SystemError(error) => {
                let reason = error.cause.as_deref().map_or_else(|| "unknown fault".to_owned(), |cause| chain(cause));
                Self::Ambiguous { reason: format!("Slack's answer broke off: {reason}") }
            }
            SlackClientError::EndOfStream(_) | SlackClientError::SocketModeProtocolError(_) => {
                Self::Ambiguous { reason: "Slack's answer ended early".to_owned() }
            }
        }
    }

    /// <https://docs.slack.dev/reference/methods/chat.postMessage#errors>
    fn of_code(code: &str) -> Self {
        let help = match code {
            "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
                return Self::Refused { retry_after_ms: None, reason: format!("Slack says `{code}`") };
            }
            // Slack's documentation: some aspect of the operation may have succeeded.
            "internal_error" | "fatal_error" | "request_timeout" | "service_unavailable" => {
                return Self::Ambiguous { reason: format!("Slack says `{code}`") };
            }
            "not_in_channel" => ": invite Tocsin's app into the channel",
            "channel_not_found" => ": no such channel, or a private one that Tocsin's app is not in",
            "is_archived" => ": the channel is archived",
            "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
                ": set a valid bot token"
            }
            "missing_scope" => ": the token lacks a scope (chat:write, channels:history, channels:read)",
            _ => "",
        };
        Self::Permanent { reason: format!("Slack says `{code}`{help}") }
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl From<Fault> for DeliveryOutcome {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused { retry_after_ms, reason } => Self::Refused { retry_after_ms, reason },
            Fault::Ambiguous { reason } => Self::Ambiguous { reason },
            Fault::Permanent { reason } => Self::Permanent { reason },
        }
    }
}

impl From<Fault> for Reconciled {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused { retry_after_ms, reason } => Self::Unknown { retry_after_ms, reason },
            Fault::Ambiguous { reason } => Self::Unknown { retry_after_ms: None, reason },
            Fault::Permanent { reason } => Self::CannotBeAsked { reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_mapped() {
        let cases = [
            ("ratelimited", "refused", ""),
            ("internal_error", "ambiguous", ""),
            ("fatal_error", "ambiguous", ""),
            ("not_in_channel", "permanent", "invite"),
            ("channel_not_found", "permanent", "no such channel"),
            ("invalid_auth", "permanent", "valid bot token"),
            ("msg_too_long", "permanent", "msg_too_long"),
            ("a_code_of_tomorrow", "permanent", "a_code_of_tomorrow"),
        ];
        for (code, kind, part) in cases {
            let (got, reason) = match Fault::of_code(code) {
                Fault::Refused { reason, .. } => ("refused", reason),
                Fault::Ambiguous { reason } => ("ambiguous", reason),
                Fault::Permanent { reason } => ("permanent", reason),
            };
            assert_eq!(got, kind, "{code}");
            assert!(reason.contains(part), "{reason}");
        }
    }
}
