//! Names to addresses.

use super::{NetworkSettings, TransportError};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::Host;

/// Where the addresses of a host come from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Known without asking anybody.
    Known(Vec<IpAddr>),
    /// To be looked up.
    Name(String),
}

/// Decides how a host is resolved. The region's table comes first, so that a region can be sent to its own node.
pub(super) fn target(host: &Host<&str>, settings: &NetworkSettings) -> Target {
    let name = match host {
        Host::Ipv4(address) => return Target::Known(vec![IpAddr::V4(*address)]),
        Host::Ipv6(address) => return Target::Known(vec![IpAddr::V6(*address)]),
        Host::Domain(name) => name.trim_end_matches('.').to_ascii_lowercase(),
    };
    let listed = settings.resolve.iter().find(|(key, _)| key.trim_end_matches('.').eq_ignore_ascii_case(&name));
    if let Some((_, &address)) = listed {
        return Target::Known(vec![address]);
    }
    // RFC 6761: names under localhost are loopback, whatever a resolver says.
    if name == "localhost" || name.ends_with(".localhost") {
        return Target::Known(vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    }
    Target::Name(name)
}

/// Asks the system's resolver.
pub(super) async fn look_up(name: &str) -> Result<Vec<IpAddr>, TransportError> {
    let found = tokio::net::lookup_host((name, 0)).await;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map_err(|error| TransportError::Dns(describe(name, &error)))? {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    if addresses.is_empty() {
        return Err(TransportError::Dns(format!("{name} has no address")));
    }
    Ok(addresses)
}

/// Where this machine sends its own questions: the first name server of `/etc/resolv.conf` (resolv.conf(5)).
pub(super) fn system_resolver() -> SocketAddr {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let ip = name_server(&text).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    SocketAddr::new(ip, 53)
}

fn name_server(resolv_conf: &str) -> Option<IpAddr> {
    let servers = resolv_conf.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    servers.filter_map(|server| server.trim().parse().ok()).next()
}

/// The resolver's error has no code that reaches here; its texts are the C library's.
fn describe(name: &str, error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.trim_start_matches("failed to lookup address information: ");
    if text.contains("Name or service not known") || text.contains("No address associated") {
        format!("no such host {name}")
    } else {
        format!("cannot look up {name}: {}", text.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_knows_is_looked_up() {
        let settings = NetworkSettings {
            resolve: [
                ("Auth.Example.com".to_owned(), "127.0.0.2".parse().unwrap()),
                ("localhost".to_owned(), "127.0.0.3".parse().unwrap()),
            ]
            .into(),
            ..NetworkSettings::default()
        };
        let known = |addresses: &[&str]| Target::Known(addresses.iter().map(|a| a.parse().unwrap()).collect());
        let cases: &[(&str, &NetworkSettings, Target)] = &[
            ("http://192.0.2.7/", &settings, known(&["192.0.2.7"])),
            ("http://[2001:db8::1]/", &settings, known(&["2001:db8::1"])),
            ("http://auth.example.com/", &settings, known(&["127.0.0.2"])),
            ("http://auth.example.com./", &settings, known(&["127.0.0.2"])),
            ("http://localhost/", &settings, known(&["127.0.0.3"])),
            ("http://localhost/", &NetworkSettings::default(), known(&["127.0.0.1", "::1"])),
            ("http://app.localhost/", &NetworkSettings::default(), known(&["127.0.0.1", "::1"])),
            ("http://www.example.com/", &settings, Target::Name("www.example.com".to_owned())),
        ];
        for (url, settings, expected) in cases {
            let url = url::Url::parse(url).unwrap();
            assert_eq!(target(&url.host().unwrap(), settings), *expected, "{url}");
        }
    }

    #[test]
    fn the_first_name_server_is_asked() {
        let cases = [
            ("# nameserver 192.0.2.1\nsearch a.test\nnameserver 192.0.2.2\nnameserver ::1\n", Some("192.0.2.2")),
            ("nameserver\t2001:db8::1 \n", Some("2001:db8::1")),
            ("nameserver none\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(name_server(text), expected.map(|address| address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn look_up_errors_name_the_host() {
        let text = "failed to lookup address information: Name or service not known";
        assert_eq!(describe("a.test", &std::io::Error::other(text)), "no such host a.test");
        let text = "failed to lookup address information: Temporary failure in name resolution";
        let expected = "cannot look up a.test: temporary failure in name resolution";
        assert_eq!(describe("a.test", &std::io::Error::other(text)), expected);
    }
}
