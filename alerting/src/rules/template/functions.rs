//! The functions of templates, as Prometheus has them (prometheus.io/docs/prometheus/latest/configuration/template_reference).

use regex::Regex;

use super::humanize::{humanize, humanize_1024, humanize_duration, humanize_timestamp};
use super::printf::printf;
use super::{Datum, ExpandError, TemplateContext, TemplateError};
use crate::promql::duration;
use crate::rules::go_format::{general, shortest};

const KNOWN: [&str; 38] = [
    "and",
    "eq",
    "externalURL",
    "first",
    "ge",
    "gt",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "index",
    "label",
    "le",
    "len",
    "lt",
    "match",
    "ne",
    "not",
    "or",
    "parseDuration",
    "pathPrefix",
    "print",
    "printf",
    "println",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "title",
    "toLower",
    "toUpper",
    "urlquery",
    "value",
    "html",
];

/// # Errors
/// A function that is not known.
pub fn check(name: &str) -> Result<(), TemplateError> {
    if KNOWN.contains(&name) {
        return Ok(());
    }
    Err(match name {
        "tableLink" | "graphLink" | "args" | "tmpl" | "toTime" | "call" | "js" | "slice" | "now" => {
            TemplateError::Unsupported(name.to_owned())
        }
        _ => TemplateError::UnknownFunction(name.to_owned()),
    })
}

/// Reads a quoted string at the beginning of the text: its value, and its length in bytes with the quotes.
pub fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, place + 1)),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other @ ('"' | '\\' | '\'') => other,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
    None
}

/// As `{{ .. }}` prints it.
pub fn show(value: &Datum) -> String {
    match value {
        Datum::Nothing => "<no value>".to_owned(),
        Datum::Bool(bool) => bool.to_string(),
        Datum::Number(number) => shortest(*number),
        Datum::Whole(whole) => whole.to_string(),
        Datum::Text(text) => text.clone(),
        Datum::Labels(labels) => {
            let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            format!("map[{}]", pairs.join(" "))
        }
        Datum::Sample(labels, value) => format!("{{{} {}}}", show(&Datum::Labels(labels.clone())), shortest(*value)),
        Datum::List(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(" ")),
        Datum::Root => String::new(),
    }
}

pub fn kind(value: &Datum) -> &'static str {
    match value {
        Datum::Nothing => "nothing",
        Datum::Bool(_) => "a truth value",
        Datum::Number(_) | Datum::Whole(_) => "a number",
        Datum::Text(_) => "a text",
        Datum::Labels(_) => "a set of labels",
        Datum::Sample(..) => "a sample",
        Datum::List(_) => "a list",
        Datum::Root => "the template's data",
    }
}

/// Go's notion: zero and empty are false.
pub fn is_true(value: &Datum) -> bool {
    match value {
        Datum::Nothing => false,
        Datum::Bool(bool) => *bool,
        Datum::Number(number) => *number != 0.0,
        Datum::Whole(whole) => *whole != 0,
        Datum::Text(text) => !text.is_empty(),
        Datum::Labels(labels) => !labels.is_empty(),
        Datum::List(list) => !list.is_empty(),
        Datum::Sample(..) | Datum::Root => true,
    }
}

fn wrong(name: &str, reason: &str) -> ExpandError {
    ExpandError(format!("{name}: {reason}"))
}

fn number(name: &str, value: Option<&Datum>) -> Result<f64, ExpandError> {
    match value {
        Some(Datum::Number(number)) => Ok(*number),
        Some(Datum::Whole(whole)) => Ok(*whole as f64),
        Some(Datum::Text(text)) => text.parse().map_err(|_| wrong(name, &format!("{text:?} is no number"))),
        Some(other) => Err(wrong(name, &format!("expected a number, got {}", kind(other)))),
        None => Err(wrong(name, "an argument is missing")),
    }
}

fn text<'a>(name: &str, value: Option<&'a Datum>) -> Result<&'a str, ExpandError> {
    match value {
        Some(Datum::Text(text)) => Ok(text),
        Some(other) => Err(wrong(name, &format!("expected a text, got {}", kind(other)))),
        None => Err(wrong(name, "an argument is missing")),
    }
}

