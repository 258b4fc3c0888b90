//! Opaque random values (codes, refresh tokens, session ids) and how they are kept: never themselves, only
//! their SHA-256, so that a copy of the store opens nothing. They have 256 random bits, so no salt is needed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A fresh value with 256 random bits, as 43 characters of base64url.
pub(crate) fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What the store keeps of a secret value.
pub(crate) fn digest(value: &str) -> Vec<u8> {
    Sha256::digest(value.as_bytes()).to_vec()
}

/// Compares without telling by its duration where two values differ.
pub(crate) fn same(left: &str, right: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(&digest(left), &digest(right)).is_ok()
}
