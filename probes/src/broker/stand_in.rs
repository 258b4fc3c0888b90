//! In the broker's place for a run of a zygote's own, before there is a daemon that would serve it.

use super::descriptors::{packet_pair, receive, send};
use super::messages::{PACKET_BYTES_MAX, Progress, Told};
use nix::sys::socket::SockFlag;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::Duration;

/// How long it waits for a run that says nothing.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// The stand-in's end, and the one for the run.
pub(crate) fn stand_in_gate() -> io::Result<(OwnedFd, OwnedFd)> {
    packet_pair(SockFlag::SOCK_CLOEXEC)
}

/// Connects one run with this process, whatever it asks for, and answers what it says there. Returns when the run is done.
pub(crate) fn answer_one(gate: OwnedFd, answer: &[u8]) -> io::Result<()> {
    let (_, answers) = receive(gate.as_raw_fd(), PACKET_BYTES_MAX)?;
    // The run is gone.
    let Some(answers) = answers else { return Ok(()) };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let remote = listener.local_addr()?;
    let connected = TcpStream::connect(remote)?;
    connected.set_nonblocking(true)?;
    let mut accepted = loop {
        // Whoever else is on this machine may connect too.
        let (accepted, from) = listener.accept()?;
        if from == connected.local_addr()? {
            break accepted;
        }
    };
    let progress = vec![
        Progress::Resolved { took_us: 1 },
        Progress::Connecting { addresses: vec![remote] },
        Progress::Connected { took_us: 1 },
    ];
    send(answers.as_raw_fd(), &Told { progress, end: Some(Ok(remote)) }.packet(), Some(connected.as_fd()))?;
    drop((answers, connected));
    accepted.set_read_timeout(Some(SILENCE_MAX))?;
    let mut asked = [0; 4 << 10];
    if accepted.read(&mut asked)? > 0 {
        accepted.write_all(answer)?;
        // It ends the connection, after it has read the answer.
        while accepted.read(&mut asked)? > 0 {}
    }
    Ok(())
}