/// Calls a function that [`check`] knows.
///
/// # Errors
/// Arguments of the wrong kind, or a failed query.
pub fn call(name: &str, arguments: Vec<Datum>, context: &TemplateContext<'_>) -> Result<Datum, ExpandError> {
    let (first, second) = (arguments.first(), arguments.get(1));
    let shown = |text: String| Ok(Datum::Text(text));
    match name {
        "humanize" => shown(humanize(number(name, first)?)),
        "humanize1024" => shown(humanize_1024(number(name, first)?)),
        "humanizeDuration" => shown(humanize_duration(number(name, first)?)),
        "humanizePercentage" => shown(format!("{}%", general(number(name, first)? * 100.0, 4))),
        "humanizeTimestamp" => shown(humanize_timestamp(number(name, first)?)),
        "title" => shown(title(text(name, first)?)),
        "toUpper" => shown(text(name, first)?.to_uppercase()),
        "toLower" => shown(text(name, first)?.to_lowercase()),
        "safeHtml" => shown(text(name, first)?.to_owned()),
        "stripPort" => shown(strip_port(text(name, first)?).to_owned()),
        "stripDomain" => {
            let host = text(name, first)?;
            let (bare, port) = (strip_port(host), &host[strip_port(host).len()..]);
            let is_address = bare.parse::<std::net::IpAddr>().is_ok();
            shown(if is_address {
                host.to_owned()
            } else {
                format!("{}{port}", bare.split('.').next().unwrap_or(bare))
            })
        }
        "match" => Ok(Datum::Bool(pattern(name, first)?.is_match(text(name, second)?))),
        "reReplaceAll" => {
            let replaced = pattern(name, first)?;
            shown(replaced.replace_all(text(name, arguments.get(2))?, text(name, second)?).into_owned())
        }
        "parseDuration" => match duration::parse_ms(text(name, first)?) {
            Some(duration_ms) => Ok(Datum::Number(duration_ms as f64 / 1000.0)),
            None => Err(wrong(name, "expected a duration such as 5m")),
        },
        "externalURL" => shown(context.external_url.to_owned()),
        "pathPrefix" => {
            let after = context.external_url.split_once("://").map_or(context.external_url, |(_, after)| after);
            shown(after.find('/').map_or("", |place| after[place..].trim_end_matches('/')).to_owned())
        }
        "query" => match (context.query)(text(name, first)?) {
            Ok(elements) => Ok(Datum::List(
                elements.into_iter().map(|element| Datum::Sample(element.labels, element.value)).collect(),
            )),
            Err(reason) => Err(ExpandError(reason)),
        },
        "first" => match first {
            Some(Datum::List(list)) if !list.is_empty() => Ok(list[0].clone()),
            _ => Err(wrong(name, "the list is empty")),
        },
        "label" => match second {
            Some(Datum::Sample(labels, _)) => shown(labels.get(text(name, first)?).unwrap_or_default().to_owned()),
            _ => Err(wrong(name, "expected a label's name and a sample")),
        },
        "value" => match first {
            Some(Datum::Sample(_, value)) => Ok(Datum::Number(*value)),
            _ => Err(wrong(name, "expected a sample")),
        },
        "strvalue" => match first {
            Some(Datum::Sample(labels, _)) => shown(labels.get("__value__").unwrap_or_default().to_owned()),
            _ => Err(wrong(name, "expected a sample")),
        },
        "sortByLabel" => match second {
            Some(Datum::List(list)) => {
                let by = text(name, first)?;
                let mut list = list.clone();
                let key = |datum: &Datum| match datum {
                    Datum::Sample(labels, _) => labels.get(by).unwrap_or_default().to_owned(),
                    _ => String::new(),
                };
                list.sort_by_key(key);
                Ok(Datum::List(list))
            }
            _ => Err(wrong(name, "expected a label's name and a list")),
        },
        "len" => Ok(Datum::Whole(match first {
            Some(Datum::List(list)) => list.len(),
            Some(Datum::Text(text)) => text.len(),
            Some(Datum::Labels(labels)) => labels.len(),
            _ => return Err(wrong(name, "expected a text, a list or labels")),
        } as i64)),
        "index" => match (first, second) {
            (Some(Datum::Labels(labels)), Some(Datum::Text(key))) => {
                shown(labels.get(key).unwrap_or_default().to_owned())
            }
            (Some(Datum::List(list)), Some(Datum::Whole(place))) => usize::try_from(*place)
                .ok()
                .and_then(|place| list.get(place).cloned())
                .ok_or_else(|| wrong(name, "there is no such element")),
            _ => Err(wrong(name, "expected labels and a name, or a list and a number")),
        },
        "and" | "or" => {
            let wanted = name == "or";
            let decides = arguments.iter().find(|argument| is_true(argument) == wanted);
            decides.or(arguments.last()).cloned().ok_or_else(|| wrong(name, "an argument is missing"))
        }
        "not" => Ok(Datum::Bool(!is_true(first.unwrap_or(&Datum::Nothing)))),
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => compare(name, &arguments).map(Datum::Bool),
        "print" => shown(arguments.iter().map(show).collect()),
        "println" => shown(arguments.iter().map(show).collect::<Vec<_>>().join(" ") + "\n"),
        "printf" => shown(printf(text(name, first)?, &arguments[1..])),
        "urlquery" => shown(
            show(first.unwrap_or(&Datum::Nothing))
                .bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
                    b' ' => "+".to_owned(),
                    byte => format!("%{byte:02X}"),
                })
                .collect(),
        ),
        "html" => shown(
            show(first.unwrap_or(&Datum::Nothing))
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&#34;")
                .replace('\'', "&#39;"),
        ),
        other => Err(wrong(other, "is not known")),
    }
}

