//! Questions to a resolver of the script's choice.
#![allow(unsafe_code, reason = "the op2 macro writes the engine's calling convention out in full")]

use super::{Call, borrowed, host, json};
use crate::transport::{DialProgress, DialTarget, TransportError};
use deno_core::{OpState, op2};
use deno_error::JsErrorBox;
use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use serde::Deserialize;
use serde_json::{Value, json as object};
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::str::FromStr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Host;

/// How long a datagram may take before it is sent again: either way may have lost it.
const AGAIN_AFTER: Duration = Duration::from_millis(1_500);

/// What fits into a datagram that no network splits (DNS flag day 2020).
const DATAGRAM_BYTES_MAX: u16 = 1232;

/// Records of one section that are shown.
const RECORDS_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ask {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    /// `host:port`, apart; the machine's own resolver where absent.
    resolver: Option<(String, u16)>,
    transport: Transport,
    dnssec: bool,
    timeout_ms: f64,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Transport {
    /// UDP, and TCP where the answer does not fit.
    Auto,
    Udp,
    Tcp,
}

/// Asks; the answer is what `answer` makes of the message.
#[op2]
#[string]
pub(super) async fn op_net_dns(state: Rc<RefCell<OpState>>, #[string] options: String) -> Result<String, JsErrorBox> {
    let ask: Ask = serde_json::from_str(&options).map_err(JsErrorBox::from_err)?;
    let refuse = |message: String| JsErrorBox::type_error(message);
    let record_type = RecordType::from_str(&ask.record_type)
        .map_err(|_| refuse(format!("`{}` is no type of DNS record: write A, AAAA, MX or another", ask.record_type)))?;
    let name = match (record_type, ask.name.parse::<IpAddr>()) {
        (RecordType::PTR, Ok(address)) => Name::from(address),
        _ => Name::from_utf8(&ask.name).map_err(|error| refuse(format!("`{}` is no DNS name: {error}", ask.name)))?,
    };
    let mut name = name;
    name.set_fqdn(true);
    let resolver = ask.resolver.as_ref().map(|(name, port)| host(name).map(|host| (host, *port))).transpose()?;
    let shown = resolver.as_ref().map_or_else(String::new, |(host, port)| format!("{host}:{port}"));
    let url = format!("dns://{shown}/{}?type={record_type}", name.to_utf8().trim_end_matches('.'));
    let call = Call::begin(&state, "DNS", url, ask.timeout_ms)?;
    let target = || match &resolver {
        Some((host, port)) => DialTarget::Host(borrowed(host), *port),
        None => DialTarget::SystemResolver,
    };
    let mut query = Message::query();
    query.metadata.recursion_desired = true;
    query.metadata.authentic_data = true;
    query.add_query(Query::query(name, record_type));
    let mut edns = Edns::new();
    edns.set_max_payload(DATAGRAM_BYTES_MAX).set_dnssec_ok(ask.dnssec);
    query.set_edns(edns);
    let bytes = query.to_vec().map_err(|error| refuse(format!("the question cannot be written: {error}")))?;

    let resolved_by = resolver.clone().unwrap_or((Host::Domain("resolver".to_owned()), 53));
    let mut watch = super::watch(&state, &resolved_by.0, resolved_by.1);
    let asking = async {
        watch.part("name", ask.name.as_bytes())?;
        let began = Instant::now();
        let mut over_tcp = ask.transport == Transport::Tcp;
        let mut reply = match over_tcp {
            true => by_tcp(&call, target(), &bytes).await?,
            false => by_udp(&call, target(), &query, &bytes).await?,
        };
        let mut message = parsed(&query, &reply)?;
        if message.metadata.truncation && ask.transport == Transport::Auto {
            over_tcp = true;
            reply = by_tcp(&call, target(), &bytes).await?;
            message = parsed(&query, &reply)?;
        }
        let transport = if over_tcp { "tcp" } else { "udp" };
        Ok((answer(&message, reply.remote, transport, began.elapsed()), message))
    };
    let (answer, _) = call.within(asking).await?;
    call.exchange.ended();
    json(&answer)
}

struct Reply {
    bytes: Vec<u8>,
    remote: SocketAddr,
}

fn unreadable(remote: SocketAddr, error: &dyn std::fmt::Display) -> TransportError {
    TransportError::Dns(format!("{remote} answered with something that is no DNS message: {error}"))
}

/// The answer, where it is one to the question.
fn parsed(query: &Message, reply: &Reply) -> Result<Message, TransportError> {
    let message = Message::from_vec(&reply.bytes).map_err(|error| unreadable(reply.remote, &error))?;
    if message.metadata.id != query.metadata.id || !message.queries.is_empty() && message.queries != query.queries {
        return Err(TransportError::Dns(format!("{} answered another question", reply.remote)));
    }
    Ok(message)
}

async fn by_udp(call: &Call, target: DialTarget<'_>, query: &Message, bytes: &[u8]) -> Result<Reply, TransportError> {
    let mut progress = |progress: DialProgress<'_>| call.exchange.dialled(progress);
    let (socket, remote) = call.client.dialer().udp(target, &mut progress).await?;
    call.exchange.speaking(remote.to_string());
    let broken = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => TransportError::Connect(format!("nobody listens at {remote} (UDP)")),
        _ => TransportError::Connect(format!("the datagram to {remote} was not sent: {error}")),
    };
    let began = Instant::now();
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        socket.send(bytes).await.map_err(broken)?;
        call.exchange.sent(bytes.len());
        call.exchange.waits_for("the resolver's answer");
        let heard = async {
            loop {
                let length = socket.recv(&mut buffer).await.map_err(broken)?;
                let reply = Reply { bytes: buffer[..length].to_vec(), remote };
                // A late answer to an earlier question, or one that somebody guessed.
                if parsed(query, &reply).is_ok() || length < 2 {
                    return Ok(reply);
                }
                let id = u16::from_be_bytes([buffer[0], buffer[1]]);
                if id == query.metadata.id {
                    return Ok(reply);
                }
            }
        };
        if let Ok(heard) = tokio::time::timeout(AGAIN_AFTER, heard).await {
            let reply = heard?;
            call.exchange.came(began.elapsed(), reply.bytes.len());
            return Ok(reply);
        }
    }
}

