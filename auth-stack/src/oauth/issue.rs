//! From what was granted to the answer with tokens.

use super::claims::{Granted, Terms};
use super::scope;
use crate::fault::{FaultKind, Hits};
use crate::provider::Provider;
use crate::signing::{SigningError, TokenKind, spoil_signature};
use serde_json::{Value, json};

/// Signs the tokens of a grant and puts the answer together (RFC 6749 section 5.1).
pub(super) async fn issue(
    provider: &Provider,
    granted: &Granted,
    refresh_token: Option<String>,
    hits: &Hits,
    now_ms: i64,
) -> Result<Value, SigningError> {
    let key = if hits.has(FaultKind::ExpiredKey) { provider.keys.retired().await? } else { provider.keys.current() };
    let sign = |kind, claims: &Value| -> Result<String, SigningError> {
        let token = key.sign(kind, claims)?;
        Ok(if hits.has(FaultKind::BadSignature) { spoil_signature(&token) } else { token })
    };
    let terms = Terms { issuer: &provider.issuer, now_s: now_ms / 1_000, lifetime_s: provider.lifetimes.token_s, hits };
    let access_token = sign(TokenKind::Access, &terms.access(granted))?;
    let mut answer = json!({
        "token_type": "Bearer",
        "expires_in": provider.lifetimes.token_s,
        "scope": granted.scope,
    });
    if let Some(user) = &granted.user
        && scope::has(&granted.scope, "openid")
    {
        answer["id_token"] = json!(sign(TokenKind::Id, &terms.id(granted, user, &access_token))?);
    }
    answer["access_token"] = json!(access_token);
    if let Some(refresh_token) = refresh_token {
        answer["refresh_token"] = json!(refresh_token);
    }
    Ok(answer)
}
