//! Browser sessions, and logins that are under way.

use super::users::User;
use super::{Store, StoreError};
use crate::accounts::Continuation;
use crate::secret::digest;
use rusqlite::{OptionalExtension as _, params};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Session {
    pub user: User,
    /// When the user typed the password.
    pub created_ms: i64,
}

/// A login page that was shown and waits for its form.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct LoginTransaction {
    pub csrf: String,
    /// The value of the cookie that ties the page to one browser; empty until the page was shown.
    pub browser: String,
    pub continuation: Continuation,
}

impl Store {
    pub async fn add_session(
        &self,
        session_id: &str,
        user_id: &str,
        now_ms: i64,
        expires_ms: i64,
    ) -> Result<(), StoreError> {
        let (hash, user_id) = (digest(session_id), user_id.to_owned());
        self.run(move |transaction| {
            transaction.execute(
                "insert into sessions (hash, user_id, created_ms, expires_ms) values (?1, ?2, ?3, ?4)",
                params![hash, user_id, now_ms, expires_ms],
            )?;
            Ok(())
        })
        .await
    }

    pub async fn session(&self, session_id: &str, now_ms: i64) -> Result<Option<Session>, StoreError> {
        let hash = digest(session_id);
        self.run(move |transaction| {
            let session = transaction.query_row(
                "select users.id, email, name, password_hash, users.created_ms, sessions.created_ms
                 from sessions join users on users.id = user_id where hash = ?1 and expires_ms > ?2",
                params![hash, now_ms],
                |row| {
                    let user = User {
                        id: row.get(0)?,
                        email: row.get(1)?,
                        name: row.get(2)?,
                        password_hash: row.get(3)?,
                        created_ms: row.get(4)?,
                    };
                    Ok(Session { user, created_ms: row.get(5)? })
                },
            );
            Ok(session.optional()?)
        })
        .await
    }

    /// Ends a session. Returns whether there was one.
    pub async fn end_session(&self, session_id: &str) -> Result<bool, StoreError> {
        let hash = digest(session_id);
        self.run(
            move |transaction| Ok(transaction.execute("delete from sessions where hash = ?1", params![hash])? == 1),
        )
        .await
    }

    pub async fn add_login_transaction(
        &self,
        id: &str,
        login: LoginTransaction,
        expires_ms: i64,
    ) -> Result<(), StoreError> {
        let hash = digest(id);
        self.run(move |transaction| {
            transaction.execute(
                "insert into login_transactions (hash, csrf, browser, continuation, expires_ms) values (?1, ?2, ?3, ?4, ?5)",
                params![hash, login.csrf, login.browser, serde_json::to_string(&login.continuation)?, expires_ms],
            )?;
            Ok(())
        })
        .await
    }

    pub async fn login_transaction(&self, id: &str, now_ms: i64) -> Result<Option<LoginTransaction>, StoreError> {
        let hash = digest(id);
        self.run(move |transaction| {
            let row: Option<(String, String, String)> = transaction
                .query_row(
                    "select csrf, browser, continuation from login_transactions where hash = ?1 and expires_ms > ?2",
                    params![hash, now_ms],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .optional()?;
            row.map(|(csrf, browser, continuation)| {
                Ok(LoginTransaction { csrf, browser, continuation: serde_json::from_str(&continuation)? })
            })
            .transpose()
        })
        .await
    }

    /// Ties a login to the browser that shows its page.
    pub async fn bind_login_transaction(&self, id: &str, browser: &str) -> Result<(), StoreError> {
        let (hash, browser) = (digest(id), browser.to_owned());
        self.run(move |transaction| {
            transaction
                .execute("update login_transactions set browser = ?2 where hash = ?1", params![hash, browser])?;
            Ok(())
        })
        .await
    }

    pub async fn end_login_transaction(&self, id: &str) -> Result<(), StoreError> {
        let hash = digest(id);
        self.run(move |transaction| {
            transaction.execute("delete from login_transactions where hash = ?1", params![hash])?;
            Ok(())
        })
        .await
    }
}
