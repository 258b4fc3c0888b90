//! Prometheus's HTTP API, without the HTTP: parameters in, status and JSON body out, so that Grafana can use the store
//! as a Prometheus data source.
//!
//! Source of the shapes: prometheus.io/docs/prometheus/latest/querying/api.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::{Value as Json, json};

use super::query::{Answer, Budget, Limits, Query, RangeTimes, SeriesAnswer};
use super::{QueryError, duration, numeric, parse};
use crate::series::{MetricType, Sample, SeriesId, Store};

/// What is asked for. The paths are those below `/api/v1/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `query`
    Query,
    /// `query_range`
    QueryRange,
    /// `series`
    Series,
    /// `labels`
    Labels,
    /// `label/<name>/values`
    LabelValues(String),
    /// `metadata`
    Metadata,
    /// `status/buildinfo`, which Grafana asks for to learn what the server can do.
    BuildInfo,
}

impl Endpoint {
    /// Reads the path after `/api/v1/`.
    pub fn from_path(path: &str) -> Option<Self> {
        Some(match path {
            "query" => Self::Query,
            "query_range" => Self::QueryRange,
            "series" => Self::Series,
            "labels" => Self::Labels,
            "metadata" => Self::Metadata,
            "status/buildinfo" => Self::BuildInfo,
            _ => Self::LabelValues(path.strip_prefix("label/")?.strip_suffix("/values")?.to_owned()),
        })
    }
}

/// An answer: the HTTP status, and JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAnswer {
    pub status: u16,
    pub body: String,
}

#[derive(Debug)]
enum ApiError {
    Parameter(String),
    Query(QueryError),
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

/// Parameters as a query string or a form has them.
struct Parameters<'a>(&'a [(String, String)]);

impl<'a> Parameters<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn required(&self, key: &str) -> Result<&'a str, ApiError> {
        self.get(key).ok_or_else(|| ApiError::Parameter(format!("the parameter `{key}` is missing")))
    }

    fn time_ms(&self, key: &str) -> Result<Option<i64>, ApiError> {
        let read = |text: &str| {
            let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e12);
            let parsed = seconds.map(|seconds| (seconds * 1000.0).round() as i64);
            parsed.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())).ok_or_else(
                || ApiError::Parameter(format!("`{key}` is {text:?}: write seconds since 1970 or an RFC 3339 time")),
            )
        };
        self.get(key).map(read).transpose()
    }

    fn duration_ms(&self, key: &str) -> Result<i64, ApiError> {
        let text = self.required(key)?;
        let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e10);
        let parsed = seconds.map(|seconds| (seconds * 1000.0).round() as i64).or_else(|| duration::parse_ms(text));
        parsed.ok_or_else(|| {
            ApiError::Parameter(format!("`{key}` is {text:?}: write seconds, or a duration such as 30s"))
        })
    }

    fn limit(&self) -> Result<usize, ApiError> {
        match self.get("limit").map(str::parse) {
            None | Some(Ok(0)) => Ok(usize::MAX),
            Some(Ok(limit)) => Ok(limit),
            Some(Err(_)) => Err(ApiError::Parameter("`limit` is no number of results".to_owned())),
        }
    }
}

/// Answers a request. Never fails: what is wrong is an answer too, in Prometheus's shape.
pub fn respond(
    store: &Store,
    endpoint: &Endpoint,
    parameters: &[(String, String)],
    now_ms: i64,
    limits: &Limits,
    budget: Budget<'_>,
) -> ApiAnswer {
    let parameters = Parameters(parameters);
    let data = match endpoint {
        Endpoint::Query => query(store, &parameters, now_ms, limits, budget),
        Endpoint::QueryRange => query_range(store, &parameters, limits, budget),
        Endpoint::Series => series(store, &parameters),
        Endpoint::Labels => labels(store, &parameters),
        Endpoint::LabelValues(name) => label_values(store, name, &parameters),
        Endpoint::Metadata => Ok(metadata(store)),
        Endpoint::BuildInfo => {
            Ok(json!({"version": "3.0.0", "application": "tocsin", "revision": env!("CARGO_PKG_VERSION")}))
        }
    };
    let (status, body) = match data {
        Ok(data) => (200, json!({"status": "success", "data": data})),
        Err(ApiError::Parameter(message)) => (400, failure("bad_data", &message)),
        Err(ApiError::Query(error)) => match error {
            QueryError::TimeUsedUp { .. } => (503, failure("timeout", &error.to_string())),
            QueryError::ManyMatches { .. }
            | QueryError::ImplicitManyToOne { .. }
            | QueryError::DuplicateLabels { .. }
            | QueryError::SamplesMax { .. }
            | QueryError::SeriesMax { .. } => (422, failure("execution", &error.to_string())),
            _ => (400, failure("bad_data", &error.to_string())),
        },
    };
    ApiAnswer { status, body: body.to_string() }
}

fn failure(kind: &str, message: &str) -> Json {
    json!({"status": "error", "errorType": kind, "error": message})
}

