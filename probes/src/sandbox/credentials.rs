//! Credentials that are known by where they stand, whoever made them: in forms, in JSON and in addresses.

/// Names of form fields and JSON members whose values are credentials, whoever made them.
const CREDENTIALS: &[&str] = &[
    "access_token",
    "refresh_token",
    "id_token",
    "token",
    "subject_token",
    "actor_token",
    "password",
    "passwd",
    "client_secret",
    "secret",
    "code",
    "code_verifier",
    "device_code",
    "user_code",
    "assertion",
    "client_assertion",
    "SAMLResponse",
    "SAMLRequest",
    "api_key",
    "apikey",
    "session",
    "otp",
    "totp",
];

/// What only the parameters of an address have under these names: elsewhere they are a state like any other.
const CREDENTIALS_OF_ADDRESSES: &[&str] = &[
    "state",
    "ticket",
    "sig",
    "signature",
    "key",
    "auth",
    "jwt",
    "sid",
    "session_id",
    "session_state",
    "id_token_hint",
    "logout_token",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
];

pub(super) fn marker(name: &str) -> String {
    format!("[redacted:{name}]")
}

pub(super) fn is_marker(text: &str) -> bool {
    text.starts_with("[redacted") && text.find(']') == Some(text.len() - 1)
}

/// The values of credentials in `a=b&c=d`. Any other text has no such names.
pub(super) fn form(text: &str) -> String {
    fields(text, |name| CREDENTIALS.contains(&name))
}

fn fields(text: &str, is_credential: impl Fn(&str) -> bool) -> String {
    let field = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if is_credential(name) && !value.is_empty() && !is_marker(value) => {
            format!("{name}={}", marker(&name.to_uppercase()))
        }
        _ => pair.to_owned(),
    };
    text.split('&').map(field).collect::<Vec<_>>().join("&")
}

/// An address without the values of credentials among its parameters, behind `?` or, as some flows have them, `#`.
pub(super) fn url(address: &str) -> String {
    let known = |name: &str| {
        let names = || CREDENTIALS.iter().chain(CREDENTIALS_OF_ADDRESSES);
        names().any(|known| known.eq_ignore_ascii_case(name))
    };
    let Some((path, parameters)) = address.split_once(['?', '#']) else { return without_tokens(address) };
    let separator = &address[path.len()..=path.len()];
    let parameters: Vec<_> = parameters.split('#').map(|part| fields(part, known)).collect();
    without_tokens(&format!("{path}{separator}{}", parameters.join("#")))
}

/// A text in which there may be addresses, such as `GET https://a.test/?code=1: no answer`.
pub(super) fn addresses(text: &str) -> String {
    const END: [char; 8] = [' ', '\n', '\t', '"', '\'', '`', '<', '>'];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme) = rest.find("://") {
        let end = rest[scheme..].find(END).map_or(rest.len(), |length| scheme + length);
        // What a sentence puts behind an address is no part of it.
        let end = rest[..end].trim_end_matches([',', ':', ';', ')', '.']).len().max(scheme + 3);
        out.push_str(&url(&rest[..end]));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// The texts of credentials in JSON, which may be cut off anywhere, or be something else.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(quote) = rest.find('"') {
        out.push_str(&rest[..=quote]);
        rest = &rest[quote + 1..];
        let end = string_end(rest);
        let name = &rest[..end];
        out.push_str(name);
        rest = &rest[end..];
        if !CREDENTIALS.contains(&name) {
            if let Some(after) = rest.strip_prefix('"') {
                out.push('"');
                rest = after;
            }
            continue;
        }
        // `": "` before the value; whatever else follows is no text.
        let Some(colon) = rest.strip_prefix('"').map(str::trim_start).and_then(|rest| rest.strip_prefix(':')) else {
            continue;
        };
        let Some(value) = colon.trim_start().strip_prefix('"') else { continue };
        out.push_str(&rest[..rest.len() - value.len()]);
        let end = string_end(value);
        if is_marker(&value[..end]) {
            out.push_str(&value[..end]);
        } else if end > 0 {
            out.push_str(&marker(&name.to_uppercase()));
        }
        rest = &value[end..];
        if let Some(after) = rest.strip_prefix('"') {
            out.push('"');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Where the JSON string ends that `text` is inside of.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index,
            _ => {}
        }
    }
    text.len()
}

/// A JWT anywhere: three parts of base64url, the first of which begins a JSON object (RFC 7519).
pub(super) fn without_tokens(text: &str) -> String {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let length = rest[start..].bytes().position(|byte| !is_part(byte)).unwrap_or(rest.len() - start);
        let token = &rest[start..start + length];
        out.push_str(&rest[..start]);
        if token.len() > 30 && token.contains('.') {
            out.push_str(&marker("JWT"));
        } else {
            out.push_str(token);
        }
        rest = &rest[start + length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_the_names_of_their_credentials() {
        let cases = [
            (
                "https://a.test/cb?code=abc&state=xyz&lang=en",
                "https://a.test/cb?code=[redacted:CODE]&state=[redacted:STATE]&lang=en",
            ),
            (
                "https://a.test/cb#access_token=abc&token_type=Bearer",
                "https://a.test/cb#access_token=[redacted:ACCESS_TOKEN]&token_type=Bearer",
            ),
            ("https://a.test/?TOKEN=abc#sid=1", "https://a.test/?TOKEN=[redacted:TOKEN]#sid=[redacted:SID]"),
            ("https://a.test/?code=&x=1", "https://a.test/?code=&x=1"),
            ("https://a.test/?code=[redacted]", "https://a.test/?code=[redacted]"),
            ("https://a.test/code/state", "https://a.test/code/state"),
            ("https://a.test/?q=code=1", "https://a.test/?q=code=1"),
            (
                "https://s3.test/k?X-Amz-Signature=ab&X-Amz-Date=1",
                "https://s3.test/k?X-Amz-Signature=[redacted:X-AMZ-SIGNATURE]&X-Amz-Date=1",
            ),
        ];
        for (address, expected) in cases {
            assert_eq!(url(address), expected);
            assert_eq!(url(&url(address)), expected, "twice");
            let sentence = |address: &str| format!("GET {address}: no answer, and \"{address}\" (see {address}).");
            assert_eq!(addresses(&sentence(address)), sentence(expected));
        }
        assert_eq!(addresses("no address: code=1 ://"), "no address: code=1 ://");
    }
}
