use super::reader::Section;
use std::fmt;
use url::{Host, Url};

/// Places that have nothing to do with the target, and that can be reached as long as the prober is online. When a run
/// fails for the network's sake and none of them can be reached either, the prober is to blame: the failure is of class
/// `prober`, is posted to `#p2` and wakes nobody. As soon as one can be reached, the target is.
///
/// ```toml
/// [control]
/// targets = ["https://www.example.com", "tcp://192.0.2.53:53"]   # two or more, at different operators
/// ```
///
/// A region that goes out by another way may name its own: `[[regions]] control_targets = [...]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlSettings {
    /// None, or two and more.
    pub targets: Vec<ControlTarget>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ControlTarget {
    /// Reached when it answers a GET, with whatever status.
    Http(Url),
    /// Reached when it takes a connection.
    Tcp { host: String, port: u16, is_named: bool },
}

impl ControlTarget {
    /// Whether a name has to be resolved to reach it.
    pub fn is_named(&self) -> bool {
        match self {
            Self::Http(url) => matches!(url.host(), Some(Host::Domain(_))),
            Self::Tcp { is_named, .. } => *is_named,
        }
    }
}

impl fmt::Display for ControlTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => write!(f, "{}", url.as_str().trim_end_matches('/')),
            Self::Tcp { host, port, .. } => write!(f, "tcp://{host}:{port}"),
        }
    }
}

const TARGETS_MIN: usize = 2;
/// All are asked at once, and time is short.
const TARGETS_MAX: usize = 8;

pub(super) fn read(section: Option<Section<'_>>) -> ControlSettings {
    let Some(mut section) = section else { return ControlSettings::default() };
    if !section.has("targets") {
        let at = section.at.clone();
        section.reading.report(
            &at,
            "names no control target; write `targets = [\"https://www.example.com\", \"tcp://192.0.2.53:53\"]`",
        );
    }
    let targets = read_targets(&mut section, "targets");
    section.finish();
    ControlSettings { targets }
}

pub(super) fn read_targets(section: &mut Section<'_>, key: &str) -> Vec<ControlTarget> {
    let reading = section.reading;
    let (is_written, at) = (section.has(key), section.value_place(key));
    let mut targets: Vec<ControlTarget> = Vec::new();
    let written = section.strings(key);
    let count = written.len();
    for text in written {
        match parse(&text.value) {
            Ok(target) if targets.contains(&target) => {
                reading.report(&text.at, format_args!("`{target}` stands here twice; name another place"));
            }
            Ok(target) => targets.push(target),
            Err(problem) => reading.report(&text.at, problem),
        }
    }
    if is_written && count < TARGETS_MIN {
        reading.report(
            &at,
            "one control target that is down would hide an outage; write two or more, at different operators",
        );
    }
    if count > TARGETS_MAX {
        reading.report(&at, format_args!("all of them are asked at once; write at most {TARGETS_MAX}"));
    }
    targets
}

fn parse(text: &str) -> Result<ControlTarget, String> {
    let instead = "write one such as \"https://www.example.com\" or \"tcp://192.0.2.53:53\"";
    let url = Url::parse(text).map_err(|error| format!("`{text}` is no URL ({error}); {instead}"))?;
    let Some(host) = url.host() else { return Err(format!("`{text}` names no host; {instead}")) };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("a control target is asked without credentials; {instead}"));
    }
    match (url.scheme(), url.port()) {
        ("http" | "https", _) => Ok(ControlTarget::Http(url)),
        ("tcp", Some(port)) if matches!(url.path(), "" | "/") => {
            // Hosts of schemes that the URL standard does not know are taken as they stand, addresses included.
            let is_named = match &host {
                Host::Domain(name) => name.parse::<std::net::IpAddr>().is_err(),
                Host::Ipv4(_) | Host::Ipv6(_) => false,
            };
            Ok(ControlTarget::Tcp { host: host.to_string(), port, is_named })
        }
        ("tcp", None) => Err(format!("`{text}` has no port; {instead}")),
        _ => Err(format!("`{text}` is nothing that can be asked; {instead}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_urls_or_tcp_ports() {
        let cases = [
            ("https://www.example.com", Ok(("https://www.example.com", true))),
            ("http://192.0.2.1:8080/health", Ok(("http://192.0.2.1:8080/health", false))),
            ("tcp://192.0.2.53:53", Ok(("tcp://192.0.2.53:53", false))),
            ("tcp://[2001:db8::1]:53", Ok(("tcp://[2001:db8::1]:53", false))),
            ("tcp://dns.example.com:53/", Ok(("tcp://dns.example.com:53", true))),
            ("tcp://192.0.2.53", Err("no port")),
            ("tcp://192.0.2.53:53/path", Err("nothing that can be asked")),
            ("icmp://192.0.2.53", Err("nothing that can be asked")),
            ("https://user:secret@example.com", Err("without credentials")),
            ("www.example.com", Err("no URL")),
        ];
        for (text, expected) in cases {
            match (parse(text), expected) {
                (Ok(target), Ok((shown, is_named))) => {
                    assert_eq!((target.to_string().as_str(), target.is_named()), (shown, is_named), "{text}");
                }
                (Err(problem), Err(part)) => {
                    assert!(problem.contains(part) && !problem.contains("secret"), "{problem}")
                }
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }
}
