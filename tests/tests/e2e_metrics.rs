//! Metrics in the running program: what programs send and what runs say can be asked for as Prometheus is asked, and
//! survives SIGKILL.

use serde_json::Value;
use std::net::UdpSocket;
use std::time::Instant;
use tests::harness::{Config, Prometheus, SOON, Series, Tocsin, World, ask};

/// Metrics are added up this often.
const FLUSH: &str = "[statsd]\nlisten = \"127.0.0.1:0\"\nflush = \"100ms\"\n";

fn config(world: &World) -> Config {
    Config { regions: 1, extra: FLUSH.to_owned(), ..world.config() }
}

/// What a program sends.
struct Sender(UdpSocket);

impl Sender {
    fn to(tocsin: &Tocsin) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of this machine is free");
        socket.connect(tocsin.ready["statsd"].as_str().expect("statsd listens")).expect("loopback is there");
        Self(socket)
    }

    fn send(&self, lines: &str) {
        self.0.send(lines.as_bytes()).expect("loopback takes it");
    }
}

async fn answer(tocsin: &Tocsin, query: &str) -> Value {
    let (status, answer) = ask(&tocsin.status_url, "query", &[("query", query.to_owned())], false).await;
    assert_eq!(status, 200, "{query}: {answer}");
    answer["data"]["result"].clone()
}

/// The value of the only series of the answer, if there is one.
async fn value(tocsin: &Tocsin, query: &str) -> Option<f64> {
    answer(tocsin, query).await[0]["value"][1].as_str()?.parse().ok()
}