fn query(
    store: &Store,
    parameters: &Parameters<'_>,
    now_ms: i64,
    limits: &Limits,
    budget: Budget<'_>,
) -> Result<Json, ApiError> {
    let at_ms = parameters.time_ms("time")?.unwrap_or(now_ms);
    let query = Query::parse(parameters.required("query")?)?;
    Ok(match query.instant(store, at_ms, limits, budget)? {
        Answer::Scalar(value) => json!({"resultType": "scalar", "result": point(Sample { at_ms, value })}),
        Answer::Text(text) => json!({"resultType": "string", "result": [at_ms as f64 / 1000.0, text]}),
        Answer::Vector(elements) => {
            let element = |element: super::VectorElement| json!({"metric": element.labels, "value": point(Sample { at_ms, value: element.value })});
            json!({"resultType": "vector", "result": elements.into_iter().map(element).collect::<Vec<_>>()})
        }
        Answer::Matrix(series) => matrix(series),
    })
}

fn query_range(
    store: &Store,
    parameters: &Parameters<'_>,
    limits: &Limits,
    budget: Budget<'_>,
) -> Result<Json, ApiError> {
    let missing = |key: &str| ApiError::Parameter(format!("the parameter `{key}` is missing"));
    let start_ms = parameters.time_ms("start")?.ok_or_else(|| missing("start"))?;
    let end_ms = parameters.time_ms("end")?.ok_or_else(|| missing("end"))?;
    let step_ms = parameters.duration_ms("step")?;
    let query = Query::parse(parameters.required("query")?)?;
    Ok(matrix(query.range(store, RangeTimes { start_ms, end_ms, step_ms }, limits, budget)?))
}

fn matrix(series: Vec<SeriesAnswer>) -> Json {
    let one = |series: SeriesAnswer| json!({"metric": series.labels, "values": series.samples.into_iter().map(point).collect::<Vec<_>>()});
    json!({"resultType": "matrix", "result": series.into_iter().map(one).collect::<Vec<_>>()})
}

/// Time in seconds as a number, value as a string, since JSON has no infinity.
fn point(sample: Sample) -> Json {
    json!([sample.at_ms as f64 / 1000.0, json_number(sample.value)])
}

/// As Prometheus's encoder: no exponent between 1e-6 and 1e21.
fn json_number(value: f64) -> String {
    if !value.is_finite() || value == 0.0 || (1e-6..1e21).contains(&value.abs()) {
        return numeric::format_value(value);
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

/// The series that any `match[]` selects and that have a sample between `start` and `end`.
fn selected(
    store: &Store,
    parameters: &Parameters<'_>,
    required: bool,
) -> Result<Option<BTreeSet<SeriesId>>, ApiError> {
    let selectors: Vec<&str> =
        parameters.0.iter().filter(|(key, _)| key == "match[]").map(|(_, value)| value.as_str()).collect();
    if selectors.is_empty() && required {
        return Err(ApiError::Parameter("the parameter `match[]` is missing".to_owned()));
    }
    let from_ms = parameters.time_ms("start")?;
    let to_ms = parameters.time_ms("end")?;
    if selectors.is_empty() && from_ms.is_none() && to_ms.is_none() {
        return Ok(None);
    }
    let (from_ms, to_ms) = (from_ms.unwrap_or(i64::MIN), to_ms.unwrap_or(i64::MAX));
    let mut ids = BTreeSet::new();
    for selector in &selectors {
        ids.extend(store.select(&parse::parse_matchers(selector)?));
    }
    if selectors.is_empty() {
        ids.extend(store.ids());
    }
    ids.retain(|id| store.overlaps(*id, from_ms, to_ms));
    Ok(Some(ids))
}

fn series(store: &Store, parameters: &Parameters<'_>) -> Result<Json, ApiError> {
    let ids = selected(store, parameters, true)?.unwrap_or_default();
    let mut found: Vec<_> = ids.into_iter().filter_map(|id| store.labels(id)).collect();
    found.sort();
    found.truncate(parameters.limit()?);
    Ok(json!(found))
}

fn labels(store: &Store, parameters: &Parameters<'_>) -> Result<Json, ApiError> {
    let names: BTreeSet<&str>;
    let all;
    match selected(store, parameters, false)? {
        None => {
            all = store.label_names();
            names = all.iter().map(|name| &**name).collect();
        }
        Some(ids) => {
            let found = ids.into_iter().filter_map(|id| store.labels(id));
            names = found.flat_map(|labels| labels.iter().map(|(name, _)| &**name)).collect();
        }
    }
    Ok(json!(names.into_iter().take(parameters.limit()?).collect::<Vec<_>>()))
}

fn label_values(store: &Store, name: &str, parameters: &Parameters<'_>) -> Result<Json, ApiError> {
    let values: BTreeSet<&str> = match selected(store, parameters, false)? {
        None => store.label_values(name).map(|value| &**value).collect(),
        Some(ids) => ids.into_iter().filter_map(|id| store.labels(id)?.get(name)).collect(),
    };
    Ok(json!(values.into_iter().take(parameters.limit()?).collect::<Vec<_>>()))
}

fn metadata(store: &Store) -> Json {
    let word = |kind| match kind {
        MetricType::Counter => "counter",
        MetricType::Gauge => "gauge",
        MetricType::Histogram => "histogram",
        MetricType::Summary => "summary",
    };
    let all: BTreeMap<&str, Json> = store
        .metric_types()
        .map(|(metric, kind)| (metric, json!([{"type": word(kind), "help": "", "unit": ""}])))
        .collect();
    json!(all)
}
