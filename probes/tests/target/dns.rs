//! A name server for `example.test`, over UDP and TCP.
//!
//! `big` does not fit into a datagram; `lost` loses the first; `silent` never answers; `garbled` and `other` answer with no
//! DNS message and with one to another question; `secure` is authenticated. What is not there is NXDOMAIN.

use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CAA, CNAME, MX, NS, PTR, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::HashSet;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// Serves until it is dropped.
pub struct DnsServer {
    pub address: SocketAddr,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl DnsServer {
    pub async fn start() -> Self {
        // Another program may hold the one of two ports of the same number.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
            let address = udp.local_addr().expect("a bound socket has an address");
            if let Ok(tcp) = TcpListener::bind(address).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().expect("a bound socket has an address");
        let by_udp = tokio::spawn(async move {
            let mut lost = HashSet::new();
            let mut buffer = vec![0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
                let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
                let name = asked(&query);
                let answer = match name.as_str() {
                    "silent.example.test." => continue,
                    // Each client has lost it once.
                    "lost.example.test." if lost.insert(from) => continue,
                    "garbled.example.test." => [&query.metadata.id.to_be_bytes()[..], b"nonsense"].concat(),
                    _ => {
                        let mut answer = answer(&query);
                        if name == "big.example.test." {
                            answer.answers.clear();
                            answer.metadata.truncation = true;
                        }
                        answer.to_vec().expect("an answer can be written")
                    }
                };
                // A client that has gone is not waited for.
                let _ = udp.send_to(&answer, from).await;
            }
        });
        let by_tcp = tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                tokio::spawn(async move {
                    let Ok(length) = stream.read_u16().await else { return };
                    let mut query = vec![0; usize::from(length)];
                    if stream.read_exact(&mut query).await.is_err() {
                        return;
                    }
                    let Ok(query) = Message::from_vec(&query) else { return };
                    let answer = answer(&query).to_vec().expect("an answer can be written");
                    let length = u16::try_from(answer.len()).expect("an answer fits");
                    let _ = stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).await;
                });
            }
        });
        Self { address, tasks: [by_udp, by_tcp] }
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).expect("a name")
}

fn asked(query: &Message) -> String {
    query.queries.first().map(|query| query.name().to_ascii().to_lowercase()).unwrap_or_default()
}

fn answer(query: &Message) -> Message {
    let mut answer = Message::response(query.metadata.id, OpCode::Query);
    answer.metadata.recursion_desired = true;
    answer.metadata.recursion_available = true;
    let Some(question) = query.queries.first() else { return answer };
    answer.add_query(question.clone());
    let asked = asked(query);
    let soa = || {
        let data = SOA::new(name("ns1.example.test."), name("hostmaster.example.test."), 42, 7200, 600, 86400, 60);
        Record::from_rdata(name("example.test."), 3600, RData::SOA(data))
    };
    let data: Vec<RData> = match (asked.as_str(), question.query_type()) {
        ("www.example.test.", RecordType::A) => {
            vec![RData::A(A::new(192, 0, 2, 1)), RData::A(A::new(192, 0, 2, 2))]
        }
        ("www.example.test.", RecordType::AAAA) => vec![RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))],
        ("alias.example.test.", _) => vec![RData::CNAME(CNAME(name("www.example.test.")))],
        ("example.test.", RecordType::MX) => vec![RData::MX(MX::new(10, name("mail.example.test.")))],
        ("example.test.", RecordType::NS) => vec![RData::NS(NS(name("ns1.example.test.")))],
        ("example.test.", RecordType::SOA) => vec![soa().data],
        ("example.test.", RecordType::CAA) => {
            vec![RData::CAA(CAA::new_issue(true, Some(name("ca.example.test.")), Vec::new()))]
        }
        ("_xmpp._tcp.example.test.", RecordType::SRV) => {
            vec![RData::SRV(SRV::new(5, 10, 5222, name("chat.example.test.")))]
        }
        ("example.test.", RecordType::TXT) => {
            vec![RData::TXT(TXT::new(vec!["v=spf1 ".to_owned(), "-all".to_owned()]))]
        }
        ("big.example.test.", RecordType::TXT) => {
            (0..20).map(|_| RData::TXT(TXT::new(vec!["x".repeat(200)]))).collect()
        }
        ("1.2.0.192.in-addr.arpa.", RecordType::PTR) => vec![RData::PTR(PTR(name("www.example.test.")))],
        ("secure.example.test." | "lost.example.test.", RecordType::A) => vec![RData::A(A::new(192, 0, 2, 3))],
        ("other.example.test.", _) => {
            answer.queries = vec![Query::query(name("another.example.test."), RecordType::A)];
            return answer;
        }
        _ => Vec::new(),
    };
    answer.metadata.authentic_data = asked == "secure.example.test.";
    if data.is_empty() {
        answer.metadata.response_code = ResponseCode::NXDomain;
        answer.add_authority(soa());
    }
    for data in data {
        answer.add_answer(Record::from_rdata(question.name().clone(), 300, data));
    }
    answer
}
