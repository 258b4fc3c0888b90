use crate::outbox::Fault;
use crate::outbox::http::causes;
use slack_morphism::errors::SlackClientError;

pub(super) fn fault_of_timeout(timeout_ms: u64) -> Fault {
    Fault::Ambiguous { reason: format!("Slack did not answer within {timeout_ms} ms") }
}

pub(super) fn fault_of(error: &SlackClientError) -> Fault {
    match error {
        SlackClientError::RateLimitError(limit) => Fault::Refused {
            retry_after_ms: limit.retry_after.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
            reason: "Slack's rate limit".to_owned(),
        },
        SlackClientError::ApiError(error) => fault_of_code(&error.code),
        SlackClientError::HttpError(error) => {
            let status = error.status_code;
            let reason = format!("Slack answered HTTP {status}");
            // Slack says what is wrong with a request in JSON, with HTTP 200: this is somebody on the way to it.
            match status.is_client_error() && status != http::StatusCode::REQUEST_TIMEOUT {
                true => Fault::Blocked { reason: format!("{reason}, and nothing in Slack's own words: a proxy?") },
                false => Fault::Ambiguous { reason },
            }
        }
        SlackClientError::HttpProtocolError(error) => {
            let cause = error.cause.as_deref();
            let transport = cause.and_then(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>());
            let reason = cause.map_or_else(|| "unknown fault".to_owned(), |cause| causes(cause));
            match transport.is_some_and(hyper_util::client::legacy::Error::is_connect) {
                true => Fault::Refused { retry_after_ms: None, reason: format!("Slack cannot be reached: {reason}") },
                false => Fault::Ambiguous { reason: format!("the connection to Slack broke: {reason}") },
            }
        }
        SlackClientError::ProtocolError(error) => {
            Fault::Ambiguous { reason: format!("Slack's answer cannot be read: {}", error.json_error) }
        }
        SlackClientError::SystemError(error) => {
            let reason = error.cause.as_deref().map_or_else(|| "unknown fault".to_owned(), |cause| causes(cause));
            Fault::Ambiguous { reason: format!("Slack's answer broke off: {reason}") }
        }
        SlackClientError::EndOfStream(_) | SlackClientError::SocketModeProtocolError(_) => {
            Fault::Ambiguous { reason: "Slack's answer ended early".to_owned() }
        }
    }
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage#errors>
pub(super) fn fault_of_code(code: &str) -> Fault {
    let help = match code {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
            return Fault::Refused { retry_after_ms: None, reason: format!("Slack says `{code}`") };
        }
        // Slack's documentation: some aspect of the operation may have succeeded.
        "internal_error" | "fatal_error" | "request_timeout" | "service_unavailable" => {
            return Fault::Ambiguous { reason: format!("Slack says `{code}`") };
        }
        "not_in_channel" => ": invite Tocsin's app into the channel",
        "channel_not_found" => ": no such channel, or a private one that Tocsin's app is not in",
        "is_archived" => ": the channel is archived",
        // A token that is being changed: nothing is wrong with the message.
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            return Fault::Blocked { reason: format!("Slack says `{code}`: set a valid bot token") };
        }
        "missing_scope" => ": the token lacks a scope (chat:write, channels:history, channels:read)",
        _ => "",
    };
    Fault::Permanent { reason: format!("Slack says `{code}`{help}") }
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
            ("invalid_auth", "blocked", "valid bot token"),
            ("token_revoked", "blocked", "valid bot token"),
            ("missing_scope", "permanent", "lacks a scope"),
            ("msg_too_long", "permanent", "msg_too_long"),
            ("a_code_of_tomorrow", "permanent", "a_code_of_tomorrow"),
        ];
        for (code, kind, part) in cases {
            let (got, reason) = match fault_of_code(code) {
                Fault::Refused { reason, .. } => ("refused", reason),
                Fault::Blocked { reason } => ("blocked", reason),
                Fault::Ambiguous { reason } => ("ambiguous", reason),
                Fault::Permanent { reason } => ("permanent", reason),
            };
            assert_eq!(got, kind, "{code}");
            assert!(reason.contains(part), "{reason}");
        }
    }
}
