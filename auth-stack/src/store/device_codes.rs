//! Device codes (RFC 8628): a code that a device polls with, and a short one that a person types in.

use super::{Store, StoreError};
use crate::secret::digest;
use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

/// What a device asked for, fixed when its code is issued.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceGrant {
    pub client_id: String,
    pub scope: String,
    pub audience: Option<String>,
}

/// What a person made of a device's code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answered {
    Allowed { user_id: String, at_ms: i64 },
    Denied,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Poll {
    /// The first poll after a person allowed it. The code is used up.
    Granted {
        grant: DeviceGrant,
        user_id: String,
        auth_time_ms: i64,
    },
    Pending,
    /// Sooner than the interval after the last poll.
    TooSoon,
    Denied,
    Expired,
    /// No such code, one that was used up, or one of another client.
    Unknown,
}

type Row = (String, Option<i64>, Option<String>, Option<i64>, bool, i64);

impl Store {
    /// Says whether the short code was free.
    pub async fn add_device_code(
        &self,
        code: &str,
        user_code: &str,
        grant: DeviceGrant,
        expires_ms: i64,
    ) -> Result<bool, StoreError> {
        let (hash, user_code) = (digest(code), user_code.to_owned());
        self.run(move |transaction| {
            let added = transaction.execute(
                "insert into device_codes (hash, user_code, detail, expires_ms) values (?1, ?2, ?3, ?4)
                 on conflict (user_code) do nothing",
                params![hash, user_code, serde_json::to_string(&grant)?, expires_ms],
            )?;
            Ok(added == 1)
        })
        .await
    }

    /// Takes a person's answer; says whether there is such a code that waits for one.
    pub async fn answer_device_code(
        &self,
        user_code: &str,
        answered: Answered,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let user_code = user_code.to_owned();
        let (user_id, at_ms) = match answered {
            Answered::Allowed { user_id, at_ms } => (Some(user_id), Some(at_ms)),
            Answered::Denied => (None, None),
        };
        self.run(move |transaction| {
            let changed = transaction.execute(
                "update device_codes set user_id = ?2, auth_time_ms = ?3, denied = ?2 is null
                 where user_code = ?1 and user_id is null and not denied and expires_ms > ?4",
                params![user_code, user_id, at_ms, now_ms],
            )?;
            Ok(changed == 1)
        })
        .await
    }

    pub async fn poll_device_code(
        &self,
        code: &str,
        client_id: &str,
        interval_ms: i64,
        now_ms: i64,
    ) -> Result<Poll, StoreError> {
        let (hash, client_id) = (digest(code), client_id.to_owned());
        self.run(move |transaction| {
            let row: Option<Row> = transaction
                .query_row(
                    "select detail, polled_ms, user_id, auth_time_ms, denied, expires_ms from device_codes where hash = ?1",
                    [&hash],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)),
                )
                .optional()?;
            let Some((detail, polled_ms, user_id, auth_time_ms, denied, expires_ms)) = row else {
                return Ok(Poll::Unknown);
            };
            let grant: DeviceGrant = serde_json::from_str(&detail)?;
            if grant.client_id != client_id {
                return Ok(Poll::Unknown);
            }
            if expires_ms <= now_ms {
                return Ok(Poll::Expired);
            }
            if denied {
                return Ok(Poll::Denied);
            }
            if let (Some(user_id), Some(auth_time_ms)) = (user_id, auth_time_ms) {
                transaction.execute("delete from device_codes where hash = ?1", [&hash])?;
                return Ok(Poll::Granted { grant, user_id, auth_time_ms });
            }
            transaction.execute("update device_codes set polled_ms = ?2 where hash = ?1", params![hash, now_ms])?;
            let is_soon = polled_ms.is_some_and(|polled_ms| now_ms < polled_ms + interval_ms);
            Ok(if is_soon { Poll::TooSoon } else { Poll::Pending })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_device_waits_for_a_person() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = Store::open(&directory.path().join("s.sqlite")).expect("a store");
        let grant = DeviceGrant { client_id: "tv".to_owned(), scope: "openid".to_owned(), audience: None };
        for (code, user_code) in [("a", "A"), ("b", "B"), ("late", "C")] {
            assert!(store.add_device_code(code, user_code, grant.clone(), 10_000).await.expect("an answer"));
        }
        assert!(!store.add_device_code("c", "A", grant.clone(), 10_000).await.expect("an answer"), "the code is taken");
        let poll = |code: &'static str, now_ms| store.poll_device_code(code, "tv", 1_000, now_ms);
        assert_eq!(poll("a", 0).await.expect("an answer"), Poll::Pending);
        assert_eq!(poll("a", 999).await.expect("an answer"), Poll::TooSoon);
        assert_eq!(poll("a", 1_999).await.expect("an answer"), Poll::Pending);
        let allowed = Answered::Allowed { user_id: "auth|1".to_owned(), at_ms: 2_000 };
        assert!(store.answer_device_code("A", allowed.clone(), 2_000).await.expect("an answer"));
        assert!(!store.answer_device_code("A", Answered::Denied, 2_000).await.expect("an answer"), "answered once");
        assert!(!store.answer_device_code("C", allowed, 10_000).await.expect("an answer"), "too late");
        assert_eq!(store.poll_device_code("a", "else", 0, 3_000).await.expect("an answer"), Poll::Unknown);
        let granted = Poll::Granted { grant, user_id: "auth|1".to_owned(), auth_time_ms: 2_000 };
        assert_eq!(poll("a", 3_000).await.expect("an answer"), granted);
        assert_eq!(poll("a", 4_000).await.expect("an answer"), Poll::Unknown);
        assert!(store.answer_device_code("B", Answered::Denied, 0).await.expect("an answer"));
        assert_eq!(poll("b", 0).await.expect("an answer"), Poll::Denied);
        assert_eq!(poll("late", 10_000).await.expect("an answer"), Poll::Expired);
    }
}
