//! Opening the datagram sockets.

use super::StatsdError;
use super::batch;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

/// How long a thread waits for a packet before it looks whether it should end.
pub(super) const WAIT: Duration = Duration::from_millis(100);

/// Sockets that share one UDP port. Port 0 becomes a free one.
pub(super) fn open_udp(address: SocketAddr, sockets: usize, buffer_bytes: usize) -> Result<Vec<Socket>, StatsdError> {
    let failed = |source| StatsdError::Listen { what: format!("UDP {address}"), source };
    // A port that is shared can be shared by a second Tocsin as well, and each would see half of the packets. So it is
    // first taken for itself alone.
    drop(UdpSocket::bind(address).map_err(failed)?);
    let mut all: Vec<Socket> = Vec::new();
    let mut shared = address;
    for _ in 0..sockets.max(1) {
        let socket = open_one(shared, buffer_bytes).map_err(failed)?;
        if let Some(bound) = socket.local_addr().map_err(failed)?.as_socket() {
            shared = bound;
        }
        all.push(socket);
    }
    Ok(all)
}

fn open_one(address: SocketAddr, buffer_bytes: usize) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    prepare(&socket, buffer_bytes)?;
    batch::count_drops(socket.as_fd())?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn prepare(socket: &Socket, buffer_bytes: usize) -> io::Result<()> {
    if batch::force_receive_buffer(socket.as_fd(), buffer_bytes).is_err() {
        // What the system allows everybody: it cuts a larger wish down by itself.
        socket.set_recv_buffer_size(buffer_bytes)?;
    }
    socket.set_read_timeout(Some(WAIT))
}

/// A Unix datagram socket. A file that a dead process left is replaced; a living server's is not.
pub(super) fn open_unix(path: &Path, buffer_bytes: usize) -> Result<Socket, StatsdError> {
    let failed = |source| StatsdError::Listen { what: format!("Unix socket {}", path.display()), source };
    let bound = match UnixDatagram::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let probe = UnixDatagram::unbound().map_err(failed)?;
            if probe.connect(path).is_ok() {
                return Err(failed(error));
            }
            std::fs::remove_file(path).map_err(failed)?;
            UnixDatagram::bind(path).map_err(failed)?
        }
        other => other.map_err(failed)?,
    };
    let socket = Socket::from(std::os::fd::OwnedFd::from(bound));
    prepare(&socket, buffer_bytes).map_err(failed)?;
    Ok(socket)
}
