//! A TLS handshake that tells everything it saw, also of a server that nobody should trust.

use super::Phases;
use crate::transport::tls::{Prepared, Trust, Witness, version};
use crate::transport::{Exchange, TransportError, certificate, tls_failure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use checks::{Certificate, Tls, UnixMs};
use rustls::CertificateError;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

pub(super) struct Handshake<'a> {
    pub prepared: &'a Prepared,
    pub exchange: &'a Exchange,
    pub server_name: &'a str,
    pub alpn: &'a [String],
    pub verify: bool,
}

/// What a handshake showed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub server_name: String,
    pub remote_address: String,
    pub version: String,
    pub cipher: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// Empty where the certificate is trusted for the name.
    pub problems: Vec<Problem>,
    pub certificates: Vec<Shown>,
    /// The leaf and its issuer, base64 of the DER, for the library to ask for their OCSP status.
    pub chain: Vec<String>,
    /// The stapled OCSP response, base64.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stapled: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phases: Option<Phases>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    pub kind: &'static str,
    pub message: String,
}

/// A certificate with what only a script looks at.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    #[serde(flatten)]
    pub summary: Certificate,
    pub serial: String,
    /// `RSA 2048`, `ECDSA P-256`, `Ed25519`.
    pub key: String,
    pub ocsp_urls: Vec<String>,
}

pub(super) async fn handshake(
    handshake: Handshake<'_>,
    tcp: TcpStream,
) -> Result<(TlsStream<TcpStream>, Report), TransportError> {
    let Handshake { prepared, exchange, server_name, alpn, verify } = handshake;
    let name = server_name.trim_matches(['[', ']']).trim_end_matches('.').to_owned();
    let name = ServerName::try_from(name)
        .map_err(|_| TransportError::Tls(format!("`{server_name}` is no name that a certificate can hold")))?;
    let trust = if verify { Trust::Authorities } else { Trust::Anybody };
    let witness = Arc::new(Witness::new(prepared, trust));
    let mut config = prepared.witnessed(&witness);
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.clone().into_bytes()).collect();

    exchange.handshaking();
    let began = Instant::now();
    let connected = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name.clone(), tcp).await;
    let now = UnixMs::now();
    let seen = witness.seen();
    let summaries = certificate::summarise(&seen.chain, now);
    let record = |version: String, alpn: Option<String>| {
        exchange.tls(Tls { version, alpn, certificates: summaries.clone() });
    };
    let stream = match connected {
        Ok(stream) => stream,
        Err(error) => {
            if !summaries.is_empty() {
                record(String::new(), None);
            }
            return Err(TransportError::Tls(tls_failure::describe(&error, server_name, &summaries, now)));
        }
    };
    exchange.handshaken(began.elapsed());
    let (_, session) = stream.get_ref();
    let alpn = session.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned());
    let version = version(session.protocol_version());
    record(version.clone(), alpn.clone());
    let cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite())).unwrap_or_default();
    let refusals = refusals(prepared, &seen.chain, seen.refusal.as_ref(), &name, now);
    let problems = refusals
        .iter()
        .map(|refusal| Problem {
            kind: kind(refusal, &summaries),
            message: tls_failure::certificate(refusal, server_name, &summaries, now),
        })
        .collect();
    let report = Report {
        server_name: server_name.to_owned(),
        remote_address: String::new(),
        version,
        cipher,
        alpn,
        problems,
        chain: seen.chain.iter().take(2).map(|der| STANDARD.encode(der)).collect(),
        stapled: STANDARD.encode(&seen.ocsp_response),
        certificates: summaries.iter().zip(&seen.chain).map(|(summary, der)| shown(summary, der)).collect(),
        phases: None,
    };
    Ok((stream, report))
}

