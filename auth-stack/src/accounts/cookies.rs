//! The two cookies: the session, and the one that ties a login page to a browser.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

pub(super) const SESSION: &str = "auth_session";
pub(super) const LOGIN: &str = "auth_login";

/// The value of a cookie. HTTP/2 clients may send several Cookie headers (RFC 9113 section 8.2.3).
pub(super) fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

/// A `Set-Cookie` value that only this site's own HTTPS requests carry back, and that scripts cannot read.
pub(super) fn set(name: &str, value: &str, path: &str, max_age_s: u32) -> String {
    format!("{name}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; Secure; SameSite=Lax")
}

/// The same without its protection, for the fault `insecure-cookie`.
pub(super) fn set_insecure(name: &str, value: &str, path: &str, max_age_s: u32) -> String {
    format!("{name}={value}; Path={path}; Max-Age={max_age_s}")
}

pub(super) fn clear(name: &str, path: &str) -> String {
    set(name, "", path, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_in_one_header_or_several() {
        let mut several = HeaderMap::new();
        for cookies in ["a=1; b=2", "auth_login=", "c=3; auth_session=z"] {
            several.append(COOKIE, cookies.parse().expect("a value"));
        }
        assert_eq!(value(&several, SESSION).as_deref(), Some("z"));
        assert_eq!(value(&several, LOGIN), None);
        let one = HeaderMap::from_iter([(COOKIE, "a=1; auth_session=x=y".parse().expect("a value"))]);
        assert_eq!(value(&one, SESSION).as_deref(), Some("x=y"));
        assert_eq!(value(&one, LOGIN), None);
    }
}