async fn until(tocsin: &Tocsin, query: &str, holds: impl Fn(Option<f64>) -> bool) -> f64 {
    let started = Instant::now();
    loop {
        let value = value(tocsin, query).await;
        if holds(value) {
            return value.unwrap_or(f64::NAN);
        }
        assert!(started.elapsed() < SOON, "{query} is {value:?} after {SOON:?}:\n{}", tocsin.process.logs());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_survive_sigkill_but_for_the_last_flush() {
    let world = World::with_discovery().await;
    let tocsin = world.up_with(&config(&world)).await;
    // A run's own numbers are there from the first run on.
    until(&tocsin, "tocsin_check_duration_seconds{check=\"discovery\"}", |value| value.is_some()).await;
    until(&tocsin, "tocsin_check_step_duration_seconds{step=\"discovery\"}", |value| value.is_some()).await;
    until(&tocsin, "sum(tocsin_check_phase_duration_seconds{phase=\"first_byte\"})", |value| value.is_some()).await;

    let sender = Sender::to(&tocsin);
    sender.send("logins:7|c|#node:a\nsessions:42|g");
    until(&tocsin, "logins{node=\"a\"}", |value| value == Some(7.0)).await;
    // Two writes to disk after what is known now: it is on disk.
    let flushes = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("tocsin_recorder_flushes_total "));
        line.and_then(|count| count.parse::<u64>().ok()).unwrap_or(0)
    };
    let before = flushes(&tocsin.page("metrics").await);
    let started = Instant::now();
    while flushes(&tocsin.page("metrics").await) < before + 2 {
        assert!(started.elapsed() < SOON, "nothing is written within {SOON:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let count = "count_over_time(logins[1h])";
    let durable = value(&tocsin, count).await.expect("there are samples");
    let seen_at = answer(&tocsin, "timestamp(logins)").await[0]["value"][1].clone();
    tocsin.kill().await;

    let again = world.up_with(&config(&world)).await;
    let after = value(&again, count).await.expect("the samples are there again");
    let last_at = answer(&again, "last_over_time(timestamp(logins)[1h:100ms])").await[0]["value"][1].clone();
    let seconds = |text: &Value| text.as_str().and_then(|text| text.parse::<f64>().ok()).expect("a time");
    // Flushed every second: what was seen at the end may be gone, and what was seen a flush before may not.
    assert!(seconds(&seen_at) - seconds(&last_at) < 3.0, "{last_at} is far before {seen_at}");
    assert!(after >= durable - 30.0 && after > 2.0, "{after} samples of {durable}");
    assert_eq!(value(&again, "last_over_time(sessions[1h])").await, Some(42.0));
    again.stop().await;

    // Damage at the end of the newest segment costs that end, and is told.
    let logs = std::fs::read_dir(world.path().join("data/metrics")).expect("the folder is there").flatten();
    let logs = logs.map(|file| file.path()).filter(|path| path.extension().is_some_and(|own| own == "log"));
    let newest = logs.max().expect("there is a log");
    let mut bytes = std::fs::read(&newest).expect("the log");
    bytes.extend_from_slice(b"half a frame");
    std::fs::write(&newest, bytes).expect("written");
    let third = world.up_with(&config(&world)).await;
    assert_eq!(value(&third, "last_over_time(sessions[1h])").await, Some(42.0));
    third.stop().await.assert_says(&["12 bytes at the end of the log were torn"]);
}

/// What Grafana asks for, and a fair selection of the language; the language itself is compared elsewhere.
const QUERIES: [&str; 39] = [
    "logins",
    "logins{node=\"a\"}",
    "logins{node=~\"a|b\"}",
    "{__name__=~\"log.*\"}",
    "sum(logins)",
    "sum by (node) (logins)",
    "rate(logins[2s])",
    "sum(rate(logins[2s]))",
    "increase(logins[3s])",
    "irate(logins[2s])",
    "delta(sessions[2s])",
    "deriv(sessions[2s])",
    "idelta(sessions[2s])",
    "avg_over_time(sessions[2s])",
    "max_over_time(sessions[2s])",
    "quantile_over_time(0.9, sessions[2s])",
    "count_over_time(logins[2s])",
    "predict_linear(sessions[2s], 60)",
    "absent(nothing)",
    "absent(logins)",
    "absent_over_time(nothing[5m])",
    "logins offset 1s",
    "logins > 10",
    "logins > bool 10",
    "failed_logins / on (node) logins",
    "failed_logins / ignoring (way) group_left logins",
    "logins and on (node) failed_logins",
    "logins or sessions",
    "logins unless sessions",
    "topk(1, logins)",
    "quantile(0.5, logins)",
    "label_replace(logins, \"x\", \"$1\", \"node\", \"(.*)\")",
    "label_join(logins, \"x\", \"-\", \"node\", \"node\")",
    "scalar(sum(logins)) + 1",
    "1 + 1",
    "time()",
    "sum(logins",
    "rate(logins)",
    "failed_logins / logins",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_program_answers_as_a_real_prometheus_does() {
    let world = World::new().await;
    let tocsin = world.up_with(&config(&world)).await;
    let sender = Sender::to(&tocsin);
    for step in 0..40 {
        sender.send(&format!("logins:{}|c|#node:a\nlogins:2|c|#node:b\nfailed_logins:1|c|#node:a,way:page", step % 7));
        sender.send(&format!("sessions:{}|g|#node:b\ntoken_latency:{}|ms|#node:a", step * step % 23, 20 + step));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // Everything that is known, sample by sample, goes to Prometheus too.
    let all = "{__name__=~\"logins|failed_logins|sessions|token_latency.*\"}[1h]";
    let known = answer(&tocsin, all).await;
    let read = |element: &Value| Series {
        labels: element["metric"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        samples: element["values"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|point| (point[0].as_f64().unwrap_or_default(), point[1].as_str().unwrap_or_default().to_owned()))
            .collect(),
    };
    let series: Vec<Series> = known.as_array().into_iter().flatten().map(read).collect();
    assert!(series.len() >= 8, "{} series", series.len());
    let millis = |at: f64| (at * 1000.0).round() as i64;
    let instants: Vec<i64> = series.iter().flat_map(|series| &series.samples).map(|(at, _)| millis(*at)).collect();
    let (first_ms, last_ms) = (instants.iter().min().copied(), instants.iter().max().copied());
    let (first_ms, last_ms) = (first_ms.expect("samples"), last_ms.expect("samples"));
    // Debian's Prometheus counts a sample at a window's left edge in, and Prometheus 3 does not. All windows are multiples
    // of half a second long, so an instant between those of the samples, by half seconds, has none on an edge.
    let free_ms = (1..500).find(|offset| instants.iter().all(|at_ms| (at_ms - offset) % 500 != 0));
    let free_ms = free_ms.expect("a millisecond on which no sample lies");
    let aligned = |at_ms: i64| (at_ms - free_ms).div_euclid(500) * 500 + free_ms;
    // Ended series would need the markers, which the text format does not carry.
    let Some(prometheus) = Prometheus::over(&series, world.path()).await else { return };

    let at = |at_ms: i64| format!("{}.{:03}", at_ms / 1000, at_ms % 1000);
    let times = [at(aligned(last_ms)), at(aligned((first_ms + last_ms) / 2))];
    let range = [("start", at(aligned(first_ms + 2_000))), ("end", at(aligned(last_ms))), ("step", "0.5".to_owned())];
    let mut asked: Vec<(&str, Vec<(&str, String)>)> = Vec::new();
    for query in QUERIES {
        for time in &times {
            asked.push(("query", vec![("query", query.to_owned()), ("time", time.clone())]));
        }
        let query = ("query", query.to_owned());
        asked.push(("query_range", [vec![query], range.to_vec()].concat()));
    }
    let matched = |selector: &str| vec![("match[]", selector.to_owned()), range[0].clone(), range[1].clone()];
    for selector in ["logins", "{node=\"a\"}", "nothing"] {
        asked.push(("series", matched(selector)));
        asked.push(("labels", matched(selector)));
        asked.push(("label/node/values", matched(selector)));
    }
    asked.push(("query", vec![]));
    asked.push((
        "query_range",
        vec![("query", "logins".to_owned()), range[0].clone(), range[1].clone(), ("step", "0".to_owned())],
    ));
    asked.push((
        "query_range",
        vec![("query", "logins".to_owned()), ("start", "0".to_owned()), range[1].clone(), ("step", "1".to_owned())],
    ));
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (path, parameters) in &asked {
        let (our_status, ours) = ask(&tocsin.status_url, path, parameters, false).await;
        let (their_status, theirs) = ask(prometheus.url(), path, parameters, false).await;
        let same = our_status == their_status
            && ours["status"] == theirs["status"]
            && ours["errorType"] == theirs["errorType"]
            && ours["data"]["resultType"] == theirs["data"]["resultType"]
            && is_alike(&sorted(&ours["data"]), &sorted(&theirs["data"]));
        if !same {
            wrong.push(format!("{path} {parameters:?}\n  ours {our_status} {ours}\n  theirs {their_status} {theirs}"));
        }
        compared += 1;
        if path.starts_with("label/") {
            continue;
        }
        let (status, posted) = ask(&tocsin.status_url, path, parameters, true).await;
        assert_eq!((status, posted), (our_status, ours), "{path} {parameters:?}: POST and GET differ");
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));

    // What Grafana asks when a data source is set up.
    let (status, info) = ask(&tocsin.status_url, "status/buildinfo", &[], false).await;
    assert_eq!((status, &info["status"]), (200, &Value::from("success")), "{info}");
    let (_, metadata) = ask(&tocsin.status_url, "metadata", &[], false).await;
    assert_eq!(metadata["data"]["logins"][0]["type"], "counter", "{metadata}");
    let (_, one_plus_one) = ask(&tocsin.status_url, "query", &[("query", "1+1".to_owned())], true).await;
    assert_eq!(one_plus_one["data"]["result"][1], "2");
    tocsin.page("-/healthy").await;
    tocsin.page("-/ready").await;
    tocsin.stop().await;
}

/// In an order that both have.
fn sorted(data: &Value) -> Value {
    let mut list = match &data["result"] {
        Value::Array(list) if data["resultType"] == "vector" || data["resultType"] == "matrix" => list.clone(),
        Value::Null => data.as_array().cloned().unwrap_or_default(),
        other => return other.clone(),
    };
    list.sort_by_key(|item| item.get("metric").unwrap_or(item).to_string());
    Value::Array(list)
}

/// Equal, numbers in texts but for the last bits: sums in another order differ there.
fn is_alike(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| is_alike(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, ours)| theirs.get(key).is_some_and(|theirs| is_alike(ours, theirs)))
        }
        (Value::String(one), Value::String(other)) => match (one.parse::<f64>(), other.parse::<f64>()) {
            (Ok(one), Ok(other)) => one == other || (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1e-3),
            _ => one == other,
        },
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => ours == theirs,
    }
}
