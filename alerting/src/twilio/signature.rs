//! How Twilio proves that a call is its own (<https://www.twilio.com/docs/usage/security#validating-requests>): a keyed
//! hash over the address that it called and every field of the form.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

type Field = (String, String);

/// The text that is signed: the address as Twilio was told it, then the fields by name, nothing between them. A field
/// that comes twice with one value counts once.
fn signed_text(url: &str, form: &[Field]) -> String {
    let mut fields: Vec<&Field> = form.iter().collect();
    fields.sort();
    fields.dedup();
    let mut text = url.to_owned();
    for (name, value) in fields {
        text.push_str(name);
        text.push_str(value);
    }
    text
}

fn key(auth_token: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes())
}

/// The value of `X-Twilio-Signature`.
pub fn sign(auth_token: &str, url: &str, form: &[Field]) -> String {
    BASE64_STANDARD.encode(hmac::sign(&key(auth_token), signed_text(url, form).as_bytes()))
}

/// Whether the signature is Twilio's for a call of `url` with this form; compared in constant time.
pub fn is_signed(auth_token: &str, url: &str, form: &[Field], signature: &str) -> bool {
    let Ok(signature) = BASE64_STANDARD.decode(signature) else { return false };
    let key = key(auth_token);
    spellings(url).iter().any(|url| hmac::verify(&key, signed_text(url, form).as_bytes(), &signature).is_ok())
}

/// Twilio names the port of an address or leaves it out, not always as it was told.
fn spellings(url: &str) -> Vec<String> {
    let mut spellings = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return spellings };
    let host_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_end);
    let port_at = host.rfind(':').filter(|at| !host[*at..].contains(']'));
    spellings.push(match (port_at, scheme) {
        (Some(at), _) => format!("{scheme}://{}{path}", &host[..at]),
        (None, "http") => format!("{scheme}://{host}:80{path}"),
        (None, _) => format!("{scheme}://{host}:443{path}"),
    });
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Vec<Field> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The example of Twilio's documentation and of its own libraries.
    const TOKEN: &str = "12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    fn example() -> Vec<Field> {
        form(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
            ("Caller", "+14158675309"),
        ])
    }

    #[test]
    fn the_documented_example_is_signed() {
        assert_eq!(sign(TOKEN, URL, &example()), SIGNATURE);
    }

    #[test]
    fn what_differs_is_not_signed() {
        let changed = |name: &str, value: &str| {
            let mut form = example();
            form.iter_mut().filter(|(field, _)| field == name).for_each(|(_, v)| value.clone_into(v));
            form
        };
        let with_port = sign(TOKEN, &URL.replace("mycompany.com", "mycompany.com:443"), &example());
        let twice = [example(), form(&[("Digits", "1234")])].concat();
        let cases = [
            (TOKEN, URL, example(), SIGNATURE, true),
            (TOKEN, "https://mycompany.com:443/myapp.php?foo=1&bar=2", example(), SIGNATURE, true),
            (TOKEN, URL, example(), &with_port, true),
            (TOKEN, URL, twice, SIGNATURE, true),
            ("12346", URL, example(), SIGNATURE, false),
            (TOKEN, "http://mycompany.com/myapp.php?foo=1&bar=2", example(), SIGNATURE, false),
            (TOKEN, "https://mycompany.com/myapp.php?foo=1&bar=3", example(), SIGNATURE, false),
            (TOKEN, "https://another.com/myapp.php?foo=1&bar=2", example(), SIGNATURE, false),
            (TOKEN, URL, changed("Digits", "1235"), SIGNATURE, false),
            (TOKEN, URL, [example(), form(&[("Extra", "")])].concat(), SIGNATURE, false),
            (TOKEN, URL, example(), "", false),
            (TOKEN, URL, example(), "RSOYDt4T1cUTdK1PDd93", false),
            (TOKEN, URL, example(), "no base64!", false),
        ];
        for (token, url, form, signature, expected) in cases {
            assert_eq!(is_signed(token, url, &form, signature), expected, "{token} {url} {form:?} {signature}");
        }
    }
}
