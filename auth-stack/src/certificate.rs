//! TLS: an authority made at the first start and kept in the data folder, and a leaf that it signs at every start.
//!
//! Nothing is resumed: every connection shows the certificate again, so that a fault in it is seen at once.

use crate::fault::FaultBook;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;
/// Leaves that are kept, one for each number of days left that was asked for.
const LEAVES_MAX: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("cannot read or write {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("the authority's key in {path} does not parse: {source}; remove it and ca.pem to make new ones")]
    AuthorityKey { path: PathBuf, source: rcgen::Error },
    #[error("the certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error("TLS could not be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// When a leaf with this many days left expires: an hour later, so that whole days, rounded down, are the number
/// asked for while a test or a demo lasts.
pub(crate) fn expiry_ms(days_left: i64, now_ms: i64) -> i64 {
    now_ms.saturating_add(days_left.saturating_mul(DAY_MS)).saturating_add(3_600_000)
}

/// The certificate authority and its leaves.
pub(crate) struct Authority {
    pub pem: String,
    pub pem_path: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    /// Names and addresses that leaves are valid for.
    names: Vec<String>,
    leaf_key: KeyPair,
    provider: Arc<CryptoProvider>,
    leaves: Mutex<HashMap<i64, Arc<CertifiedKey>>>,
}

fn authority_params() -> CertificateParams {
    // The subject must be the same at every start, since it is not read back from ca.pem.
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Tocsin reference auth stack CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2050, 1, 1);
    params
}

impl Authority {
    pub fn open(folder: &Path, addresses: &[IpAddr]) -> Result<Authority, CertificateError> {
        let (pem_path, key_path) = (folder.join("ca.pem"), folder.join("ca-key.pem"));
        let file_error = |path: &Path, source| CertificateError::File { path: path.to_owned(), source };
        let kept = match (fs::read_to_string(&pem_path), fs::read_to_string(&key_path)) {
            (Ok(pem), Ok(key)) => Some((pem, key)),
            (Err(error), _) | (_, Err(error)) if error.kind() == std::io::ErrorKind::NotFound => None,
            (Err(error), _) => return Err(file_error(&pem_path, error)),
            (_, Err(error)) => return Err(file_error(&key_path, error)),
        };
        let (pem, key) = match kept {
            Some((pem, key)) => {
                let key = KeyPair::from_pem(&key)
                    .map_err(|source| CertificateError::AuthorityKey { path: key_path.clone(), source })?;
                (pem, key)
            }
            None => {
                let key = KeyPair::generate()?;
                let pem = authority_params().self_signed(&key)?.pem();
                write_private(&key_path, &key.serialize_pem()).map_err(|source| file_error(&key_path, source))?;
                fs::write(&pem_path, &pem).map_err(|source| file_error(&pem_path, source))?;
                (pem, key)
            }
        };
        let mut names: Vec<String> =
            ["localhost", "auth.tocsin.test", "127.0.0.1", "127.0.0.2", "127.0.0.3"].map(str::to_owned).into();
        for address in addresses.iter().map(IpAddr::to_string) {
            if !names.contains(&address) {
                names.push(address);
            }
        }
        Ok(Authority {
            pem,
            pem_path,
            issuer: Issuer::new(authority_params(), key),
            names,
            leaf_key: KeyPair::generate()?,
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            leaves: Mutex::new(HashMap::new()),
        })
    }

    /// A leaf that has this many days left; negative when it is to be expired. Made once for each number.
    pub fn leaf(&self, days_left: i64, now_ms: i64) -> Result<Arc<CertifiedKey>, CertificateError> {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = leaves.get(&days_left) {
            return Ok(Arc::clone(leaf));
        }
        let expires_ms = expiry_ms(days_left, now_ms);
        let mut params = CertificateParams::new(self.names.clone())?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_millis(expires_ms.max(0).unsigned_abs());
        params.not_before = rcgen::date_time_ymd(1970, 1, 1)
            + Duration::from_millis((expires_ms.min(now_ms) - 30 * DAY_MS).max(0).unsigned_abs());
        let certificate = params.signed_by(&self.leaf_key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let leaf = Arc::new(CertifiedKey::from_der(vec![certificate.der().clone()], key, &self.provider)?);
        if leaves.len() >= LEAVES_MAX {
            leaves.clear();
        }
        leaves.insert(days_left, Arc::clone(&leaf));
        Ok(leaf)
    }

    /// The TLS side of one node: HTTP/2 and HTTP/1.1, TLS 1.2 and 1.3.
    pub fn server_config(
        self: &Arc<Self>,
        node: &str,
        leaf: Arc<CertifiedKey>,
        faults: Arc<FaultBook>,
    ) -> Result<ServerConfig, CertificateError> {
        let resolver = LeafOfNode { node: node.to_owned(), leaf, authority: Arc::clone(self), faults };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Shows a node's own leaf, or the one that a fault asks for.
struct LeafOfNode {
    node: String,
    leaf: Arc<CertifiedKey>,
    authority: Arc<Authority>,
    faults: Arc<FaultBook>,
}

impl std::fmt::Debug for LeafOfNode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LeafOfNode").field("node", &self.node).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for LeafOfNode {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let now_ms = crate::clock::now_ms();
        match self.faults.certificate_days(&self.node, now_ms) {
            None => Some(Arc::clone(&self.leaf)),
            Some(days_left) => self
                .authority
                .leaf(days_left, now_ms)
                .inspect_err(|error| tracing::error!(%error, "no certificate for the fault"))
                .ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_kept_and_the_leaf_has_the_days_asked_for() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let first = Authority::open(folder.path(), &[]).expect("an authority");
        let again = Authority::open(folder.path(), &["127.0.0.9".parse().expect("an address")]).expect("an authority");
        assert_eq!(first.pem, again.pem);
        assert_eq!(again.names.last().map(String::as_str), Some("127.0.0.9"));

        let authority_der = authority_der(&first.pem);
        let (_, authority) = x509_parser::parse_x509_certificate(&authority_der).expect("a certificate");
        let now_ms = crate::clock::now_ms();
        for days_left in [90, 3, 0, -1, -400] {
            let leaf = again.leaf(days_left, now_ms).expect("a leaf");
            let (_, leaf) = x509_parser::parse_x509_certificate(&leaf.cert[0]).expect("a certificate");
            let seconds_left = leaf.validity().not_after.timestamp() - now_ms / 1_000;
            assert_eq!(seconds_left.div_euclid(86_400), days_left);
            assert!(leaf.validity().not_before.timestamp() < leaf.validity().not_after.timestamp());
            assert_eq!(leaf.issuer(), authority.subject());
        }
    }

    fn authority_der(pem: &str) -> Vec<u8> {
        use base64::Engine as _;
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        base64::engine::general_purpose::STANDARD.decode(body).expect("base64")
    }

    #[test]
    fn a_spoilt_key_is_refused_with_the_file_and_what_to_do() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        Authority::open(folder.path(), &[]).expect("an authority");
        fs::write(folder.path().join("ca-key.pem"), "nonsense").expect("a written file");
        let error = Authority::open(folder.path(), &[]).err().expect("a refusal").to_string();
        assert!(error.contains("ca-key.pem") && error.contains("remove it and ca.pem"), "{error}");
    }
}
