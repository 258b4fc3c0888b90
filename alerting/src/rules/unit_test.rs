//! promtool's unit tests for rules (prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules): the same
//! files, run against the store, the evaluator and the alert states that run in production.
//!
//! As in promtool, time begins at 0, the series are there from the start, and every group is evaluated at each
//! `evaluation_interval`, whatever its own interval.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::alert::AlertState;
use super::file::{RuleFile, first_line};
use super::group::{GroupSettings, RunningGroup};
use super::notation;
use crate::promql::numeric::format_value;
use crate::promql::{Answer, Limits, Query, duration};
use crate::series::{Labels, Sample, Store, StoreSettings};

/// Why a test file cannot be run at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct UnitTestError {
    pub file: String,
    pub line: u64,
    pub problem: String,
}

/// A test that did not come out as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The test's name, or its number.
    pub test: String,
    pub line: u64,
    pub message: String,
}

/// How a test file came out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitTestReport {
    pub tests: usize,
    pub expectations: usize,
    pub failures: Vec<Failure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestFile {
    #[serde(default)]
    rule_files: Vec<String>,
    evaluation_interval: Option<Spanned<String>>,
    #[serde(default)]
    group_eval_order: Vec<String>,
    #[serde(default)]
    fuzzy_compare: bool,
    tests: Vec<TestText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestText {
    name: Option<String>,
    interval: Option<Spanned<String>>,
    #[serde(default)]
    input_series: Vec<InputSeries>,
    #[serde(default)]
    alert_rule_test: Vec<AlertTest>,
    #[serde(default)]
    promql_expr_test: Vec<ExprTest>,
    #[serde(default)]
    external_labels: BTreeMap<String, String>,
    #[serde(default)]
    external_url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputSeries {
    series: Spanned<String>,
    values: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertTest {
    eval_time: Spanned<String>,
    alertname: String,
    #[serde(default)]
    exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAlert {
    #[serde(default)]
    exp_labels: BTreeMap<String, String>,
    #[serde(default)]
    exp_annotations: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExprTest {
    expr: Spanned<String>,
    eval_time: Spanned<String>,
    #[serde(default)]
    exp_samples: Vec<ExpectedSample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSample {
    #[serde(default)]
    labels: String,
    value: f64,
}

/// Runs a test file. `read_rules` gives the text of a rule file named in it.
///
/// # Errors
/// A file that cannot be read as what it is. Expectations that fail are in the report.
pub fn run(
    path: &str,
    text: &str,
    read_rules: &dyn Fn(&str) -> Result<String, String>,
) -> Result<UnitTestReport, UnitTestError> {
    let error = |line: u64, problem: String| UnitTestError { file: path.to_owned(), line, problem };
    let file: TestFile = serde_saphyr::from_str(text).map_err(|problem| {
        let line = problem.location().map_or(1, |location| location.line());
        error(line, first_line(&problem.without_snippet().to_string()))
    })?;
    let mut groups = Vec::new();
    for name in &file.rule_files {
        let text =
            read_rules(name).map_err(|reason| error(1, format!("the rule file {name:?} cannot be read: {reason}")))?;
        groups.extend(RuleFile::parse(name, &text).map_err(|problem| error(1, problem.to_string()))?.groups);
    }
    let place = |name: &str| file.group_eval_order.iter().position(|own| own == name).unwrap_or(usize::MAX);
    groups.sort_by_key(|group| place(&group.name));
    let interval_ms = duration_of(file.evaluation_interval.as_ref(), 60_000, &error)?;

    let mut report = UnitTestReport::default();
    for (number, test) in file.tests.iter().enumerate() {
        let name = test.name.clone().unwrap_or_else(|| format!("test {}", number + 1));
        let external_labels = Labels::new(&test.external_labels).map_err(|problem| error(1, problem.to_string()))?;
        let settings = GroupSettings {
            interval_ms,
            limits: Limits { subquery_step_ms: interval_ms, ..Limits::default() },
            external_labels,
            external_url: test.external_url.clone(),
            ..GroupSettings::default()
        };
        let run = TestRun {
            test,
            name,
            interval_ms,
            groups: groups.iter().map(|group| RunningGroup::new(group.clone(), settings.clone())).collect(),
            limits: settings.limits,
            fuzzy: file.fuzzy_compare,
        };
        run.run(&error, &mut report)?;
        report.tests += 1;
    }
    Ok(report)
}

type MakeError<'a> = &'a dyn Fn(u64, String) -> UnitTestError;

fn duration_of(text: Option<&Spanned<String>>, default_ms: i64, error: MakeError<'_>) -> Result<i64, UnitTestError> {
    let Some(text) = text else { return Ok(default_ms) };
    duration::parse_ms(&text.value).filter(|duration_ms| *duration_ms >= 0).ok_or_else(|| {
        let problem = format!("{:?} is no duration: write one such as 30s or 1h30m", text.value);
        error(text.referenced.line(), problem)
    })
}

struct TestRun<'a> {
    test: &'a TestText,
    name: String,
    interval_ms: i64,
    groups: Vec<RunningGroup>,
    limits: Limits,
    fuzzy: bool,
}

/// Samples of a test may lie at any time.
fn unbounded_store() -> StoreSettings {
    StoreSettings {
        retention_ms: i64::MAX / 4,
        chunk_bytes_max: usize::MAX >> 1,
        series_max: 1_000_000,
        series_per_metric_max: 1_000_000,
        ahead_ms_max: i64::MAX / 4,
        ..StoreSettings::default()
    }
}

impl TestRun<'_> {
    fn run(mut self, error: MakeError<'_>, report: &mut UnitTestReport) -> Result<(), UnitTestError> {
        let step_ms = duration_of(self.test.interval.as_ref(), self.interval_ms, error)?;
        let mut store = Store::new(unbounded_store()).map_err(|problem| error(1, problem.to_string()))?;
        for input in &self.test.input_series {
            let labels = notation::series(&input.series.value)
                .map_err(|problem| error(input.series.referenced.line(), problem.to_string()))?;
            let values = notation::values(&input.values.value)
                .map_err(|problem| error(input.values.referenced.line(), problem.to_string()))?;
            for (index, value) in values.into_iter().enumerate() {
                let Some(value) = value else { continue };
                let sample = Sample { at_ms: index as i64 * step_ms, value };
                store
                    .append(&labels, sample, sample.at_ms)
                    .map_err(|problem| error(input.series.referenced.line(), problem.to_string()))?;
            }
        }
        let mut alert_tests = Vec::new();
        for test in &self.test.alert_rule_test {
            alert_tests.push((duration_of(Some(&test.eval_time), 0, error)?, test));
        }
        let mut expr_tests = Vec::new();
        for test in &self.test.promql_expr_test {
            expr_tests.push((duration_of(Some(&test.eval_time), 0, error)?, test));
        }
        let times = alert_tests.iter().map(|(at_ms, _)| *at_ms).chain(expr_tests.iter().map(|(at_ms, _)| *at_ms));
        let last_ms = times.max().unwrap_or(0);
        let mut now_ms = 0;
        while now_ms <= last_ms {
            for group in &mut self.groups {
                for problem in group.tick(&mut store, now_ms, &|| false).problems {
                    let message = format!("the rule {:?} at {}: {}", problem.rule, shown(now_ms), problem.message);
                    report.failures.push(Failure { test: self.name.clone(), line: 1, message });
                }
            }
            for (at_ms, test) in &alert_tests {
                if (now_ms..now_ms + self.interval_ms.max(1)).contains(at_ms) {
                    self.check_alerts(test, *at_ms, report);
                }
            }
            now_ms += self.interval_ms.max(1);
        }
        for (at_ms, test) in expr_tests {
            report.expectations += 1;
            if let Err(message) = self.check_expr(test, at_ms, &store) {
                let line = test.expr.referenced.line();
                report.failures.push(Failure { test: self.name.clone(), line, message });
            }
        }
        Ok(())
    }

    fn check_alerts(&self, test: &AlertTest, at_ms: i64, report: &mut UnitTestReport) {
        report.expectations += 1;
        let described = |labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>| {
            format!("labels {labels:?} annotations {annotations:?}")
        };
        let alerts = self.groups.iter().flat_map(RunningGroup::alerts);
        let firing = alerts.filter(|(rule, alert)| rule.name == test.alertname && alert.state == AlertState::Firing);
        let mut got: Vec<String> = firing
            .map(|(_, alert)| {
                let labels = alert.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
                described(&labels, &alert.annotations)
            })
            .collect();
        let mut expected: Vec<String> = test
            .exp_alerts
            .iter()
            .map(|alert| {
                let mut labels = alert.exp_labels.clone();
                labels.retain(|_, value| !value.is_empty());
                labels.insert("alertname".to_owned(), test.alertname.clone());
                described(&labels, &alert.exp_annotations)
            })
            .collect();
        got.sort();
        expected.sort();
        if got != expected {
            let list = |items: &[String]| if items.is_empty() { "none".to_owned() } else { items.join("\n      ") };
            let message = format!(
                "alert {:?} at {}:\n    expected: {}\n    got:      {}",
                test.alertname,
                shown(at_ms),
                list(&expected),
                list(&got)
            );
            let line = test.eval_time.referenced.line();
            report.failures.push(Failure { test: self.name.clone(), line, message });
        }
    }

    fn check_expr(&self, test: &ExprTest, at_ms: i64, store: &Store) -> Result<(), String> {
        let query = Query::parse(&test.expr.value).map_err(|error| error.to_string())?;
        let answer = query.instant(store, at_ms, &self.limits, &|| false).map_err(|error| error.to_string())?;
        let mut got: Vec<(Labels, f64)> = match answer {
            Answer::Vector(elements) => elements.into_iter().map(|element| (element.labels, element.value)).collect(),
            Answer::Scalar(value) => vec![(Labels::default(), value)],
            Answer::Text(_) | Answer::Matrix(_) => {
                return Err(format!("`{}` gives neither a vector nor a scalar", test.expr.value));
            }
        };
        let mut expected = Vec::new();
        for sample in &test.exp_samples {
            let labels = notation::series(&sample.labels).map_err(|error| error.to_string())?;
            expected.push((labels, sample.value));
        }
        got.sort_by(|left, right| left.0.cmp(&right.0));
        expected.sort_by(|left, right| left.0.cmp(&right.0));
        let same_value = |left: f64, right: f64| {
            // `fuzzy_compare` allows the last few bits, as promtool does.
            let near = self.fuzzy && (left - right).abs() <= 4.0 * f64::EPSILON * left.abs().max(right.abs());
            left == right || left.is_nan() && right.is_nan() || near
        };
        let same = got.len() == expected.len()
            && got.iter().zip(&expected).all(|(left, right)| left.0 == right.0 && same_value(left.1, right.1));
        if same {
            return Ok(());
        }
        let list = |samples: &[(Labels, f64)]| match samples {
            [] => "nothing".to_owned(),
            samples => {
                let lines: Vec<String> =
                    samples.iter().map(|(labels, value)| format!("{labels} {}", format_value(*value))).collect();
                lines.join("\n      ")
            }
        };
        let (expr, at) = (&test.expr.value, shown(at_ms));
        Err(format!("`{expr}` at {at}:\n    expected: {}\n    got:      {}", list(&expected), list(&got)))
    }
}

fn shown(at_ms: i64) -> String {
    duration::format_ms(at_ms)
}
