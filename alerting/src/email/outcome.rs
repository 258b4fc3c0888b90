use crate::incident::shorten;
use crate::outbox::Fault;
use crate::outbox::http::causes;
use lettre::transport::smtp::Error;

/// What is repeated of a server's own words.
const WORDS_CHARS_MAX: usize = 300;

/// Where in the conversation it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before the end of the text: the server has nothing.
    Before,
    /// The text has been handed over, and the answer is open.
    HandedOver,
}

/// A code of the server's (RFC 5321, section 4.2.1), or what keeps it from being one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Transient,
    Permanent,
    /// It does not let us in: of the account, and not of the mail.
    Unauthenticated,
    /// It does not offer what was configured.
    Unsupported,
    /// Nothing that can be understood came, or nothing at all.
    Broken,
}

pub(super) fn trouble(error: &Error) -> Trouble {
    if error.is_transient() {
        Trouble::Transient
    } else if error.is_permanent() {
        // RFC 4954, section 6.
        match error.status().map(u16::from) {
            Some(530 | 534 | 535 | 538) => Trouble::Unauthenticated,
            _ => Trouble::Permanent,
        }
    } else if error.is_client() {
        Trouble::Unsupported
    } else {
        Trouble::Broken
    }
}

pub(super) fn fault_of(stage: Stage, error: &Error) -> Fault {
    fault(stage, trouble(error), &shorten(&causes(error), WORDS_CHARS_MAX))
}

pub(super) fn fault_of_timeout(stage: Stage) -> Fault {
    fault(stage, Trouble::Broken, "it did not answer in time")
}

fn fault(stage: Stage, trouble: Trouble, words: &str) -> Fault {
    let reason = format!("the mail server: {words}");
    match (trouble, stage) {
        (Trouble::Transient, _) => Fault::Refused { retry_after_ms: None, reason },
        (Trouble::Unauthenticated, _) => {
            Fault::Blocked { reason: format!("{reason}; check `user` and `password` of [email]") }
        }
        (Trouble::Permanent | Trouble::Unsupported, _) => Fault::Permanent { reason },
        (Trouble::Broken, Stage::Before) => Fault::Refused { retry_after_ms: None, reason },
        (Trouble::Broken, Stage::HandedOver) => Fault::Ambiguous {
            reason: format!(
                "{reason} after it had the whole mail; it cannot be asked, so it is sent again under the same Message-ID"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_depends_on_the_trouble_and_its_moment() {
        let cases = [
            (Trouble::Transient, Stage::Before, "refused"),
            (Trouble::Transient, Stage::HandedOver, "refused"),
            (Trouble::Permanent, Stage::Before, "permanent"),
            (Trouble::Permanent, Stage::HandedOver, "permanent"),
            (Trouble::Unauthenticated, Stage::Before, "blocked"),
            (Trouble::Unsupported, Stage::Before, "permanent"),
            (Trouble::Broken, Stage::Before, "refused"),
            (Trouble::Broken, Stage::HandedOver, "ambiguous"),
        ];
        for (trouble, stage, expected) in cases {
            let got = match fault(stage, trouble, "words") {
                Fault::Refused { .. } => "refused",
                Fault::Blocked { .. } => "blocked",
                Fault::Ambiguous { reason } => {
                    assert!(reason.contains("the same Message-ID"), "{reason}");
                    "ambiguous"
                }
                Fault::Permanent { .. } => "permanent",
            };
            assert_eq!(got, expected, "{trouble:?} {stage:?}");
        }
    }
}
