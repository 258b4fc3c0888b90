//! Receiving many datagrams with one call to the kernel.

#![allow(unsafe_code, reason = "recvmmsg and the control message that counts drops are not in the standard library")]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Datagrams fetched at a time.
const DATAGRAMS_MAX: usize = 64;
/// No UDP datagram is longer.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// Room for one control message with a `u32`, in units that keep it aligned as a `cmsghdr` must be.
const CONTROL_WORDS: usize = 4;

/// Room for datagrams, used again and again. Memory that no datagram ever reached is never touched, and so not used.
pub(super) struct Batch {
    bytes: Vec<u8>,
    controls: Vec<[u64; CONTROL_WORDS]>,
    lengths: Vec<usize>,
    dropped: Option<u32>,
}

impl Batch {
    pub fn new() -> Self {
        Self {
            bytes: vec![0; DATAGRAMS_MAX * DATAGRAM_BYTES_MAX],
            controls: vec![[0; CONTROL_WORDS]; DATAGRAMS_MAX],
            lengths: Vec::with_capacity(DATAGRAMS_MAX),
            dropped: None,
        }
    }

    /// Waits for a datagram, and takes it with those that are there already. The socket's own timeout ends the wait with
    /// [`io::ErrorKind::WouldBlock`].
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        self.lengths.clear();
        let mut parts: [libc::iovec; DATAGRAMS_MAX] = std::array::from_fn(|index| libc::iovec {
            iov_base: self.bytes[index * DATAGRAM_BYTES_MAX..].as_mut_ptr().cast(),
            iov_len: DATAGRAM_BYTES_MAX,
        });
        // SAFETY: the structures are plain data of C, for which all zeros is a valid value.
        let mut headers: [libc::mmsghdr; DATAGRAMS_MAX] = unsafe { mem::zeroed() };
        for ((header, part), control) in headers.iter_mut().zip(&mut parts).zip(&mut self.controls) {
            header.msg_hdr.msg_iov = part;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = mem::size_of_val(control) as _;
        }
        // SAFETY: every header points to its own part of `bytes` and `controls`, with their true lengths; both outlive the
        // call and are borrowed mutably for it.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                DATAGRAMS_MAX as u32,
                libc::MSG_WAITFORONE as _,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for header in &headers[..count] {
            self.lengths.push((header.msg_len as usize).min(DATAGRAM_BYTES_MAX));
        }
        if let Some(newest) = count.checked_sub(1).map(|index| &headers[index].msg_hdr) {
            self.dropped = dropped_by_kernel(newest).or(self.dropped);
        }
        Ok(())
    }

    pub fn packets(&self) -> impl Iterator<Item = &[u8]> {
        self.lengths.iter().enumerate().map(|(index, length)| {
            let start = index * DATAGRAM_BYTES_MAX;
            &self.bytes[start..start + length]
        })
    }

    /// Datagrams for which the kernel had no room, since the socket began; modulo 2^32. `None` while it never said.
    pub fn dropped(&self) -> Option<u32> {
        self.dropped
    }
}

fn dropped_by_kernel(header: &libc::msghdr) -> Option<u32> {
    // SAFETY: the header was filled by the kernel, and its control bytes are still borrowed by the caller.
    let mut control = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !control.is_null() {
        // SAFETY: not null, so it is a whole header within the control bytes.
        let (level, kind) = unsafe { ((*control).cmsg_level, (*control).cmsg_type) };
        if level == libc::SOL_SOCKET && kind == libc::SO_RXQ_OVFL {
            // SAFETY: the kernel writes a u32 for this kind of message; it is read without asking for alignment.
            return Some(unsafe { libc::CMSG_DATA(control).cast::<u32>().read_unaligned() });
        }
        // SAFETY: as above.
        control = unsafe { libc::CMSG_NXTHDR(header, control) };
    }
    None
}

fn set_option(socket: BorrowedFd<'_>, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the value is a c_int that outlives the call, and its length is given.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            mem::size_of_val(&value) as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has the kernel say with each datagram how many it dropped before.
pub(super) fn count_drops(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::SO_RXQ_OVFL, 1)
}

/// Asks for a receive buffer beyond the system's bound; only a privileged process gets it.
pub(super) fn force_receive_buffer(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    set_option(socket, libc::SO_RCVBUFFORCE, libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX))
}
