//! `/authorize` (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2): from an application to the login page,
//! and back with a code.

use super::authorization_request::{AuthorizationRequest, Refusal, validate};
use super::discovery::WRONG_ISSUER;
use super::parameters::Parameters;
use crate::accounts::{self, Continuation};
use crate::clock::now_ms;
use crate::fault::{FaultKind, Hits};
use crate::pages;
use crate::provider::{InternalError, Node};
use crate::secret::random_token;
use crate::store::{CodeGrant, Session};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// What comes of a good request, given the session of the browser.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Decision {
    Code,
    Login,
    LoginRequired,
}

fn decide(request: &AuthorizationRequest, session: Option<&Session>, now_ms: i64) -> Decision {
    let good = session.is_some_and(|session| {
        let age_ms = now_ms.saturating_sub(session.created_ms);
        !request.fresh_login && request.max_age_s.is_none_or(|max_age_s| age_ms <= max_age_s.saturating_mul(1_000))
    });
    match (good, request.silent) {
        (true, _) => Decision::Code,
        (false, true) => Decision::LoginRequired,
        (false, false) => Decision::Login,
    }
}

pub(crate) async fn authorize(
    State(node): State<Arc<Node>>,
    Extension(hits): Extension<Hits>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, InternalError> {
    let parameters = if method == Method::POST {
        Parameters::of_body(&headers, &body)
    } else {
        Parameters::of_form(query.unwrap_or_default().as_bytes())
    };
    let request = match validate(parameters, &node.provider.clients) {
        Ok(request) => request,
        Err(Refusal::Page(why)) => {
            return Ok((StatusCode::BAD_REQUEST, pages::message("This login cannot start", &why)).into_response());
        }
        Err(Refusal::Redirect { redirect_uri, state, error, description }) => {
            let answer =
                [("error", Some(error)), ("error_description", Some(&description)), ("state", state.as_deref())];
            return Ok(redirect_to_client(&node, &hits, &redirect_uri, &answer));
        }
    };
    let now_ms = now_ms();
    let session = accounts::current_session(&node, &headers, now_ms).await?;
    match (decide(&request, session.as_ref(), now_ms), session) {
        (Decision::Code, Some(session)) => redirect_with_code(&node, &hits, &request, &session, now_ms).await,
        (Decision::LoginRequired, _) => {
            let answer = [
                ("error", Some("login_required")),
                ("error_description", Some("there is no session")),
                ("state", request.state.as_deref()),
            ];
            Ok(redirect_to_client(&node, &hits, &request.redirect_uri, &answer))
        }
        (Decision::Code | Decision::Login, _) => {
            accounts::redirect_to_login(&node, Continuation::Authorize(Box::new(request)), now_ms).await
        }
    }
}

/// Sends the browser back to the application with a fresh code.
pub(crate) async fn redirect_with_code(
    node: &Node,
    hits: &Hits,
    request: &AuthorizationRequest,
    session: &Session,
    now_ms: i64,
) -> Result<Response, InternalError> {
    let code = random_token();
    let grant = CodeGrant {
        client_id: request.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        user_id: session.user.id.clone(),
        scope: request.scope.clone(),
        audience: request.audience.clone(),
        nonce: request.nonce.clone(),
        auth_time_ms: session.created_ms,
    };
    let expires_ms = now_ms + i64::from(node.provider.lifetimes.code_s) * 1_000;
    node.provider.store.add_code(&code, grant, expires_ms).await?;
    let answer = [("code", Some(code.as_str())), ("state", request.state.as_deref())];
    Ok(redirect_to_client(node, hits, &request.redirect_uri, &answer))
}

/// Registered redirect URIs have no query, so the answer is the whole of it. The issuer goes along (RFC 9207).
fn redirect_to_client(node: &Node, hits: &Hits, redirect_uri: &str, answer: &[(&str, Option<&str>)]) -> Response {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in answer {
        match value {
            Some(value) if *key == "state" && hits.has(FaultKind::WrongState) => {
                query.append_pair(key, &format!("not-{value}"));
            }
            Some(value) => {
                query.append_pair(key, value);
            }
            None => {}
        }
    }
    let issuer = if hits.has(FaultKind::WrongIssuer) { WRONG_ISSUER } else { &node.provider.issuer };
    query.append_pair("iss", issuer);
    let location = format!("{redirect_uri}?{}", query.finish());
    (StatusCode::FOUND, [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::User;

    fn request(more: &str) -> AuthorizationRequest {
        let clients = crate::oauth::Clients::seeded("https://localhost:9443");
        let query =
            format!("response_type=code&client_id=tocsin-native&redirect_uri=https://localhost:9443/callback{more}");
        validate(Parameters::of_form(query.as_bytes()), &clients).expect("a good request")
    }

    #[test]
    fn the_session_and_the_prompt_decide() {
        let session = Session {
            user: User {
                id: String::new(),
                email: String::new(),
                name: String::new(),
                password_hash: String::new(),
                created_ms: 0,
            },
            created_ms: 10_000,
        };
        for (more, with_session, now_ms, decision) in [
            ("", true, 20_000, Decision::Code),
            ("", false, 20_000, Decision::Login),
            ("&prompt=none", true, 20_000, Decision::Code),
            ("&prompt=none", false, 20_000, Decision::LoginRequired),
            ("&prompt=login", true, 20_000, Decision::Login),
            ("&max_age=10", true, 20_000, Decision::Code),
            ("&max_age=10", true, 20_001, Decision::Login),
            ("&max_age=10&prompt=none", true, 20_001, Decision::LoginRequired),
        ] {
            let request = request(more);
            let session = with_session.then_some(&session);
            assert_eq!(decide(&request, session, now_ms), decision, "{more} {with_session} {now_ms}");
        }
    }
}
