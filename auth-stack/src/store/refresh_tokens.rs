//! Refresh tokens. Each is good once; using it hands out the next of its family. If a used one comes back, somebody
//! has a copy, and nobody can tell who: the whole family is revoked (RFC 9700 section 4.14.2).

use super::{Store, StoreError};
use crate::secret::digest;
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

/// What a refresh token stands for; the same for its whole family.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct RefreshGrant {
    pub client_id: String,
    pub user_id: String,
    pub scope: String,
    pub audience: Option<String>,
    pub auth_time_ms: i64,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Rotation {
    Rotated(RefreshGrant),
    Unknown,
    Expired,
    /// Its family was revoked before.
    Revoked,
    /// Used before; its family is revoked now.
    Reused,
    /// It belongs to another client. Left as it is: its owner did nothing wrong.
    OtherClient,
}

/// What becomes of a token that is presented and good.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Next {
    /// It is used up, and this one takes its place.
    Replace { token: String, expires_ms: i64 },
    /// It stays. Only a fault asks for this.
    Keep,
}

impl Store {
    /// Starts a family, or continues that of a code.
    pub async fn add_refresh_token(
        &self,
        token: &str,
        family: Option<String>,
        grant: RefreshGrant,
        expires_ms: i64,
    ) -> Result<(), StoreError> {
        let hash = digest(token);
        self.run(move |transaction| {
            let family = family.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            transaction.execute(
                "insert into refresh_tokens (hash, family, detail, expires_ms) values (?1, ?2, ?3, ?4)",
                params![hash, family, serde_json::to_string(&grant)?, expires_ms],
            )?;
            Ok(())
        })
        .await
    }

    pub async fn rotate_refresh_token(
        &self,
        token: &str,
        client_id: &str,
        next: Next,
        now_ms: i64,
    ) -> Result<Rotation, StoreError> {
        let (hash, client_id) = (digest(token), client_id.to_owned());
        self.run(move |transaction| {
            let row: Option<(String, String, Option<i64>, bool, i64)> = transaction
                .query_row(
                    "select family, detail, used_ms, revoked, expires_ms from refresh_tokens where hash = ?1",
                    [&hash],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
                )
                .optional()?;
            let Some((family, detail, used_ms, revoked, expires_ms)) = row else { return Ok(Rotation::Unknown) };
            let grant: RefreshGrant = serde_json::from_str(&detail)?;
            if grant.client_id != client_id {
                return Ok(Rotation::OtherClient);
            }
            if revoked {
                return Ok(Rotation::Revoked);
            }
            if used_ms.is_some() {
                transaction.execute("update refresh_tokens set revoked = 1 where family = ?1", [family])?;
                return Ok(Rotation::Reused);
            }
            if expires_ms <= now_ms {
                return Ok(Rotation::Expired);
            }
            if let Next::Replace { token, expires_ms } = next {
                transaction.execute("update refresh_tokens set used_ms = ?2 where hash = ?1", params![hash, now_ms])?;
                transaction.execute(
                    "insert into refresh_tokens (hash, family, detail, expires_ms) values (?1, ?2, ?3, ?4)",
                    params![digest(&token), family, detail, expires_ms],
                )?;
            }
            Ok(Rotation::Rotated(grant))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reuse_revokes_the_whole_family_and_no_other() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open(&directory.path().join("s.sqlite")).expect("a store");
        let grant = RefreshGrant {
            client_id: "native".to_owned(),
            user_id: "auth|1".to_owned(),
            scope: "openid".to_owned(),
            audience: None,
            auth_time_ms: 0,
        };
        for token in ["a1", "b1"] {
            store.add_refresh_token(token, None, grant.clone(), 1_000).await.expect("a stored token");
        }
        let rotated = Rotation::Rotated(grant);
        for (step, token, client, next, now_ms, expected) in [
            ("another client's", "a1", "spa", "a2", 1, Rotation::OtherClient),
            ("first use", "a1", "native", "a2", 1, rotated.clone()),
            ("second use", "a2", "native", "a3", 2, rotated.clone()),
            ("reuse of the first", "a1", "native", "a4", 3, Rotation::Reused),
            ("the newest is revoked too", "a3", "native", "a5", 4, Rotation::Revoked),
            ("nothing was issued for the reuse", "a4", "native", "a6", 4, Rotation::Unknown),
            ("the other family stands", "b1", "native", "b2", 5, rotated),
            ("but not for ever", "b2", "native", "b3", 1_000, Rotation::Expired),
        ] {
            let next = Next::Replace { token: next.to_owned(), expires_ms: 1_000 };
            let outcome = store.rotate_refresh_token(token, client, next, now_ms).await.expect("an answer");
            assert_eq!(outcome, expected, "{step}");
        }
    }
}
