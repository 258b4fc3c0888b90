//! `/docs`, the front page that leads there, and the page that codes are sent to.

use super::{Page, layout, message};
use crate::cdn::LIBRARY_VERSION;
use crate::oauth::Parameters;
use crate::provider::Node;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;
use std::sync::Arc;

pub(crate) async fn home() -> Redirect {
    Redirect::to("/docs")
}

const ENDPOINTS: [(&str, &str); 12] = [
    ("/.well-known/openid-configuration", "where everything is"),
    ("/.well-known/jwks.json", "the keys that tokens are signed with"),
    ("/authorize", "starts a login; authorization code with PKCE"),
    ("/oauth/token", "tokens by code, password, client credentials, refresh token or device code"),
    ("/oauth/device/code", "starts the device flow"),
    ("/activate", "where a person types in the code that a device shows"),
    ("/userinfo", "who the bearer of an access token is"),
    ("/dbconnections/signup", "a new account"),
    ("/v2/logout", "ends the session"),
    ("/dashboard", "the last logins"),
    ("/cdn/manifest.json", "the JavaScript library with its integrity hash"),
    ("/test", "how this node is"),
];

pub(crate) async fn docs(State(node): State<Arc<Node>>) -> Page {
    let provider = &node.provider;
    let (origin, integrity) = (&provider.origin, &provider.assets.library_integrity);
    let script = format!(
        "<script src=\"{origin}/cdn/client/tocsin-spa.js\"></script>\n\
         <script src=\"{origin}/cdn/auth.min.js\"\n  integrity=\"{integrity}\"\n  crossorigin=\"anonymous\"></script>\n\
         <script>TocsinAuth.login()</script>"
    );
    let body = html! {
        h1 { "Documentation" }
        p { "An OpenID Connect provider to point checks at. Issuer: " code { (provider.issuer) } }
        h2 #endpoints { "Endpoints" }
        table {
            tbody { @for (path, text) in ENDPOINTS { tr { td { code { (path) } } td { (text) } } } }
        }
        h2 #quickstart { "Quickstart" }
        p { "Version " (LIBRARY_VERSION) " of the library in a page:" }
        pre { code { (script) } }
        h2 #clients { "Clients" }
        ul {
            @for client in provider.clients.iter() {
                li { code { (client.id) } @if client.is_public() { " (public)" } @else { " (confidential)" } }
            }
        }
    };
    layout("Documentation", false, &html! {}, &body)
}

/// Where the reference client's codes go. A real application would redeem it; this page only says that it came.
pub(crate) async fn callback(RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::of_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    match (parameters.get("code"), parameters.get("error")) {
        (Some(_), _) => message("You are logged in", "The application has received a code for you.").into_response(),
        (None, Some(error)) => {
            (StatusCode::BAD_REQUEST, message("The login failed", &format!("The provider says: {error}.")))
                .into_response()
        }
        (None, None) => (StatusCode::BAD_REQUEST, message("Nothing arrived", "There is neither a code nor an error."))
            .into_response(),
    }
}
