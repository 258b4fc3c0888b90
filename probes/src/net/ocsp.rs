//! OCSP (RFC 6960): what a certificate's issuer says of it, stapled to a handshake or asked for over HTTP.
#![allow(unsafe_code, reason = "the op2 macro writes the engine's calling convention out in full")]

use super::{json, tls};
use crate::fetch;
use crate::transport::{Client, Outgoing, RequestBody, TransportError};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use checks::UnixMs;
use deno_core::{OpState, op2};
use deno_error::JsErrorBox;
use http::{HeaderMap, HeaderValue, Method};
use rustls::pki_types::SignatureVerificationAlgorithm;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::rc::Rc;
use url::Url;
use x509_cert::Certificate;
use x509_cert::der::asn1::{Null, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse, OcspResponseStatus, Request,
    ResponderId, SingleResponse, TbsRequest,
};
use x509_parser::prelude::{FromDer, X509Certificate};

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");

const RESPONSE_BYTES_MAX: usize = 64 << 10;

/// Clocks of a responder and of this machine may differ by this much.
const SKEW_MS: i64 = 5 * 60 * 1_000;

#[derive(Deserialize)]
struct Ask {
    /// The leaf and its issuer, base64 of the DER.
    chain: Vec<String>,
    /// The stapled response, base64; asked for over HTTP where empty.
    stapled: String,
    /// Instead of the URL in the certificate.
    responder: Option<String>,
}

/// What a response says.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    responder: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    produced_at: i64,
    this_update: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_update: Option<i64>,
    /// Whether now lies between the two updates.
    current: bool,
    /// `valid`, `invalid`, or `unsupported` where no algorithm here can tell.
    signature: &'static str,
}

/// The status of a certificate; [`Status`] in JSON.
#[op2]
#[string]
pub(super) async fn op_net_ocsp(state: Rc<RefCell<OpState>>, #[string] options: String) -> Result<String, JsErrorBox> {
    let ask: Ask = serde_json::from_str(&options).map_err(JsErrorBox::from_err)?;
    let decoded = |text: &String| STANDARD.decode(text).map_err(|error| JsErrorBox::type_error(error.to_string()));
    let chain = ask.chain.iter().map(decoded).collect::<Result<Vec<_>, _>>()?;
    let [leaf, issuer] = chain.as_slice() else {
        return Err(JsErrorBox::type_error(
            "the server sent its certificate without the one of its issuer, and a status is asked for with both",
        ));
    };
    let issued = Issued::of(leaf, issuer).map_err(JsErrorBox::type_error)?;
    if !ask.stapled.is_empty() {
        let status = issued.read(&decoded(&ask.stapled)?, "stapled", None, UnixMs::now());
        let status = status.map_err(|problem| {
            let error = TransportError::Unexpected(format!("the stapled OCSP response {problem}"));
            fetch::js_error(&error, "stapled to the handshake")
        })?;
        return json(&status);
    }
    let named = X509Certificate::from_der(leaf).map(|(_, leaf)| tls::ocsp_urls(&leaf)).unwrap_or_default();
    let Some(responder) = ask.responder.or_else(|| named.into_iter().next()) else {
        return Err(JsErrorBox::type_error(
            "the certificate names no OCSP responder, and no response is stapled: give the `responder`",
        ));
    };
    let url = Url::parse(&responder)
        .map_err(|error| JsErrorBox::type_error(format!("the responder `{responder}` is no URL: {error}")))?;
    let found = fetch::client(&state.borrow());
    let Some((client, step)) = found else {
        return Err(JsErrorBox::type_error("the network is there only while a check runs"));
    };
    let request = issued.request().map_err(JsErrorBox::type_error)?;
    let failed = |error: TransportError| fetch::js_error(&error, &format!("POST {responder}"));
    let response = post(&client, url, request, step).await.map_err(failed)?;
    let status = issued.read(&response, "request", Some(responder.clone()), UnixMs::now());
    let status =
        status.map_err(|problem| failed(TransportError::Unexpected(format!("the OCSP response {problem}"))))?;
    json(&status)
}

