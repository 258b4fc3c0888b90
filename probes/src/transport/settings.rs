use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What a region's checks may reach, and whom they trust.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkSettings {
    /// Addresses of names, before any look-up. Names are compared without case.
    pub resolve: BTreeMap<String, IpAddr>,
    /// Whether private, loopback, shared and unique-local addresses may be reached. Link-local addresses and the
    /// cloud's metadata services never are.
    pub allow_private: bool,
    /// PEM texts of certificate authorities to trust beside Mozilla's.
    pub ca_pem: Vec<String>,
    /// The longest response body that is read, counted after content decoding.
    pub decoded_body_bytes_max: u64,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self { resolve: BTreeMap::new(), allow_private: false, ca_pem: Vec::new(), decoded_body_bytes_max: 64 << 20 }
    }
}

/// Why network settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("CA {number}: {problem}; give a PEM file with `-----BEGIN CERTIFICATE-----`")]
    CaPem { number: usize, problem: String },
    #[error("the TLS library refused its configuration: {0}")]
    Tls(String),
}
