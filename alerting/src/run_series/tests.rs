use super::*;
use checks::{Certificate, CheckId, Failure, Phases, Prober, Region, RunKey, Step, Tls};

fn step(name: &str, parent: Option<u32>, duration_us: Option<u64>, error: Option<&str>) -> Step {
    Step { name: name.to_owned(), parent, start_us: 0, duration_us, error: error.map(str::to_owned) }
}

fn request(step: Option<u32>, phases: Phases, days_left: i64) -> Request {
    let leaf = Certificate {
        subject: String::new(),
        issuer: String::new(),
        not_before: UnixMs(0),
        not_after: UnixMs(0),
        days_left,
        names: Vec::new(),
        sha256: String::new(),
    };
    Request {
        method: "GET".to_owned(),
        url: "https://auth.example:9443/token?x".to_owned(),
        step,
        start_us: 0,
        phases,
        status: Some(200),
        http_version: None,
        remote_addr: None,
        tls: Some(Tls { version: "TLSv1.3".to_owned(), alpn: None, certificates: vec![leaf] }),
        sent_body_bytes: 0,
        received_body_bytes: 0,
        failure: None,
        transcript: None,
    }
}

fn run(outcome: Outcome) -> RunResult {
    RunResult {
        key: RunKey {
            check: CheckId::new("login").expect("an id"),
            region: Region::new("eu-west-1").expect("an id"),
            slot: UnixMs(60_000),
            attempt: 0,
        },
        started_at: UnixMs(60_100),
        duration_us: 1_500_000,
        outcome,
        steps: Vec::new(),
        requests: Vec::new(),
        console: Vec::new(),
        metrics: Vec::new(),
        dropped: checks::Dropped::default(),
        script_hash: String::new(),
        prober: Prober { version: "0.1.0".to_owned() },
    }
}

fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed(Failure {
        class,
        message: "it broke".to_owned(),
        step: None,
        stack: String::new(),
        location: None,
        soft: Vec::new(),
    })
}

fn shown(result: &RunResult) -> Vec<String> {
    let out = samples_of(result);
    assert!(out.samples.iter().all(|sample| sample.at == UnixMs(61_600)), "samples are of the end of the run");
    let strip = ["check=\"login\", ", "region=\"eu-west-1\""];
    let shown = out.samples.iter().map(|sample| format!("{} {}", sample.labels, sample.value));
    shown.map(|text| strip.iter().fold(text, |text, part| text.replace(part, ""))).collect()
}

#[test]
fn outcomes_become_samples() {
    let duration = "tocsin_check_duration_seconds{} 1.5";
    let cases: Vec<(Outcome, Vec<&str>)> = vec![
        (Outcome::Passed, vec![duration, "tocsin_check_up{} 1"]),
        (
            failed(FailureClass::NetworkTls),
            vec![duration, "tocsin_check_up{} 0", "tocsin_check_failures{class=\"network-tls\", } 1"],
        ),
        (failed(FailureClass::Prober), vec![duration, "tocsin_check_failures{class=\"prober\", } 1"]),
        (Outcome::Missed { reason: "busy".to_owned(), still_running: true }, vec![]),
        (Outcome::Skipped { reason: "not here".to_owned() }, vec![duration, "tocsin_check_skipped{} 1"]),
    ];
    for (outcome, expected) in cases {
        let result = run(outcome);
        let got = shown(&result);
        // `check` sorts before `class`: compare without regard to where the cut left its comma.
        let plain = |text: &str| text.replace(", }", "}").replace("{, ", "{");
        assert_eq!(
            got.iter().map(|text| plain(text)).collect::<Vec<_>>(),
            expected.iter().map(|text| plain(text)).collect::<Vec<_>>()
        );
    }
}