async fn post(client: &Client, url: Url, request: Vec<u8>, step: Option<u32>) -> Result<Vec<u8>, TransportError> {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/ocsp-request"));
    headers.insert(http::header::ACCEPT, HeaderValue::from_static("application/ocsp-response"));
    let body = RequestBody::Full(request.into());
    let answer = client.send(Outgoing { method: Method::POST, url, headers, body, step }).await?;
    if !answer.status.is_success() {
        return Err(TransportError::Protocol(format!("the OCSP responder answered with {}", answer.status)));
    }
    let mut body = answer.body;
    let mut response = Vec::new();
    while let Some(piece) = body.piece(RESPONSE_BYTES_MAX).await? {
        response.extend_from_slice(&piece);
        if response.len() > RESPONSE_BYTES_MAX {
            return Err(TransportError::BodyTooLarge { limit_bytes: RESPONSE_BYTES_MAX as u64 });
        }
    }
    Ok(response)
}

/// A certificate and who signed it.
struct Issued {
    leaf: Certificate,
    issuer: Certificate,
}

impl Issued {
    fn of(leaf: &[u8], issuer: &[u8]) -> Result<Self, String> {
        let read = |what: &str, der: &[u8]| {
            Certificate::from_der(der).map_err(|error| format!("the {what}'s certificate cannot be read: {error}"))
        };
        Ok(Self { leaf: read("server", leaf)?, issuer: read("issuer", issuer)? })
    }

    fn id(&self, algorithm: ObjectIdentifier) -> Result<CertId, String> {
        let hash = |bytes: &[u8]| {
            let algorithm = if algorithm == SHA256 { &digest::SHA256 } else { &digest::SHA1_FOR_LEGACY_USE_ONLY };
            OctetString::new(digest::digest(algorithm, bytes).as_ref()).map_err(|error| error.to_string())
        };
        let issuer = &self.issuer.tbs_certificate;
        let name = issuer.subject.to_der().map_err(|error| error.to_string())?;
        Ok(CertId {
            hash_algorithm: AlgorithmIdentifierOwned { oid: algorithm, parameters: Some(Null.into()) },
            issuer_name_hash: hash(&name)?,
            issuer_key_hash: hash(issuer.subject_public_key_info.subject_public_key.raw_bytes())?,
            serial_number: self.leaf.tbs_certificate.serial_number.clone(),
        })
    }

    /// SHA-1 names the certificate here, and protects nothing: it is what every responder answers to (RFC 5019).
    fn request(&self) -> Result<Vec<u8>, String> {
        let request = Request { req_cert: self.id(SHA1)?, single_request_extensions: None };
        let tbs_request = TbsRequest { request_list: vec![request], ..TbsRequest::default() };
        OcspRequest { tbs_request, optional_signature: None }.to_der().map_err(|error| error.to_string())
    }

    fn is_about(&self, single: &SingleResponse) -> bool {
        let asked = self.id(single.cert_id.hash_algorithm.oid);
        asked.is_ok_and(|asked| {
            asked.serial_number == single.cert_id.serial_number
                && asked.issuer_name_hash == single.cert_id.issuer_name_hash
                && asked.issuer_key_hash == single.cert_id.issuer_key_hash
        })
    }

    /// What a response says of the certificate; the error ends the sentence "the OCSP response ...".
    fn read(&self, der: &[u8], source: &'static str, responder: Option<String>, now: UnixMs) -> Result<Status, String> {
        let unreadable = |error: x509_cert::der::Error| format!("cannot be read: {error}");
        let response = OcspResponse::from_der(der).map_err(unreadable)?;
        let refused = |what: &str| Err(format!("is a refusal: {what}"));
        let bytes = match (response.response_status, response.response_bytes) {
            (OcspResponseStatus::Successful, Some(bytes)) => bytes.response,
            (OcspResponseStatus::Successful, None) => return Err("is empty".to_owned()),
            (OcspResponseStatus::MalformedRequest, _) => return refused("the request is malformed"),
            (OcspResponseStatus::InternalError, _) => return refused("internal error of the responder"),
            (OcspResponseStatus::TryLater, _) => return refused("try later"),
            (OcspResponseStatus::SigRequired, _) => return refused("requests must be signed"),
            (OcspResponseStatus::Unauthorized, _) => {
                return refused("unauthorized, as of a certificate that the responder does not know");
            }
        };
        let basic = BasicOcspResponse::from_der(bytes.as_bytes()).map_err(unreadable)?;
        let data = &basic.tbs_response_data;
        let Some(single) = data.responses.iter().find(|single| self.is_about(single)) else {
            return Err("is about another certificate".to_owned());
        };
        let (status, revoked) = match &single.cert_status {
            CertStatus::Good(_) => ("good", None),
            CertStatus::Revoked(revoked) => ("revoked", Some(revoked)),
            CertStatus::Unknown(_) => ("unknown", None),
        };
        let this_update = unix_ms(&single.this_update);
        let next_update = single.next_update.as_ref().map(unix_ms);
        Ok(Status {
            source,
            responder,
            status,
            revoked_at: revoked.map(|revoked| unix_ms(&revoked.revocation_time)),
            reason: revoked.and_then(|revoked| revoked.revocation_reason).map(|reason| format!("{reason:?}")),
            produced_at: unix_ms(&data.produced_at),
            this_update,
            next_update,
            current: this_update <= now.0 + SKEW_MS && next_update.is_none_or(|next| now.0 <= next + SKEW_MS),
            signature: self.signature(bytes.as_bytes(), &basic),
        })
    }

