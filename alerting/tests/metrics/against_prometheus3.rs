//! PromQL next to the engine of Prometheus 3, with samples that lie exactly on the edges of windows and steps, and with
//! staleness markers.
//!
//! No package of Prometheus 3 is to be had from Debian 12: `tools/promql-oracle` builds a small program around the
//! engine's Go module. The test looks for it as `promql-oracle` on the path.
//!
//! Left out on purpose: label names outside of ASCII letters, digits and underscores, which Prometheus 3 allows and this
//! store does not.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use alerting::promql::Limits;
use alerting::promql::api::{Endpoint, respond};
use alerting::promql::numeric::format_value;
use alerting::series::is_stale;
use serde_json::{Value as Json, json};

use crate::support::{Instants, Numbers, START_MS, dataset, difference, expressions, program, store_of};

const QUERIES: [&str; 2] = [include_str!("queries.txt"), include_str!("queries3.txt")];

/// Random expressions beside the listed ones, by a fixed seed.
const RANDOM: u64 = 4000;

struct Asked {
    expr: String,
    start_ms: i64,
    end_ms: i64,
    /// 0: an instant query at `start_ms`.
    step_ms: i64,
}

#[test]
fn answers_are_prometheus_3_answers() {
    let Some(oracle) = program("promql-oracle") else { return };
    let (mut compared, mut values) = (0, 0);
    let mut wrong = Vec::new();
    for (instants, offset_ms) in [(Instants::Jittered, 3_500), (Instants::Aligned, 0)] {
        let series = dataset(instants);
        let store = store_of(&series);
        let lines = QUERIES.into_iter().flat_map(str::lines).map(str::trim);
        let listed = lines.filter(|line| !line.is_empty() && !line.starts_with("##")).map(str::to_owned);
        let mut numbers = Numbers(0x746f_6373_696e + offset_ms as u64);
        let random = (0..RANDOM).map(|index| expressions::vector(&mut numbers, 1 + (index % 4) as u32));
        let queries: Vec<Asked> = listed
            .chain(random)
            .flat_map(|expr| {
                let at_ms = START_MS + 4_200_000 + offset_ms;
                let (start_ms, end_ms) = (START_MS + 1_800_000 + offset_ms, START_MS + 7_200_000 + offset_ms);
                let step_ms = if instants == Instants::Aligned { 150_000 } else { 147_000 };
                [
                    Asked { expr: expr.clone(), start_ms: at_ms, end_ms: at_ms, step_ms: 0 },
                    Asked { expr, start_ms, end_ms, step_ms },
                ]
            })
            .collect();
        let input = json!({
            "series": series.iter().map(|series| json!({
                "labels": series.labels,
                "samples": series.samples.iter().map(|sample| {
                    let value = if is_stale(sample.value) { "stale".to_owned() } else { format_value(sample.value) };
                    json!([sample.at_ms, value])
                }).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "queries": queries.iter().map(|query| json!({
                "expr": query.expr, "start": query.start_ms, "end": query.end_ms, "step": query.step_ms,
            })).collect::<Vec<_>>(),
        });
        let mut child =
            Command::new(&oracle).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle starts");
        let mut stdin = child.stdin.take().expect("its input");
        let writer = std::thread::spawn(move || stdin.write_all(input.to_string().as_bytes()));
        let answers: Vec<String> = BufReader::new(child.stdout.take().expect("its output"))
            .lines()
            .map(|line| line.expect("a line"))
            .collect();
        writer.join().expect("the writer").expect("the input is written");
        assert!(child.wait().expect("the oracle ends").success());
        assert_eq!(answers.len(), queries.len());

        for (query, answer) in queries.iter().zip(answers) {
            compared += 1;
            let theirs: Json = serde_json::from_str(&answer).expect("their JSON");
            let seconds = |ms: i64| (ms as f64 / 1000.0).to_string();
            let mut parameters = vec![("query".to_owned(), query.expr.clone())];
            let endpoint = if query.step_ms == 0 {
                parameters.push(("time".to_owned(), seconds(query.start_ms)));
                Endpoint::Query
            } else {
                parameters.push(("start".to_owned(), seconds(query.start_ms)));
                parameters.push(("end".to_owned(), seconds(query.end_ms)));
                parameters.push(("step".to_owned(), seconds(query.step_ms)));
                Endpoint::QueryRange
            };
            let ours = respond(&store, &endpoint, &parameters, 0, &Limits::default(), &|| false);
            let ours_json: Json = serde_json::from_str(&ours.body).expect("our JSON");
            let title = format!("{endpoint:?} {} {}", query.expr, if offset_ms == 0 { "aligned" } else { "jittered" });
            if (ours.status == 200) != theirs["error"].is_null() {
                wrong.push(format!(
                    "{title}\n  ours {} {}\n  theirs {}",
                    ours.status, ours_json["error"], theirs["error"]
                ));
            } else if ours.status == 200 {
                match difference(&ours_json["data"], &theirs["data"], query.expr.starts_with("sort")) {
                    Ok(count) => values += count,
                    Err(difference) => wrong.push(format!("{title}\n  {difference}")),
                }
            }
        }
    }
    println!("{} of {compared} queries agree, {values} values compared", compared - wrong.len());
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(values > 20_000, "only {values} values were compared: the queries select too little");
}
