//! Clients that others wrote, against the real server: cadence (Rust), `statsd` (Python) and `hot-shots` (Node). The last two
//! are fetched into `target` once, at a fixed version, and skipped with a word where pip or npm cannot.

use alerting::sample::Sample;
use alerting::statsd::{Handlers, StatsdServer, StatsdSettings};
use cadence::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn start() -> StatsdServer {
    let local = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let settings = StatsdSettings { udp: local, tcp: local, flush_interval_ms: 3_600_000, ..StatsdSettings::default() };
    let handlers = Handlers { on_flush: Box::new(|_| {}), on_notice: Box::new(|_| {}) };
    StatsdServer::start(&settings, handlers).expect("it starts on free ports")
}

/// The series once so many values have come.
fn series_after(server: &StatsdServer, values: u64) -> BTreeMap<String, f64> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.counters().values < values {
        assert!(Instant::now() < deadline, "{:?} {:?}", server.counters(), server.problems());
        std::thread::yield_now();
    }
    assert_eq!(server.counters().invalid, 0, "{:?}", server.problems());
    let mut all = BTreeMap::new();
    server.flush().samples(1000, |group: &[Sample]| {
        all.extend(group.iter().map(|sample| (sample.labels.to_string(), sample.value)));
    });
    all
}

#[test]
fn cadence_is_understood() {
    let server = start();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let sink = cadence::BufferedUdpMetricSink::from(server.udp_address().expect("UDP is on"), socket).expect("a sink");
    let client = cadence::StatsdClient::builder("auth", sink).with_tag("node", "eu").build();
    for value in 1..=100_u64 {
        client.count_with_tags("logins", 2).with_tag("way", "password").send();
        client.time("latency", value).expect("sent");
    }
    client.gauge("users", 7_u64).expect("sent");
    client.set("seen", 42).expect("sent");
    client.histogram("size", 3_u64).expect("sent");
    client.distribution("spread", 1.5).expect("sent");
    client.time("packed", vec![1_u64, 2, 3]).expect("sent");
    client.flush().expect("sent");
    let got = series_after(&server, 207);
    assert_eq!(got["auth_logins{node=\"eu\", way=\"password\"}"], 200.0);
    assert_eq!(got["auth_latency_count{node=\"eu\"}"], 100.0);
    assert!((got["auth_latency{node=\"eu\", quantile=\"0.9\"}"] - 0.090).abs() < 0.002, "{got:?}");
    assert_eq!((got["auth_users{node=\"eu\"}"], got["auth_seen{node=\"eu\"}"]), (7.0, 1.0));
    assert_eq!((got["auth_spread_sum{node=\"eu\"}"], got["auth_packed_count{node=\"eu\"}"]), (1.5, 3.0));
}

/// The folder that a client is in. It is fetched where it is not there yet; where that fails, the client is not found.
fn fetched(client: &str, fetch: impl Fn(&Path) -> Command) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(client);
    let is_there = std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    if !is_there {
        // Whole or not at all: a fetch that breaks off must not look like one that ended.
        let part = folder.with_extension("part");
        let _ = std::fs::remove_dir_all(&part);
        let fetched = std::fs::create_dir_all(&part).and_then(|()| fetch(&part).output());
        if fetched.is_ok_and(|output| output.status.success()) {
            let _ = std::fs::rename(&part, &folder);
        }
    }
    folder
}

/// Not `eprintln!`, which the test harness captures where the test passes.
fn skipped(client: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {client} {why}");
}

/// Runs the program; `false`, with a word, where the client is not there.
fn ran(client: &str, program: &mut Command) -> bool {
    match program.output() {
        Ok(output) if output.status.success() => true,
        Ok(output) if output.status.code() == Some(42) => {
            skipped(client, "is not installed");
            false
        }
        Ok(output) => panic!("{client} failed: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            skipped(client, &format!("cannot run ({error})"));
            false
        }
    }
}

#[test]
fn pythons_statsd_is_understood() {
    let server = start();
    let (udp, tcp) = (server.udp_address().expect("UDP is on"), server.tcp_address().expect("TCP is on"));
    let script = format!(
        r#"
import sys
try:
    import statsd
except ImportError:
    sys.exit(42)
udp = statsd.StatsClient("127.0.0.1", {}, prefix="auth")
udp.incr("logins")
udp.incr("logins", 4)
udp.gauge("users", 5)
udp.gauge("users", -2, delta=True)
udp.gauge("debt", -3)
udp.set("seen", "x:y")
udp.timing("latency", 320.5)
with udp.pipeline() as pipe:
    pipe.incr("piped"); pipe.incr("piped"); pipe.timing("latency", 100)
tcp = statsd.TCPStatsClient("127.0.0.1", {})
tcp.incr("by.tcp"); tcp.close()
"#,
        udp.port(),
        tcp.port()
    );
    let folder = fetched("statsd", |folder| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(folder).arg("statsd==4.0.1");
        pip
    });
    let mut python = Command::new("python3");
    python.args(["-c", &script]).env("PYTHONPATH", folder);
    if ran("Python's statsd", &mut python) {
        // A negative gauge is sent as a zero and a change.
        let got = series_after(&server, 12);
        assert_eq!((got["auth_logins"], got["auth_users"], got["auth_debt"]), (5.0, 3.0, -3.0));
        assert_eq!((got["auth_seen"], got["auth_piped"], got["by_tcp"]), (1.0, 2.0, 1.0));
        assert!((got["auth_latency_sum"] - 0.4205).abs() < 1e-9, "{got:?}");
    }
}

#[test]
fn hot_shots_is_understood() {
    let server = start();
    let script = format!(
        r#"
let Client;
try {{ Client = require("hot-shots"); }} catch {{ process.exit(42); }}
const client = new Client({{ port: {}, prefix: "auth.", globalTags: {{ node: "eu" }}, maxBufferSize: 1000 }});
client.increment("logins", 3, ["way:password"]);
client.gauge("users", 9);
client.timing("latency", 250);
client.histogram("size", 12);
client.distribution("spread", 0.5);
client.set("seen", "me");
client.event("deployed", "version 2\nis out", {{ alert_type: "warning" }});
client.check("store", client.CHECKS.CRITICAL, {{ message: "gone" }});
client.close(() => process.exit(0));
"#,
        server.udp_address().expect("UDP is on").port()
    );
    let folder = fetched("hot-shots", |folder| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--no-save", "--omit=optional", "--prefix"]);
        npm.arg(folder).arg("hot-shots@10.2.1");
        npm
    });
    let mut node = Command::new("node");
    node.args(["-e", &script]).env("NODE_PATH", folder.join("node_modules"));
    if ran("hot-shots", &mut node) {
        let got = series_after(&server, 6);
        assert_eq!(got["auth_logins{node=\"eu\", way=\"password\"}"], 3.0);
        assert_eq!((got["auth_users{node=\"eu\"}"], got["auth_seen{node=\"eu\"}"]), (9.0, 1.0));
        assert_eq!((got["auth_latency_sum{node=\"eu\"}"], got["auth_spread_count{node=\"eu\"}"]), (0.25, 1.0));
        let counters = server.counters();
        assert_eq!((counters.events, counters.service_checks), (1, 1));
    }
}
