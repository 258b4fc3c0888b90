//! `/login`: the page with the form, and what becomes of it.
//!
//! A login page belongs to one login (`state`), carries a token against forged forms (`csrf`), and works in the one
//! browser that it was shown to (a cookie), so that nobody can be made to log in as somebody else.

use super::cookies;
use super::sign_in::{Way, sign_in};
use crate::clock::now_ms;
use crate::fault::{FaultKind, Hits};
use crate::oauth::{AuthorizationRequest, Parameters, redirect_with_code};
use crate::pages;
use crate::provider::{InternalError, Node};
use crate::secret::{random_token, same};
use crate::store::{LoginTransaction, Session};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where a browser goes once somebody has logged in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Continuation {
    /// To an application, with a code.
    Authorize(Box<AuthorizationRequest>),
    Dashboard,
    /// To where a device's code is typed in.
    Activate {
        user_code: String,
    },
}

impl Continuation {
    fn client_id(&self) -> &str {
        match self {
            Continuation::Authorize(request) => &request.client_id,
            Continuation::Dashboard => "dashboard",
            Continuation::Activate { .. } => "activate",
        }
    }

    fn login_hint(&self) -> Option<&str> {
        match self {
            Continuation::Authorize(request) => request.login_hint.as_deref(),
            Continuation::Dashboard | Continuation::Activate { .. } => None,
        }
    }
}

/// Starts a login and sends the browser to its page.
pub(crate) async fn redirect_to_login(
    node: &Node,
    continuation: Continuation,
    now_ms: i64,
) -> Result<Response, InternalError> {
    let provider = &node.provider;
    let id = random_token();
    let login = LoginTransaction { csrf: random_token(), browser: String::new(), continuation };
    let expires_ms = now_ms + i64::from(provider.lifetimes.login_page_s) * 1_000;
    provider.store.add_login_transaction(&id, login, expires_ms).await?;
    let location = format!("{}/login?state={id}", provider.origin);
    Ok((StatusCode::FOUND, [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())]).into_response())
}

fn expired_page() -> Response {
    let text = "It was open for too long, or was used already. Please start again from the application.";
    (StatusCode::BAD_REQUEST, pages::message("This login page has expired", text)).into_response()
}

pub(crate) async fn login_page(
    State(node): State<Arc<Node>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, InternalError> {
    let (provider, now_ms) = (&node.provider, now_ms());
    let parameters = Parameters::of_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let Some(id) = parameters.get("state") else {
        return redirect_to_login(&node, Continuation::Dashboard, now_ms).await;
    };
    let Some(login) = provider.store.login_transaction(id, now_ms).await? else { return Ok(expired_page()) };
    // Several tabs of one browser share the cookie.
    let browser = cookies::value(&headers, cookies::LOGIN).unwrap_or_else(random_token);
    if login.browser != browser {
        if !login.browser.is_empty() {
            return Ok(expired_page());
        }
        provider.store.bind_login_transaction(id, &browser).await?;
    }
    let username = login.continuation.login_hint().unwrap_or_default();
    let page = pages::login(&pages::LoginForm { provider, state: id, csrf: &login.csrf, username, alert: None });
    let mut response = page.into_response();
    add_cookie(&mut response, &cookies::set(cookies::LOGIN, &browser, "/login", provider.lifetimes.login_page_s));
    Ok(response)
}

pub(crate) async fn login_form(
    State(node): State<Arc<Node>>,
    Extension(hits): Extension<Hits>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, InternalError> {
    let (provider, now_ms) = (&node.provider, now_ms());
    let Ok(parameters) = Parameters::of_body(&headers, &body) else {
        let page = pages::message("This form cannot be read", "Please start again from the application.");
        return Ok((StatusCode::BAD_REQUEST, page).into_response());
    };
    let id = parameters.get("state").unwrap_or_default();
    let Some(login) = provider.store.login_transaction(id, now_ms).await? else { return Ok(expired_page()) };
    let browser = cookies::value(&headers, cookies::LOGIN).unwrap_or_default();
    let is_own_page = same(parameters.get("csrf").unwrap_or_default(), &login.csrf);
    let is_own_browser = !login.browser.is_empty() && same(&browser, &login.browser);
    if !is_own_page || !is_own_browser {
        let text = "The form did not come from the login page that this browser was shown.";
        return Ok((StatusCode::FORBIDDEN, pages::message("This login is refused", text)).into_response());
    }
    let username = parameters.get("username").unwrap_or_default();
    let password = parameters.get("password").unwrap_or_default();
    let client_id = login.continuation.client_id();
    let Some(user) = sign_in(&node, &hits, username, password, client_id, Way::Page, now_ms).await? else {
        let alert = Some("Wrong e-mail address or password.");
        let page = pages::login(&pages::LoginForm { provider, state: id, csrf: &login.csrf, username, alert });
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };

    provider.store.end_login_transaction(id).await?;
    // Always a new session: one that somebody else planted in this browser must not become the user's.
    let (session_id, lifetime_s) = (random_token(), provider.lifetimes.session_s);
    provider.store.add_session(&session_id, &user.id, now_ms, now_ms + i64::from(lifetime_s) * 1_000).await?;
    let session = Session { user, created_ms: now_ms };
    let mut response = match &login.continuation {
        Continuation::Authorize(request) => redirect_with_code(&node, &hits, request, &session, now_ms).await?,
        Continuation::Activate { user_code } => {
            let location = format!("{}/activate?user_code={user_code}", provider.origin);
            (StatusCode::FOUND, [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())]).into_response()
        }
        Continuation::Dashboard => {
            let location = format!("{}/dashboard", provider.origin);
            (StatusCode::FOUND, [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())]).into_response()
        }
    };
    let set = if hits.has(FaultKind::InsecureCookie) { cookies::set_insecure } else { cookies::set };
    add_cookie(&mut response, &set(cookies::SESSION, &session_id, "/", lifetime_s));
    add_cookie(&mut response, &cookies::clear(cookies::LOGIN, "/login"));
    Ok(response)
}

pub(super) fn add_cookie(response: &mut Response, cookie: &str) {
    // Cookies are made of base64url and constants.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
