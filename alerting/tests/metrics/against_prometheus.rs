//! PromQL next to Prometheus itself: the same samples, the same queries, value by value.
//!
//! Debian ships Prometheus 2.42, whose ranges are closed on the left where those of Prometheus 3 are open. The samples
//! and the query's times are chosen so that nothing lies on an edge: samples never at a whole second, subqueries
//! never aligned with the query. What differs on the edge only is in `against_prometheus3.rs`. Other differences that
//! the list of queries leaves out on purpose, because Prometheus 3 and this evaluator agree and 2.42 does not:
//! `.` in a pattern matches line ends; `atan2` with a scalar drops the metric's name; `stddev` of one infinite value
//! is NaN. And, because Prometheus does not define them: which of equal values `topk` takes, the calendar of NaN, and
//! `predict_linear` of a range with `@` in a range query.

use alerting::promql::Limits;
use alerting::promql::api::{Endpoint, respond};
use serde_json::Value as Json;

use crate::support::{Instants, Prometheus, START_MS, dataset, difference, encoded, program, store_of};

const QUERIES: &str = include_str!("queries.txt");

/// What Grafana asks to fill its menus. `match[]` stands unencoded here.
const ASKED_OF_LABELS: [&str; 12] = [
    "labels",
    "labels?match[]=sessions",
    "labels?match[]=sessions&match[]=codes{code=~\"a.*\"}",
    "label/__name__/values",
    "label/region/values",
    "label/region/values?match[]=logins_total{node!=\"node1\"}",
    "label/nothing/values",
    "series?match[]=sessions{node=\"node1\"}",
    "series?match[]=ends_early&match[]={__name__=~\"reg.*\"}",
    "series?match[]=nothing",
    "series",
    "series?match[]={",
];

#[test]
fn answers_are_prometheus_answers() {
    let (Some(prometheus), Some(promtool)) = (program("prometheus"), program("promtool")) else { return };
    let series = dataset(Instants::Jittered);
    let store = store_of(&series);
    let server = Prometheus::start(&prometheus, &promtool, &series);
    let limits = Limits::default();

    // 1 h 10 min into the data, 3.5 s past any step.
    let at = (START_MS + 4_203_500) as f64 / 1000.0;
    let (start, end) = ((START_MS + 1_803_500) as f64 / 1000.0, (START_MS + 7_203_500) as f64 / 1000.0);
    let (mut compared, mut values) = (0, 0);
    let mut wrong = Vec::new();
    for line in QUERIES.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("##")) {
        let requests = [
            (Endpoint::Query, "query", vec![("query", line.to_owned()), ("time", at.to_string())]),
            (
                Endpoint::QueryRange,
                "query_range",
                vec![
                    ("query", line.to_owned()),
                    ("start", start.to_string()),
                    ("end", end.to_string()),
                    ("step", "147".to_owned()),
                ],
            ),
        ];
        for (endpoint, path, parameters) in requests {
            let ours = respond(
                &store,
                &endpoint,
                &parameters.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<Vec<_>>(),
                0,
                &limits,
                &|| false,
            );
            let query: Vec<String> =
                parameters.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
            let (status, body) =
                server.get(&format!("/api/v1/{path}?{}", query.join("&"))).expect("prometheus answers");
            compared += 1;
            let ours_json: Json = serde_json::from_str(&ours.body).expect("our JSON");
            let theirs: Json = serde_json::from_str(&body).expect("their JSON");
            if (status == 200) != (ours.status == 200) {
                wrong.push(format!(
                    "{path} {line}\n  ours {} {}\n  theirs {status} {}",
                    ours.status, ours_json["error"], theirs["error"]
                ));
                continue;
            }
            if status != 200 {
                continue;
            }
            match difference(&ours_json["data"], &theirs["data"], line.starts_with("sort")) {
                Ok(count) => values += count,
                Err(difference) => wrong.push(format!("{path} {line}\n  {difference}")),
            }
        }
    }
    for request in ASKED_OF_LABELS {
        compared += 1;
        let (path, query) = request.split_once('?').unwrap_or((request, ""));
        let endpoint = Endpoint::from_path(path).expect("a known path");
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let ours = respond(&store, &endpoint, &pairs, 0, &limits, &|| false);
        let asked: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
        let (status, body) = server.get(&format!("/api/v1/{path}?{}", asked.join("&"))).expect("prometheus answers");
        let sorted = |body: &str| {
            let mut answer: Json = serde_json::from_str(body).expect("JSON");
            if let Some(list) = answer["data"].as_array_mut() {
                list.sort_by_key(|item| item.to_string());
            }
            (answer["status"].clone(), answer["data"].clone(), answer["errorType"].clone())
        };
        if (ours.status, sorted(&ours.body)) != (status, sorted(&body)) {
            wrong.push(format!("{request}\n  ours {} {}\n  theirs {status} {body}", ours.status, ours.body));
        }
    }
    println!("{} of {compared} queries agree, {values} values compared", compared - wrong.len());
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(values > 10_000, "only {values} values were compared: the queries select too little");
}
