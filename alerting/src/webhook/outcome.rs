use crate::outbox::{Fault, http};
use reqwest::StatusCode;

/// What is repeated of a receiver's own words.
const WORDS_CHARS_MAX: usize = 200;

/// Whether a receiver has it. A receiver cannot be asked, so what leaves it open says that it is sent again as it was.
pub(super) fn judge(name: &str, answer: &http::Answer) -> Result<String, Fault> {
    let status = answer.status;
    let mut reason = format!("webhook {name} answered HTTP {}", status.as_u16());
    let words = String::from_utf8_lossy(&answer.body);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if status.is_success() {
        return Ok(format!("HTTP {}", status.as_u16()));
    }
    if !words.is_empty() {
        reason.push_str(": ");
        reason.push_str(&crate::incident::shorten(&words, WORDS_CHARS_MAX));
    }
    let retry_after_ms = answer.retry_after_ms;
    Err(match status {
        StatusCode::TOO_MANY_REQUESTS => Fault::Refused { retry_after_ms, reason },
        // Whoever says when to come back says that it has not been taken.
        StatusCode::SERVICE_UNAVAILABLE if retry_after_ms.is_some() => Fault::Refused { retry_after_ms, reason },
        StatusCode::GONE => {
            Fault::Permanent { reason: format!("{reason}; it wants no more: take it out of the rungs") }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Fault::Blocked { reason: format!("{reason}; both sides must have the same secret") }
        }
        // A receiver that is being put in place, or a proxy before it: neither has read the message.
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Fault::Blocked { reason }
        }
        status if status.is_redirection() => Fault::Permanent {
            reason: format!("{reason}; redirects are not followed: write the URL that answers itself"),
        },
        status if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => Fault::Permanent { reason },
        _ => sent_again(Fault::Ambiguous { reason }),
    })
}

/// Says on the trail what follows where nobody can say whether it has arrived.
pub(super) fn sent_again(fault: Fault) -> Fault {
    match fault {
        Fault::Ambiguous { reason } => Fault::Ambiguous {
            reason: format!("{reason}; a receiver cannot be asked, so it is sent again under the same webhook-id"),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_mapped() {
        // status, Retry-After, what follows, part of the reason
        let cases = [
            (200, None, "delivered", "HTTP 200"),
            (204, None, "delivered", "HTTP 204"),
            (301, None, "permanent", "redirects are not followed"),
            (304, None, "permanent", "redirects are not followed"),
            (307, None, "permanent", "redirects are not followed"),
            (400, None, "permanent", "HTTP 400: some words"),
            (401, None, "blocked", "the same secret"),
            (403, None, "blocked", "the same secret"),
            (404, None, "blocked", "HTTP 404"),
            (422, None, "permanent", "HTTP 422"),
            (408, None, "ambiguous", "same webhook-id"),
            (410, None, "permanent", "wants no more"),
            (429, None, "refused", "HTTP 429"),
            (429, Some(7000), "refused", "HTTP 429"),
            (500, Some(7000), "ambiguous", "same webhook-id"),
            (502, None, "ambiguous", "same webhook-id"),
            (503, None, "ambiguous", "same webhook-id"),
            (503, Some(7000), "refused", "HTTP 503"),
            (504, None, "ambiguous", "same webhook-id"),
        ];
        for (status, wait_ms, kind, part) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            let body = b" some\n words ".to_vec();
            let (got, reason) = match judge("pager", &http::Answer { status, retry_after_ms: wait_ms, body }) {
                Ok(receipt) => ("delivered", receipt),
                Err(Fault::Refused { reason, retry_after_ms }) => {
                    assert_eq!(retry_after_ms, wait_ms, "{status}");
                    ("refused", reason)
                }
                Err(Fault::Blocked { reason }) => ("blocked", reason),
                Err(Fault::Ambiguous { reason }) => ("ambiguous", reason),
                Err(Fault::Permanent { reason }) => ("permanent", reason),
            };
            assert_eq!(got, kind, "{status}");
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn a_receiver_cannot_fill_the_trail() {
        let body = "x".repeat(100_000).into_bytes();
        let answer = http::Answer { status: StatusCode::BAD_REQUEST, retry_after_ms: None, body };
        let Err(Fault::Permanent { reason }) = judge("pager", &answer) else { panic!("HTTP 400 is permanent") };
        assert!(reason.chars().count() < 300, "{reason}");
    }
}