fn compare(name: &str, arguments: &[Datum]) -> Result<bool, ExpandError> {
    let [left, rights @ ..] = arguments else { return Err(wrong(name, "an argument is missing")) };
    let order = |right: &Datum| match (left, right) {
        (Datum::Text(left), Datum::Text(right)) => Ok(left.partial_cmp(right)),
        (Datum::Bool(left), Datum::Bool(right)) => Ok(left.partial_cmp(right)),
        (Datum::Number(_) | Datum::Whole(_), Datum::Number(_) | Datum::Whole(_)) => {
            Ok(number(name, Some(left))?.partial_cmp(&number(name, Some(right))?))
        }
        _ => Err(wrong(name, &format!("{} cannot be compared with {}", kind(left), kind(right)))),
    };
    let Some(right) = rights.first() else { return Err(wrong(name, "an argument is missing")) };
    let first = order(right)?;
    Ok(match name {
        "eq" => {
            for right in rights {
                if order(right)?.is_some_and(|order| order.is_eq()) {
                    return Ok(true);
                }
            }
            false
        }
        "ne" => first.is_none_or(|order| order.is_ne()),
        "lt" => first.is_some_and(|order| order.is_lt()),
        "le" => first.is_some_and(|order| order.is_le()),
        "gt" => first.is_some_and(|order| order.is_gt()),
        _ => first.is_some_and(|order| order.is_ge()),
    })
}

fn pattern(name: &str, value: Option<&Datum>) -> Result<Regex, ExpandError> {
    let text = text(name, value)?;
    Regex::new(text).map_err(|_| wrong(name, &format!("{text:?} is no regular expression")))
}

/// `host:port` without the port; an address in brackets keeps them only with a port, as Go's `SplitHostPort` has it.
fn strip_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((bare, _)) if !bare.contains(':') => bare,
        Some((bare, _)) if bare.starts_with('[') && bare.ends_with(']') => bare,
        _ => host,
    }
}

fn title(text: &str) -> String {
    let mut begins = true;
    let raise = |character: char| {
        let raised = if begins { character.to_uppercase().collect::<String>() } else { character.to_string() };
        begins = !(character.is_alphanumeric() || character == '_' || character == '\'');
        raised
    };
    text.chars().map(raise).collect()
}
