use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
// Addresses as values: the core library has no sockets.
use core::net::IpAddr;
use std::str::FromStr;

/// Where a check's script may connect to, and which of its secrets may go where, as its author declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Every host that the script may connect to; any where empty, as far as the network policy goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostPattern>,
    /// For each secret that was given hosts: the only ones that a request with its value may be sent to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, Vec<HostPattern>>,
}

impl Reach {
    /// Whether nothing was declared.
    pub fn is_open(&self) -> bool {
        self.hosts.is_empty() && self.secrets.is_empty()
    }

    /// Whether a connection may be made to `host`, an address or a name in ASCII without brackets. `None` stands for
    /// what has no port.
    pub fn allows(&self, host: &str, port: Option<u16>) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|pattern| pattern.matches(host, port))
    }
}

/// `api.example.com`, `*.example.com`, `192.0.2.7`, `[2001:db8::7]`, each with `:PORT` where only that one is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern {
    host: Named,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Named {
    Address(IpAddr),
    Name(String),
    /// Any name that ends with a dot and this.
    Below(String),
}

/// What is wrong with a pattern; ends with what to write instead, after `: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    #[error("{0:?} is a URL: write its host alone, such as `api.example.com` or `api.example.com:8443`")]
    Url(String),
    #[error("{0:?} has a wildcard elsewhere than in front: write `*.example.com`, or every host by its name")]
    Wildcard(String),
    #[error("{0:?} has no port between 1 and 65535: write `api.example.com:8443`, or leave the port out for any")]
    Port(String),
    #[error(
        "{0:?} is no host: write a name such as `api.example.com`, or an address such as `192.0.2.7` or `[2001:db8::7]`"
    )]
    Host(String),
}

impl HostPattern {
    pub fn matches(&self, host: &str, port: Option<u16>) -> bool {
        if let (Some(wanted), Some(port)) = (self.port, port)
            && wanted != port
        {
            return false;
        }
        let host = host.trim_end_matches('.');
        match &self.host {
            Named::Address(address) => host.parse() == Ok(*address),
            Named::Name(name) => host.eq_ignore_ascii_case(name),
            Named::Below(domain) => host
                .len()
                .checked_sub(domain.len() + 1)
                .filter(|dot| *dot > 0)
                .and_then(|dot| Some((host.get(..dot)?, host.get(dot..)?)))
                .is_some_and(|(_, end)| end.starts_with('.') && end[1..].eq_ignore_ascii_case(domain)),
        }
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, HostPatternError> {
        if text.contains(['/', '@', '?', '#']) {
            return Err(HostPatternError::Url(text.to_owned()));
        }
        let no_host = || HostPatternError::Host(text.to_owned());
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']').ok_or_else(no_host)?;
            let address = address.parse().map_err(|_| no_host())?;
            let port = match rest {
                "" => None,
                _ => Some(port(rest.strip_prefix(':').ok_or_else(no_host)?, text)?),
            };
            return Ok(Self { host: Named::Address(IpAddr::V6(address)), port });
        }
        let (host, port) = match text.split_once(':') {
            None => (text, None),
            Some((host, digits)) => (host, Some(port(digits, text)?)),
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if let Ok(address) = host.parse() {
            return Ok(Self { host: Named::Address(IpAddr::V4(address)), port });
        }
        let (below, name) = match host.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, host.as_str()),
        };
        if name.contains('*') {
            return Err(HostPatternError::Wildcard(text.to_owned()));
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        };
        // A name of digits alone at its end is an address written oddly (WHATWG URL, "ends in a number").
        let is_number = |label: &str| label.chars().all(|digit| digit.is_ascii_digit()) || label.starts_with("0x");
        if !name.split('.').all(is_label) || name.rsplit('.').next().is_some_and(is_number) {
            return Err(no_host());
        }
        let host = if below { Named::Below(name.to_owned()) } else { Named::Name(name.to_owned()) };
        Ok(Self { host, port })
    }
}

fn port(digits: &str, text: &str) -> Result<u16, HostPatternError> {
    let wrong = || HostPatternError::Port(text.to_owned());
    digits.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Named::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Named::Address(address) => write!(f, "{address}")?,
            Named::Name(name) => f.write_str(name)?,
            Named::Below(domain) => write!(f, "*.{domain}")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostPatternError;

    fn try_from(text: String) -> Result<Self, HostPatternError> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_hosts_and_ports() {
        let cases: &[(&str, &str, u16, bool)] = &[
            ("api.example.com", "api.example.com", 443, true),
            ("API.example.com.", "api.Example.com.", 80, true),
            ("api.example.com", "xapi.example.com", 443, false),
            ("api.example.com", "api.example.com.evil.test", 443, false),
            ("*.example.com", "api.example.com", 443, true),
            ("*.example.com", "a.b.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", ".example.com", 443, false),
            ("*.example.com", "notexample.com", 443, false),
            ("example.com:8443", "example.com", 8443, true),
            ("example.com:8443", "example.com", 443, false),
            ("192.0.2.7", "192.0.2.7", 1, true),
            ("192.0.2.7:80", "192.0.2.7", 81, false),
            ("192.0.2.7", "192.0.2.70", 80, false),
            ("[2001:db8::7]", "2001:db8:0::7", 80, true),
            ("[2001:db8::7]:443", "2001:db8::7", 80, false),
            ("localhost", "localhost", 80, true),
        ];
        for (pattern, host, port, expected) in cases {
            let parsed: HostPattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(host, Some(*port)), *expected, "{pattern} and {host}:{port}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{pattern} is written as it is read");
        }
        assert!("192.0.2.7:80".parse::<HostPattern>().unwrap().matches("192.0.2.7", None), "what has no port has any");
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_what_to_write() {
        let cases = [
            ("https://api.example.com", "write its host alone"),
            ("user@example.com", "write its host alone"),
            ("api.*.com", "write `*.example.com`"),
            ("*", "write `*.example.com`"),
            ("**.example.com", "write `*.example.com`"),
            ("example.com:0", "port between 1 and 65535"),
            ("example.com:70000", "port between 1 and 65535"),
            ("example.com:https", "port between 1 and 65535"),
            ("", "is no host"),
            ("exa mple.com", "is no host"),
            ("2130706433", "is no host"),
            ("0x7f.1", "is no host"),
            ("a..b", "is no host"),
            ("[::1", "is no host"),
            ("2001:db8::7", "port between 1 and 65535"),
            ("b\u{fc}cher.example", "is no host"),
        ];
        for (text, part) in cases {
            let error = text.parse::<HostPattern>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn nothing_declared_allows_any_host() {
        let open = Reach::default();
        let listed = Reach { hosts: vec!["a.test".parse().unwrap()], ..Reach::default() };
        assert!(open.is_open() && open.allows("anything.test", Some(1)));
        assert!(listed.allows("a.test", Some(1)) && !listed.allows("b.test", Some(1)) && !listed.is_open());
    }
}
