//! The listener of the pages, and who may read them.

use super::caller::Caller;
use super::unread;
use crate::config::{Authentication, Secret, Settings};
use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What programs may ask with the token alone.
const API: &str = "/api/";

/// What programs say with a URL of their own.
const HEARTBEATS: &str = "/heartbeats/";

pub(super) async fn bind(settings: &Settings) -> anyhow::Result<TcpListener> {
    TcpListener::bind(settings.listen).await.with_context(|| {
        format!(
            "the status page cannot listen on {}; write another `listen` in {}, or stop what is listening there",
            settings.listen,
            settings.file.display()
        )
    })
}

/// Whoever calls is known to what they call by [`Caller`].
pub(super) async fn serve(listener: TcpListener, pages: Router, authentication: Option<Authentication>, token: Secret) {
    let (authentication, token) = (Arc::new(authentication), Arc::new(token));
    let pages = pages.layer(middleware::from_fn(move |mut request: Request, next: Next| {
        let caller = Caller::of(request.headers(), authentication.as_ref().as_ref(), &token);
        let refused = refused(&request, &caller, authentication.is_some());
        request.extensions_mut().insert(caller);
        async move {
            match refused {
                Some(refused) => refused,
                None => next.run(request).await,
            }
        }
    }));
    let pages = pages.layer(middleware::from_fn(unread::read_to_the_end));
    if let Err(error) = axum::serve(listener, pages).await {
        tracing::error!(%error, "the status page has stopped");
    }
}

fn refused(request: &Request, caller: &Caller, is_closed: bool) -> Option<Response> {
    if !is_closed {
        return (!is_local_name(request.headers())).then(foreign_name);
    }
    // Whoever calls there has their own proof in the path.
    if request.uri().path().starts_with(HEARTBEATS) {
        return None;
    }
    match caller {
        Caller::Person(_) => None,
        Caller::Program if request.uri().path().starts_with(API) => None,
        Caller::Program | Caller::Anybody => Some(challenge()),
    }
}

fn challenge() -> Response {
    let headers = [(header::WWW_AUTHENTICATE, "Basic realm=\"Tocsin\", charset=\"UTF-8\"")];
    (StatusCode::UNAUTHORIZED, headers, "user and password are those of [authentication]\n").into_response()
}

/// Without authentication the pages are this machine's alone. A web page elsewhere can point a name of its own at this
/// address and read them through a visitor's browser (DNS rebinding), but the browser then sends that name.
fn is_local_name(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return true };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

fn foreign_name() -> Response {
    (StatusCode::MISDIRECTED_REQUEST, "without [authentication] the pages answer to localhost and addresses only\n")
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_token_opens_the_api_and_the_password_everything() {
        let person = Caller::Person("oncall".to_owned());
        let cases = [
            ("/", &person, true),
            ("/", &Caller::Program, false),
            ("/", &Caller::Anybody, false),
            ("/heartbeats/backup/0123", &Caller::Anybody, true),
            ("/heartbeats", &Caller::Anybody, false),
            ("/api/v1/silences", &person, true),
            ("/api/v1/silences", &Caller::Program, true),
            ("/api/v1/silences", &Caller::Anybody, false),
        ];
        for (path, caller, is_let_in) in cases {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            assert_eq!(refused(&request, caller, true).is_none(), is_let_in, "{path} {caller:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_answered_without_authentication() {
        let cases = [
            ("127.0.0.1:9480", true),
            ("localhost:9480", true),
            ("LOCALHOST", true),
            ("[::1]:9480", true),
            ("rebound.example.com:9480", false),
            ("localhost.example.com", false),
        ];
        for (host, local) in cases {
            assert_eq!(is_local_name(&headers(header::HOST, host)), local, "{host}");
        }
    }
}
