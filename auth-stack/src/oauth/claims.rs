//! What tokens say. Pure: the time is passed in.

use super::discovery::WRONG_ISSUER;
use crate::fault::{FaultKind, Hits};
use crate::store::User;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What was granted, to whom, by whom.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Granted {
    pub client_id: String,
    /// Absent: the client itself.
    pub user: Option<User>,
    pub scope: String,
    /// An API beside the userinfo endpoint.
    pub audience: Option<String>,
    pub nonce: Option<String>,
    pub auth_time_ms: Option<i64>,
}

pub(super) struct Terms<'a> {
    pub issuer: &'a str,
    pub now_s: i64,
    pub lifetime_s: u32,
    pub hits: &'a Hits,
}

const HOUR_S: i64 = 3_600;

impl Terms<'_> {
    fn issuer(&self) -> &str {
        if self.hits.has(FaultKind::WrongIssuer) { WRONG_ISSUER } else { self.issuer }
    }

    /// Issued at, and expiry.
    fn times(&self) -> (i64, i64) {
        let lifetime_s = i64::from(self.lifetime_s);
        if self.hits.has(FaultKind::ExpiredToken) {
            (self.now_s - lifetime_s - HOUR_S, self.now_s - HOUR_S)
        } else if self.hits.has(FaultKind::FutureToken) {
            (self.now_s + 600, self.now_s + 600 + lifetime_s)
        } else {
            (self.now_s, self.now_s + lifetime_s)
        }
    }

    fn audience(&self, audience: Value) -> Value {
        if self.hits.has(FaultKind::WrongAudience) { json!("https://somebody-else.tocsin.test/") } else { audience }
    }

    /// An access token (RFC 9068).
    pub fn access(&self, granted: &Granted) -> Value {
        let (issued_s, expires_s) = self.times();
        // Without a user there is no userinfo to ask for.
        let userinfo = granted.user.as_ref().map(|_| format!("{}userinfo", self.issuer()));
        let mut audiences: Vec<String> = granted.audience.iter().cloned().chain(userinfo).collect();
        let audience = if audiences.len() == 1 { json!(audiences.remove(0)) } else { json!(audiences) };
        let subject = match &granted.user {
            Some(user) => user.id.clone(),
            None => format!("{}@clients", granted.client_id),
        };
        let mut claims = json!({
            "iss": self.issuer(),
            "sub": subject,
            "aud": self.audience(audience),
            "client_id": granted.client_id,
            "azp": granted.client_id,
            "scope": granted.scope,
            "iat": issued_s,
            "nbf": issued_s,
            "exp": expires_s,
            "jti": uuid::Uuid::new_v4().to_string(),
        });
        if let Some(auth_time_ms) = granted.auth_time_ms {
            claims["auth_time"] = json!(auth_time_ms / 1_000);
        }
        claims
    }

    /// An ID token (OpenID Connect Core section 2).
    pub fn id(&self, granted: &Granted, user: &User, access_token: &str) -> Value {
        let (issued_s, expires_s) = self.times();
        let mut claims = json!({
            "iss": self.issuer(),
            "sub": user.id,
            "aud": self.audience(json!(granted.client_id)),
            "azp": granted.client_id,
            "iat": issued_s,
            "nbf": issued_s,
            "exp": expires_s,
            "at_hash": URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token)[..16]),
        });
        if let Some(auth_time_ms) = granted.auth_time_ms {
            claims["auth_time"] = json!(auth_time_ms / 1_000);
        }
        if let Some(nonce) = &granted.nonce {
            let wrong = self.hits.has(FaultKind::WrongNonce);
            claims["nonce"] = if wrong { json!(format!("not-{nonce}")) } else { json!(nonce) };
        }
        add_profile(&mut claims, &granted.scope, user);
        claims
    }
}

/// The claims that the scopes `profile` and `email` ask for.
pub(super) fn add_profile(claims: &mut Value, scope: &str, user: &User) {
    if super::scope::has(scope, "profile") {
        claims["name"] = json!(user.name);
        claims["nickname"] = json!(user.email.split('@').next().unwrap_or_default());
        claims["updated_at"] = json!(user.created_ms / 1_000);
    }
    if super::scope::has(scope, "email") {
        claims["email"] = json!(user.email);
        claims["email_verified"] = json!(true);
    }
}
