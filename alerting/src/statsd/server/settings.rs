//! Where statsd listens, and how much it holds.

use crate::statsd::aggregate::AggregateSettings;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The port that statsd clients send to unless told otherwise.
const PORT: u16 = 8125;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsdSettings {
    /// `None` switches UDP off.
    pub udp: Option<SocketAddr>,
    pub tcp: Option<SocketAddr>,
    /// The path of a datagram socket.
    pub unix: Option<PathBuf>,
    /// Sockets, with a thread each, that share the UDP port. The kernel gives all packets of one client's socket to
    /// the same one of them.
    pub udp_threads: usize,
    /// Bytes that the kernel may hold for each datagram socket while its thread is busy. Beyond the system's own bound
    /// it takes CAP_NET_ADMIN.
    pub receive_buffer_bytes: usize,
    /// TCP connections at a time; further ones are closed at once.
    pub connections_max: usize,
    pub flush_interval_ms: u64,
    pub aggregate: AggregateSettings,
}

impl Default for StatsdSettings {
    fn default() -> Self {
        let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);
        Self {
            udp: Some(local),
            tcp: Some(local),
            unix: None,
            udp_threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
            receive_buffer_bytes: 16 << 20,
            connections_max: 256,
            flush_interval_ms: 10_000,
            aggregate: AggregateSettings::default(),
        }
    }
}
