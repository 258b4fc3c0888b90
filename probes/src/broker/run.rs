//! The run's side.

use super::descriptors::{answer_pair, receive, send, watched};
use super::messages::{Asked, DialKind, PACKET_BYTES_MAX, Place, Ticket, Told};
use crate::sandbox::GATE_FD;
use crate::transport::{DialProgress, DialTarget, TransportError};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use tokio::io::unix::AsyncFd;
use url::Host;

/// Has the broker connect. What comes back does not block.
pub(crate) async fn ask<P>(
    ticket: &Ticket,
    kind: DialKind,
    target: DialTarget<'_>,
    progress: &mut P,
) -> Result<(OwnedFd, SocketAddr), TransportError>
where
    P: FnMut(DialProgress<'_>) + ?Sized,
{
    match &target {
        DialTarget::Host(Host::Domain(_), _) => progress(DialProgress::Resolving),
        DialTarget::Host(Host::Ipv4(ip), port) => {
            progress(DialProgress::Connecting(&[SocketAddr::new(IpAddr::V4(*ip), *port)]));
        }
        DialTarget::Host(Host::Ipv6(ip), port) => {
            progress(DialProgress::Connecting(&[SocketAddr::new(IpAddr::V6(*ip), *port)]));
        }
        DialTarget::SystemResolver | DialTarget::Prompt => {}
    }
    let failed = |error: io::Error| match error.raw_os_error() {
        Some(libc::EMFILE) => too_many(),
        _ => TransportError::Request(format!("the sandbox's network broker failed: {error}")),
    };
    let answers = post(ticket, kind, &target).map_err(failed)?;
    loop {
        let packet = {
            let mut ready = answers.readable().await.map_err(failed)?;
            ready.try_io(|answers| receive(answers.get_ref().as_raw_fd(), PACKET_BYTES_MAX))
        };
        let Ok(packet) = packet else { continue };
        let (packet, connected) = packet.map_err(failed)?;
        if packet.is_empty() {
            return Err(failed(io::Error::from(io::ErrorKind::UnexpectedEof)));
        }
        let told: Told = serde_json::from_slice(&packet).map_err(|error| failed(io::Error::other(error)))?;
        for step in &told.progress {
            progress(step.told());
        }
        match (told.end, connected) {
            (None, _) => {}
            (Some(Err(error)), _) => return Err(error),
            (Some(Ok(remote)), Some(connected)) => return Ok((connected, remote)),
            // The kernel drops what does not fit into the run's table.
            (Some(Ok(_)), None) => return Err(too_many()),
        }
    }
}

fn too_many() -> TransportError {
    TransportError::Request("the run has too many open connections".to_owned())
}

fn post(ticket: &Ticket, kind: DialKind, target: &DialTarget<'_>) -> io::Result<AsyncFd<OwnedFd>> {
    let (mine, brokers) = answer_pair()?;
    let asked = serde_json::to_vec(&Asked { ticket: ticket.clone(), kind, place: Place::of(target) })?;
    if asked.len() > PACKET_BYTES_MAX {
        return Err(io::Error::other("the host's name is too long"));
    }
    send(GATE_FD, &asked, Some(brokers.as_fd()))?;
    watched(mine)
}
