//! The signing keys, so that tokens outlive a restart.

use super::{Store, StoreError};
use rusqlite::params;

#[derive(Clone)]
pub(crate) struct StoredKey {
    pub kid: String,
    pub pkcs8: Vec<u8>,
}

impl Store {
    /// The keys that still count, the current one first.
    pub async fn signing_keys(&self, retired_after_ms: i64) -> Result<Vec<StoredKey>, StoreError> {
        self.run(move |transaction| {
            let mut statement = transaction.prepare(
                "select kid, pkcs8 from signing_keys where retired_ms is null or retired_ms > ?1
                 order by retired_ms is not null, created_ms desc",
            )?;
            let rows = statement
                .query_map([retired_after_ms], |row| Ok(StoredKey { kid: row.get(0)?, pkcs8: row.get(1)? }))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })
        .await
    }

    /// Makes `key` the current one and retires the others.
    pub async fn add_signing_key(&self, key: StoredKey, now_ms: i64) -> Result<(), StoreError> {
        self.run(move |transaction| {
            transaction.execute("update signing_keys set retired_ms = ?1 where retired_ms is null", [now_ms])?;
            transaction.execute(
                "insert into signing_keys (kid, pkcs8, created_ms) values (?1, ?2, ?3)",
                params![key.kid, key.pkcs8, now_ms],
            )?;
            Ok(())
        })
        .await
    }
}
