//! Random expressions that mostly are valid, over the series of [`super::dataset`].

use super::Numbers;

fn pick<'a>(numbers: &mut Numbers, choices: &[&'a str]) -> &'a str {
    choices[numbers.below(choices.len() as u64) as usize]
}

fn selector(numbers: &mut Numbers) -> String {
    let metric = pick(
        numbers,
        &[
            "logins_total",
            "failed_logins_total",
            "sessions",
            "codes",
            "region_info",
            "ends_early",
            "token_seconds_bucket",
            "strange",
        ],
    );
    let matchers = pick(
        numbers,
        &[
            "",
            "",
            "",
            "{region=\"eu-west-1\"}",
            "{node!=\"node1\"}",
            "{node=~\"node1.*\"}",
            "{region!~\"us.*\"}",
            "{le=~\"0.*\"}",
        ],
    );
    format!("{metric}{matchers}")
}

fn shift(numbers: &mut Numbers) -> &'static str {
    pick(numbers, &["", "", "", "", " offset 3m", " offset -2m", " @ 1700005000", " @ start()", " @ end() offset 1m"])
}

fn range(numbers: &mut Numbers, depth: u32) -> String {
    if depth == 0 || numbers.below(3) > 0 {
        let window = pick(numbers, &["20s", "1m", "5m", "17m", "1h"]);
        return format!("{}[{window}]{}", selector(numbers), shift(numbers));
    }
    let inner = vector(numbers, depth - 1);
    let window = pick(numbers, &["1m:10s", "5m:30s", "10m:1m", "7m:45s", "10m:"]);
    format!("({inner})[{window}]{}", shift(numbers))
}

fn scalar(numbers: &mut Numbers, depth: u32) -> String {
    match numbers.below(if depth == 0 { 3 } else { 5 }) {
        0 => pick(numbers, &["0", "1", "2.5", "-3", "1e3", "0.1"]).to_owned(),
        1 => "time()".to_owned(),
        2 => pick(numbers, &["5", "100", "0.5", "NaN", "Inf"]).to_owned(),
        3 => format!("scalar({})", vector(numbers, depth - 1)),
        _ => format!(
            "({} {} {})",
            scalar(numbers, depth - 1),
            pick(numbers, &["+", "-", "*", "/", "%", "^"]),
            scalar(numbers, depth - 1)
        ),
    }
}

/// An expression that gives an instant vector, or an error that both sides must have.
pub fn vector(numbers: &mut Numbers, depth: u32) -> String {
    if depth == 0 {
        return format!("{}{}", selector(numbers), shift(numbers));
    }
    let next = depth - 1;
    match numbers.below(12) {
        0 | 1 => {
            let function = pick(
                numbers,
                &[
                    "rate",
                    "increase",
                    "delta",
                    "irate",
                    "idelta",
                    "deriv",
                    "changes",
                    "resets",
                    "avg_over_time",
                    "min_over_time",
                    "max_over_time",
                    "sum_over_time",
                    "count_over_time",
                    "last_over_time",
                    "present_over_time",
                    "stddev_over_time",
                    "stdvar_over_time",
                    "absent_over_time",
                ],
            );
            format!("{function}({})", range(numbers, next))
        }
        2 => {
            let function = pick(
                numbers,
                &["abs", "ceil", "floor", "round", "exp", "ln", "sqrt", "sgn", "timestamp", "absent", "atan", "-"],
            );
            format!("{function}({})", vector(numbers, next))
        }
        3 => {
            let function = pick(numbers, &["clamp_min", "clamp_max", "round"]);
            format!("{function}({}, {})", vector(numbers, next), scalar(numbers, next))
        }
        4 => format!("quantile_over_time({}, {})", pick(numbers, &["0.5", "0.9", "0", "1"]), range(numbers, next)),
        5 | 6 => {
            let operation = pick(numbers, &["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]);
            let grouping = pick(
                numbers,
                &["", " by (region)", " by (region, node)", " without (node)", " without (region, unit)", " by (le)"],
            );
            format!("{operation}{grouping} ({})", vector(numbers, next))
        }
        7 => format!("quantile by (region) ({}, {})", pick(numbers, &["0.5", "0.25", "0.9"]), vector(numbers, next)),
        8 => {
            let operator = pick(
                numbers,
                &["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<= bool", "> bool", "atan2"],
            );
            if numbers.below(2) == 0 {
                format!("({} {operator} {})", vector(numbers, next), scalar(numbers, next))
            } else {
                format!("({} {operator} {})", scalar(numbers, next), vector(numbers, next))
            }
        }
        9 => {
            let operator = pick(numbers, &["+", "-", "*", "/", "==", ">", "< bool"]);
            let matching = pick(
                numbers,
                &[
                    "",
                    "",
                    " on(region, node)",
                    " ignoring(unit, note)",
                    " on(region) group_left",
                    " on(region) group_right",
                    " on(region, node) group_left(unit)",
                ],
            );
            format!("({} {operator}{matching} {})", vector(numbers, next), vector(numbers, next))
        }
        10 => {
            let operator =
                pick(numbers, &["and", "or", "unless", "and on(region)", "unless on(region, node)", "or on(region)"]);
            format!("({} {operator} {})", vector(numbers, next), vector(numbers, next))
        }
        _ => format!("histogram_quantile({}, {})", pick(numbers, &["0.5", "0.9", "1"]), vector(numbers, next)),
    }
}
