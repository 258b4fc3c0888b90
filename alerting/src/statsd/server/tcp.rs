//! Lines over TCP connections, a thread each.

use super::lines::{LineBuffer, Lines};
use super::socket::WAIT;
use super::{Shared, thread};
use crate::statsd::parser::Invalid;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Accepts connections until the server stops, and then waits for theirs to end.
pub(super) fn accept(listener: &TcpListener, shard: usize, connections_max: usize, shared: &Arc<Shared>) {
    let mut connections = Vec::new();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                connections.retain(|connection: &std::thread::JoinHandle<()>| !connection.is_finished());
                if connections.len() >= connections_max {
                    shared.connections_refused.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let own = Arc::clone(shared);
                let read = move || {
                    own.connections.fetch_add(1, Ordering::Relaxed);
                    read_lines(stream, shard, &own);
                    own.connections.fetch_sub(1, Ordering::Relaxed);
                };
                match thread("statsd-connection".to_owned(), read) {
                    Ok(connection) => connections.push(connection),
                    Err(_) => drop(shared.connections_refused.fetch_add(1, Ordering::Relaxed)),
                }
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    shared.receive_errors.fetch_add(1, Ordering::Relaxed);
                    // Out of file descriptors, say: that lasts, and must not take the core.
                    std::thread::sleep(WAIT);
                }
                if shared.is_stopping() {
                    break;
                }
            }
        }
    }
    connections.into_iter().for_each(|connection| drop(connection.join()));
}

fn read_lines(mut stream: TcpStream, shard: usize, shared: &Shared) {
    if stream.set_read_timeout(Some(WAIT)).is_err() {
        return;
    }
    let mut buffer = LineBuffer::new();
    loop {
        match stream.read(buffer.space()) {
            Ok(0) => break,
            Ok(read) => {
                let order = shared.order();
                shared.with_shard(shard, |shard| {
                    buffer.advance(read, |lines| match lines {
                        Lines::Whole(lines) => shard.ingest(lines, order),
                        Lines::TooLong(line) => shard.note_invalid(line, Invalid::LineTooLong),
                    });
                });
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if shared.is_stopping() {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => {
                shared.receive_errors.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
        if shared.is_over() {
            break;
        }
    }
    let order = shared.order();
    shared.with_shard(shard, |shard| {
        if !buffer.rest().is_empty() {
            shard.ingest(buffer.rest(), order);
        }
    });
}
