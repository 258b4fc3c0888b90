//! Lines a second that the statsd server takes at zero loss on one core, while a client on another core sends at a set
//! pace; beside two other servers where they can be had: statsd_exporter (Debian's `prometheus-statsd-exporter`, or what
//! `tools/bench-peers.sh` built) and Node's `statsd`.
//!
//! The pace grows until something is lost. Processor time says what a whole core would take. On two cores the client, which
//! needs one of them, is in the way.

use alerting::statsd::{AggregateSettings, Handlers, StatsdServer, StatsdSettings};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tests::measure::{Aim, Table, cpu_time, is_asked_for, memory};

const LINES_A_SECOND: f64 = 1_000_000.0;
const TIMES_EXPORTER: f64 = 3.0;
const TIMES_NODE: f64 = 10.0;
/// The series that peers are compared with.
const COMPARED_SERIES: usize = 1_000;
const PACKET_BYTES_MAX: usize = 1400;
const PACES: [f64; 5] = [1e6, 1.5e6, 2.25e6, 3.4e6, 5e6];
const PEER_PACES: [f64; 6] = [5e4, 1e5, 2e5, 4e5, 8e5, 1.6e6];
/// How long one pace is kept.
const SENDING: Duration = Duration::from_millis(700);
/// How long what was sent may take to be read, and a program to listen.
const PATIENCE: Duration = Duration::from_secs(5);
/// The word that makes this program the server.
const SERVE: &str = "serve-statsd";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(SERVE) {
        serve(std::env::args().nth(2).and_then(|threads| threads.parse().ok()).unwrap_or(1));
    } else if is_asked_for() {
        measure();
    }
}

/// Where there is but one core, all share it.
fn pin(core: usize) {
    let mut cores = CpuSet::new();
    if cores.set(core).is_ok() {
        let _ = sched_setaffinity(Pid::from_raw(0), &cores);
    }
}

fn serve(threads: usize) {
    if threads == 1 {
        pin(0);
    }
    let settings = StatsdSettings {
        udp: Some(([127, 0, 0, 1], 0).into()),
        tcp: None,
        udp_threads: threads,
        flush_interval_ms: 2000,
        aggregate: AggregateSettings { series_per_metric_max: 200_000, ..AggregateSettings::default() },
        ..StatsdSettings::default()
    };
    let handlers = Handlers { on_flush: Box::new(|_| {}), on_notice: Box::new(|_| {}) };
    let server = StatsdServer::start(&settings, handlers).expect("a free port is to be had");
    println!("{}", server.udp_address().expect("UDP is on").port());
    // Until whoever started it closes the pipe.
    std::io::stdin().lines().for_each(drop);
}

fn measure() {
    let table = Table::new("statsd lines", "UDP packets of 1,400 bytes, a server pinned to one core");
    let own = std::env::current_exe().expect("a program knows its own path");
    let mut compared = 0.0;
    for (name, series, threads) in [
        ("1 series", 1, 1),
        ("1,000 series", COMPARED_SERIES, 1),
        ("100,000 series", 100_000, 1),
        ("1,000 series, two threads on both cores", COMPARED_SERIES, 2),
    ] {
        let start = || Peer::start_own(Command::new(&own).args([SERVE, &threads.to_string()]));
        let aim = if threads == 1 { Aim::AtLeast(LINES_A_SECOND) } else { Aim::Nothing };
        let at_zero_loss = report(&table, name, series, &PACES, start, aim);
        if threads == 1 && series == COMPARED_SERIES {
            compared = at_zero_loss.unwrap_or(0.0);
        }
    }
    let times = |name: &str, theirs: Option<f64>, aim| match theirs {
        Some(theirs) if theirs > 0.0 => {
            table.row(&format!("times {name}'s lines"), compared / theirs, "x", Aim::AtLeast(aim))
        }
        _ => table.skipped(&format!("times {name}'s lines"), "it took nothing"),
    };
    let peers = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers");
    let exporter = || {
        let port = free_port();
        let fetched = peers.join("statsd_exporter");
        let program = if fetched.exists() { fetched } else { "prometheus-statsd-exporter".into() };
        let mut command = Command::new(program);
        command.args([&format!("--statsd.listen-udp=127.0.0.1:{port}"), "--statsd.listen-tcp="]);
        command.arg(format!("--web.listen-address=127.0.0.1:{}", free_port()));
        Peer::start(&mut command, port)
    };
    let theirs = report(&table, "statsd_exporter, 1,000 series", COMPARED_SERIES, &PEER_PACES, exporter, Aim::Nothing);
    times("statsd_exporter", theirs, TIMES_EXPORTER);
    let configuration = tempfile::tempdir().expect("a temporary folder can be made");
    let node = || {
        let port = free_port();
        let folder = peers.join("node_modules/statsd");
        if !folder.exists() {
            return Err("tools/bench-peers.sh has not fetched it".to_owned());
        }
        let file = configuration.path().join("config.js");
        let text = format!("{{ port: {port}, address: \"127.0.0.1\", mgmt_port: {}, backends: [] }}", free_port());
        std::fs::write(&file, text).expect("the folder can be written");
        Peer::start(Command::new("node").current_dir(&folder).arg("stats.js").arg(file), port)
    };
    let theirs = report(&table, "Node's statsd, 1,000 series", COMPARED_SERIES, &PEER_PACES, node, Aim::Nothing);
    times("Node's statsd", theirs, TIMES_NODE);
}

