//! Rule files: reading and validating.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::template::{Template, TemplateError};
use crate::promql::{Query, QueryError, duration};
use crate::series::labels::{is_label_name, is_metric_name};

/// What is wrong with a rule file, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct RuleFileError {
    pub file: String,
    pub line: u64,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    #[error("it is no rule file: {0}")]
    Yaml(String),
    #[error("the group name {0:?} is used twice in this file")]
    GroupTwice(String),
    #[error("a group needs a name")]
    GroupUnnamed,
    #[error("`{key}: {value}` is no duration: write one such as 30s, 5m or 1h30m")]
    Duration { key: &'static str, value: String },
    #[error("a rule has either `record` or `alert`, and this one has {0}")]
    RecordOrAlert(&'static str),
    #[error("{0:?} is no metric name to record under")]
    RecordName(String),
    #[error("`{key}` belongs to alerts, and {rule:?} is a recording rule")]
    OnlyAlerts { key: &'static str, rule: String },
    #[error("the rule {rule:?} has the label {label:?}: {reason}")]
    Label { rule: String, label: String, reason: &'static str },
    #[error("the rule {rule:?} cannot be evaluated: {source}")]
    Query { rule: String, source: Box<QueryError> },
    #[error("the rule {rule:?} has a template that cannot be read, in {place}: {source}")]
    Template { rule: String, place: String, source: TemplateError },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    groups: Vec<GroupText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupText {
    name: Spanned<String>,
    interval: Option<Spanned<String>>,
    query_offset: Option<Spanned<String>>,
    #[serde(default)]
    limit: usize,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    rules: Vec<RuleText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    record: Option<Spanned<String>>,
    alert: Option<Spanned<String>>,
    expr: Spanned<String>,
    r#for: Option<Spanned<String>>,
    keep_firing_for: Option<Spanned<String>>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// A file that has been read and validated.
#[derive(Debug, Clone)]
pub struct RuleFile {
    pub path: String,
    pub groups: Vec<RuleGroup>,
}

#[derive(Debug, Clone)]
pub struct RuleGroup {
    pub name: String,
    /// `None`: the interval of all rules, which is a setting.
    pub interval_ms: Option<i64>,
    /// How far back the rules look, for series that arrive late.
    pub query_offset_ms: i64,
    /// The most alerts of one rule, or series of one recording; 0 is no bound.
    pub limit: usize,
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub enum Rule {
    Record(RecordRule),
    Alert(AlertRule),
}

#[derive(Debug, Clone)]
pub struct RecordRule {
    pub name: String,
    pub query: Query,
    pub labels: BTreeMap<String, String>,
    pub line: u64,
}

#[derive(Debug, Clone)]
pub struct AlertRule {
    pub name: String,
    pub query: Query,
    pub for_ms: i64,
    pub keep_firing_for_ms: i64,
    pub labels: BTreeMap<String, Template>,
    pub annotations: BTreeMap<String, Template>,
    pub line: u64,
}

impl Rule {
    pub fn name(&self) -> &str {
        match self {
            Self::Record(rule) => &rule.name,
            Self::Alert(rule) => &rule.name,
        }
    }
}

impl RuleFile {
    /// Reads a rule file; `path` is for messages.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(path: &str, text: &str) -> Result<Self, RuleFileError> {
        let error = |line: u64, problem: Problem| RuleFileError { file: path.to_owned(), line, problem };
        // An empty file is a file without groups.
        if text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self { path: path.to_owned(), groups: Vec::new() });
        }
        let file: FileText = serde_saphyr::from_str(text).map_err(|problem| {
            let line = problem.location().map_or(1, |location| location.line());
            error(line, Problem::Yaml(first_line(&problem.without_snippet().to_string())))
        })?;
        let mut groups: Vec<RuleGroup> = Vec::new();
        for text in file.groups {
            let line = text.name.referenced.line();
            if text.name.value.is_empty() {
                return Err(error(line, Problem::GroupUnnamed));
            }
            if groups.iter().any(|group| group.name == text.name.value) {
                return Err(error(line, Problem::GroupTwice(text.name.value)));
            }
            groups.push(group(text).map_err(|(line, problem)| error(line, problem))?);
        }
        Ok(Self { path: path.to_owned(), groups })
    }
}

impl RuleFile {
    /// What is allowed, and likely a mistake: rules of one group with the same name and labels, of which the later ones
    /// overwrite or shadow the first.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for group in &self.groups {
            let mut seen: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
            for rule in &group.rules {
                let (line, labels): (u64, Vec<(&str, &str)>) = match rule {
                    Rule::Record(rule) => {
                        (rule.line, rule.labels.iter().map(|(name, value)| (&**name, &**value)).collect())
                    }
                    Rule::Alert(rule) => {
                        (rule.line, rule.labels.iter().map(|(name, template)| (&**name, template.text())).collect())
                    }
                };
                let key = (rule.name(), labels);
                if seen.contains(&key) {
                    let name = rule.name();
                    let group = &group.name;
                    warnings.push(format!(
                        "{}:{line}: the group {group:?} has another rule {name:?} with the same labels before this one",
                        self.path
                    ));
                }
                seen.push(key);
            }
        }
        warnings
    }
}

/// YAML messages are drawn over several lines; the first says what is wrong.
pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

type Wrong = (u64, Problem);

fn duration_ms(key: &'static str, text: Option<&Spanned<String>>) -> Result<Option<i64>, Wrong> {
    let read = |text: &Spanned<String>| {
        let problem = || Problem::Duration { key, value: text.value.clone() };
        duration::parse_ms(&text.value).ok_or_else(|| (text.referenced.line(), problem()))
    };
    text.map(read).transpose()
}

fn group(text: GroupText) -> Result<RuleGroup, Wrong> {
    let interval_ms = duration_ms("interval", text.interval.as_ref())?.filter(|interval_ms| *interval_ms > 0);
    let query_offset_ms = duration_ms("query_offset", text.query_offset.as_ref())?.unwrap_or(0);
    let mut rules = Vec::with_capacity(text.rules.len());
    for mut rule_text in text.rules {
        for (label, value) in &text.labels {
            rule_text.labels.entry(label.clone()).or_insert_with(|| value.clone());
        }
        rules.push(rule(rule_text)?);
    }
    Ok(RuleGroup { name: text.name.value, interval_ms, query_offset_ms, limit: text.limit, rules })
}

fn rule(text: RuleText) -> Result<Rule, Wrong> {
    let expr_line = text.expr.referenced.line();
    let (named, is_alert) = match (&text.record, &text.alert) {
        (Some(record), None) => (record, false),
        (None, Some(alert)) => (alert, true),
        (Some(record), Some(_)) => return Err((record.referenced.line(), Problem::RecordOrAlert("both"))),
        (None, None) => return Err((expr_line, Problem::RecordOrAlert("neither"))),
    };
    let (name, line) = (named.value.clone(), named.referenced.line());
    for label in text.labels.keys() {
        let reason = if label == "__name__" {
            "the name is what `record` or `alert` says"
        } else if is_alert && label == "alertname" {
            "the alert's name is what `alert` says"
        } else if !is_label_name(label) {
            "a label name has letters, digits and underscores, and no digit first"
        } else {
            continue;
        };
        return Err((line, Problem::Label { rule: name, label: label.clone(), reason }));
    }
    let query = Query::parse(&text.expr.value)
        .map_err(|source| (expr_line, Problem::Query { rule: name.clone(), source: Box::new(source) }))?;
    if !is_alert {
        let only_alerts = |key| (line, Problem::OnlyAlerts { key, rule: name.clone() });
        if text.r#for.is_some() {
            return Err(only_alerts("for"));
        }
        if text.keep_firing_for.is_some() {
            return Err(only_alerts("keep_firing_for"));
        }
        if !text.annotations.is_empty() {
            return Err(only_alerts("annotations"));
        }
        if !is_metric_name(&name) {
            return Err((line, Problem::RecordName(name)));
        }
        return Ok(Rule::Record(RecordRule { name, query, labels: text.labels, line }));
    }
    let templates = |texts: &BTreeMap<String, String>, kind: &str| {
        let read = |(key, text): (&String, &String)| match Template::parse(text) {
            Ok(template) => Ok((key.clone(), template)),
            Err(source) => {
                let place = format!("the {kind} {key:?}");
                Err((line, Problem::Template { rule: name.clone(), place, source }))
            }
        };
        texts.iter().map(read).collect::<Result<BTreeMap<_, _>, _>>()
    };
    let (labels, annotations) = (templates(&text.labels, "label")?, templates(&text.annotations, "annotation")?);
    let for_ms = duration_ms("for", text.r#for.as_ref())?.unwrap_or(0);
    let keep_firing_for_ms = duration_ms("keep_firing_for", text.keep_firing_for.as_ref())?.unwrap_or(0);
    Ok(Rule::Alert(AlertRule { name, query, for_ms, keep_firing_for_ms, labels, annotations, line }))
}
