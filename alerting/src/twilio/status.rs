//! What Twilio reports of a message or a call after it has taken it
//! (<https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks>,
//! <https://www.twilio.com/docs/voice/api/call-resource#statuscallback>).

use crate::notification::Fate;

/// The event of a call that is reported: how it ended.
pub const CALL_ENDED: &str = "completed";

/// How a message ended, by its `MessageStatus` and `ErrorCode`, in words; `None` while it is on its way.
pub fn of_message(status: &str, error_code: Option<u32>) -> Option<(Fate, String)> {
    let failed = |name: &str| match error_code.filter(|code| *code != 0) {
        Some(code) => match meaning(code) {
            Some(meaning) => format!("{name} {code}: {meaning}"),
            None => format!("{name} {code}"),
        },
        None => format!("{name}, Twilio does not say why"),
    };
    match status {
        "delivered" | "read" => Some((Fate::Delivered, "delivered to the handset".to_owned())),
        "undelivered" => Some((Fate::Undelivered, failed("undelivered"))),
        "failed" => Some((Fate::Failed, failed("failed"))),
        _ => None,
    }
}

/// How a call ended, by its `CallStatus`, in words; `None` while it lasts.
pub fn of_call(status: &str) -> Option<(Fate, String)> {
    let (fate, text) = match status {
        // Somebody, or a mailbox: whoever acknowledges says more.
        "completed" => (Fate::Delivered, "the call was taken"),
        "busy" => (Fate::Busy, "busy"),
        "no-answer" => (Fate::NoAnswer, "no answer"),
        "failed" => (Fate::Failed, "the call failed: the number cannot be reached"),
        "canceled" => (Fate::Canceled, "the call was canceled"),
        _ => return None,
    };
    Some((fate, text.to_owned()))
}

/// <https://www.twilio.com/docs/api/errors>
fn meaning(code: u32) -> Option<&'static str> {
    Some(match code {
        21_610 => "the member has answered STOP",
        30_001 => "queue overflow",
        30_002 => "account suspended",
        30_003 => "unreachable handset",
        30_004 => "message blocked",
        30_005 => "unknown handset",
        30_006 => "landline or unreachable carrier",
        30_007 => "filtered by the carrier",
        30_008 => "unknown error",
        30_010 => "price above the limit",
        30_017 => "carrier network congestion",
        30_034 => "the sender is not registered (A2P 10DLC)",
        30_410 => "the carrier did not answer in time",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_and_the_way_is_not() {
        let cases = [
            ("delivered", None, Some((Fate::Delivered, "delivered to the handset"))),
            ("undelivered", Some(30_003), Some((Fate::Undelivered, "undelivered 30003: unreachable handset"))),
            ("undelivered", Some(39_999), Some((Fate::Undelivered, "undelivered 39999"))),
            ("failed", None, Some((Fate::Failed, "failed, Twilio does not say why"))),
            ("failed", Some(0), Some((Fate::Failed, "failed, Twilio does not say why"))),
            ("queued", None, None),
            ("sent", None, None),
            ("", None, None),
        ];
        for (status, code, expected) in cases {
            let expected = expected.map(|(fate, text)| (fate, text.to_owned()));
            assert_eq!(of_message(status, code), expected, "{status} {code:?}");
        }
        for (status, fate) in
            [("completed", Some(Fate::Delivered)), ("no-answer", Some(Fate::NoAnswer)), ("ringing", None)]
        {
            assert_eq!(of_call(status).map(|(fate, _)| fate), fate, "{status}");
        }
    }
}
