use crate::notification::NotificationId;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::fmt;

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme>
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const PREFIX: &str = "whsec_";

/// What sender and receiver share: `whsec_` and 24 to 64 random bytes in Base64.
#[derive(Clone)]
pub struct SigningSecret(hmac::Key);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; write `whsec_` and the Base64 of 24 to 64 random bytes, such as `echo whsec_$(openssl rand -base64 32)` prints"
)]
pub struct SigningSecretError(String);

impl SigningSecret {
    /// The error does not show the secret.
    pub fn parse(text: &str) -> Result<Self, SigningSecretError> {
        let wrong = |problem: &str| SigningSecretError(problem.to_owned());
        let encoded = text.strip_prefix(PREFIX).ok_or_else(|| wrong("it does not begin with `whsec_`"))?;
        let key = BASE64_STANDARD.decode(encoded).map_err(|_| wrong("what follows `whsec_` is no Base64"))?;
        if !KEY_BYTES.contains(&key.len()) {
            return Err(SigningSecretError(format!("it has {} bytes", key.len())));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The value of the header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let mut signed = format!("{id}.{timestamp_s}.").into_bytes();
        signed.extend_from_slice(body);
        format!("v1,{}", BASE64_STANDARD.encode(hmac::sign(&self.0, &signed)))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The header `webhook-id`: what a receiver that has seen it before throws away. What is signed joins it to the time with a
/// dot, so it has none itself.
pub(super) fn webhook_id(id: &NotificationId) -> String {
    format!("msg_{}", id.0.replace('.', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_is_met() {
        // The one that the libraries of the specification's own repository are tested with.
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(format!("{secret:?}"), "[secret]");
    }

    #[test]
    fn secrets_are_accepted_or_refused_unseen() {
        let of = |bytes: usize| format!("{PREFIX}{}", BASE64_STANDARD.encode(vec![7u8; bytes]));
        let cases = [
            (of(24), None),
            (of(64), None),
            (of(23), Some("23 bytes")),
            (of(65), Some("65 bytes")),
            (of(32).replace(PREFIX, ""), Some("does not begin")),
            ("whsec_not base64".to_owned(), Some("no Base64")),
            (String::new(), Some("does not begin")),
        ];
        for (text, problem) in cases {
            match (SigningSecret::parse(&text), problem) {
                (Ok(_), None) => {}
                (Err(error), Some(part)) => {
                    let error = error.to_string();
                    assert!(error.contains(part) && (text.is_empty() || !error.contains(&text)), "{error}");
                }
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }

    #[test]
    fn ids_have_no_dot() {
        assert_eq!(webhook_id(&NotificationId::new("journal", 7, 3)), "msg_journal_7_3");
    }
}
