use super::*;
use crate::sample::Sample;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc;

fn settings() -> StatsdSettings {
    let local = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    // Flushes are asked for by the tests.
    StatsdSettings { udp: local, tcp: local, udp_threads: 2, flush_interval_ms: 3_600_000, ..StatsdSettings::default() }
}

fn quiet() -> Handlers {
    Handlers { on_flush: Box::new(|_| {}), on_notice: Box::new(|_| {}) }
}

fn start(settings: &StatsdSettings) -> StatsdServer {
    StatsdServer::start(settings, quiet()).expect("the server starts on free ports")
}

/// Waits until the counters are as wanted; gives up after 20 s.
fn wait(server: &StatsdServer, wanted: impl Fn(&ServerCounters) -> bool) -> ServerCounters {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let counters = server.counters();
        if wanted(&counters) {
            return counters;
        }
        assert!(Instant::now() < deadline, "it did not come to it: {counters:?}");
        std::thread::yield_now();
    }
}

fn shown(snapshot: &Snapshot) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    snapshot.samples(1000, |group: &[Sample]| {
        all.extend(group.iter().map(|sample| (sample.labels.to_string(), sample.value)));
    });
    all
}

fn udp_client(server: &StatsdServer) -> UdpSocket {
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    client.connect(server.udp_address().expect("UDP is on")).expect("loopback");
    client
}

#[test]
fn udp_tcp_and_unix_add_up_in_one_series() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("statsd.sock");
    let server = start(&StatsdSettings { unix: Some(path.clone()), ..settings() });
    // Several clients, so that both UDP threads get some.
    let clients: Vec<UdpSocket> = (0..8).map(|_| udp_client(&server)).collect();
    for round in 0..100 {
        for client in &clients {
            client.send(format!("logins:1|c|#node:a\nlatency:{round}|ms").as_bytes()).expect("sent");
        }
    }
    let mut stream = TcpStream::connect(server.tcp_address().expect("TCP is on")).expect("connected");
    for part in ["logins:1|c|#no", "de:a\nlogins:2|c|#node:a\nnonse", "nse\nlogins:4|c|#node:a"] {
        stream.write_all(part.as_bytes()).expect("sent");
    }
    drop(stream);
    UnixDatagram::unbound().expect("a socket").send_to(b"logins:100|c|#node:a", &path).expect("sent");
    let counters = wait(&server, |counters| counters.values == 1600 + 3 + 1 && counters.invalid == 1);
    assert_eq!((counters.packets_lost, counters.series), (0, 2));
    let got = shown(&server.flush());
    assert_eq!((got["logins{node=\"a\"}"], got["latency_count"]), (907.0, 800.0));
    assert!((got["latency{quantile=\"0.5\"}"] - 0.049).abs() < 0.001, "{got:?}");
    let problems = server.problems();
    assert_eq!(problems.iter().map(|(_, noted)| noted.lines.clone()).collect::<Vec<_>>(), [["nonsense"]]);
    server.shutdown();
    assert!(!path.exists(), "the socket's file is gone");
}

#[test]
fn a_stop_flushes_what_was_sent_before() {
    let (sender, flushed) = mpsc::channel();
    let handlers = Handlers {
        on_flush: Box::new(move |snapshot| drop(sender.send(shown(snapshot)))),
        on_notice: Box::new(|_| {}),
    };
    let server = StatsdServer::start(&settings(), handlers).expect("it starts");
    let client = udp_client(&server);
    for _ in 0..1000 {
        client.send(b"a:1|c").expect("sent");
    }
    server.shutdown();
    let last = flushed.try_iter().last().expect("a stop flushes");
    assert_eq!(last["a"], 1000.0);
}

#[test]
fn flushes_come_by_themselves() {
    let (sender, flushed) = mpsc::channel();
    let handlers =
        Handlers { on_flush: Box::new(move |snapshot| _ = sender.send(snapshot.at)), on_notice: Box::new(|_| {}) };
    let server =
        StatsdServer::start(&StatsdSettings { flush_interval_ms: 5, ..settings() }, handlers).expect("it starts");
    let instants: Vec<UnixMs> =
        (0..5).map(|_| flushed.recv_timeout(Duration::from_secs(20)).expect("a flush")).collect();
    assert!(instants.is_sorted_by(|left, right| left < right), "{instants:?}");
    server.shutdown();
}

