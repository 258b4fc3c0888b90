//! `/v2/logout`: ends the session, and sends the browser on to an address that is known.

use super::cookies;
use super::login::add_cookie;
use crate::oauth::Parameters;
use crate::pages;
use crate::provider::{InternalError, Node};
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// Whether a browser may be sent there: pages of this site, and the registered redirect URIs. Anything else would
/// make the site a springboard for forged links.
fn is_allowed(node: &Node, url: &str) -> bool {
    let provider = &node.provider;
    let own = ["", "/", "/docs", "/login", "/dashboard"];
    url.strip_prefix(&provider.origin).is_some_and(|path| own.contains(&path))
        || provider.clients.iter().any(|client| client.redirect_uris.iter().any(|allowed| allowed == url))
}

pub(crate) async fn logout(
    State(node): State<Arc<Node>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, InternalError> {
    let parameters = Parameters::of_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    // The second name is that of OpenID Connect RP-Initiated Logout.
    let return_to = parameters.get("returnTo").or_else(|| parameters.get("post_logout_redirect_uri"));
    if return_to.is_some_and(|url| !is_allowed(&node, url)) {
        let text = "The address to return to is not registered.";
        return Ok((StatusCode::BAD_REQUEST, pages::message("This logout is refused", text)).into_response());
    }
    if let Some(session_id) = cookies::value(&headers, cookies::SESSION)
        && node.provider.store.end_session(&session_id).await?
    {
        node.provider.metrics.logout(&node.name);
    }
    let mut response = match return_to {
        Some(url) => {
            (StatusCode::FOUND, [(LOCATION, url.to_owned()), (CACHE_CONTROL, "no-store".to_owned())]).into_response()
        }
        None => pages::message("You are logged out", "You can close this page.").into_response(),
    };
    add_cookie(&mut response, &cookies::clear(cookies::SESSION, "/"));
    Ok(response)
}
