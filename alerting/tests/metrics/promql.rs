//! What the comparison with Prometheus does not show: the alias, refusals, bounds and messages.

use alerting::promql::{Answer, Limits, Query, QueryError, RangeTimes, duration};
use proptest::prelude::*;

use alerting::series::{Labels, MetricType, Sample, Store, StoreSettings};

/// Ten minutes of a counter and a gauge that grow ever faster, a sample every 10 s on the step.
fn store() -> Store {
    let mut store = Store::new(StoreSettings::default()).expect("valid settings");
    for index in 0..60i64 {
        let at_ms = index * 10_000;
        for (metric, node) in [("logins", "a"), ("logins_total", "a"), ("logins_total", "b"), ("sessions", "a")] {
            let labels = Labels::of_metric(metric, &[("node", node)]).expect("valid labels");
            store.append(&labels, Sample { at_ms, value: (index * index) as f64 }, at_ms).expect("taken");
        }
    }
    store.describe("logins", MetricType::Counter);
    store
}

fn ask(expr: &str) -> Result<Answer, QueryError> {
    Query::parse(expr)?.instant(&store(), 595_000, &Limits::default(), &|| false)
}

#[test]
fn derivative_stands_for_what_the_docs_say() {
    let cases = [
        // Its source said that it is a counter.
        ("derivative(logins[5m])", "deriv(rate(logins[1m])[5m:10s])"),
        // Nobody said, and the name does.
        ("derivative(logins_total[5m])", "deriv(rate(logins_total[1m])[5m:10s])"),
        (
            "derivative(logins_total{node=\"b\"}[5m] offset 1m)",
            "deriv(rate(logins_total{node=\"b\"}[1m])[5m:10s] offset 1m)",
        ),
        ("sum(derivative(logins_total[4m])) > bool 0.5", "sum(deriv(rate(logins_total[1m])[4m:10s])) > bool 0.5"),
        // A gauge, a range without one metric, and a subquery.
        ("derivative(sessions[5m])", "deriv(sessions[5m])"),
        ("derivative({node=\"b\"}[5m])", "deriv({node=\"b\"}[5m])"),
        ("derivative(rate(logins_total[1m])[5m:10s])", "deriv(rate(logins_total[1m])[5m:10s])"),
    ];
    for (alias, meaning) in cases {
        let answer = ask(alias).expect(alias);
        assert!(matches!(&answer, Answer::Vector(elements) if !elements.is_empty()), "{alias}: {answer:?}");
        assert_eq!(answer, ask(meaning).expect(meaning), "{alias}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases = [
        ("sum(logins", "`sum(logins` cannot be read as PromQL: `(` at column 4 is never closed"),
        (
            "logins{node=\"a}",
            "`logins{node=\"a}` cannot be read as PromQL: the string that begins at column 13 does not end",
        ),
        ("limitk(2, logins)", "the aggregation `limitk` is not supported in `limitk(2, logins)`: use `topk`"),
        (
            "double_exponential_smoothing(logins[5m], 0.5, 0.5)",
            "the function `double_exponential_smoothing` is not supported in `double_exponential_smoothing(logins[5m], 0.5, 0.5)`: use `avg_over_time` or `predict_linear`",
        ),
        (
            "1 + logins{node=\"a\" or node=\"b\"}",
            "`or` between matchers is not supported in `logins{node=\"a\" or node=\"b\"}`: use a pattern (`=~\"a|b\"`) or `or` between two selectors",
        ),
        (
            "sum(logins_total + on() logins_total)",
            "in `logins_total + on () logins_total`: several series on the right side match the labels {}, among them \
             logins_total{node=\"a\"} and logins_total{node=\"b\"}: add labels with `on`, aggregate that side, or use \
             `group_left` or `group_right`",
        ),
        ("topk(0/0, logins)", "in `topk(0 / 0, logins)`: the number of elements is NaN"),
    ];
    for (expr, message) in cases {
        assert_eq!(ask(expr).expect_err(expr).to_string(), message, "{expr}");
    }
}

#[test]
fn bounds_hold() {
    let query = Query::parse("sum(rate(logins_total[5m]))").expect("valid");
    let times = RangeTimes { start_ms: 0, end_ms: 600_000, step_ms: 1000 };
    let limits = Limits { samples_max: 50, ..Limits::default() };
    let error = query.range(&store(), times, &limits, &|| false).expect_err("too many samples");
    assert_eq!(error, QueryError::SamplesMax { place: "logins_total[5m]".to_owned(), max: 50 });
    let limits = Limits { series_max: 1, ..Limits::default() };
    let error = query.range(&store(), times, &limits, &|| false).expect_err("too many series");
    assert_eq!(error, QueryError::SeriesMax { place: "logins_total[5m]".to_owned(), max: 1 });
    let limits = Limits { steps_max: 600, ..Limits::default() };
    let error = query.range(&store(), times, &limits, &|| false).expect_err("too many steps");
    assert_eq!(error, QueryError::StepsMax { steps: 601, max: 600 });
    let error = query.range(&store(), times, &Limits::default(), &|| true).expect_err("no time left");
    assert_eq!(error, QueryError::TimeUsedUp { place: "sum(rate(logins_total[5m]))".to_owned() });
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    let minus = format!("{}logins", "-".repeat(20_000));
    let chain = format!("logins{}", " or logins".repeat(20_000));
    for hostile in [deep, minus, chain] {
        assert!(matches!(Query::parse(&hostile), Err(QueryError::Syntax { .. })));
    }
    let tiny = "max_over_time(vector(1)[100y:1ms])";
    assert!(matches!(ask(tiny), Err(QueryError::SamplesMax { .. })));
}

#[test]
fn durations_read_and_write() {
    let cases =
        [("0", 0), ("5m", 300_000), ("1h30m", 5_400_000), ("1d", 86_400_000), ("250ms", 250), ("1w", 604_800_000)];
    for (text, duration_ms) in cases {
        assert_eq!(duration::parse_ms(text), Some(duration_ms), "{text}");
        if duration_ms > 0 {
            assert_eq!(duration::format_ms(duration_ms), text);
        }
    }
    for wrong in ["", "5", "m", "5x", "5m5m", "5s5m", "-5m", "5 m", "1.5h"] {
        assert_eq!(duration::parse_ms(wrong), None, "{wrong}");
    }
}

/// Pieces that expressions are made of, hostile ones among them.
const PIECES: [&str; 64] = [
    "logins",
    "logins_total",
    "{node=\"a\"}",
    "{",
    "}",
    "(",
    ")",
    "[5m]",
    "[",
    "]",
    "[5m:]",
    "[5m:10s]",
    "[1ms:1ms]",
    "[300y]",
    "[0s]",
    "offset 5m",
    "offset -300y",
    "@ 100",
    "@ 1e300",
    "@ -1e15",
    "@ NaN",
    "@ start()",
    "@ end()",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "==",
    "bool",
    "> bool",
    "<",
    "and",
    "or",
    "unless",
    "atan2",
    "on(node)",
    "ignoring()",
    "group_left",
    "group_right(x)",
    "sum",
    "by (node)",
    "without ()",
    "topk(",
    "quantile(",
    "count_values(\"v\",",
    "rate(",
    "derivative(",
    "predict_linear(",
    "histogram_quantile(",
    "label_replace(",
    "absent(",
    "1",
    "0",
    "1e400",
    "NaN",
    "-Inf",
    "\"text\"",
    ",",
    "time()",
    "hour(",
    "clamp(",
    "\u{1f514}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn no_expression_panics(pieces in prop::collection::vec(0..PIECES.len(), 1..12), at_ms in any::<i32>()) {
        let text = pieces.iter().map(|piece| PIECES[*piece]).collect::<Vec<_>>().join(" ");
        if let Ok(query) = Query::parse(&text) {
            let limits = Limits { samples_max: 10_000, ..Limits::default() };
            let at_ms = i64::from(at_ms) * 1000;
            let _ = query.instant(&store(), at_ms, &limits, &|| false);
            let times = RangeTimes { start_ms: at_ms, end_ms: at_ms + 300_000, step_ms: 60_000 };
            let _ = query.range(&store(), times, &limits, &|| false);
        }
    }

    #[test]
    fn no_valid_expression_panics(seed in 1..u64::MAX, depth in 1u32..6, at_ms in any::<i32>()) {
        let text = crate::support::expressions::vector(&mut crate::support::Numbers(seed), depth);
        if let Ok(query) = Query::parse(&text) {
            let limits = Limits { samples_max: 100_000, ..Limits::default() };
            let _ = query.instant(&store(), i64::from(at_ms) * 1000, &limits, &|| false);
            let times = RangeTimes { start_ms: 0, end_ms: 600_000, step_ms: 60_000 };
            let _ = query.range(&store(), times, &limits, &|| false);
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,60}") {
        let _ = Query::parse(&text);
    }
}
