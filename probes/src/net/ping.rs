//! ICMP echo (RFC 792, RFC 4443) over the kernel's datagram sockets for it, which need no privilege: the kernel writes
//! identifier and checksum, and hands over the answers to these requests alone.
#![allow(unsafe_code, reason = "the op2 macro writes the engine's calling convention out in full")]

use super::{Call, borrowed, host, json};
use crate::transport::{DialProgress, TransportError};
use deno_core::{OpState, op2};
use deno_error::JsErrorBox;
use serde::Serialize;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
const ECHO_REQUEST_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;

const HEADER_BYTES: usize = 8;
const PAYLOAD: [u8; 32] = *b"tocsin measures how far you are.";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pinged {
    address: String,
    sent: u32,
    received: u32,
    lost: u32,
    /// In milliseconds, one for each answer, in the order in which they were asked for.
    times_ms: Vec<f64>,
}

/// Sends `count` requests one after the other, each with `each_ms` to be answered. None answered is a failure.
#[op2]
#[string]
pub(super) async fn op_net_ping(
    state: Rc<RefCell<OpState>>,
    #[string] name: String,
    #[smi] count: u16,
    each_ms: f64,
) -> Result<String, JsErrorBox> {
    let target = host(&name)?;
    let call = Call::begin(&state, "PING", format!("icmp://{target}"), 0.0)?;
    let each = super::duration(each_ms).unwrap_or(Duration::from_secs(1));
    let pinging = async {
        let mut progress = |progress: DialProgress<'_>| call.exchange.dialled(progress);
        let (socket, address) = call.client.dialer().ping(borrowed(&target), &mut progress).await?;
        call.exchange.speaking(address.to_string());
        let mut times_ms = Vec::new();
        for sequence in 0..count {
            call.exchange.waits_for("an echo");
            let began = Instant::now();
            if tokio::time::timeout(each, echo(&socket, address, sequence)).await.is_ok_and(|echo| echo.is_ok()) {
                call.exchange.came(began.elapsed(), PAYLOAD.len());
                times_ms.push(began.elapsed().as_micros() as f64 / 1000.0);
            }
        }
        let received = times_ms.len() as u32;
        if received == 0 {
            let seconds = each.as_millis() as f64 / 1000.0;
            let requests = if count == 1 { "request".to_owned() } else { format!("any of {count} requests") };
            return Err(TransportError::Timeout(format!("no echo of {address} to {requests} within {seconds} s each")));
        }
        let sent = u32::from(count);
        Ok(Pinged { address: address.to_string(), sent, received, lost: sent - received, times_ms })
    };
    let pinged = call.within(pinging).await?;
    call.exchange.ended();
    json(&pinged)
}

fn request(address: IpAddr, sequence: u16) -> Vec<u8> {
    let kind = if address.is_ipv4() { ECHO_REQUEST } else { ECHO_REQUEST_V6 };
    let [high, low] = sequence.to_be_bytes();
    let mut packet = vec![kind, 0, 0, 0, 0, 0, high, low];
    packet.extend_from_slice(&PAYLOAD);
    packet
}

fn answers(packet: &[u8], address: IpAddr, sequence: u16) -> bool {
    let kind = if address.is_ipv4() { ECHO_REPLY } else { ECHO_REPLY_V6 };
    packet.len() == HEADER_BYTES + PAYLOAD.len()
        && packet[0] == kind
        && packet[6..8] == sequence.to_be_bytes()
        && packet[HEADER_BYTES..] == PAYLOAD
}

/// One request and its answer. An error of the socket (no route, administratively prohibited) is no answer either.
async fn echo(socket: &UdpSocket, address: IpAddr, sequence: u16) -> std::io::Result<()> {
    socket.send(&request(address, sequence)).await?;
    let mut packet = [0; 256];
    loop {
        let length = socket.recv(&mut packet).await?;
        if answers(&packet[..length], address, sequence) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_the_request_counts() {
        let v4: IpAddr = "192.0.2.1".parse().unwrap();
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        for (address, reply) in [(v4, ECHO_REPLY), (v6, ECHO_REPLY_V6)] {
            let mut packet = request(address, 258);
            assert_eq!(packet[6..8], [1, 2]);
            assert!(!answers(&packet, address, 258), "a request is no answer");
            packet[0] = reply;
            assert!(answers(&packet, address, 258));
            assert!(!answers(&packet, address, 259), "of another request");
            assert!(!answers(&packet[..20], address, 258), "cut");
            packet[20] ^= 1;
            assert!(!answers(&packet, address, 258), "with another payload");
        }
    }
}
