//! The one door to the network: a name, the policy, a connection.
//!
//! Whatever a script speaks (HTTP, DNS, SMTP, plain TCP), its connection is made here and nowhere else. What comes
//! back is connected: where to is decided, and cannot be changed by its holder.

use super::{NetworkSettings, TransportError, address_policy, connect, resolve};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::{TcpStream, UdpSocket};
use url::Host;

/// How far a connection has come, told while it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialProgress<'a> {
    /// A name is being looked up. Not told where nothing has to be.
    Resolving,
    Resolved(Duration),
    Connecting(&'a [SocketAddr]),
    Connected(Duration),
}

/// Where a connection goes.
#[derive(Debug, Clone)]
pub enum DialTarget<'a> {
    /// A host and a port, as the policy allows.
    Host(Host<&'a str>, u16),
    /// Port 53 of the resolver that this machine asks, wherever it is: looking a name up reaches it anyway.
    SystemResolver,
}

/// Makes the connections of one run.
#[derive(Debug, Clone)]
pub struct Dialer {
    settings: NetworkSettings,
}

impl Dialer {
    /// Connects from this process.
    pub fn direct(settings: &NetworkSettings) -> Self {
        Self { settings: settings.clone() }
    }

    /// A TCP connection to the first of the target's addresses that answers.
    pub async fn tcp(
        &self,
        target: DialTarget<'_>,
        progress: &mut dyn FnMut(DialProgress<'_>),
    ) -> Result<(TcpStream, SocketAddr), TransportError> {
        let addresses = self.addresses(target, progress).await?;
        progress(DialProgress::Connecting(&addresses));
        let began = Instant::now();
        let connected = connect::tcp(&addresses).await?;
        progress(DialProgress::Connected(began.elapsed()));
        Ok(connected)
    }

    /// A UDP socket that sends to, and hears from, one address of the target alone.
    pub async fn udp(
        &self,
        target: DialTarget<'_>,
        progress: &mut dyn FnMut(DialProgress<'_>),
    ) -> Result<(UdpSocket, SocketAddr), TransportError> {
        let addresses = self.addresses(target, progress).await?;
        connect::udp(&addresses).await
    }

    /// An ICMP datagram socket for echo requests to one address of the host: the kernel writes identifier and checksum,
    /// and hands over the answers to these alone.
    pub async fn ping(
        &self,
        host: Host<&str>,
        progress: &mut dyn FnMut(DialProgress<'_>),
    ) -> Result<(UdpSocket, IpAddr), TransportError> {
        let addresses = self.addresses(DialTarget::Host(host, 0), progress).await?;
        connect::ping(&addresses)
    }

    /// The target's addresses that may be connected to; never empty.
    async fn addresses(
        &self,
        target: DialTarget<'_>,
        progress: &mut dyn FnMut(DialProgress<'_>),
    ) -> Result<Vec<SocketAddr>, TransportError> {
        let (host, port) = match target {
            DialTarget::Host(host, port) => (host, port),
            DialTarget::SystemResolver => return Ok(vec![resolve::system_resolver()]),
        };
        let ips = match resolve::target(&host, &self.settings) {
            resolve::Target::Known(ips) => ips,
            resolve::Target::Name(name) => {
                progress(DialProgress::Resolving);
                let began = Instant::now();
                let ips = resolve::look_up(&name).await?;
                progress(DialProgress::Resolved(began.elapsed()));
                ips
            }
        };
        let mut addresses = Vec::new();
        let mut refused = None;
        for ip in ips {
            match address_policy::judge(ip, self.settings.allow_private) {
                Ok(()) => addresses.push(SocketAddr::new(ip, port)),
                Err(refusal) => refused = refused.or(Some(TransportError::Refused { address: ip, refusal })),
            }
        }
        match refused {
            Some(refused) if addresses.is_empty() => Err(refused),
            _ => Ok(addresses),
        }
    }
}
