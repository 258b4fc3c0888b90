use super::*;
use crate::statsd::aggregate::{AggregateSettings, Aggregator, Shard};
use checks::UnixMs;
use std::collections::BTreeMap;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

const PACKET: &str =
    "auth.logins:3|c|@0.5|#node:eu;1,way:pass word\nusers:-5|g\nusers:-5|g\nseen:x|s\nlatency:100:300|ms|#q:\"a\\b\"";

fn snapshot_of(packet: &str, at: UnixMs) -> Snapshot {
    let aggregator = Aggregator::new(AggregateSettings::default());
    let mut shard: Shard = aggregator.shard();
    shard.ingest(packet.as_bytes(), 0);
    let batches = aggregator.take([&mut shard]);
    aggregator.flush(at, 10_000, batches)
}

fn snapshot() -> Snapshot {
    snapshot_of(PACKET, UnixMs(1_700_000_000_500))
}

fn client() -> reqwest::Client {
    // Another test may have installed it already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client of plain settings")
}

fn quick() -> ForwardSettings {
    ForwardSettings { queue_depth_max: 3, timeout_ms: 20_000, retry_first_ms: 1, retry_max_ms: 5 }
}

async fn wait(forwarder: &Forwarder, wanted: impl Fn(&ForwardCounters) -> bool) -> ForwardCounters {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let counters = forwarder.counters();
        if wanted(&counters) {
            return counters;
        }
        assert!(Instant::now() < deadline, "it did not come to it: {counters:?}");
        tokio::task::yield_now().await;
    }
}

#[test]
fn graphite_gets_names_tags_and_seconds() {
    let expected = "\
t.auth.logins.count;node=eu_1;way=pass_word 6 1700000000
t.auth.logins.rate;node=eu_1;way=pass_word 0.6 1700000000
t.users -10 1700000000
t.seen.count 1 1700000000
t.latency.count;q=\"a\\b\" 2 1700000000
t.latency.sum;q=\"a\\b\" 0.4 1700000000
t.latency.min;q=\"a\\b\" 0.1 1700000000
t.latency.max;q=\"a\\b\" 0.3 1700000000
t.latency.p50;q=\"a\\b\" 0.1 1700000000
t.latency.p90;q=\"a\\b\" 0.1 1700000000
t.latency.p95;q=\"a\\b\" 0.1 1700000000
t.latency.p99;q=\"a\\b\" 0.1 1700000000
";
    assert_eq!(graphite::encode(&snapshot(), "t."), expected);
}

