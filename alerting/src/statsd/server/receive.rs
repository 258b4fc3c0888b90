//! The thread of one datagram socket.

use super::Shared;
use super::batch::Batch;
use super::socket::WAIT;
use socket2::Socket;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

pub(super) fn run(socket: &Socket, shard: usize, shared: &Shared) {
    let mut batch = Batch::new();
    let mut dropped_before = 0;
    loop {
        match batch.receive(socket.as_fd()) {
            Ok(()) => {
                let order = shared.order();
                shared.with_shard(shard, |shard| batch.packets().for_each(|packet| shard.ingest(packet, order)));
                if let Some(dropped) = batch.dropped() {
                    shared.packets_lost.fetch_add(u64::from(dropped.wrapping_sub(dropped_before)), Ordering::Relaxed);
                    dropped_before = dropped;
                }
            }
            // Nothing came for a while. When it is time to stop, that also says that the socket is empty.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if shared.is_stopping() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => {
                shared.receive_errors.fetch_add(1, Ordering::Relaxed);
                // A socket that fails at once, for ever, must not take the core.
                std::thread::sleep(WAIT);
                if shared.is_stopping() {
                    return;
                }
            }
        }
        if shared.is_over() {
            return;
        }
    }
}
