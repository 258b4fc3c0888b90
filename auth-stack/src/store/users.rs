//! Accounts.

use super::{Store, StoreError};
use rusqlite::{OptionalExtension as _, Row, params};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct User {
    /// The subject of its tokens, such as `auth|5f1c…`.
    pub id: String,
    pub email: String,
    pub name: String,
    /// A PHC string; never leaves the process.
    pub password_hash: String,
    pub created_ms: i64,
}

pub(crate) struct NewUser {
    pub email: String,
    pub name: String,
    pub password_hash: String,
    /// Seeded accounts are never swept.
    pub seeded: bool,
}

fn user_of(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get("id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        created_ms: row.get("created_ms")?,
    })
}

impl Store {
    /// Adds an account; `None` when the e-mail address is taken. Addresses are compared without regard to case.
    pub async fn add_user(&self, user: NewUser, now_ms: i64) -> Result<Option<User>, StoreError> {
        self.run(move |transaction| {
            let user_row = User {
                id: format!("auth|{}", uuid::Uuid::new_v4().simple()),
                email: user.email.to_lowercase(),
                name: user.name,
                password_hash: user.password_hash,
                created_ms: now_ms,
            };
            let added = transaction.execute(
                "insert into users (id, email, name, password_hash, created_ms, seeded) values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (email) do nothing",
                params![user_row.id, user_row.email, user_row.name, user_row.password_hash, now_ms, user.seeded],
            )?;
            Ok((added == 1).then_some(user_row))
        })
        .await
    }

    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        let email = email.to_lowercase();
        self.run(move |transaction| {
            Ok(transaction.query_row("select * from users where email = ?1", [email], user_of).optional()?)
        })
        .await
    }

    pub async fn user_by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        let id = id.to_owned();
        self.run(move |transaction| {
            Ok(transaction.query_row("select * from users where id = ?1", [id], user_of).optional()?)
        })
        .await
    }

    pub async fn user_count(&self) -> Result<i64, StoreError> {
        self.run(|transaction| Ok(transaction.query_row("select count(*) from users", [], |row| row.get(0))?)).await
    }
}
