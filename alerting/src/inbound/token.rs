//! How a caller that signs nothing proves itself.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Whether the call carries the token: as `Authorization: Bearer TOKEN`, as the password of `Authorization: Basic`, or as
/// `?token=TOKEN` for those who can only be given a URL. Takes as long for a near miss as for any other.
pub fn is_given(expected: &str, authorization: Option<&str>, query: Option<&str>) -> bool {
    let header = authorization.and_then(of_header);
    let query = query.and_then(|query| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "token")
            .map(|(_, value)| value.into_owned())
    });
    [header, query].into_iter().flatten().any(|given| is_same(expected, &given))
}

fn of_header(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// Of digests, so that not even the length shows.
fn is_same(expected: &str, given: &str) -> bool {
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    verify_slices_are_equal(&digest(expected), &digest(given)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_in_a_header_or_in_the_url() {
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        let cases: [(Option<String>, Option<&str>, bool); 14] = [
            (Some("Bearer s3cret token".to_owned()), None, false),
            (Some("Bearer s3cret".to_owned()), None, true),
            (Some("bearer   s3cret".to_owned()), None, true),
            (Some(basic("tocsin:s3cret")), None, true),
            (Some(basic(":s3cret")), None, true),
            (Some(basic("s3cret:tocsin")), None, false),
            (Some("Basic !".to_owned()), None, false),
            (Some("s3cret".to_owned()), None, false),
            (Some("Bearer s3cre".to_owned()), None, false),
            (None, Some("token=s3cret"), true),
            (None, Some("a=b&token=s3cre%74"), true),
            (None, Some("token=&token=s3cret"), false),
            (Some("Bearer wrong".to_owned()), Some("token=s3cret"), true),
            (None, None, false),
        ];
        for (header, query, expected) in cases {
            assert_eq!(is_given("s3cret", header.as_deref(), query), expected, "{header:?} {query:?}");
        }
    }
}
