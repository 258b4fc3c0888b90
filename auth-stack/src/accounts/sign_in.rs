//! The one place where a password is tried.

use crate::fault::{FaultKind, Hits};
use crate::provider::{InternalError, Node};
use crate::store::{SignIn, User};

/// How somebody signs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Page,
    PasswordGrant,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Way::Page => "page",
            Way::PasswordGrant => "password-grant",
        }
    }
}

/// The account, if the password is its own. Counted and remembered either way.
pub(crate) async fn sign_in(
    node: &Node,
    hits: &Hits,
    email: &str,
    password: &str,
    client_id: &str,
    way: Way,
    now_ms: i64,
) -> Result<Option<User>, InternalError> {
    let provider = &node.provider;
    let user = provider.store.user_by_email(email).await?;
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let right = provider.passwords.verify(password, hash).await? && !hits.has(FaultKind::LoginsFail);
    if !right {
        provider.metrics.failed_login(&node.name, way.name());
    } else if !hits.has(FaultKind::LoginsFall) {
        provider.metrics.login(&node.name, way.name());
    }
    // Only addresses of accounts are remembered: people type passwords into the wrong field.
    let email = user.as_ref().map_or_else(|| "(unknown)".to_owned(), |user| user.email.clone());
    let sign_in = SignIn {
        at_ms: now_ms,
        node: node.name.clone(),
        email,
        client_id: client_id.to_owned(),
        way: way.name().to_owned(),
        succeeded: right,
    };
    provider.store.add_sign_in(sign_in).await?;
    Ok(user.filter(|_| right))
}