    /// Whether the response is signed by the issuer, or by somebody whom the issuer lets sign (RFC 6960, 4.2.2.2).
    fn signature(&self, der: &[u8], basic: &BasicOcspResponse) -> &'static str {
        let Some(signed) = signed_part(der) else { return "invalid" };
        let delegated = basic.certs.as_deref().unwrap_or_default().iter().filter(|signer| {
            signs_ocsp(signer)
                && signer.tbs_certificate.to_der().is_ok_and(|tbs| {
                    verify(&self.issuer, &signer.signature_algorithm, &tbs, signer.signature.raw_bytes()) == Some(true)
                })
        });
        let mut unsupported = false;
        for signer in std::iter::once(&self.issuer).chain(delegated) {
            if !is_responder(signer, &basic.tbs_response_data.responder_id) {
                continue;
            }
            match verify(signer, &basic.signature_algorithm, signed, basic.signature.raw_bytes()) {
                Some(true) => return "valid",
                Some(false) => {}
                None => unsupported = true,
            }
        }
        if unsupported { "unsupported" } else { "invalid" }
    }
}

/// The bytes that the signature is over, as they came.
fn signed_part(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    reader
        .sequence(|reader| {
            let signed = reader.tlv_bytes()?;
            reader.read_slice(reader.remaining_len())?;
            Ok(signed)
        })
        .ok()
}

fn is_responder(signer: &Certificate, id: &ResponderId) -> bool {
    let signer = &signer.tbs_certificate;
    match id {
        ResponderId::ByName(name) => *name == signer.subject,
        ResponderId::ByKey(hash) => {
            let key = signer.subject_public_key_info.subject_public_key.raw_bytes();
            digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, key).as_ref() == hash.as_bytes()
        }
    }
}

fn signs_ocsp(signer: &Certificate) -> bool {
    let extensions = signer.tbs_certificate.extensions.as_deref().unwrap_or_default();
    extensions.iter().filter(|extension| extension.extn_id == EXTENDED_KEY_USAGE).any(|extension| {
        Vec::<ObjectIdentifier>::from_der(extension.extn_value.as_bytes())
            .is_ok_and(|uses| uses.contains(&OCSP_SIGNING))
    })
}

/// Whether `signer` made the signature; `None` where no algorithm here knows it.
fn verify(signer: &Certificate, algorithm: &AlgorithmIdentifierOwned, signed: &[u8], signature: &[u8]) -> Option<bool> {
    let info = &signer.tbs_certificate.subject_public_key_info;
    let (key_id, signature_id) = (contents(&info.algorithm)?, contents(algorithm)?);
    let fits = |known: &&&dyn SignatureVerificationAlgorithm| {
        known.public_key_alg_id().as_ref() == key_id && known.signature_alg_id().as_ref() == signature_id
    };
    let known = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
    let known = known.iter().find(fits)?;
    Some(known.verify_signature(info.subject_public_key.raw_bytes(), signed, signature).is_ok())
}

/// An algorithm's DER without its outermost tag and length, as rustls keeps it.
fn contents(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let der = algorithm.to_der().ok()?;
    let mut reader = SliceReader::new(&der).ok()?;
    reader.sequence(|reader| reader.read_vec(reader.remaining_len())).ok()
}

fn unix_ms(time: &OcspGeneralizedTime) -> i64 {
    i64::try_from(time.0.to_unix_duration().as_millis()).unwrap_or(i64::MAX)
}
