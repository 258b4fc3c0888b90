//! A certificate authority of the tests' own.

use super::ocsp::{self, Says};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;

pub struct Authority {
    pub(super) issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a server's certificate says.
pub struct Leaf<'a> {
    pub names: &'a [&'a str],
    pub not_before: (i32, u8, u8),
    pub not_after: (i32, u8, u8),
    pub alpn: &'a [&'a str],
    /// Where its status can be asked for.
    pub responder: Option<String>,
    /// What the server staples of its status.
    pub staple: Option<Says>,
}

impl Default for Leaf<'_> {
    fn default() -> Self {
        Self {
            names: &["localhost"],
            not_before: (2020, 1, 1),
            not_after: (2200, 1, 1),
            alpn: &["h2", "http/1.1"],
            responder: None,
            staple: None,
        }
    }
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a self-signed authority") }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Certificate chain and key as PEM, for a server that reads files.
    pub fn pem_pair(&self, leaf: &Leaf<'_>) -> (String, String) {
        let (certificate, key) = self.sign(leaf);
        (format!("{}{}", certificate.pem(), self.issuer.pem()), key.serialize_pem())
    }

    fn sign(&self, leaf: &Leaf<'_>) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = leaf.names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("valid names");
        params.distinguished_name.push(DnType::CommonName, leaf.names[0]);
        let ((y, m, d), (y2, m2, d2)) = (leaf.not_before, leaf.not_after);
        params.not_before = rcgen::date_time_ymd(y, m, d);
        params.not_after = rcgen::date_time_ymd(y2, m2, d2);
        if let Some(url) = &leaf.responder {
            params.custom_extensions.push(ocsp::responder_extension(url));
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a signed certificate");
        (certificate, key)
    }

    pub fn server(&self, leaf: &Leaf<'_>) -> rustls::ServerConfig {
        let (certificate, key) = self.sign(leaf);
        let staple = leaf.staple.map(|says| ocsp::response(self, &ocsp::id_of(certificate.der()), says));
        let chain = vec![CertificateDer::from(certificate.der().to_vec()), self.issuer.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_no_client_auth()
            .with_single_cert_with_ocsp(chain, key, staple.unwrap_or_default())
            .expect("the key belongs to the certificate");
        config.alpn_protocols = leaf.alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }
}
