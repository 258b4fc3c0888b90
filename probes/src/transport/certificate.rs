//! Certificates as a result shows them.

use checks::{Certificate, UnixMs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Certificates of a chain, and names of a certificate, past which nothing more is shown.
const CHAIN_MAX: usize = 10;
const NAMES_MAX: usize = 100;

const DAY_MS: i64 = 86_400_000;

/// Leaf first, as the server sent them. One that cannot be read is shown by its hash alone.
pub(crate) fn summarise(chain: &[CertificateDer<'_>], now: UnixMs) -> Vec<Certificate> {
    chain.iter().take(CHAIN_MAX).map(|der| summarise_one(der, now)).collect()
}

/// The subjects of the certificates in a PEM file, written as the issuers of a [`Certificate`] are. One that cannot be read
/// has none.
pub fn authority_names(pem: &str) -> Vec<String> {
    let readable = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
    let name = |der: CertificateDer<'_>| {
        X509Certificate::from_der(&der).ok().map(|(_, certificate)| certificate.subject().to_string())
    };
    readable.filter_map(name).collect()
}

fn summarise_one(der: &CertificateDer<'_>, now: UnixMs) -> Certificate {
    let sha256 = hex::encode(Sha256::digest(der));
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        let subject = "unreadable certificate".to_owned();
        let (not_before, not_after) = (UnixMs(0), UnixMs(0));
        return Certificate {
            subject,
            issuer: String::new(),
            not_before,
            not_after,
            days_left: 0,
            names: vec![],
            sha256,
        };
    };
    let instant = |seconds: i64| UnixMs(seconds.saturating_mul(1_000));
    let not_after = instant(certificate.validity().not_after.timestamp());
    Certificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        not_before: instant(certificate.validity().not_before.timestamp()),
        not_after,
        days_left: days_between(now, not_after),
        names: names(&certificate),
        sha256,
    }
}

/// Whole days from `from` to `to`: 0 within the last day, -1 within the first day after.
pub(super) fn days_between(from: UnixMs, to: UnixMs) -> i64 {
    to.0.saturating_sub(from.0).div_euclid(DAY_MS)
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let shown = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|octets| IpAddr::from(octets).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|octets| IpAddr::from(octets).to_string()),
            _ => None,
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(shown).take(NAMES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_left_are_whole_and_negative_once_expired() {
        let cases: &[(i64, i64)] = &[(DAY_MS, 1), (DAY_MS - 1, 0), (0, 0), (-1, -1), (-DAY_MS, -1), (-DAY_MS - 1, -2)];
        for &(left_ms, expected) in cases {
            assert_eq!(days_between(UnixMs(0), UnixMs(left_ms)), expected, "{left_ms} ms");
        }
    }

    #[test]
    fn what_is_no_certificate_is_still_counted() {
        let shown = summarise(&[CertificateDer::from(vec![1, 2, 3])], UnixMs(0));
        assert_eq!((shown.len(), shown[0].subject.as_str()), (1, "unreadable certificate"));
    }
}
