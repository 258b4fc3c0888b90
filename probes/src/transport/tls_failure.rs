//! Why a TLS handshake failed, as a sentence.

use super::error::chain;
use checks::{Certificate, UnixMs};
use rustls::{CertificateError, Error};
use std::io::ErrorKind;

/// The sentence for a handshake with `host` that failed; `chain` is what the server sent, where it got that far.
pub(crate) fn describe(error: &std::io::Error, host: &str, shown: &[Certificate], now: UnixMs) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(problem)) => certificate(problem, host, shown, now),
        Some(Error::NoCertificatesPresented) => format!("{host} sent no certificate"),
        Some(Error::InvalidMessage(_)) => format!("{host} does not speak TLS on this port"),
        Some(Error::AlertReceived(alert)) => format!("{host} refused the TLS handshake with alert {alert:?}"),
        Some(Error::PeerIncompatible(what)) => {
            format!("{host} has no TLS version or cipher in common with a current client ({what:?})")
        }
        Some(other) => format!("TLS handshake with {host} failed: {}", chain(other)),
        None => match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                format!("{host} closed the connection during the TLS handshake")
            }
            _ => format!("TLS handshake with {host} failed: {}", chain(error)),
        },
    }
}

/// What is wrong with the certificate of `host`.
pub(crate) fn certificate(problem: &CertificateError, host: &str, shown: &[Certificate], now: UnixMs) -> String {
    let leaf = shown.first();
    // One of an intermediate's dates may be what is wrong: the first that does not hold is what to look at.
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            match shown.iter().find(|certificate| certificate.not_after < now) {
                Some(expired) => {
                    let subject = subject(expired, leaf, host);
                    let ago = ago(calendar_days(expired.not_after, now));
                    format!("certificate of {subject} expired {ago} ({})", day(expired.not_after))
                }
                None => format!("certificate of {host} expired"),
            }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            match shown.iter().find(|certificate| certificate.not_before > now) {
                Some(early) => {
                    let subject = subject(early, leaf, host);
                    format!("certificate of {subject} is not valid before {}", early.not_before)
                }
                None => format!("certificate of {host} is not valid yet"),
            }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let names = leaf.map(|leaf| leaf.names.as_slice()).unwrap_or_default();
            match names {
                [] => format!("certificate is for no name at all, and not for {host}"),
                _ => format!("certificate is for {}, and not for {host}", list(names)),
            }
        }
        CertificateError::UnknownIssuer => {
            let last = shown.last().map(|certificate| certificate.issuer.as_str()).unwrap_or("an unknown authority");
            let own = leaf.is_some_and(|leaf| leaf.subject == leaf.issuer);
            match own {
                true => format!(
                    "certificate of {host} is self-signed and not trusted; to trust it, list it under [network] ca_files"
                ),
                false => format!(
                    "certificate of {host} is signed by {last}, which is not trusted; if that is your own authority, list it under [network] ca_files"
                ),
            }
        }
        CertificateError::Revoked => format!("certificate of {host} is revoked"),
        CertificateError::BadSignature => format!("certificate of {host} has a signature that does not verify"),
        other => format!("certificate of {host} is not valid: {other}"),
    }
}

/// The host, or the name of the intermediate that is to blame.
fn subject(certificate: &Certificate, leaf: Option<&Certificate>, host: &str) -> String {
    if leaf.is_some_and(|leaf| leaf.sha256 == certificate.sha256) {
        host.to_owned()
    } else {
        format!("the intermediate {}", certificate.subject)
    }
}

/// Days from one to the other as a calendar in UTC counts them.
fn calendar_days(from: UnixMs, to: UnixMs) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    to.0.div_euclid(DAY_MS) - from.0.div_euclid(DAY_MS)
}

fn ago(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "1 day ago".to_owned(),
        days => format!("{days} days ago"),
    }
}

/// The calendar day in UTC.
fn day(at: UnixMs) -> String {
    at.to_utc().map_or_else(|| at.to_string(), |at| at.format("%Y-%m-%d").to_string())
}

fn list(names: &[String]) -> String {
    const LISTED_MAX: usize = 5;
    let listed = names.iter().take(LISTED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED_MAX) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_466_400_000); // 2026-11-23T20:40:00Z
    const DAY_MS: u64 = 86_400_000;

    fn shown(not_before: UnixMs, not_after: UnixMs, names: &[&str]) -> Certificate {
        Certificate {
            subject: format!("CN={}", names.first().unwrap_or(&"none")),
            issuer: "CN=Some CA".to_owned(),
            not_before,
            not_after,
            days_left: 0,
            names: names.iter().map(|&name| name.to_owned()).collect(),
            sha256: format!("{names:?}"),
        }
    }

    #[test]
    fn failures_read_as_sentences() {
        let good = |names| shown(NOW - DAY_MS, NOW + DAY_MS, names);
        let invalid = |problem| std::io::Error::other(Error::InvalidCertificate(problem));
        let cases: Vec<(std::io::Error, Vec<Certificate>, &str)> = vec![
            (
                invalid(CertificateError::Expired),
                vec![shown(NOW - 9 * DAY_MS, NOW - 3 * DAY_MS, &["h"])],
                "certificate of h expired 3 days ago (2026-11-20)",
            ),
            (
                invalid(CertificateError::Expired),
                vec![shown(NOW - 9 * DAY_MS, NOW - 21 * 3_600_000, &["h"])],
                "certificate of h expired 1 day ago (2026-11-22)",
            ),
            (
                invalid(CertificateError::Expired),
                vec![good(&["h"]), shown(NOW - 9 * DAY_MS, NOW - 1, &["mid"])],
                "certificate of the intermediate CN=mid expired today (2026-11-23)",
            ),
            (
                invalid(CertificateError::NotValidYet),
                vec![shown(NOW + DAY_MS, NOW + 2 * DAY_MS, &["h"])],
                "certificate of h is not valid before 2026-11-24T20:40:00Z",
            ),
            (
                invalid(CertificateError::NotValidForName),
                vec![good(&["a.test", "b.test"])],
                "certificate is for a.test, b.test, and not for h",
            ),
            (
                invalid(CertificateError::UnknownIssuer),
                vec![good(&["h"])],
                "certificate of h is signed by CN=Some CA, which is not trusted; if that is your own authority, list it under [network] ca_files",
            ),
            (
                std::io::Error::from(ErrorKind::UnexpectedEof),
                vec![],
                "h closed the connection during the TLS handshake",
            ),
            (
                std::io::Error::other(Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)),
                vec![],
                "h does not speak TLS on this port",
            ),
        ];
        for (error, chain, expected) in cases {
            assert_eq!(describe(&error, "h", &chain, NOW), expected);
        }
    }
}