async fn by_tcp(call: &Call, target: DialTarget<'_>, bytes: &[u8]) -> Result<Reply, TransportError> {
    let mut progress = |progress: DialProgress<'_>| call.exchange.dialled(progress);
    let (mut stream, remote) = call.client.dialer().tcp(target, &mut progress).await?;
    call.exchange.speaking(remote.to_string());
    let broken = |error: std::io::Error| TransportError::Connect(format!("{remote} broke the connection: {error}"));
    let length = u16::try_from(bytes.len()).map_err(|_| TransportError::Dns("the question is too long".to_owned()))?;
    let framed = [&length.to_be_bytes(), bytes].concat();
    let began = Instant::now();
    stream.write_all(&framed).await.map_err(broken)?;
    call.exchange.sent(framed.len());
    call.exchange.waits_for("the resolver's answer");
    let length = stream.read_u16().await.map_err(broken)?;
    let mut reply = vec![0; usize::from(length)];
    stream.read_exact(&mut reply).await.map_err(broken)?;
    call.exchange.came(began.elapsed(), reply.len());
    Ok(Reply { bytes: reply, remote })
}

fn answer(message: &Message, remote: SocketAddr, transport: &str, took: Duration) -> Value {
    let records = |records: &[Record]| records.iter().take(RECORDS_MAX).map(record).collect::<Vec<_>>();
    let header = &message.metadata;
    object!({
        "rcode": rcode(u16::from(header.response_code)),
        "records": records(&message.answers),
        "authority": records(&message.authorities),
        "additional": records(&message.additionals),
        "authoritative": header.authoritative,
        "authenticated": header.authentic_data,
        "truncated": header.truncation,
        "resolver": remote.to_string(),
        "transport": transport,
        "durationMs": took.as_micros() as f64 / 1000.0,
    })
}

/// The mnemonic of a response code, as `dig` shows it (IANA, DNS RCODEs).
fn rcode(code: u16) -> String {
    const NAMES: [&str; 11] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
        "NOTZONE",
    ];
    NAMES.get(usize::from(code)).map_or_else(|| format!("RCODE{code}"), |name| (*name).to_owned())
}

fn name(name: &Name) -> String {
    let text = name.to_utf8();
    if text == "." { text } else { text.trim_end_matches('.').to_owned() }
}

fn record(record: &Record) -> Value {
    let mut shown = match &record.data {
        RData::A(address) => object!({ "address": address.0.to_string() }),
        RData::AAAA(address) => object!({ "address": address.0.to_string() }),
        RData::CNAME(target) => object!({ "target": name(&target.0) }),
        RData::NS(target) => object!({ "target": name(&target.0) }),
        RData::PTR(target) => object!({ "target": name(&target.0) }),
        RData::MX(mx) => object!({ "preference": mx.preference, "exchange": name(&mx.exchange) }),
        RData::SRV(srv) => object!({
            "priority": srv.priority, "weight": srv.weight, "port": srv.port, "target": name(&srv.target),
        }),
        RData::TXT(txt) => {
            let parts: Vec<_> = txt.txt_data.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect();
            object!({ "text": parts.concat() })
        }
        RData::SOA(soa) => object!({
            "primary": name(&soa.mname), "responsible": name(&soa.rname), "serial": soa.serial, "refresh": soa.refresh,
            "retry": soa.retry, "expire": soa.expire, "minimum": soa.minimum,
        }),
        RData::CAA(caa) => object!({
            "critical": caa.issuer_critical, "tag": caa.tag, "value": String::from_utf8_lossy(&caa.value),
        }),
        other => object!({ "data": other.to_string() }),
    };
    shown["name"] = name(&record.name).into();
    shown["type"] = record.record_type().to_string().into();
    shown["ttl"] = record.ttl.into();
    shown
}
