//! Who calls at the pages' listener, and whether they may act.
//!
//! The token of [`crate::running`] proves that the caller may read the data folder; user and password of `[authentication]`
//! that it is somebody whom the pages are for. A browser sends the latter by itself, also for a page of somebody else's, so
//! that an act that comes with them has to be one that no foreign page can make a browser send.

use crate::config::{Authentication, Secret};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderMap, Method, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// Has the token.
    Program,
    /// Has the password; their name.
    Person(String),
    Anybody,
}

/// Why somebody may not act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MayNot {
    Unknown,
    FromElsewhere,
    NotJson,
}

impl Caller {
    pub(super) fn of(headers: &HeaderMap, authentication: Option<&Authentication>, token: &Secret) -> Self {
        if let Some(given) = credentials(headers, "bearer")
            && same(given.as_bytes(), token.expose())
        {
            return Self::Program;
        }
        let Some(authentication) = authentication else { return Self::Anybody };
        let expected = format!("{}:{}", authentication.user, authentication.password.expose());
        let given = credentials(headers, "basic").and_then(|encoded| STANDARD.decode(encoded).ok());
        match given {
            Some(given) if same(&given, &expected) => Self::Person(authentication.user.clone()),
            _ => Self::Anybody,
        }
    }

    /// Whether this request may change something.
    pub(super) fn may_act(&self, method: &Method, headers: &HeaderMap) -> Result<(), MayNot> {
        match self {
            Self::Program => Ok(()),
            Self::Anybody => Err(MayNot::Unknown),
            Self::Person(_) if is_from_elsewhere(headers) => Err(MayNot::FromElsewhere),
            // A form of a foreign page can be sent without asking; JSON and other methods than POST cannot.
            Self::Person(_) if *method == Method::POST && !is_json(headers) => Err(MayNot::NotJson),
            Self::Person(_) => Ok(()),
        }
    }
}

/// What follows the scheme in `Authorization` (RFC 7617 and 6750).
fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (given, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
}

/// The time that this takes says nothing about where they differ.
fn same(given: &[u8], expected: &str) -> bool {
    verify_slices_are_equal(given, expected.as_bytes()).is_ok()
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Whether a browser says that another site's page made it send this. Programs say nothing of the kind.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let is_foreign_site = text(headers, "sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let host = text(headers, header::HOST);
    let is_foreign_origin = text(headers, header::ORIGIN)
        .is_some_and(|origin| origin.split_once("://").is_none_or(|(_, authority)| Some(authority) != host));
    is_foreign_site || is_foreign_origin
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = text(headers, header::CONTENT_TYPE).and_then(|text| text.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_password_and_the_token_are_known_and_nothing_else() {
        let authentication =
            Authentication { user: "oncall".to_owned(), password: Secret::new("a long password".to_owned()) };
        let token = Secret::new("0123abcd".to_owned());
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let (person, nobody) = (Caller::Person("oncall".to_owned()), Caller::Anybody);
        let cases = [
            (basic("oncall:a long password"), &person, &nobody),
            (basic("oncall:a long password").replace("Basic", "basic"), &person, &nobody),
            (basic("oncall:a long passwore"), &nobody, &nobody),
            (basic("oncall:a long password "), &nobody, &nobody),
            (basic("oncall:"), &nobody, &nobody),
            (basic(""), &nobody, &nobody),
            ("Basic ???".to_owned(), &nobody, &nobody),
            (basic("oncall:a long password").replace("Basic", "Bearer"), &nobody, &nobody),
            ("Bearer 0123abcd".to_owned(), &Caller::Program, &Caller::Program),
            ("bearer 0123abcd".to_owned(), &Caller::Program, &Caller::Program),
            ("Bearer 0123abce".to_owned(), &nobody, &nobody),
            ("Bearer ".to_owned(), &nobody, &nobody),
            ("0123abcd".to_owned(), &nobody, &nobody),
        ];
        for (value, with, without) in cases {
            let headers = headers(&[("authorization", &value)]);
            assert_eq!(Caller::of(&headers, Some(&authentication), &token), *with, "{value}");
            assert_eq!(Caller::of(&headers, None, &token), *without, "{value}");
        }
        assert_eq!(Caller::of(&HeaderMap::new(), Some(&authentication), &token), nobody);
    }

    #[test]
    fn a_foreign_page_cannot_act_with_a_visitors_password() {
        let json = ("content-type", "application/json; charset=utf-8");
        let host = ("host", "tocsin.example.com");
        type Case<'a> = (Method, &'a [(&'static str, &'a str)], Result<(), MayNot>);
        let cases: [Case<'_>; 9] = [
            (Method::POST, &[host, json], Ok(())),
            (Method::POST, &[host, json, ("origin", "https://tocsin.example.com")], Ok(())),
            (Method::POST, &[host, json, ("origin", "https://evil.example.com")], Err(MayNot::FromElsewhere)),
            (Method::POST, &[host, json, ("origin", "null")], Err(MayNot::FromElsewhere)),
            (Method::POST, &[host, json, ("sec-fetch-site", "same-site")], Err(MayNot::FromElsewhere)),
            (Method::POST, &[host, ("content-type", "text/plain")], Err(MayNot::NotJson)),
            (Method::POST, &[host], Err(MayNot::NotJson)),
            (Method::DELETE, &[host], Ok(())),
            (Method::DELETE, &[host, ("origin", "https://evil.example.com")], Err(MayNot::FromElsewhere)),
        ];
        for (method, given, expected) in cases {
            let headers = headers(given);
            assert_eq!(Caller::Person("oncall".to_owned()).may_act(&method, &headers), expected, "{method} {given:?}");
            assert_eq!(Caller::Program.may_act(&method, &headers), Ok(()));
            assert_eq!(Caller::Anybody.may_act(&method, &headers), Err(MayNot::Unknown));
        }
    }
}
