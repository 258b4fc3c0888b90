//! The one door to the network: a name, the policy, a connection.
//!
//! Whatever a script speaks (HTTP, DNS, SMTP, plain TCP), its connection is made here and nowhere else. What comes
//! back is connected: where to is decided, and cannot be changed by its holder.

use super::{NetworkSettings, TransportError, address_policy, connect, resolve};
use crate::broker::{self, DialKind, Ticket};
use checks::HostPattern;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
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
    /// Port 53 of the resolver that this machine asks, wherever it is: looking a name up reaches it anyway. A check
    /// that lists its `hosts` lists it as `resolver`.
    SystemResolver,
    /// Whoever types the lines of a run that has a prompt. Only a broker knows one.
    Prompt,
}

/// Makes the connections of one run.
#[derive(Debug, Clone)]
pub struct Dialer(By);

#[derive(Debug, Clone)]
enum By {
    Itself(Arc<Policy>),
    Broker(Ticket),
}

#[derive(Debug)]
struct Policy {
    settings: Arc<NetworkSettings>,
    /// What the check may connect to; anything where empty.
    hosts: Vec<HostPattern>,
}

impl Dialer {
    /// Connects from this process.
    pub fn direct(settings: Arc<NetworkSettings>, hosts: Vec<HostPattern>) -> Self {
        Self(By::Itself(Arc::new(Policy { settings, hosts })))
    }

    /// Has the broker connect, as a run's process must.
    pub(crate) fn brokered(ticket: Ticket) -> Self {
        Self(By::Broker(ticket))
    }

    /// A TCP connection to the first of the target's addresses that answers.
    pub async fn tcp<P>(
        &self,
        target: DialTarget<'_>,
        progress: &mut P,
    ) -> Result<(TcpStream, SocketAddr), TransportError>
    where
        P: FnMut(DialProgress<'_>) + ?Sized,
    {
        match &self.0 {
            By::Broker(ticket) => {
                let (connected, remote) = broker::ask(ticket, DialKind::Tcp, target, progress).await?;
                adopted(TcpStream::from_std(connected.into())).map(|stream| (stream, remote))
            }
            By::Itself(policy) => {
                let addresses = policy.addresses(target, Some, progress).await?;
                progress(DialProgress::Connecting(&addresses));
                let began = Instant::now();
                let connected = connect::tcp(&addresses).await?;
                progress(DialProgress::Connected(began.elapsed()));
                Ok(connected)
            }
        }
    }

    /// A UDP socket that sends to, and hears from, one address of the target alone.
    pub async fn udp<P>(
        &self,
        target: DialTarget<'_>,
        progress: &mut P,
    ) -> Result<(UdpSocket, SocketAddr), TransportError>
    where
        P: FnMut(DialProgress<'_>) + ?Sized,
    {
        match &self.0 {
            By::Broker(ticket) => {
                let (connected, remote) = broker::ask(ticket, DialKind::Udp, target, progress).await?;
                udp_from(connected).map(|socket| (socket, remote))
            }
            By::Itself(policy) => connect::udp(&policy.addresses(target, Some, progress).await?).await,
        }
    }

    /// An ICMP datagram socket for echo requests to one address of the host: the kernel writes identifier and checksum,
    /// and hands over the answers to these alone.
    pub async fn ping<P>(&self, host: Host<&str>, progress: &mut P) -> Result<(UdpSocket, IpAddr), TransportError>
    where
        P: FnMut(DialProgress<'_>) + ?Sized,
    {
        let target = DialTarget::Host(host, 0);
        match &self.0 {
            By::Broker(ticket) => {
                let (connected, remote) = broker::ask(ticket, DialKind::Ping, target, progress).await?;
                udp_from(connected).map(|socket| (socket, remote.ip()))
            }
            By::Itself(policy) => connect::ping(&policy.addresses(target, |_| None, progress).await?),
        }
    }
}

fn udp_from(connected: OwnedFd) -> Result<UdpSocket, TransportError> {
    adopted(UdpSocket::from_std(connected.into()))
}

/// A connected socket as this process's event loop has it.
fn adopted<T>(socket: std::io::Result<T>) -> Result<T, TransportError> {
    socket.map_err(|error| TransportError::Request(format!("the connection cannot be used: {error}")))
}

impl Policy {
    /// The target's addresses that may be connected to; never empty. `judged` gives the port that `hosts` are about.
    async fn addresses<P>(
        &self,
        target: DialTarget<'_>,
        judged: impl FnOnce(u16) -> Option<u16>,
        progress: &mut P,
    ) -> Result<Vec<SocketAddr>, TransportError>
    where
        P: FnMut(DialProgress<'_>) + ?Sized,
    {
        let (host, port) = match target {
            DialTarget::Host(host, port) => (host, port),
            DialTarget::Prompt => return Err(TransportError::Request("this run has no prompt".to_owned())),
            DialTarget::SystemResolver => {
                self.allow("resolver", None)?;
                return Ok(vec![resolve::system_resolver()]);
            }
        };
        let shown = host.to_string();
        self.allow(shown.trim_matches(['[', ']']), judged(port))?;
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

    fn allow(&self, host: &str, port: Option<u16>) -> Result<(), TransportError> {
        if self.hosts.is_empty() || self.hosts.iter().any(|pattern| pattern.matches(host, port)) {
            return Ok(());
        }
        let place = match port {
            Some(port) if host.contains(':') => format!("[{host}]:{port}"),
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Err(TransportError::NotListed { place })
    }
}
