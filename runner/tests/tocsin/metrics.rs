//! Metrics of programs and of runs: in by statsd, out at `/metrics` and to Graphite.

use crate::project::{CONFIGURATION, PASSES, Project, client};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// With `[statsd]` as given, and whatever follows it.
fn project(statsd: &str) -> Project {
    Project::new(&format!("{CONFIGURATION}\n[statsd]\n{statsd}\n"), &[("passes.check.ts", PASSES)])
}

fn send(to: &str, packet: &str) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(socket.send_to(packet.as_bytes(), to).unwrap(), packet.len());
}

/// The first line of `series`, a text such as `name{label="value"}`, as its value.
fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_programs_send_and_what_runs_took_is_on_metrics() {
    let project = project("listen = \"127.0.0.1:0\"\nflush = \"100ms\"");
    let mut up = project.up();
    let ready = up.ready.clone();
    send(ready["statsd"].as_str().unwrap(), "auth.logins:3|c|#node:eu\nauth.token_latency:250|ms\nnonsense\n");
    send(ready["statsd"].as_str().unwrap(), "tocsin_check_up:7|g");
    TcpStream::connect(ready["statsd_tcp"].as_str().unwrap()).unwrap().write_all(b"by.tcp:0.5|g\n").unwrap();

    let run = |metric: &str, region: &str| format!("{metric}{{check=\"passes\",region=\"{region}\"");
    let wanted = [
        ("auth_logins{node=\"eu\"}".to_owned(), 3.0),
        ("auth_token_latency_count".to_owned(), 1.0),
        ("auth_token_latency_sum".to_owned(), 0.25),
        ("by_tcp".to_owned(), 0.5),
        (run("tocsin_check_up", "eu-west-1") + "}", 1.0),
        (run("tocsin_check_up", "us-east-1") + "}", 1.0),
        (run("tocsin_check_step_up", "us-east-1") + ",step=\"outer › inner\"}", 1.0),
        ("tocsin_statsd_invalid_total".to_owned(), 1.0),
        ("tocsin_statsd_series_shadowed".to_owned(), 1.0),
        ("tocsin_incidents_opened_total".to_owned(), 0.0),
    ];
    let seen = |metrics: &str| wanted.iter().all(|(series, wanted)| value(metrics, series) == Some(*wanted));
    let metrics = up.page("/metrics", "everything that was sent and run", seen).await;
    let duration = value(&metrics, &(run("tocsin_check_duration_seconds", "eu-west-1") + "}")).unwrap();
    assert!(duration > 0.0 && duration < 60.0, "{metrics}");
    assert!(value(&metrics, "tocsin_results_counted_total").unwrap() >= 2.0, "{metrics}");
    let described: Vec<&str> = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let names: BTreeSet<_> = described.iter().map(|line| line.split(' ').next()).collect();
    assert_eq!(names.len(), described.len(), "each name once: {metrics}");
    // Tocsin's own have come over statsd as well.
    for own in [
        "tocsin_own_run_seconds_count{check=\"passes\",outcome=\"passed\",region=\"eu-west-1\"}",
        "tocsin_own_step_seconds_count{check=\"passes\",region=\"us-east-1\",step=\"inner\"}",
        "tocsin_own_alerting{what=\"results_counted\"}",
    ] {
        up.page("/metrics", own, |metrics| value(metrics, own).is_some_and(|value| value >= 1.0)).await;
    }
    let problems = up.page("/metrics/problems", "the line that was not taken", |page| page.contains("nonsense")).await;
    assert!(problems.contains("write `name:1|c`"), "{problems}");
    let answer = client().get(format!("{}/metrics", up.status_url)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");

    // The series of a check that is gone are gone.
    std::fs::remove_file(project.path("checks/passes.check.ts")).unwrap();
    project.write("other.check.ts", PASSES);
    up.signal(nix::sys::signal::Signal::SIGHUP);
    let replaced = |metrics: &str| {
        metrics.contains("tocsin_check_up{check=\"other\"") && !metrics.contains("tocsin_check_up{check=\"passes\"")
    };
    up.page("/metrics", "the other check's runs alone", replaced).await;
    assert_eq!(up.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_check_that_fails_opens_an_incident_and_its_recovery_ends_it() {
    let project = project("listen = \"127.0.0.1:0\"");
    let mut up = project.up();
    let statsd = up.ready["statsd"].as_str().unwrap().to_owned();
    let incidents = |list: &'static str| {
        move |page: &str| {
            let status: serde_json::Value = serde_json::from_str(page).unwrap();
            let of_store =
                |row: &serde_json::Value| row["check"].as_str().unwrap().starts_with("service-check.store-host-db1");
            status["status"][list].as_array().unwrap().iter().filter(|row| of_store(row)).count() == 1
        }
    };
    // An agent repeats it.
    (0..3).for_each(|_| send(&statsd, "_sc|store|2|h:db1|m:no primary\n_e{6,4}:deploy|done"));
    up.page("/api/v1/status", "one open incident", incidents("incidents_open")).await;
    send(&statsd, "_sc|store|0|h:db1");
    up.page("/api/v1/status", "it has ended", incidents("incidents_closed")).await;
    assert_eq!(up.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_end_still_reaches_graphite() {
    let graphite = TcpListener::bind("127.0.0.1:0").unwrap();
    let forward = format!("[metrics.graphite]\naddress = \"{}\"\nprefix = \"via.\"", graphite.local_addr().unwrap());
    let up = project(&format!("listen = \"127.0.0.1:0\"\nflush = \"1h\"\n{forward}")).up();
    send(up.ready["statsd"].as_str().unwrap(), "last.words:2|c|#node:eu");
    let receive = std::thread::spawn(move || {
        let mut text = String::new();
        graphite.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    assert_eq!(up.stop(), Some(0));
    let text = receive.join().unwrap();
    assert!(text.contains("via.last.words.count;node=eu 2 "), "{text}");
}

/// Takes statsd's own port, once no test beside this one has it. Where a program of the machine keeps it, it is taken too.
fn take_default_port() -> Option<UdpSocket> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if let Ok(taken) = UdpSocket::bind("127.0.0.1:8125") {
            return Some(taken);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_port_that_is_taken_is_one_warning_and_no_more() {
    let _taken = take_default_port();
    let project = project("");
    let mut up = project.up();
    assert!(up.ready["statsd"].is_null(), "{}", up.ready);
    let passed = |metrics: &str| metrics.contains("tocsin_check_up{check=\"passes\",region=\"eu-west-1\"} 1");
    let metrics = up.page("/metrics", "runs without statsd", passed).await;
    assert!(!metrics.contains("tocsin_statsd_"), "{metrics}");
    assert_eq!(up.log().matches("statsd has no port: 127.0.0.1:8125").count(), 1, "{}", up.log());
    assert_eq!(up.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_written_port_that_is_taken_refuses_the_start_and_off_takes_none() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = format!("listen = \"{address}\"");
    project(&listen).run(&["up"]).expect(2, &["[statsd] in tocsin.toml", &address, "choose another address"]);

    let up = project(&format!("{listen}\nenabled = false")).up();
    assert!(up.ready["statsd"].is_null() && !up.log().contains("statsd"), "{}", up.log());
    assert_eq!(up.stop(), Some(0));
}
