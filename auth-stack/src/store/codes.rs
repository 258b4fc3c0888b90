//! Authorization codes: short-lived, and good once.

use super::{Store, StoreError};
use crate::secret::digest;
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

/// What a code stands for, fixed when it is issued.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct CodeGrant {
    pub client_id: String,
    pub redirect_uri: String,
    /// The S256 challenge of PKCE; absent only for confidential clients that sent none.
    pub challenge: Option<String>,
    pub user_id: String,
    pub scope: String,
    pub audience: Option<String>,
    pub nonce: Option<String>,
    pub auth_time_ms: i64,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Redemption {
    /// The first use. Refresh tokens that follow belong to `family`.
    Granted {
        grant: CodeGrant,
        family: String,
    },
    Unknown,
    Expired,
    /// Used before: whoever has it may have stolen it, so the tokens of the first use are revoked
    /// (RFC 6749 section 4.1.2).
    Reused,
}

impl Store {
    pub async fn add_code(&self, code: &str, grant: CodeGrant, expires_ms: i64) -> Result<(), StoreError> {
        let hash = digest(code);
        self.run(move |transaction| {
            transaction.execute(
                "insert into codes (hash, family, detail, expires_ms) values (?1, ?2, ?3, ?4)",
                params![hash, uuid::Uuid::new_v4().to_string(), serde_json::to_string(&grant)?, expires_ms],
            )?;
            Ok(())
        })
        .await
    }

    /// Uses a code up, whatever comes of it: a wrong verifier does not get a second guess.
    pub async fn redeem_code(&self, code: &str, now_ms: i64) -> Result<Redemption, StoreError> {
        let hash = digest(code);
        self.run(move |transaction| {
            let row: Option<(String, String, Option<i64>, i64)> = transaction
                .query_row("select family, detail, used_ms, expires_ms from codes where hash = ?1", [&hash], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })
                .optional()?;
            let Some((family, detail, used_ms, expires_ms)) = row else { return Ok(Redemption::Unknown) };
            if used_ms.is_some() {
                transaction.execute("update refresh_tokens set revoked = 1 where family = ?1", [family])?;
                return Ok(Redemption::Reused);
            }
            transaction.execute("update codes set used_ms = ?2 where hash = ?1", params![hash, now_ms])?;
            if expires_ms <= now_ms {
                return Ok(Redemption::Expired);
            }
            Ok(Redemption::Granted { grant: serde_json::from_str(&detail)?, family })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> CodeGrant {
        CodeGrant {
            client_id: "spa".to_owned(),
            redirect_uri: "https://client.test/callback".to_owned(),
            challenge: None,
            user_id: "auth|1".to_owned(),
            scope: "openid".to_owned(),
            audience: None,
            nonce: None,
            auth_time_ms: 0,
        }
    }

    #[tokio::test]
    async fn a_code_is_good_once_and_for_a_while() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open(&directory.path().join("s.sqlite")).expect("a store");
        for code in ["prompt", "late"] {
            store.add_code(code, grant(), 1_000).await.expect("a stored code");
        }
        let first = store.redeem_code("prompt", 999).await.expect("an answer");
        assert!(matches!(first, Redemption::Granted { grant, .. } if grant == self::grant()));
        assert_eq!(store.redeem_code("prompt", 999).await.expect("an answer"), Redemption::Reused);
        assert_eq!(store.redeem_code("late", 1_000).await.expect("an answer"), Redemption::Expired);
        assert_eq!(store.redeem_code("guess", 1).await.expect("an answer"), Redemption::Unknown);
    }
}
