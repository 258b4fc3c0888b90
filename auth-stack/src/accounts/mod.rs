//! Accounts and browsers: sign-up, the login page, sessions and logout.

mod cookies;
mod login;
mod logout;
mod sign_in;
mod signup;

pub(crate) use login::{Continuation, login_form, login_page, redirect_to_login};
pub(crate) use logout::logout;
pub(crate) use sign_in::{Way, sign_in};
pub(crate) use signup::signup;

use crate::provider::Node;
use crate::secret::digest;
use crate::store::{Session, StoreError};
use axum::http::HeaderMap;

/// The session of the browser that sent these headers.
pub(crate) async fn current_session(
    node: &Node,
    headers: &HeaderMap,
    now_ms: i64,
) -> Result<Option<Session>, StoreError> {
    match cookies::value(headers, cookies::SESSION) {
        Some(session_id) => node.provider.store.session(&session_id, now_ms).await,
        None => Ok(None),
    }
}

/// What a form of this browser's session must carry: another site neither knows nor guesses the session.
pub(crate) fn form_token(headers: &HeaderMap) -> Option<String> {
    Some(hex::encode(digest(&format!("form {}", cookies::value(headers, cookies::SESSION)?))))
}