#[test]
fn steps_and_phases_become_samples() {
    let mut result = run(failed(FailureClass::Http));
    result.steps = vec![
        step("sign up", None, Some(900_000), Some("no")),
        step("verify", Some(0), Some(250_000), None),
        step("verify", Some(0), Some(250_000), None),
        step("open", None, None, None),
    ];
    let phases = Phases { dns_us: Some(1_000), first_byte_us: Some(20_000), ..Phases::default() };
    result.requests = vec![request(Some(1), phases, 30), request(Some(2), phases, 12), request(None, phases, 40)];
    let samples = samples_of(&result).samples;
    let value = |metric: &str, tags: &[(&str, &str)]| {
        let found = samples.iter().find(|sample| {
            sample.labels.metric() == metric
                && tags.iter().all(|(name, value)| sample.labels.get(name).unwrap_or_default() == *value)
        });
        found.map(|sample| sample.value)
    };
    let step_seconds = "tocsin_check_step_duration_seconds";
    assert_eq!(value(step_seconds, &[("step", "sign up")]), Some(0.9));
    assert_eq!(value(step_seconds, &[("step", "sign up › verify")]), Some(0.5));
    assert_eq!(value(step_seconds, &[("step", "open")]), None, "the run ended inside it");
    assert_eq!(value("tocsin_check_step_up", &[("step", "sign up")]), Some(0.0));
    assert_eq!(value("tocsin_check_step_up", &[("step", "open")]), Some(1.0));
    let phase = "tocsin_check_phase_duration_seconds";
    assert_eq!(value(phase, &[("step", "sign up › verify"), ("phase", "first_byte")]), Some(0.04));
    assert_eq!(value(phase, &[("step", ""), ("phase", "dns")]), Some(0.001));
    assert_eq!(value("tocsin_check_certificate_days_left", &[("host", "auth.example")]), Some(12.0));
    let mut series: Vec<_> = samples.iter().map(|sample| &sample.labels).collect();
    series.sort();
    series.dedup();
    assert_eq!(series.len(), samples.len(), "one sample for each series");
}

#[test]
fn what_a_script_measured_becomes_samples() {
    let metric = |name: &str, value, unit: Option<&str>, tags: &[(&str, &str)]| Metric {
        name: name.to_owned(),
        value,
        unit: unit.map(str::to_owned),
        tags: tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        step: None,
        at_us: 0,
    };
    let mut result = run(Outcome::Passed);
    result.metrics = vec![
        metric("queue_depth", 4.0, None, &[]),
        metric("queue_depth", 5.0, None, &[("queue", "mail"), ("check", "forged")]),
        metric("queue_depth", 6.0, None, &[]),
        metric("delay", 0.5, Some("s"), &[]),
    ];
    let mut got: Vec<String> = samples_of(&result)
        .samples
        .iter()
        .filter(|sample| sample.labels.metric() == "tocsin_check_metric")
        .map(|sample| format!("{} {}", sample.labels, sample.value))
        .collect();
    got.sort();
    let own = "check=\"login\", ";
    let region = "region=\"eu-west-1\"";
    assert_eq!(
        got,
        [
            format!("tocsin_check_metric{{{own}metric=\"delay\", {region}, unit=\"s\"}} 0.5"),
            format!("tocsin_check_metric{{{own}metric=\"queue_depth\", queue=\"mail\", {region}}} 5"),
            format!("tocsin_check_metric{{{own}metric=\"queue_depth\", {region}}} 6"),
        ]
    );
}

#[test]
fn names_made_of_numbers_are_bounded() {
    let mut result = run(Outcome::Passed);
    result.steps = (0..250).map(|index| step(&format!("user {index}"), None, Some(1), None)).collect();
    result.steps.push(step(&"ü".repeat(1000), Some(9_999), Some(1), None));
    let out = samples_of(&result);
    assert_eq!((out.steps_left_out, out.samples.len()), (151, 2 + 2 * STEPS_MAX));
}

#[test]
fn hosts_of_urls() {
    let cases = [
        ("https://a.b/c", Some("a.b")),
        ("https://a.b:9/c?d", Some("a.b")),
        ("http://[::1]:80/", Some("::1")),
        ("nonsense", None),
    ];
    for (url, host) in cases {
        assert_eq!(host_of(url), host, "{url}");
    }
}
