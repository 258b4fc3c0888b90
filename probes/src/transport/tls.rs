//! TLS: what is built once for all runs, and the handshake of one connection.

use super::recorder::Exchange;
use super::settings::{NetworkSettings, SettingsError};
use super::{TransportError, certificate, tls_failure};
use checks::{Tls, UnixMs};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ProtocolVersion, RootCertStore, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Network settings with everything that is expensive to build and the same for each run.
///
/// Built before a run's process is forked; needs neither threads nor tokio.
#[derive(Debug)]
pub struct Prepared {
    pub(super) settings: NetworkSettings,
    config: ClientConfig,
    verifier: Arc<WebPkiServerVerifier>,
}

impl Prepared {
    pub fn new(settings: NetworkSettings) -> Result<Self, SettingsError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for (index, pem) in settings.ca_pem.iter().enumerate() {
            let problem = |problem: String| SettingsError::CaPem { number: index + 1, problem };
            let mut found = 0;
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| problem(format!("cannot be read: {error}")))?;
                roots.add(certificate).map_err(|error| problem(format!("is no usable authority: {error}")))?;
                found += 1;
            }
            if found == 0 {
                return Err(problem("holds no certificate".to_owned()));
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // The processor's features are detected, and the random generator seeded, here rather than in each run.
        provider.secure_random.fill(&mut [0_u8; 32]).map_err(|_| SettingsError::Tls("no random numbers".to_owned()))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| SettingsError::Tls(error.to_string()))?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| SettingsError::Tls(error.to_string()))?
            .with_webpki_verifier(Arc::clone(&verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Every handshake that is measured is a whole one.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self { settings, config, verifier })
    }

    pub fn settings(&self) -> &NetworkSettings {
        &self.settings
    }

    /// The configuration of a handshake that `witness` watches and judges.
    pub(crate) fn witnessed(&self, witness: &Arc<Witness>) -> ClientConfig {
        let mut config = self.config.clone();
        config.dangerous().set_certificate_verifier(Arc::clone(witness) as Arc<dyn ServerCertVerifier>);
        config
    }

    pub(crate) fn verifier(&self) -> &Arc<WebPkiServerVerifier> {
        &self.verifier
    }
}

/// Whether the peer speaks HTTP/2 on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

/// Makes the handshake, and records the certificates whether it succeeds or not.
pub(super) async fn handshake(
    prepared: &Prepared,
    host: &str,
    tcp: TcpStream,
    exchange: &Exchange,
) -> Result<(TlsStream<TcpStream>, Spoken), TransportError> {
    let name = ServerName::try_from(host.trim_matches(['[', ']']).trim_end_matches('.').to_owned())
        .map_err(|_| TransportError::Tls(format!("`{host}` is no name that a certificate can hold")))?;
    let witness = Arc::new(Witness::new(prepared, Trust::Authorities));
    let config = prepared.witnessed(&witness);

    let connected = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
    let now = UnixMs::now();
    let certificates = certificate::summarise(&witness.seen().chain, now);
    match connected {
        Ok(stream) => {
            let (_, session) = stream.get_ref();
            let alpn = session.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned());
            let spoken = if alpn.as_deref() == Some("h2") { Spoken::Http2 } else { Spoken::Http1 };
            exchange.tls(Tls { version: version(session.protocol_version()), alpn, certificates });
            Ok((stream, spoken))
        }
        Err(error) => {
            let message = tls_failure::describe(&error, host, &certificates, now);
            if !certificates.is_empty() {
                exchange.tls(Tls { version: String::new(), alpn: None, certificates });
            }
            Err(TransportError::Tls(message))
        }
    }
}

pub(crate) fn version(version: Option<ProtocolVersion>) -> String {
    match version {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

/// Whom a handshake trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    Authorities,
    /// Everybody: the handshake is made to look at the certificate, whatever is wrong with it.
    Anybody,
}

/// What a server showed of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The stapled OCSP response; empty where there was none.
    pub(crate) ocsp_response: Vec<u8>,
    /// Why the authorities do not vouch for it, where they do not.
    pub(crate) refusal: Option<rustls::Error>,
}

/// Keeps the chain that it is shown, also one that is refused: that is the one people want to see.
#[derive(Debug)]
pub(crate) struct Witness {
    inner: Arc<WebPkiServerVerifier>,
    trust: Trust,
    seen: Mutex<Seen>,
}

impl Witness {
    pub(crate) fn new(prepared: &Prepared, trust: Trust) -> Self {
        Self { inner: Arc::clone(&prepared.verifier), trust, seen: Mutex::default() }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.clone().into_owned()).collect();
        let judged = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let refusal = judged.as_ref().err().cloned();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Seen { chain, ocsp_response: ocsp_response.to_vec(), refusal };
        match self.trust {
            Trust::Authorities => judged,
            Trust::Anybody => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
