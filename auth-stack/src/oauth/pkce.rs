//! Proof Key for Code Exchange (RFC 7636), with S256 only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Whether the text could be an S256 challenge: a SHA-256 in base64url.
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// Whether the verifier has the form of section 4.1: 43 to 128 unreserved characters.
pub(super) fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

pub(super) fn verifies(verifier: &str, challenge: &str) -> bool {
    is_verifier(verifier) && crate::secret::same(&URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)), challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_verifier_of_the_challenge_verifies() {
        // The example of RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(challenge));
        assert!(verifies(verifier, challenge));
        for wrong in [challenge, "", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk ", &verifier[1..], &"a".repeat(129)] {
            assert!(!verifies(wrong, challenge), "{wrong:?}");
        }
        for wrong in ["", "plain", &challenge[1..], "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"] {
            assert!(!is_challenge(wrong), "{wrong:?}");
        }
    }
}
