use super::reader::Section;
use alerting::outbox::is_loopback;
use std::net::SocketAddr;
use url::Url;

/// Where others call in: Slack for its buttons, Twilio with answers and reports, programs with heartbeats, other alerting
/// systems. Its own listener, because it may face the world: whoever calls is held against a signature or a secret, and
/// no page is served there. Without this table nobody can call in.
///
/// ```toml
/// [callbacks]
/// listen = "127.0.0.1:9481"                    # behind a proxy with TLS
/// public_url = "https://tocsin.example.com"    # what callers are told, and what their signatures cover
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbacksSettings {
    pub listen: SocketAddr,
    /// Without a slash at its end, as routes are appended to it.
    pub public_url: String,
}

pub(super) fn read(section: Option<Section<'_>>) -> Option<CallbacksSettings> {
    let mut section = section?;
    let listen = section.required_string("listen", "\"127.0.0.1:9481\"");
    let listen = listen.and_then(|text| match text.value.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            let problem = format!("`{}` is no address to listen on; write one such as \"127.0.0.1:9481\"", text.value);
            section.reading.report(&text.at, problem);
            None
        }
    });
    let written = section.required_string("public_url", "\"https://tocsin.example.com\"");
    let public_url = written.and_then(|text| match public_url(&text.value) {
        Ok(url) => Some(url),
        Err(problem) => {
            section.reading.report(&text.at, problem);
            None
        }
    });
    section.finish();
    Some(CallbacksSettings { listen: listen?, public_url: public_url? })
}

/// Answers and tokens travel through it: TLS, or this machine.
fn public_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .map_err(|error| format!("`{text}` is no URL ({error}); write one such as \"https://tocsin.example.com\""))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("`{text}` has more than host and path; leave out what begins with `?` or `#`"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(format!("`{text}` would carry calls unencrypted; write https://")),
        scheme => return Err(format!("`{scheme}` is not what callers speak; write https://")),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_or_this_machine() {
        let cases = [
            ("https://tocsin.example.com", Ok("https://tocsin.example.com")),
            ("https://example.com/tocsin/", Ok("https://example.com/tocsin")),
            ("http://127.0.0.1:9481", Ok("http://127.0.0.1:9481")),
            ("http://tocsin.example.com", Err("unencrypted")),
            ("https://tocsin.example.com/?a=b", Err("leave out")),
            ("ftp://tocsin.example.com", Err("https://")),
            ("tocsin", Err("no URL")),
        ];
        for (text, expected) in cases {
            match (public_url(text), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url, expected),
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{text}: {problem}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }
}