#[test]
fn events_and_service_checks_come_at_once() {
    let (sender, notices) = mpsc::channel();
    let handlers =
        Handlers { on_flush: Box::new(|_| {}), on_notice: Box::new(move |notice| drop(sender.send(notice))) };
    let server = StatsdServer::start(&settings(), handlers).expect("it starts");
    udp_client(&server).send(b"_sc|redis|2|#r:eu|m:gone\n_e{5,6}:title|a\\nb c|t:warning|#x").expect("sent");
    let next = || notices.recv_timeout(Duration::from_secs(20)).expect("a notice");
    match next() {
        Notice::ServiceCheck { name, status, message, tags, .. } => {
            assert_eq!((name.as_str(), message.as_str()), ("redis", "gone"));
            assert_eq!(status, crate::statsd::parser::ServiceStatus::Critical);
            assert_eq!(tags, [("r".to_owned(), "eu".to_owned())]);
        }
        other => panic!("{other:?}"),
    }
    match next() {
        Notice::Event { title, text, .. } => assert_eq!((title.as_str(), text.as_str()), ("title", "a\nb c")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_port_that_is_taken_is_refused_and_says_so() {
    let first = start(&settings());
    let error = StatsdServer::start(&StatsdSettings { udp: first.udp_address(), ..settings() }, quiet()).err();
    let error = error.expect("the port is taken").to_string();
    assert!(error.contains("UDP 127.0.0.1:") && error.contains("choose another address"), "{error}");
    let error = StatsdServer::start(&StatsdSettings { tcp: first.tcp_address(), ..settings() }, quiet()).err();
    assert!(error.expect("the port is taken").to_string().contains("TCP 127.0.0.1:"));
}

#[test]
fn a_dead_servers_unix_socket_is_replaced_and_a_living_ones_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("statsd.sock");
    drop(UnixDatagram::bind(&path).expect("bound"));
    let settings = StatsdSettings { unix: Some(path.clone()), ..settings() };
    let server = start(&settings);
    assert!(StatsdServer::start(&settings, quiet()).is_err(), "two servers on one socket");
    UnixDatagram::unbound().expect("a socket").send_to(b"a:1|c", &path).expect("sent");
    wait(&server, |counters| counters.values == 1);
}

#[test]
fn packets_that_find_no_room_are_counted() {
    // The smallest buffer there is, and a shard that is held: the kernel has to drop.
    let server = start(&StatsdSettings { udp_threads: 1, receive_buffer_bytes: 1, ..settings() });
    let client = udp_client(&server);
    let held = locked(&server.shared.shards[0]);
    let mut sent = 5000;
    for _ in 0..sent {
        client.send(&[b"a:1|c\n".as_slice(); 100].concat()).expect("sent");
    }
    drop(held);
    // The kernel tells with the next packet that it has room for.
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.counters().packets_lost == 0 {
        client.send(b"b:1|c").expect("sent");
        sent += 1;
        assert!(Instant::now() < deadline, "no loss was seen");
        std::thread::yield_now();
    }
    // Those of the loop may be lost as well; the one that told was not.
    let lost = server.counters().packets_lost;
    assert!((1..sent).contains(&lost), "{lost} of {sent}");
}

#[test]
fn connections_beyond_the_bound_are_closed() {
    let server = start(&StatsdSettings { connections_max: 2, ..settings() });
    let connect = || TcpStream::connect(server.tcp_address().expect("TCP is on")).expect("connected");
    let kept: Vec<TcpStream> = (0..2).map(|_| connect()).collect();
    wait(&server, |counters| counters.connections == 2);
    let mut third = connect();
    assert_eq!(io::Read::read(&mut third, &mut [0; 1]).unwrap_or(0), 0);
    assert_eq!(wait(&server, |counters| counters.connections_refused == 1).connections, 2);
    drop(kept);
    wait(&server, |counters| counters.connections == 0);
    connect().write_all(b"a:1|c\n").expect("sent");
    wait(&server, |counters| counters.values == 1);
}