/// Everything that is wrong with a chain that was refused. A verifier stops at the first thing; a person who has the
/// certificate renewed wants to know the second too.
fn refusals(
    prepared: &Prepared,
    chain: &[CertificateDer<'static>],
    refusal: Option<&rustls::Error>,
    name: &ServerName<'_>,
    now: UnixMs,
) -> Vec<CertificateError> {
    let Some(refusal) = refusal else { return Vec::new() };
    let mut found = Vec::new();
    let mut add = |error: &rustls::Error| {
        let problem = match error {
            rustls::Error::InvalidCertificate(problem) => problem.clone(),
            other => CertificateError::Other(rustls::OtherError(Arc::new(other.clone()))),
        };
        found.push(problem);
    };
    add(refusal);
    let Some((leaf, intermediates)) = chain.split_first() else { return found };
    if let Ok((_, parsed)) = X509Certificate::from_der(leaf) {
        let validity = parsed.validity();
        let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let seconds = now.0.div_euclid(1_000);
        if to < seconds {
            add(&rustls::Error::InvalidCertificate(CertificateError::Expired));
        } else if from > seconds {
            add(&rustls::Error::InvalidCertificate(CertificateError::NotValidYet));
        }
        // At an instant at which the leaf was valid: what else is wrong.
        let then = u64::try_from(to.saturating_sub(1).max(from)).unwrap_or_default();
        let then = UnixTime::since_unix_epoch(Duration::from_secs(then));
        if let Err(error) = prepared.verifier().verify_server_cert(leaf, intermediates, name, &[], then) {
            add(&error);
        }
    }
    if let Ok(parsed) = ParsedCertificate::try_from(leaf)
        && let Err(error) = verify_server_name(&parsed, name)
    {
        add(&error);
    }
    merged(found)
}

/// One of each kind, whether rustls gave it with its context or without.
fn merged(found: Vec<CertificateError>) -> Vec<CertificateError> {
    let mut kinds = Vec::new();
    found
        .into_iter()
        .filter(|problem| {
            let kind = kind(problem, &[]);
            let new = !kinds.contains(&kind);
            kinds.push(kind);
            new
        })
        .collect()
}

fn kind(problem: &CertificateError, chain: &[Certificate]) -> &'static str {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "not-yet-valid",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "wrong-host",
        CertificateError::UnknownIssuer if chain.first().is_some_and(|leaf| leaf.subject == leaf.issuer) => {
            "self-signed"
        }
        CertificateError::UnknownIssuer => "unknown-issuer",
        CertificateError::Revoked => "revoked",
        CertificateError::BadSignature => "bad-signature",
        _ => "other",
    }
}

fn shown(summary: &Certificate, der: &CertificateDer<'_>) -> Shown {
    let parsed = X509Certificate::from_der(der).ok().map(|(_, parsed)| parsed);
    Shown {
        summary: summary.clone(),
        serial: parsed.as_ref().map(|parsed| parsed.raw_serial_as_string()).unwrap_or_default(),
        key: parsed.as_ref().map(key).unwrap_or_default(),
        ocsp_urls: parsed.as_ref().map(ocsp_urls).unwrap_or_default(),
    }
}

fn key(certificate: &X509Certificate<'_>) -> String {
    let info = certificate.public_key();
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA {}", key.key_size()),
        Ok(PublicKey::EC(point)) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
            match curve.map(|curve| curve.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => "ECDSA P-256".to_owned(),
                Some("1.3.132.0.34") => "ECDSA P-384".to_owned(),
                Some("1.3.132.0.35") => "ECDSA P-521".to_owned(),
                _ => format!("ECDSA {}", point.key_size()),
            }
        }
        _ => match info.algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => "Ed25519".to_owned(),
            "1.3.101.113" => "Ed448".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// Where the certificate says that its status can be asked for (RFC 5280, section 4.2.2.1).
pub(super) fn ocsp_urls(certificate: &X509Certificate<'_>) -> Vec<String> {
    const OCSP: &str = "1.3.6.1.5.5.7.48.1";
    const URLS_MAX: usize = 5;
    let descriptions = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => Some(&access.accessdescs),
        _ => None,
    });
    let urls = descriptions.flatten().filter(|access| access.access_method.to_id_string() == OCSP);
    urls.filter_map(|access| match access.access_location {
        GeneralName::URI(url) => Some(url.to_owned()),
        _ => None,
    })
    .take(URLS_MAX)
    .collect()
}
