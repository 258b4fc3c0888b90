//! The RSA keys that sign tokens: made at the first start, kept in the store, published as a JWKS (RFC 7517).
//!
//! One key is current. After a rotation the former ones stay published until the tokens that they signed have
//! expired. Keys are parsed once and sign directly through aws-lc-rs: `jsonwebtoken` would parse the private key
//! again for every token.

use crate::store::{Store, StoreError, StoredKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// Keys that a JWKS lists at most; older ones are dropped.
const KEYS_MAX: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    #[error("the RSA key could not be generated")]
    Generate,
    #[error("the stored signing key {kid} does not parse; remove it from the table signing_keys to make a new one")]
    Parse { kid: String },
    #[error("signing failed")]
    Sign,
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(crate) struct SigningKey {
    pub kid: String,
    pair: KeyPair,
    /// base64url, as in a JWK.
    pub modulus: String,
    pub exponent: String,
}

impl SigningKey {
    /// Takes some 100 ms: call it on a blocking thread.
    fn generate() -> Result<(SigningKey, StoredKey), SigningError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| SigningError::Generate)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SigningError::Generate)?;
        let pkcs8 = der.as_ref().to_vec();
        let key = SigningKey::of_pair(pair);
        let stored = StoredKey { kid: key.kid.clone(), pkcs8 };
        Ok((key, stored))
    }

    fn of_pair(pair: KeyPair) -> SigningKey {
        let modulus = URL_SAFE_NO_PAD.encode(pair.public_key().modulus().big_endian_without_leading_zero());
        let exponent = URL_SAFE_NO_PAD.encode(pair.public_key().exponent().big_endian_without_leading_zero());
        // The kid is the key's thumbprint (RFC 7638): the same key has the same name everywhere.
        let thumbprint = Sha256::digest(format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#));
        SigningKey { kid: URL_SAFE_NO_PAD.encode(thumbprint), pair, modulus, exponent }
    }

    fn of_stored(stored: &StoredKey) -> Result<SigningKey, SigningError> {
        let pair = KeyPair::from_pkcs8(&stored.pkcs8).map_err(|_| SigningError::Parse { kid: stored.kid.clone() })?;
        Ok(SigningKey::of_pair(pair))
    }

    pub fn jwk(&self) -> Value {
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": self.modulus, "e": self.exponent})
    }

    /// Signs claims as a compact JWS (RFC 7515) with RS256.
    pub fn sign(&self, kind: TokenKind, claims: &Value) -> Result<String, SigningError> {
        let header = json!({"alg": "RS256", "typ": kind.header_type(), "kid": self.kid});
        let mut token = [header.to_string(), claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .map_err(|_| SigningError::Sign)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TokenKind {
    /// RFC 9068.
    Access,
    Id,
}

impl TokenKind {
    fn header_type(self) -> &'static str {
        match self {
            TokenKind::Access => "at+jwt",
            TokenKind::Id => "JWT",
        }
    }
}

/// Replaces a token's signature by one that has the right length and does not verify.
pub(crate) fn spoil_signature(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The keys in use. Never empty.
pub(crate) struct KeyRing {
    /// The current key first.
    keys: RwLock<Vec<Arc<SigningKey>>>,
    /// What the fault `expired-key` signs with: a key that was never published.
    retired: OnceLock<Arc<SigningKey>>,
}

impl KeyRing {
    /// Loads the keys, or makes the first.
    pub async fn open(store: &Store, now_ms: i64, token_lifetime_ms: i64) -> Result<KeyRing, SigningError> {
        let stored = store.signing_keys(now_ms - token_lifetime_ms).await?;
        let mut keys = stored.iter().map(SigningKey::of_stored).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            keys.push(Self::add(store, now_ms).await?);
        }
        keys.truncate(KEYS_MAX);
        Ok(KeyRing { keys: RwLock::new(keys.into_iter().map(Arc::new).collect()), retired: OnceLock::new() })
    }

    async fn add(store: &Store, now_ms: i64) -> Result<SigningKey, SigningError> {
        let generated = tokio::task::spawn_blocking(SigningKey::generate).await;
        let (key, stored) = generated.map_err(|_| SigningError::Generate)??;
        store.add_signing_key(stored, now_ms).await?;
        Ok(key)
    }

    /// Makes a new key current. The former ones stay published.
    pub async fn rotate(&self, store: &Store, now_ms: i64) -> Result<Arc<SigningKey>, SigningError> {
        let key = Arc::new(Self::add(store, now_ms).await?);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(0, Arc::clone(&key));
        keys.truncate(KEYS_MAX);
        Ok(key)
    }

    pub fn all(&self) -> Vec<Arc<SigningKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn current(&self) -> Arc<SigningKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.first().expect("a key ring holds at least the key it was opened with"))
    }

    pub fn find(&self, kid: &str) -> Option<Arc<SigningKey>> {
        self.all().into_iter().find(|key| key.kid == kid)
    }

    /// A key that no JWKS lists, made when it is first asked for.
    pub async fn retired(&self) -> Result<Arc<SigningKey>, SigningError> {
        if let Some(key) = self.retired.get() {
            return Ok(Arc::clone(key));
        }
        let generated = tokio::task::spawn_blocking(SigningKey::generate).await;
        let (key, _) = generated.map_err(|_| SigningError::Generate)??;
        Ok(Arc::clone(self.retired.get_or_init(|| Arc::new(key))))
    }

    pub fn jwks(&self) -> Value {
        json!({"keys": self.all().iter().map(|key| key.jwk()).collect::<Vec<_>>()})
    }
}