#[test]
fn prometheus_gets_types_and_escaped_labels() {
    let expected = "\
# TYPE auth_logins counter
auth_logins{node=\"eu;1\",way=\"pass word\"} 6
# TYPE latency summary
latency{q=\"\\\"a\\\\b\\\"\",quantile=\"0.5\"} 0.1
latency{q=\"\\\"a\\\\b\\\"\",quantile=\"0.9\"} 0.1
latency{q=\"\\\"a\\\\b\\\"\",quantile=\"0.95\"} 0.1
latency{q=\"\\\"a\\\\b\\\"\",quantile=\"0.99\"} 0.1
latency_sum{q=\"\\\"a\\\\b\\\"\"} 0.4
latency_count{q=\"\\\"a\\\\b\\\"\"} 2
# TYPE latency_min gauge
latency_min{q=\"\\\"a\\\\b\\\"\"} 0.1
# TYPE latency_max gauge
latency_max{q=\"\\\"a\\\\b\\\"\"} 0.3
# TYPE seen gauge
seen 1
# TYPE users gauge
users -10
";
    assert_eq!(prometheus::encode(&snapshot()), expected);
}

#[test]
fn another_statsd_reads_back_what_it_is_sent() {
    let sent = snapshot();
    let packets = statsd::encode(&sent, "", 120);
    assert!(packets.len() == 3 && packets.iter().all(|packet| packet.len() <= 120), "{packets:?}");
    let back = snapshot_of(&packets.join("\n"), sent.at);
    let text = graphite::encode(&back, "");
    for line in [
        "auth.logins.count;node=eu_1;way=pass_word 6 1700000000\n",
        "users -10 1700000000\n",
        "latency.count.count;q=\"a\\b\" 2 1700000000\n",
        "latency.p50;q=\"a\\b\" 0.1 1700000000\n",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn librato_gets_measurements_in_groups() {
    let tags = BTreeMap::from([("service".to_owned(), "auth".to_owned())]);
    let bodies = librato::encode(&snapshot(), "t.", &tags);
    let body: serde_json::Value = serde_json::from_slice(&bodies[0]).expect("JSON");
    assert_eq!(body["time"], 1_700_000_000);
    assert_eq!(body["tags"], serde_json::json!({"service": "auth"}));
    let expected = serde_json::json!({"name": "t.auth.logins.count", "value": 6.0,
        "tags": {"node": "eu_1", "way": "pass word", "service": "auth"}});
    assert_eq!(body["measurements"][0], expected);
    assert_eq!(body["measurements"].as_array().map(Vec::len), Some(12));
    let many: String = (0..700).map(|index| format!("g{index}:1|g\n")).collect();
    let bodies = librato::encode(&snapshot_of(&many, UnixMs(0)), "", &tags);
    assert_eq!(bodies.len(), 3, "300, 300 and 100");
}

#[test]
fn pauses_double_up_to_their_bound() {
    let settings = ForwardSettings::default();
    let pauses: Vec<u64> = [1, 2, 3, 7, 40, u32::MAX].map(|failed| pause_ms(&settings, failed)).into();
    assert_eq!(pauses, [500, 1000, 2000, 30_000, 30_000, 30_000]);
}

#[tokio::test]
async fn graphite_that_was_down_gets_the_newest_that_fit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let destination = Destination::Graphite { address: address.to_string(), prefix: String::new() };
    let forwarder = Forwarder::start(destination, quick(), client());
    for second in 1..=5 {
        forwarder.offer(&Arc::new(snapshot_of("a:1|g", UnixMs(second * 1000))));
    }
    let down = wait(&forwarder, |counters| counters.retries >= 2).await;
    assert_eq!((down.delivered, down.dropped_queue_full, down.waiting), (0, 2, 3));
    assert!(!down.last_error.is_empty());

    let listener = TcpListener::bind(address).await.expect("the port is free again");
    for second in 3..=5 {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("text");
        assert_eq!(text, format!("a 1 {second}\n"));
    }
    let up = wait(&forwarder, |counters| counters.delivered == 3).await;
    assert_eq!((up.waiting, up.last_error.as_str()), (0, ""));
    assert_eq!(forwarder.stop(Duration::from_secs(20)).await.dropped_at_stop, 0);
}

#[tokio::test]
async fn librato_is_asked_again_when_busy_and_left_when_it_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let destination = Destination::Librato {
        url,
        email: "ada@example.com".to_owned(),
        token: Token("secret".to_owned()),
        prefix: String::new(),
        tags: BTreeMap::from([("service".to_owned(), "auth".to_owned())]),
    };
    assert!(!format!("{destination:?}").contains("secret"));
    let forwarder = Forwarder::start(destination, quick(), client());
    forwarder.offer(&Arc::new(snapshot_of("a:1|g", UnixMs(1000))));
    forwarder.offer(&Arc::new(snapshot_of("b:1|g", UnixMs(2000))));
    for (answer, metric) in [("503 Busy", "\"a\""), ("202 Accepted", "\"a\""), ("401 No", "\"b\"")] {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"}]}") {
            assert_ne!(stream.read_buf(&mut request).await.expect("a request"), 0, "the request is whole");
        }
        let request = String::from_utf8(request).expect("text");
        assert!(request.starts_with("POST /v1/measurements HTTP/1.1\r\n"), "{request}");
        assert!(request.to_lowercase().contains("authorization: basic ywrhqgv4yw1wbguuy29tonnly3jlda=="), "{request}");
        assert!(request.contains(metric), "{request}");
        let response = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(response.as_bytes()).await.expect("answered");
    }
    let end = wait(&forwarder, |counters| counters.waiting == 0).await;
    assert_eq!((end.delivered, end.retries, end.dropped_refused), (1, 1, 1));
    assert!(end.last_error.contains("401"), "{end:?}");
}

#[tokio::test]
async fn statsd_gets_packets_and_a_stop_delivers_what_waits() {
    let receiver = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = receiver.local_addr().expect("bound").to_string();
    let forwarder = Forwarder::start(Destination::Statsd { address, prefix: "x.".to_owned() }, quick(), client());
    forwarder.offer(&Arc::new(snapshot_of("a:4|c\nb:-2|g|#t:1", UnixMs(1000))));
    assert_eq!(forwarder.stop(Duration::from_secs(20)).await.delivered, 1);
    let mut packet = [0; 2000];
    let length = receiver.recv(&mut packet).await.expect("a packet");
    assert_eq!(&packet[..length], b"x.a:4|c\nx.b:0|g|#t:1\nx.b:-2|g|#t:1");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_receiver_that_is_down() {
    // An address that accepts nothing: the listener's port is free again.
    let address = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("bound").to_string();
    let forwarder = Forwarder::start(Destination::Graphite { address, prefix: String::new() }, quick(), client());
    forwarder.offer(&Arc::new(snapshot()));
    wait(&forwarder, |counters| counters.retries > 0).await;
    assert_eq!(forwarder.stop(Duration::ZERO).await.dropped_at_stop, 1);
}
