//! `private_key_jwt` (RFC 7523 section 3, OpenID Connect Core section 9): a client proves who it is by a token that it
//! signs itself.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// One that is good for longer would be worth stealing.
const LIFETIME_S_MAX: i64 = 300;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: i64,
    jti: String,
}

/// Whose assertion this claims to be, before anything of it is verified.
pub(super) fn claimed_client(assertion: &str) -> Option<String> {
    use base64::Engine as _;
    let payload = assertion.split('.').nth(1)?;
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Claims>(&json).ok().map(|claims| claims.sub)
}

/// Whether a client signed this assertion, for one of these audiences, and it is good now.
pub(super) fn verify(
    assertion: &str,
    client_id: &str,
    public_key_pem: &str,
    audiences: &[String],
    now_s: i64,
) -> Result<(), &'static str> {
    use jsonwebtoken::errors::ErrorKind;
    let key = DecodingKey::from_ec_pem(public_key_pem.as_bytes()).map_err(|_| "the client's key is unusable")?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.leeway = 0;
    validation.set_audience(audiences);
    let decoded = jsonwebtoken::decode::<Claims>(assertion, &key, &validation).map_err(|error| match error.kind() {
        ErrorKind::ExpiredSignature => "the client_assertion has expired",
        ErrorKind::InvalidAudience => "the client_assertion is not for this token endpoint",
        ErrorKind::InvalidSignature => "the client_assertion is not signed by the client's key",
        ErrorKind::InvalidAlgorithm => "the client_assertion must be signed with ES256",
        _ => "the client_assertion does not parse, or lacks iss, sub, aud, exp or jti",
    })?;
    let Claims { iss, sub, exp, jti } = decoded.claims;
    if iss != client_id || sub != client_id {
        return Err("iss and sub of the client_assertion must be the client_id");
    }
    if jti.is_empty() {
        return Err("the jti of the client_assertion is empty");
    }
    if exp > now_s + LIFETIME_S_MAX {
        return Err("the client_assertion is good for longer than five minutes");
    }
    Ok(())
}
