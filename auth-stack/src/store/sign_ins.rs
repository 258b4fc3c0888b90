//! The last sign-ins, for the dashboard.

use super::{Store, StoreError};
use rusqlite::params;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SignIn {
    pub at_ms: i64,
    pub node: String,
    pub email: String,
    pub client_id: String,
    /// `page` or `password-grant`.
    pub way: String,
    pub succeeded: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct SignInTotals {
    pub succeeded: i64,
    pub failed: i64,
}

impl Store {
    pub async fn add_sign_in(&self, sign_in: SignIn) -> Result<(), StoreError> {
        self.run(move |transaction| {
            transaction.execute(
                "insert into sign_ins (at_ms, node, email, client_id, way, succeeded) values (?1, ?2, ?3, ?4, ?5, ?6)",
                params![sign_in.at_ms, sign_in.node, sign_in.email, sign_in.client_id, sign_in.way, sign_in.succeeded],
            )?;
            Ok(())
        })
        .await
    }

    /// The newest first.
    pub async fn recent_sign_ins(&self, count_max: i64) -> Result<Vec<SignIn>, StoreError> {
        self.run(move |transaction| {
            let mut statement = transaction.prepare(
                "select at_ms, node, email, client_id, way, succeeded from sign_ins order by id desc limit ?1",
            )?;
            let rows = statement.query_map([count_max], |row| {
                Ok(SignIn {
                    at_ms: row.get(0)?,
                    node: row.get(1)?,
                    email: row.get(2)?,
                    client_id: row.get(3)?,
                    way: row.get(4)?,
                    succeeded: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })
        .await
    }

    pub async fn sign_in_totals(&self, since_ms: i64) -> Result<SignInTotals, StoreError> {
        self.run(move |transaction| {
            Ok(transaction.query_row(
                "select count(*) filter (where succeeded), count(*) filter (where not succeeded)
                 from sign_ins where at_ms >= ?1",
                [since_ms],
                |row| Ok(SignInTotals { succeeded: row.get(0)?, failed: row.get(1)? }),
            )?)
        })
        .await
    }
}
