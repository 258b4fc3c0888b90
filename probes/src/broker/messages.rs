use crate::transport::{DialProgress, DialTarget, TransportError};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;
use url::Host;

/// Longer packets are not sent, and cut where they come in: they do not parse then.
pub(super) const PACKET_BYTES_MAX: usize = 16 << 10;

/// Longer names are none (RFC 1035), and lists of addresses are for a person to read.
const HOST_BYTES_MAX: usize = 255;
const ADDRESSES_SHOWN_MAX: usize = 16;
const ERROR_BYTES_MAX: usize = 4 << 10;

/// Stands for one run; the empty one for none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Ticket(String);

impl Ticket {
    pub(super) fn new() -> Self {
        let mut random = [0; 16];
        rand::rng().fill_bytes(&mut random);
        Self(hex::encode(random))
    }
}

/// What a run asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub ticket: Ticket,
    pub kind: DialKind,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DialKind {
    Tcp,
    Udp,
    Ping,
}

/// A [`DialTarget`] on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    Host { host: Host, port: u16 },
    SystemResolver,
    Prompt,
}

impl Place {
    pub fn of(target: &DialTarget<'_>) -> Self {
        match target {
            DialTarget::Host(host, port) => Self::Host { host: host.to_owned(), port: *port },
            DialTarget::SystemResolver => Self::SystemResolver,
            DialTarget::Prompt => Self::Prompt,
        }
    }

    /// What this asks for, unless it is longer than any host is.
    pub fn target(&self) -> Option<DialTarget<'_>> {
        match self {
            Self::Host { host: Host::Domain(name), .. } if name.len() > HOST_BYTES_MAX => None,
            Self::Host { host: Host::Domain(name), port } => Some(DialTarget::Host(Host::Domain(name), *port)),
            Self::Host { host: Host::Ipv4(address), port } => Some(DialTarget::Host(Host::Ipv4(*address), *port)),
            Self::Host { host: Host::Ipv6(address), port } => Some(DialTarget::Host(Host::Ipv6(*address), *port)),
            Self::SystemResolver => Some(DialTarget::SystemResolver),
            Self::Prompt => Some(DialTarget::Prompt),
        }
    }
}

/// What a run is told, more than once where it takes long. The packet with `end` is the last, and has the connected
/// descriptor attached where there is one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    pub progress: Vec<Progress>,
    pub end: Option<Result<SocketAddr, TransportError>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Progress {
    Resolving,
    Resolved { took_us: u64 },
    Connecting { addresses: Vec<SocketAddr> },
    Connected { took_us: u64 },
}

impl Progress {
    pub fn of(progress: DialProgress<'_>) -> Self {
        let micros = |took: Duration| u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match progress {
            DialProgress::Resolving => Self::Resolving,
            DialProgress::Resolved(took) => Self::Resolved { took_us: micros(took) },
            DialProgress::Connecting(addresses) => {
                Self::Connecting { addresses: addresses.iter().take(ADDRESSES_SHOWN_MAX).copied().collect() }
            }
            DialProgress::Connected(took) => Self::Connected { took_us: micros(took) },
        }
    }

    pub fn told(&self) -> DialProgress<'_> {
        match self {
            Self::Resolving => DialProgress::Resolving,
            Self::Resolved { took_us } => DialProgress::Resolved(Duration::from_micros(*took_us)),
            Self::Connecting { addresses } => DialProgress::Connecting(addresses),
            Self::Connected { took_us } => DialProgress::Connected(Duration::from_micros(*took_us)),
        }
    }
}

impl Told {
    /// The packet; an error that is too long for one is cut.
    pub fn packet(mut self) -> Vec<u8> {
        if let Some(Err(error)) = &mut self.end {
            error.cut(ERROR_BYTES_MAX);
        }
        serde_json::to_vec(&self).unwrap_or_default()
    }
}
