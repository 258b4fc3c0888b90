//! What an authority says of its certificates.

use super::{Authority, RawServer, read_head};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rcgen::{CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyPair, SigningKey};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use x509_cert::Certificate;
use x509_cert::der::asn1::{BitString, GeneralizedTime, Ia5String, Null, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AccessDescription, AuthorityInfoAccessSyntax, CrlReason};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{
    AsResponseBytes, BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse,
    ResponderId, ResponseData, RevokedInfo, SingleResponse, Version,
};

const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// What a response says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Good,
    Revoked,
    Unknown,
    /// Good, in a week that is over.
    Stale,
    /// Good, by a key that is not the authority's.
    Forged,
    /// Good, by a responder that the authority lets sign.
    Delegated,
    /// Good, by one that it does not.
    Undelegated,
    /// Nothing: try later.
    Later,
}

/// The serial number of a certificate, to ask for it.
pub(super) fn id_of(certificate: &[u8]) -> SerialNumber {
    Certificate::from_der(certificate).expect("a certificate").tbs_certificate.serial_number
}

/// Where a certificate's status can be asked for, as its extension.
pub(super) fn responder_extension(url: &str) -> CustomExtension {
    let location = GeneralName::UniformResourceIdentifier(Ia5String::new(url).expect("ASCII"));
    let access = AuthorityInfoAccessSyntax(vec![AccessDescription { access_method: OCSP, access_location: location }]);
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access.to_der().expect("it can be written"))
}

pub(super) fn response(authority: &Authority, serial: &SerialNumber, says: Says) -> Vec<u8> {
    if says == Says::Later {
        return OcspResponse::try_later().to_der().expect("it can be written");
    }
    const WEEK: Duration = Duration::from_secs(7 * 86_400);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
    let time = |at: Duration| {
        let whole = Duration::from_secs(at.as_secs());
        OcspGeneralizedTime(GeneralizedTime::from_unix_duration(whole).expect("a time"))
    };
    let from = if says == Says::Stale { now - 2 * WEEK } else { now - WEEK / 2 };
    let status = match says {
        Says::Revoked => CertStatus::revoked(RevokedInfo {
            revocation_time: time(Duration::from_secs(1_700_000_000)),
            revocation_reason: Some(CrlReason::KeyCompromise),
        }),
        Says::Unknown => CertStatus::unknown(),
        _ => CertStatus::good(),
    };
    let issuer = Certificate::from_der(authority.issuer.der()).expect("a certificate").tbs_certificate;
    let hash = |bytes: &[u8]| OctetString::new(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref()).expect("a hash");
    let own_key;
    let mut certs = None;
    let key: &KeyPair = match says {
        Says::Forged => {
            own_key = KeyPair::generate().expect("a key");
            &own_key
        }
        Says::Delegated | Says::Undelegated => {
            own_key = KeyPair::generate().expect("a key");
            let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
            let uses = if says == Says::Delegated {
                ExtendedKeyUsagePurpose::OcspSigning
            } else {
                ExtendedKeyUsagePurpose::ServerAuth
            };
            params.extended_key_usages = vec![uses];
            let signer = params.signed_by(&own_key, &authority.issuer).expect("a signed certificate");
            certs = Some(vec![Certificate::from_der(signer.der()).expect("a certificate")]);
            &own_key
        }
        _ => authority.issuer.key(),
    };
    let signer = certs.as_ref().map_or(&issuer, |certs: &Vec<Certificate>| &certs[0].tbs_certificate);
    let responder = hash(signer.subject_public_key_info.subject_public_key.raw_bytes());
    let data = ResponseData {
        version: Version::V1,
        responder_id: ResponderId::ByKey(responder),
        produced_at: time(from),
        responses: vec![SingleResponse {
            cert_id: CertId {
                hash_algorithm: AlgorithmIdentifierOwned { oid: SHA1, parameters: Some(Null.into()) },
                issuer_name_hash: hash(&issuer.subject.to_der().expect("it can be written")),
                issuer_key_hash: hash(issuer.subject_public_key_info.subject_public_key.raw_bytes()),
                serial_number: serial.clone(),
            },
            cert_status: status,
            this_update: time(from),
            next_update: Some(time(from + WEEK)),
            single_extensions: None,
        }],
        response_extensions: None,
    };
    let signature = key.sign(&data.to_der().expect("it can be written")).expect("a signature");
    let basic = BasicOcspResponse {
        tbs_response_data: data,
        signature_algorithm: AlgorithmIdentifierOwned { oid: ECDSA_SHA256, parameters: None },
        signature: BitString::from_bytes(&signature).expect("a signature"),
        certs,
    };
    let bytes = basic.to_response_bytes().expect("it can be written");
    let response =
        OcspResponse { response_status: x509_ocsp::OcspResponseStatus::Successful, response_bytes: Some(bytes) };
    response.to_der().expect("it can be written")
}

/// Answers over HTTP, by path: `/good`, `/revoked` and so on; `/broken` with no OCSP response, `/busy` with 503.
pub async fn ocsp_responder(authority: Arc<Authority>) -> RawServer {
    RawServer::start(move |_, mut stream| {
        let authority = Arc::clone(&authority);
        async move {
            let Some(head) = read_head(&mut stream).await else { return };
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
            let asked = OcspRequest::from_der(&body).ok();
            let serial = asked.and_then(|asked| Some(asked.tbs_request.request_list.first()?.req_cert.serial_number.clone()));
            let path = head.split(' ').nth(1).unwrap_or_default();
            let says = match path {
                "/revoked" => Says::Revoked,
                "/unknown" => Says::Unknown,
                "/stale" => Says::Stale,
                "/forged" => Says::Forged,
                "/delegated" => Says::Delegated,
                "/undelegated" => Says::Undelegated,
                "/later" => Says::Later,
                _ => Says::Good,
            };
            let answer = match (path, serial) {
                ("/broken", _) | (_, None) => b"this is no OCSP response".to_vec(),
                (_, Some(serial)) => response(&authority, &serial, says),
            };
            let status = if path == "/busy" { "503 Service Unavailable" } else { "200 OK" };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/ocsp-response\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            // A client that has gone is not waited for.
            let _ = stream.write_all(&[head.as_bytes(), &answer].concat()).await;
        }
    })
    .await
}
