//! How Slack proves that a call is its own (<https://docs.slack.dev/authentication/verifying-requests-from-slack>): a
//! keyed hash over the body and the instant, which must be near.

use aws_lc_rs::hmac;
use checks::UnixMs;

pub const SIGNATURE_HEADER: &str = "x-slack-signature";
pub const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";

/// Further from now than this a call is refused, so that one which somebody has listened to is worth nothing later.
const AGE_MS_MAX: u64 = 5 * 60 * 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSlack {
    #[error("unsigned")]
    Unsigned,
    #[error("wrong-signature")]
    WrongSignature,
    #[error("too-old")]
    TooOld,
}

fn key(signing_secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, signing_secret.as_bytes())
}

fn signed(timestamp: &str, body: &[u8]) -> Vec<u8> {
    [b"v0:", timestamp.as_bytes(), b":", body].concat()
}

/// The value of `X-Slack-Signature`.
pub fn sign(signing_secret: &str, timestamp: &str, body: &[u8]) -> String {
    format!("v0={}", hex::encode(hmac::sign(&key(signing_secret), &signed(timestamp, body))))
}

/// Whether the call is Slack's and from now; compared in constant time. `timestamp` and `signature` are its headers.
pub fn verify(
    signing_secret: &str,
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &[u8],
    now: UnixMs,
) -> Result<(), NotSlack> {
    let (Some(timestamp), Some(signature)) = (timestamp, signature) else { return Err(NotSlack::Unsigned) };
    let hash = signature.strip_prefix("v0=").and_then(|hash| hex::decode(hash).ok()).ok_or(NotSlack::WrongSignature)?;
    hmac::verify(&key(signing_secret), &signed(timestamp, body), &hash).map_err(|_| NotSlack::WrongSignature)?;
    let at = timestamp.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1000)).map(UnixMs);
    let at = at.ok_or(NotSlack::TooOld)?;
    match at.since_ms(now).max(now.since_ms(at)) > AGE_MS_MAX {
        true => Err(NotSlack::TooOld),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Slack's documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: &str = "1531420618";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const NOW: UnixMs = UnixMs(1_531_420_618_000);

    #[test]
    fn the_documented_example_is_signed() {
        assert_eq!(sign(SECRET, AT, BODY.as_bytes()), SIGNATURE);
    }

    #[test]
    fn only_slacks_own_and_recent_calls_are_taken() {
        let wrong = SIGNATURE.replace("a2", "a3");
        let (wrong_signature, too_old) = (Err(NotSlack::WrongSignature), Err(NotSlack::TooOld));
        let cases = [
            (Some(AT), Some(SIGNATURE), BODY, NOW, Ok(())),
            (Some(AT), Some(SIGNATURE), BODY, NOW + 300_000, Ok(())),
            (Some(AT), Some(SIGNATURE), BODY, NOW - 300_000, Ok(())),
            (Some(AT), Some(SIGNATURE), BODY, NOW + 300_001, too_old),
            (Some(AT), Some(SIGNATURE), BODY, NOW - 300_001, too_old),
            (Some("1531420619"), Some(SIGNATURE), BODY, NOW, wrong_signature),
            (Some(AT), Some(&*wrong), BODY, NOW, wrong_signature),
            (Some(AT), Some("v0="), BODY, NOW, wrong_signature),
            (Some(AT), Some(&SIGNATURE[3..]), BODY, NOW, wrong_signature),
            (Some(AT), Some(SIGNATURE), &BODY[1..], NOW, wrong_signature),
            (None, Some(SIGNATURE), BODY, NOW, Err(NotSlack::Unsigned)),
            (Some(AT), None, BODY, NOW, Err(NotSlack::Unsigned)),
        ];
        for (timestamp, signature, body, now, expected) in cases {
            let got = verify(SECRET, timestamp, signature, body.as_bytes(), now);
            assert_eq!(got, expected, "{timestamp:?} {signature:?} {now:?}");
        }
        let strange = sign(SECRET, "soon", b"");
        assert_eq!(verify(SECRET, Some("soon"), Some(&strange), b"", NOW), too_old);
    }
}