/// Lines a second that were sent at zero loss; `None` where the server is not to be had.
fn report(
    table: &Table,
    name: &str,
    series: usize,
    paces: &[f64],
    start: impl Fn() -> Result<Peer, String>,
    aim: Aim,
) -> Option<f64> {
    let packets = packets(series);
    let (mut at_zero_loss, mut of_one_core, mut memory_a_series) = (0.0, 0.0, 0.0);
    for pace in paces {
        let peer = match start() {
            Ok(peer) => peer,
            Err(why) => {
                table.skipped(name, &why);
                return None;
            }
        };
        let empty_bytes = peer.private_bytes();
        let (sent_a_second, per_core, lost) = peer.take(&packets, *pace);
        if lost > 0 {
            break;
        }
        (at_zero_loss, of_one_core) = (sent_a_second, per_core);
        memory_a_series = (peer.private_bytes() - empty_bytes) / series as f64;
    }
    table.row(&format!("{name}: sent at zero loss"), at_zero_loss, "/s", aim);
    table.row(&format!("{name}: what a whole core would take"), of_one_core, "/s", Aim::Nothing);
    if series > COMPARED_SERIES {
        table.row(&format!("{name}: memory of a series"), memory_a_series, "B", Aim::Nothing);
    }
    Some(at_zero_loss)
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    socket.expect("a free port is to be had").port()
}

/// A statsd server in a process of its own; killed at the end.
struct Peer {
    child: Child,
    port: u16,
}

impl Peer {
    fn start_own(command: &mut Command) -> Result<Self, String> {
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut peer = Self { child: started.map_err(|error| error.to_string())?, port: 0 };
        let output = peer.child.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
        peer.port = line.trim().parse().map_err(|_| format!("it said `{line}` in place of its port"))?;
        Ok(peer)
    }

    fn start(command: &mut Command, port: u16) -> Result<Self, String> {
        // The processor is inherited; this thread sends from another one.
        pin(0);
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        pin(1);
        let peer = Self { child: started.map_err(|_| "it is not installed".to_owned())?, port };
        let deadline = Instant::now() + PATIENCE;
        while socket_of(port).is_none() {
            if Instant::now() > deadline {
                return Err("it does not listen".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(peer)
    }

    /// Lines a second that were sent, those that a core would take by the processor time used, and packets lost.
    fn take(&self, packets: &[(Vec<u8>, usize)], lines_a_second: f64) -> (f64, f64, u64) {
        pin(1);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port is to be had");
        socket.connect(("127.0.0.1", self.port)).expect("loopback is there");
        // Every series is known before the measurement, as it is in a server that has run for a while.
        for (packet, _) in packets {
            let _ = socket.send(packet);
            std::thread::sleep(Duration::from_micros(50));
        }
        self.read_all();
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process has a number"));
        let (lost_before, cpu_before) = (self.lost(), cpu_time(pid));
        let began = Instant::now();
        let (mut sent, mut next) = (0_usize, 0);
        while began.elapsed() < SENDING {
            let due = (began.elapsed().as_secs_f64() * lines_a_second) as usize;
            while sent < due && began.elapsed() < SENDING {
                let (packet, lines) = &packets[next];
                next = (next + 1) % packets.len();
                let _ = socket.send(packet);
                sent += lines;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        let took = began.elapsed();
        self.read_all();
        let cpu = cpu_time(pid) - cpu_before;
        let lost = self.lost().saturating_sub(lost_before);
        (sent as f64 / took.as_secs_f64(), sent as f64 / cpu.as_secs_f64().max(0.01), lost)
    }

    fn private_bytes(&self) -> f64 {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process has a number"));
        memory(pid).map_or(0.0, |memory| memory.private as f64)
    }

    /// Waits until the kernel holds nothing more for it.
    fn read_all(&self) {
        let deadline = Instant::now() + PATIENCE;
        while socket_of(self.port).is_some_and(|(waiting, _)| waiting > 0) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn lost(&self) -> u64 {
        socket_of(self.port).map_or(0, |(_, lost)| lost)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes that wait at a UDP port, and packets that the kernel dropped there; `None` where nobody listens.
fn socket_of(port: u16) -> Option<(u64, u64)> {
    let mut found = None;
    for table in ["/proc/net/udp", "/proc/net/udp6"] {
        for line in std::fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(queues), Some(drops)) = (fields.get(1), fields.get(4), fields.last()) else {
                continue;
            };
            if local.rsplit(':').next().and_then(|hex| u16::from_str_radix(hex, 16).ok()) != Some(port) {
                continue;
            }
            let waiting = queues.rsplit(':').next().and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
            let (all_waiting, all_lost) = found.unwrap_or((0, 0));
            found = Some((all_waiting + waiting, all_lost + drops.parse::<u64>().unwrap_or(0)));
        }
    }
    found
}

/// Whole packets, each with its number of lines: of ten series seven are counters, two timers and one a gauge.
fn packets(series: usize) -> Vec<(Vec<u8>, usize)> {
    let mut packets: Vec<(Vec<u8>, usize)> = vec![Default::default()];
    for index in 0..series.max(1000) {
        let index = index % series;
        let line = match index % 10 {
            0..=6 => format!("auth.requests.endpoint_{index}:1|c\n"),
            7 | 8 => format!("auth.latency.endpoint_{index}:{}|ms\n", 10 + index % 300),
            _ => format!("auth.sessions.endpoint_{index}:{}|g\n", index % 1000),
        };
        if packets.last().is_some_and(|(packet, _)| packet.len() + line.len() > PACKET_BYTES_MAX) {
            packets.push(Default::default());
        }
        if let Some((packet, lines)) = packets.last_mut() {
            packet.extend_from_slice(line.as_bytes());
            *lines += 1;
        }
    }
    packets
}
