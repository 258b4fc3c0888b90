//! Names that change what they mean between two questions (DNS rebinding): first an address that anybody may reach, and
//! then one that no check does.
//!
//! The scripts of `tests/hostile/rebinding/` run in a process with a network of its own. The name server there is a
//! double that follows a plan for each name; every address that it tells is this machine, and whoever connects to one
//! is answered with it. So a script that got through would get an answer, and the connection is seen.

use crate::elsewhere;
use crate::specs;
use crate::target::read_head;
use hickory_proto::op::{Message, OpCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, Record, RecordType};
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, UdpSocket};

/// This test's own executable with this argument is the process with a network of its own.
pub const SUBCOMMAND: &str = "in-a-network-of-its-own";
pub const FOLDER: &str = "rebinding/";

const PUBLIC: Ipv4Addr = Ipv4Addr::new(9, 9, 9, 9);
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// What each question for a name is answered with, by its first label; after the last answer comes the first again.
/// Each script has names of its own.
fn plan(name: &str) -> &'static [&'static [&'static str]] {
    match name.split('.').next().unwrap_or_default() {
        "metadata" => &[&["9.9.9.9"], &["169.254.169.254"]],
        "loopback" => &[&["9.9.9.9"], &["127.0.0.1"]],
        "private" => &[&["9.9.9.9"], &["10.0.0.1"]],
        "first" => &[&["169.254.169.254"], &["9.9.9.9"]],
        "both" => &[&["9.9.9.9", "169.254.169.254", "127.0.0.1", "10.0.0.1"]],
        "mapped" => &[&["9.9.9.9"], &["::ffff:169.254.169.254"]],
        "nat64" => &[&["9.9.9.9"], &["64:ff9b::a9fe:a9fe"]],
        _ => &[],
    }
}

/// In the test: what was wrong in the process with a network of its own.
pub async fn hold() -> Option<String> {
    let program = std::env::current_exe().expect("the test has a path");
    let output = tokio::process::Command::new(program).arg(SUBCOMMAND).kill_on_drop(true).output().await;
    let output = output.expect("the test's own program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    (!output.status.success())
        .then(|| format!("{SUBCOMMAND} ({})\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// In the process with a network of its own.
pub fn main() -> i32 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    if let Err(error) = elsewhere::enter(&[PUBLIC, METADATA, PRIVATE], folder.path()) {
        println!("skipped: DNS rebinding (no network of one's own: {error})");
        return 0;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the event loop starts");
    let failures = runtime.block_on(run());
    failures.iter().for_each(|failure| println!("FAILED {failure}\n"));
    i32::from(!failures.is_empty())
}

async fn run() -> Vec<String> {
    let told = Arc::new(Mutex::new(BTreeSet::new()));
    let reached = Arc::new(Mutex::new(BTreeSet::new()));
    tokio::spawn(answer_questions(UdpSocket::bind("127.0.0.1:53").await.expect("the port of names"), told.clone()));
    let everywhere = TcpListener::bind("0.0.0.0:80").await.expect("a port on every address");
    tokio::spawn(answer_requests(everywhere, reached.clone()));
    // Only where nobody may go: the public address refuses this one.
    for address in [METADATA, Ipv4Addr::LOCALHOST, PRIVATE] {
        let listener = TcpListener::bind((address, 81)).await.expect("a port on this address");
        tokio::spawn(answer_requests(listener, reached.clone()));
    }
    // The trap works: whoever does connect is seen.
    for address in [PUBLIC, METADATA, PRIVATE] {
        tokio::net::TcpStream::connect((address, 80)).await.expect("this machine has the address");
    }
    let mut failures = Vec::new();
    for _ in 0..100 {
        if reached.lock().expect("not poisoned").len() == 3 {
            break;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    if std::mem::take(&mut *reached.lock().expect("not poisoned")).len() != 3 {
        failures.push("connections to this machine's own addresses are not seen".to_owned());
    }

    let sandbox = crate::sandbox().await;
    let tests = specs::tests_elsewhere(&sandbox, FOLDER);
    println!("running {} scripts against names that change", tests.len());
    for (name, test) in tests {
        if let Err(reason) = test.await {
            failures.push(format!("{name}\n{reason}"));
        }
    }
    sandbox.shutdown().await;

    let told = told.lock().expect("not poisoned").clone();
    for address in ["169.254.169.254", "127.0.0.1", "10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"] {
        if !told.contains(&address.parse::<IpAddr>().expect("an address")) {
            failures.push(format!("no script was ever told {address}"));
        }
    }
    let reached = reached.lock().expect("not poisoned").clone();
    if reached != BTreeSet::from([IpAddr::V4(PUBLIC)]) {
        failures.push(format!("scripts may reach {PUBLIC} alone, and reached {reached:?}"));
    }
    failures
}

/// The name server. Notes what it told.
async fn answer_questions(socket: UdpSocket, told: Arc<Mutex<BTreeSet<IpAddr>>>) {
    let mut asked: HashMap<(String, RecordType), usize> = HashMap::new();
    let mut answered: HashMap<(SocketAddr, u16), Vec<u8>> = HashMap::new();
    let mut buffer = vec![0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
        let Some(question) = query.queries.first() else { continue };
        // A question that is asked again because its answer was slow is not another one.
        let again = (from, query.metadata.id);
        if let Some(answer) = answered.get(&again) {
            let _ = socket.send_to(answer, from).await;
            continue;
        }
        let name = question.name().to_ascii().to_lowercase();
        let plan = plan(&name);
        let number = asked.entry((name, question.query_type())).or_default();
        let addresses = plan.get(*number % plan.len().max(1)).copied().unwrap_or_default();
        *number += 1;
        let mut answer = Message::response(query.metadata.id, OpCode::Query);
        answer.metadata.recursion_desired = true;
        answer.metadata.recursion_available = true;
        answer.add_query(question.clone());
        for address in addresses.iter().map(|address| address.parse().expect("the plan has addresses")) {
            let data = match (address, question.query_type()) {
                (IpAddr::V4(address), RecordType::A) => RData::A(A(address)),
                (IpAddr::V6(address), RecordType::AAAA) => RData::AAAA(AAAA(address)),
                _ => continue,
            };
            told.lock().expect("not poisoned").insert(address);
            answer.add_answer(Record::from_rdata(question.name().clone(), 0, data));
        }
        let answer = answer.to_vec().expect("an answer can be written");
        let _ = socket.send_to(&answer, from).await;
        answered.insert(again, answer);
    }
}

/// Answers each request with the address that it came to, once for a connection. `/redirect` leads back to where it
/// came from.
async fn answer_requests(listener: TcpListener, reached: Arc<Mutex<BTreeSet<IpAddr>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let address = stream.local_addr().expect("a connection has an address").ip();
        reached.lock().expect("not poisoned").insert(address);
        tokio::spawn(async move {
            let Some(head) = read_head(&mut stream).await else { return };
            let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
            let (status, location) = match head.starts_with("GET /redirect ") {
                true => ("302 Found", format!("location: http://{host}/\r\n")),
                false => ("200 OK", String::new()),
            };
            let body = address.to_string();
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\n{location}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        });
    }
}
