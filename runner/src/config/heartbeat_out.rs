use super::Secret;
use super::duration::parse_duration;
use super::reader::Section;
use super::secret;
use std::time::Duration;
use url::{Host, Url};

/// A URL that Tocsin calls for as long as it is healthy, so that somebody else notices when it is not: healthchecks.io, Dead
/// Man's Snitch, the heartbeat of another Tocsin. It is shown to nobody, as such URLs are secrets.
///
/// ```toml
/// [heartbeat_out]
/// url = { env = "TOCSIN_HEARTBEAT_URL" }   # or the URL itself
/// every = "1m"
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatOutSettings {
    pub url: Secret,
    pub every: Duration,
}

const EVERY: Duration = Duration::from_secs(60);
const EVERY_MIN: Duration = Duration::from_secs(1);

pub(super) fn read(section: Option<Section<'_>>) -> Option<HeartbeatOutSettings> {
    let mut section = section?;
    let (at, place) = (section.at.clone(), section.value_place("url"));
    let url = if section.is_string("url") {
        section.string("url").map(|url| Secret::new(url.value))
    } else if section.has("url") {
        secret::required(&mut section, "url", "TOCSIN_HEARTBEAT_URL")
    } else {
        section.note("url");
        section.reading.report(&at, "whom to call? write `url = { env = \"TOCSIN_HEARTBEAT_URL\" }`");
        None
    };
    if let Some(problem) = url.as_ref().and_then(problem) {
        section.reading.report(&place, problem);
    }
    let every_place = section.value_place("every");
    let every = section.parsed("every", parse_duration).map_or(EVERY, |every| every.value);
    if every < EVERY_MIN {
        section.reading.report(&every_place, "nobody listens so often; write \"1s\" or longer");
    }
    section.finish();
    Some(HeartbeatOutSettings { url: url?, every })
}

/// What is wrong with it, in words that do not show it.
fn problem(url: &Secret) -> Option<&'static str> {
    let Ok(url) = Url::parse(url.expose()) else {
        return Some("no URL; write one such as https://hc-ping.com/ and its id");
    };
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => None,
        "http" if is_loopback => None,
        "http" => Some("it would be called unencrypted, and such a URL is a secret; write https://"),
        _ => Some("nobody can be called like that; write https://"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_that_keep_their_secret_are_called() {
        let cases = [
            ("https://hc-ping.com/0123", true),
            ("http://127.0.0.1:9480/heartbeats/other/0123", true),
            ("http://[::1]:9480/x", true),
            ("http://localhost/x", true),
            ("http://hc-ping.com/0123", false),
            ("ftp://hc-ping.com/0123", false),
            ("hc-ping.com/0123", false),
        ];
        for (url, is_fine) in cases {
            let problem = problem(&Secret::new(url.to_owned()));
            assert_eq!(problem.is_none(), is_fine, "{url}");
            assert!(!problem.unwrap_or_default().contains("0123"), "{url}");
        }
    }
}
