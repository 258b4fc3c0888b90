//! Descriptors across processes (unix(7), SCM_RIGHTS).
#![allow(unsafe_code, reason = "a descriptor that another process sent has no owner until one is declared")]

use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A gate: the daemon's end, which does not block, and the zygote's.
pub(crate) fn gate_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (daemons, zygotes) = packet_pair(SockFlag::SOCK_CLOEXEC)?;
    nix::fcntl::fcntl(&daemons, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?;
    Ok((daemons, zygotes))
}

/// Two ends that keep packets apart, neither of which blocks.
pub(super) fn answer_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    packet_pair(SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK)
}

pub(super) fn packet_pair(flags: SockFlag) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?)
}

/// A descriptor that the event loop watches.
pub(super) fn watched(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is an open descriptor, and neither it nor what it names is changed while it is watched.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE)? })
}

/// Sends a packet, and with it a copy of `attached`.
pub(super) fn send(socket: RawFd, packet: &[u8], attached: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let descriptors = attached.map(|attached| [attached.as_raw_fd()]);
    let message: Vec<_> = descriptors.iter().map(|descriptors| ControlMessage::ScmRights(descriptors)).collect();
    sendmsg::<()>(socket, &[IoSlice::new(packet)], &message, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

/// The next packet, empty where the other side is gone, and what was attached to it.
pub(super) fn receive(socket: RawFd, packet_bytes_max: usize) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut packet = vec![0; packet_bytes_max];
    let mut control = nix::cmsg_space!([RawFd; 4]);
    let (bytes, attached) = {
        let mut parts = [IoSliceMut::new(&mut packet)];
        let message = recvmsg::<()>(socket, &mut parts, Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC)?;
        let mut attached = Vec::new();
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(descriptors) = control {
                // SAFETY: the kernel has just made these descriptors for this process, and nobody else owns them.
                attached.extend(descriptors.into_iter().map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }));
            }
        }
        (message.bytes, attached.pop())
    };
    packet.truncate(bytes);
    Ok((packet, attached))
}

/// Sends a descriptor over a stream, with one byte to carry it.
pub(crate) fn send_descriptor(stream: RawFd, descriptor: BorrowedFd<'_>) -> io::Result<()> {
    send(stream, &[0], Some(descriptor))
}

/// Takes what [`send_descriptor`] sent.
pub(crate) fn receive_descriptor(stream: RawFd) -> io::Result<OwnedFd> {
    let (_, descriptor) = receive(stream, 1)?;
    descriptor.ok_or_else(|| io::Error::other("the daemon sent no gate to its broker"))
}
