use url::{Host, Url};

/// Whether what is sent to a URL stays on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a provider's URL may be given a token: `https`, or plain `http` to this machine. The error says what to write.
pub(crate) fn require_secure(url: &str) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|e| format!("which is no URL ({e}); write `https://host/path`"))?;
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&parsed) => Ok(()),
        "http" => Err("which would send the token in the clear; write `https://`".to_owned()),
        scheme => Err(format!("and `{scheme}` is not spoken here; write `https://host/path`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_over_tls_or_stay_here() {
        let cases = [
            ("https://slack.com/api", None),
            ("http://127.0.0.1:9/api", None),
            ("http://[::1]:9", None),
            ("http://localhost:9", None),
            ("http://slack.com/api", Some("in the clear")),
            ("http://localhost.evil.example", Some("in the clear")),
            ("ftp://127.0.0.1", Some("not spoken here")),
            ("slack.com", Some("no URL")),
        ];
        for (url, problem) in cases {
            match (require_secure(url), problem) {
                (Ok(()), None) => {}
                (Err(error), Some(part)) => assert!(error.contains(part), "{url}: {error}"),
                (got, _) => panic!("{url}: {got:?}"),
            }
        }
    }
}
