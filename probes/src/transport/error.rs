use super::address_policy::Refusal;
use checks::FailureClass;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Why an exchange did not complete. Each is a line that a person understands at 3 a.m.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TransportError {
    #[error("{0}")]
    Dns(String),
    #[error("{address} is {refusal}")]
    Refused { address: IpAddr, refusal: Refusal },
    #[error("{place} is not among the check's `hosts`; list it there to let the script connect to it")]
    NotListed { place: String },
    /// A request with a secret's value to a host that the secret is not for.
    #[error(
        "the {part} holds the secret {secret}, which may not go to {place}; if it should, add the host to `secrets: {{ {secret}: {{ hosts: [...] }} }}`"
    )]
    SecretAstray { secret: String, part: String, place: String },
    /// No connection, or one that the peer broke.
    #[error("{0}")]
    Connect(String),
    #[error("{0}")]
    Tls(String),
    /// The peer answered with something that is not HTTP, or whose content cannot be decoded.
    #[error("{0}")]
    Protocol(String),
    #[error("the response body is larger than {limit_bytes} bytes after decoding")]
    BodyTooLarge { limit_bytes: u64 },
    /// The script's own stream of a request body failed.
    #[error("the request body failed: {0}")]
    RequestBody(String),
    #[error("the request cannot be sent: {0}")]
    Request(String),
    #[error("the script gave the request up while it {0}")]
    Cancelled(String),
    /// The time that the script gave this exchange is over.
    #[error("{0}")]
    Timeout(String),
    /// The peer answered, and not as its protocol has it.
    #[error("{0}")]
    Unexpected(String),
}

impl TransportError {
    /// Cuts what is told of it, where it is longer.
    pub(crate) fn cut(&mut self, bytes_max: usize) {
        match self {
            Self::Dns(text)
            | Self::Connect(text)
            | Self::Tls(text)
            | Self::Protocol(text)
            | Self::RequestBody(text)
            | Self::Request(text)
            | Self::Cancelled(text)
            | Self::Timeout(text)
            | Self::Unexpected(text) => text.truncate(text.floor_char_boundary(bytes_max)),
            Self::Refused { .. } | Self::NotListed { .. } | Self::SecretAstray { .. } | Self::BodyTooLarge { .. } => {}
        }
    }

    pub fn class(&self) -> FailureClass {
        match self {
            Self::Dns(_) => FailureClass::NetworkDns,
            Self::Connect(_) => FailureClass::NetworkConnect,
            Self::Tls(_) => FailureClass::NetworkTls,
            Self::Protocol(_) | Self::BodyTooLarge { .. } => FailureClass::Http,
            // The script or the configuration asked for what cannot be had; the target was not even reached.
            Self::Refused { .. }
            | Self::NotListed { .. }
            | Self::SecretAstray { .. }
            | Self::RequestBody(_)
            | Self::Request(_) => FailureClass::Script,
            // A script that stops waiting has found the target too slow.
            Self::Cancelled(_) | Self::Timeout(_) => FailureClass::NetworkTimeout,
            Self::Unexpected(_) => FailureClass::Assertion,
        }
    }
}

/// An error and its sources on one line, without saying anything twice.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = source.source();
    }
    line
}

/// How a peer ended an HTTP/2 stream, or all of them, where that is what went wrong.
pub(super) fn http2_end(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(http2) = error.downcast_ref::<h2::Error>() {
            let reason = http2.reason()?;
            let what = if http2.is_go_away() { "ended the connection" } else { "reset the stream" };
            return (http2.is_remote()).then(|| format!("{what} ({reason:?})"));
        }
        next = error.source();
    }
    None
}
