//! A network of this process's own, in which any address can be this machine: what a check must never reach can be
//! there, and be seen not to be reached.
#![allow(unsafe_code, reason = "interfaces are configured by ioctl")]

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::{getegid, geteuid};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::path::Path;

/// Moves this process, which has one thread, to a network where it has `addresses`, and asks names of the server on
/// 127.0.0.1. `folder` keeps the files that say so.
pub fn enter(addresses: &[Ipv4Addr], folder: &Path) -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)?;
    // The sandbox below makes namespaces too, which the kernel lets known users do.
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    const NONE: Option<&str> = None;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    for (file, text) in
        [("/etc/resolv.conf", "nameserver 127.0.0.1\noptions attempts:5\n"), ("/etc/nsswitch.conf", "hosts: dns\n")]
    {
        let own = folder.join(file.replace('/', "_"));
        std::fs::write(&own, text)?;
        match mount(Some(&own), file, NONE, MsFlags::MS_BIND, NONE) {
            // Where there is no such file, the C library asks a file with no such name, and then the name server.
            Err(nix::Error::ENOENT) => {}
            bound => bound?,
        }
    }
    configure("lo", None)?;
    for (number, address) in addresses.iter().enumerate() {
        configure(&format!("lo:{number}"), Some(*address))?;
    }
    Ok(())
}

/// Switches an interface on, with an address where one is given (netdevice(7)).
fn configure(interface: &str, address: Option<Ipv4Addr>) -> io::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: an all-zero request is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *place = byte.cast_signed();
    }
    let ask = |what: libc::Ioctl, request: &mut libc::ifreq| {
        // SAFETY: the kernel reads and writes one request, which lives as long as the call.
        match unsafe { libc::ioctl(socket.as_raw_fd(), what, request) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    if let Some(address) = address {
        let mut place = libc::sockaddr { sa_family: libc::AF_INET as libc::sa_family_t, sa_data: [0; 14] };
        // `sockaddr_in`: two bytes of the port, and the address.
        for (byte, octet) in place.sa_data[2..].iter_mut().zip(address.octets()) {
            *byte = octet as libc::c_char;
        }
        request.ifr_ifru.ifru_addr = place;
        ask(libc::SIOCSIFADDR, &mut request)?;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    ask(libc::SIOCSIFFLAGS, &mut request)
}
