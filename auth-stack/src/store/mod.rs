//! What the provider remembers: one SQLite file that all nodes share.
//!
//! Secrets (codes, refresh tokens, session ids) are kept as SHA-256 digests, passwords as argon2 strings. What
//! must happen once (redeeming a code, rotating a refresh token) is one transaction each, and returns what it found as
//! a type. Everything has an end: rows expire and are swept, and the lists that do not expire are cut to a length.
//!
//! One connection behind a mutex: SQLite has one writer anyway, and each statement here takes microseconds. The
//! work is done on tokio's blocking threads, never on those that serve sockets.

mod codes;
mod device_codes;
mod keys;
mod refresh_tokens;
mod sessions;
mod sign_ins;
mod users;

pub(crate) use codes::{CodeGrant, Redemption};
pub(crate) use device_codes::{Answered, DeviceGrant, Poll};
pub(crate) use keys::StoredKey;
pub(crate) use refresh_tokens::{Next, RefreshGrant, Rotation};
pub(crate) use sessions::{LoginTransaction, Session};
pub(crate) use sign_ins::SignIn;
pub(crate) use users::{NewUser, User};

use rusqlite::Connection;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Accounts beyond this number, oldest first, are forgotten; the seeded ones stay.
const USERS_MAX: i64 = 10_000;
const SIGN_INS_MAX: i64 = 1_000;
/// How long a used refresh token is remembered, so that its reuse is recognised and not just unknown.
const USED_TOKEN_KEPT_MS: i64 = 24 * 3_600_000;

const SCHEMA: &str = "
    create table if not exists users (
        id text primary key, email text not null unique, name text not null, password_hash text not null,
        created_ms integer not null, seeded integer not null) strict;
    create table if not exists sessions (
        hash blob primary key, user_id text not null references users on delete cascade,
        created_ms integer not null, expires_ms integer not null) strict;
    create table if not exists login_transactions (
        hash blob primary key, csrf text not null, browser text not null, continuation text not null,
        expires_ms integer not null) strict;
    create table if not exists codes (
        hash blob primary key, family text not null, detail text not null, used_ms integer,
        expires_ms integer not null) strict;
    create table if not exists device_codes (
        hash blob primary key, user_code text not null unique, detail text not null, polled_ms integer,
        user_id text, auth_time_ms integer, denied integer not null default 0, expires_ms integer not null) strict;
    create table if not exists refresh_tokens (
        hash blob primary key, family text not null, detail text not null, used_ms integer, revoked integer not null default 0,
        expires_ms integer not null) strict;
    create index if not exists refresh_tokens_by_family on refresh_tokens (family);
    create table if not exists sign_ins (
        id integer primary key, at_ms integer not null, node text not null, email text not null, client_id text not null,
        way text not null, succeeded integer not null) strict;
    create table if not exists signing_keys (
        kid text primary key, pkcs8 blob not null, created_ms integer not null, retired_ms integer) strict;
";

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot create {path}: {source}")]
    Create { path: PathBuf, source: std::io::Error },
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the store holds a row that does not parse: {0}")]
    Row(#[from] serde_json::Error),
    #[error("the store's thread ended early")]
    ThreadEnded,
}

/// A query that takes longer is slow: each of these takes microseconds.
const SLOW: Duration = Duration::from_millis(100);

#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    slow_queries: Arc<AtomicU64>,
}

impl Store {
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        // SQLite would create the file readable by everybody; it holds password hashes and private keys.
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| StoreError::Create { path: path.to_owned(), source })?;
        let connection = Connection::open(path)?;
        // A target may lose its last instants in a power cut; NORMAL keeps the file itself whole.
        connection
            .execute_batch("pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on;")?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.execute_batch(SCHEMA)?;
        Ok(Store { connection: Arc::new(Mutex::new(connection)), slow_queries: Arc::default() })
    }

    /// Slow queries since this was asked the last time.
    pub fn take_slow_queries(&self) -> u64 {
        self.slow_queries.swap(0, Ordering::Relaxed)
    }

    /// Runs `work` on a blocking thread, in one transaction.
    async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (connection, slow_queries) = (Arc::clone(&self.connection), Arc::clone(&self.slow_queries));
        tokio::task::spawn_blocking(move || {
            // A transaction that unwound was rolled back, so the connection is sound.
            let mut connection = connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let began = Instant::now();
            let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            if began.elapsed() > SLOW {
                slow_queries.fetch_add(1, Ordering::Relaxed);
            }
            Ok(value)
        })
        .await
        .map_err(|_| StoreError::ThreadEnded)?
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.run(|transaction| Ok(transaction.query_row("select 1", [], |_| Ok(()))?)).await
    }

    /// Removes what has expired and what is over a bound.
    pub async fn sweep(&self, now_ms: i64) -> Result<(), StoreError> {
        self.run(move |transaction| {
            transaction.execute("delete from sessions where expires_ms <= ?1", [now_ms])?;
            transaction.execute("delete from login_transactions where expires_ms <= ?1", [now_ms])?;
            transaction.execute("delete from device_codes where expires_ms <= ?1", [now_ms])?;
            transaction.execute("delete from codes where expires_ms <= ?1", [now_ms - USED_TOKEN_KEPT_MS])?;
            transaction.execute(
                "delete from refresh_tokens where expires_ms <= ?1 or used_ms <= ?2",
                [now_ms, now_ms - USED_TOKEN_KEPT_MS],
            )?;
            transaction.execute(
                "delete from users where not seeded and id not in (select id from users order by created_ms desc limit ?1)",
                [USERS_MAX],
            )?;
            transaction.execute(
                "delete from sign_ins where id <= (select max(id) from sign_ins) - ?1",
                [SIGN_INS_MAX],
            )?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[tokio::test]
    async fn a_store_is_private_and_opens_again() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("auth.sqlite");
        for _ in 0..2 {
            Store::open(&path).expect("a store").ping().await.expect("an answer");
        }
        assert_eq!(std::fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
    }
}
