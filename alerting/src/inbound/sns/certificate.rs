use crate::inbound::Refusal;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use checks::UnixMs;
use std::fmt::Display;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The larger of what a few certificates need.
pub const PEM_BYTES_MAX: usize = 64 << 10;

/// A certificate that SNS serves: the key, and until when it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningCertificate {
    /// PKCS #1.
    key: Vec<u8>,
    valid_from: UnixMs,
    valid_until: UnixMs,
}

fn refused(problem: impl Display) -> Refusal {
    Refusal::Certificate(problem.to_string())
}

impl SigningCertificate {
    /// The first certificate of the file, where it bears the name of SNS.
    pub fn read(pem: &[u8], now: UnixMs) -> Result<Self, Refusal> {
        let (_, pem) = parse_x509_pem(pem).map_err(|_| refused("it is no PEM"))?;
        let (_, certificate) = X509Certificate::from_der(&pem.contents).map_err(|_| refused("it is no certificate"))?;
        let subject = certificate.subject();
        let common = subject.iter_common_name().filter_map(|name| name.as_str().ok());
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let alternatives =
            alternatives.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(*name),
                _ => None,
            });
        let names: Vec<&str> = common.chain(alternatives).collect();
        if !names.iter().any(|name| is_of_sns(name)) {
            return Err(refused(format_args!("it is that of {}", names.join(", "))));
        }
        let at = |time: x509_parser::time::ASN1Time| UnixMs(time.timestamp().saturating_mul(1_000));
        let read = Self {
            key: certificate.public_key().subject_public_key.data.to_vec(),
            valid_from: at(certificate.validity().not_before),
            valid_until: at(certificate.validity().not_after),
        };
        read.is_valid_at(now)?;
        Ok(read)
    }

    pub fn is_valid_at(&self, now: UnixMs) -> Result<(), Refusal> {
        if now < self.valid_from {
            return Err(refused(format_args!("it is valid from {} on", self.valid_from)));
        }
        if now > self.valid_until {
            return Err(refused(format_args!("it was valid until {}", self.valid_until)));
        }
        Ok(())
    }

    /// Version 1 is RSA with SHA-1, version 2 with SHA-256.
    pub(super) fn verify(&self, version: &str, signed: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let algorithm: &'static RsaParameters = match version {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            other => return Err(Refusal::SignatureVersion(crate::incident::shorten(other, 20))),
        };
        let key = UnparsedPublicKey::new(algorithm, &self.key);
        key.verify(signed, signature).map_err(|_| Refusal::Signature)
    }
}

/// `sns.amazonaws.com`, `sns.eu-west-1.amazonaws.com`, `sns-signing.me-south-1.amazonaws.com`, and those of China.
fn is_of_sns(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let own = name.strip_suffix(".amazonaws.com").or_else(|| name.strip_suffix(".amazonaws.com.cn"));
    let first = own.and_then(|own| own.split('.').next());
    first.is_some_and(|first| first == "sns" || first.starts_with("sns-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sns_are_told_from_others() {
        let cases = [
            ("sns.amazonaws.com", true),
            ("SNS.eu-west-1.amazonaws.com", true),
            ("sns-signing.me-south-1.amazonaws.com", true),
            ("sns-cn-north-1.amazonaws.com.cn", true),
            ("s3.amazonaws.com", false),
            ("amazonaws.com", false),
            ("snsx.amazonaws.com", false),
            ("sns.amazonaws.com.evil.example", false),
            ("sns.amazonaws.org", false),
        ];
        for (name, expected) in cases {
            assert_eq!(is_of_sns(name), expected, "{name}");
        }
    }
}
