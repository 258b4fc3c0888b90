//! The listener of the pages, and who may read them.

use crate::config::{Authentication, Settings};
use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;
use tokio::net::TcpListener;

pub(super) async fn bind(settings: &Settings) -> anyhow::Result<TcpListener> {
    TcpListener::bind(settings.listen).await.with_context(|| {
        format!(
            "the status page cannot listen on {}; write another `listen` in {}, or stop what is listening there",
            settings.listen,
            settings.file.display()
        )
    })
}

pub(super) async fn serve(listener: TcpListener, pages: Router, authentication: Option<Authentication>) {
    let pages = match authentication {
        Some(authentication) => pages.layer(middleware::from_fn(move |request: Request, next: Next| {
            let admitted = is_authenticated(request.headers(), &authentication);
            async move { if admitted { next.run(request).await } else { challenge() } }
        })),
        None => pages.layer(middleware::from_fn(async |request: Request, next: Next| {
            if is_local_name(request.headers()) { next.run(request).await } else { foreign_name() }
        })),
    };
    if let Err(error) = axum::serve(listener, pages).await {
        tracing::error!(%error, "the status page has stopped");
    }
}

/// HTTP basic authentication (RFC 7617).
fn is_authenticated(headers: &HeaderMap, authentication: &Authentication) -> bool {
    let expected = format!("{}:{}", authentication.user, authentication.password.expose());
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let encoded =
        given.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let given = encoded.and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok()).unwrap_or_default();
    // Every byte is looked at, whatever the ones before it were: the time taken says nothing about them.
    let differences = given.iter().zip(expected.as_bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == expected.len() && differences == 0
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
    use crate::config::Secret;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn only_the_right_password_is_let_in() {
        let authentication =
            Authentication { user: "oncall".to_owned(), password: Secret::new("a long password".to_owned()) };
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let cases = [
            (basic("oncall:a long password"), true),
            (basic("oncall:a long password").replace("Basic", "basic"), true),
            (basic("oncall:a long passwore"), false),
            (basic("oncall:a long password "), false),
            (basic("oncall:"), false),
            (basic(""), false),
            ("Basic ???".to_owned(), false),
            (basic("oncall:a long password").replace("Basic", "Bearer"), false),
        ];
        for (value, admitted) in cases {
            assert_eq!(is_authenticated(&headers(header::AUTHORIZATION, &value), &authentication), admitted, "{value}");
        }
        assert!(!is_authenticated(&HeaderMap::new(), &authentication));
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
