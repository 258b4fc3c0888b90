use crate::outbox::Fault;
use reqwest::StatusCode;
use serde::Deserialize;

#[derive(Deserialize)]
struct Refusal {
    code: Option<u32>,
    message: Option<String>,
}

/// An answer that is no success. The codes: <https://www.twilio.com/docs/api/errors>.
pub(super) fn fault_of_answer(status: StatusCode, retry_after_ms: Option<u64>, answer: &[u8]) -> Fault {
    let refusal: Option<Refusal> = serde_json::from_slice(answer).ok();
    let code = refusal.as_ref().and_then(|refusal| refusal.code);
    let message = refusal.and_then(|refusal| refusal.message).unwrap_or_default();
    let reason = match code {
        Some(code) => format!("Twilio answered HTTP {} with error {code}: {message}", status.as_u16()),
        None => format!("Twilio answered HTTP {}", status.as_u16()),
    };
    // Too many requests; the rate of the account; the queue of the sender's number is full.
    if status == StatusCode::TOO_MANY_REQUESTS || matches!(code, Some(20_429 | 14_107 | 21_611 | 30_001)) {
        return Fault::Refused { retry_after_ms, reason };
    }
    if !status.is_client_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Fault::Ambiguous { reason };
    }
    match code {
        None => return Fault::Blocked { reason: format!("{reason}, and no error code of Twilio's: a proxy?") },
        // Of the account and not of the message: not authenticated, not active, no access, unknown, suspended.
        Some(10_001 | 20_003 | 20_005 | 20_006 | 20_403 | 20_404 | 30_002 | 90_010) => {
            let help = "check `account_sid`, the auth token and the state of the account";
            return Fault::Blocked { reason: format!("{reason}; {help}") };
        }
        Some(_) if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED) => {
            return Fault::Blocked { reason };
        }
        Some(_) => {}
    }
    let help = match code {
        Some(21_211) => "; the number does not exist: correct it in the team",
        Some(21_610) => "; the member has answered STOP: they must text START",
        Some(21_408) => "; allow this country in the account's SMS geographic permissions",
        Some(21_606 | 21_659 | 21_212) => "; the sender is not one of the account's: correct `from`",
        Some(21_608) => "; a trial account texts verified numbers only",
        Some(21_614) => "; the number cannot receive SMS",
        Some(21_210 | 21_213) => {
            "; the caller's number is not one of the account's, or not verified: correct `call_from`"
        }
        Some(21_215) => "; allow this country in the account's voice geographic permissions",
        Some(21_219) => "; a trial account calls verified numbers only",
        _ => "",
    };
    Fault::Permanent { reason: format!("{reason}{help}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_mapped() {
        let cases = [
            (400, r#"{"code":21211,"message":"Invalid 'To'"}"#, "permanent", "does not exist"),
            (400, r#"{"code":21610,"message":"unsubscribed"}"#, "permanent", "STOP"),
            (401, r#"{"code":20003,"message":"Authenticate"}"#, "blocked", "auth token"),
            (404, r#"{"code":20404,"message":"not found"}"#, "blocked", "account_sid"),
            (400, r#"{"code":21608,"message":"unverified"}"#, "permanent", "trial account"),
            (400, r#"{"code":21611,"message":"queue"}"#, "refused", "21611"),
            (429, r#"{"code":20429,"message":"Too Many Requests"}"#, "refused", "20429"),
            (429, "garbage", "refused", "HTTP 429"),
            (500, "", "ambiguous", "HTTP 500"),
            (503, r#"{"code":20503,"message":"Service Unavailable"}"#, "ambiguous", "20503"),
            (302, "", "ambiguous", "HTTP 302"),
            (408, "", "ambiguous", "HTTP 408"),
            (404, "<html>", "blocked", "HTTP 404, and no error code of Twilio's"),
            (401, "", "blocked", "HTTP 401"),
            (403, "{}", "blocked", "HTTP 403"),
        ];
        for (status, answer, kind, part) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            let (got, reason) = match fault_of_answer(status, Some(7000), answer.as_bytes()) {
                Fault::Refused { reason, retry_after_ms } => {
                    assert_eq!(retry_after_ms, Some(7000));
                    ("refused", reason)
                }
                Fault::Blocked { reason } => ("blocked", reason),
                Fault::Ambiguous { reason } => ("ambiguous", reason),
                Fault::Permanent { reason } => ("permanent", reason),
            };
            assert_eq!(got, kind, "{status}");
            assert!(reason.contains(part), "{reason}");
        }
    }
}
