//! DogStatsD's events and service checks.

use super::Invalid;
use super::splits::cut;
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertType {
    Info,
    Success,
    Warning,
    Error,
}

/// `_e{TITLE_BYTES,TEXT_BYTES}:TITLE|TEXT|d:timestamp|h:host|k:aggregation|p:priority|s:source|t:type|#tags`.
/// A line end within the texts is written `\n`, as two characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    pub title: &'a [u8],
    pub text: &'a [u8],
    pub timestamp_s: Option<u64>,
    pub host: &'a [u8],
    pub aggregation_key: &'a [u8],
    pub low_priority: bool,
    pub source: &'a [u8],
    pub alert_type: AlertType,
    pub tags: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceStatus {
    Ok,
    Warning,
    Critical,
    Unknown,
}

/// `_sc|NAME|STATUS|d:timestamp|h:host|#tags|m:message`. The message is last, and may hold a `|`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceCheck<'a> {
    pub name: &'a [u8],
    pub status: ServiceStatus,
    pub timestamp_s: Option<u64>,
    pub host: &'a [u8],
    pub tags: &'a [u8],
    pub message: &'a [u8],
}

fn whole_number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

pub(super) fn parse_event(line: &[u8]) -> Result<Event<'_>, Invalid> {
    event_of(line).ok_or(Invalid::BadEvent)
}

fn event_of(line: &[u8]) -> Option<Event<'_>> {
    let (lengths, body) = cut(line.strip_prefix(b"_e{")?, b'}');
    let (title_bytes, text_bytes) = cut(lengths, b',');
    let title_bytes = usize::try_from(whole_number(title_bytes)?).ok()?;
    let text_bytes = usize::try_from(whole_number(text_bytes?)?).ok()?;
    let (title, rest) = body?.strip_prefix(b":")?.split_at_checked(title_bytes)?;
    let (text, mut rest) = rest.strip_prefix(b"|")?.split_at_checked(text_bytes)?;
    if title.is_empty() {
        return None;
    }
    let mut event = Event {
        title,
        text,
        timestamp_s: None,
        host: &[],
        aggregation_key: &[],
        low_priority: false,
        source: &[],
        alert_type: AlertType::Info,
        tags: &[],
    };
    while let Some(parts) = rest.strip_prefix(b"|") {
        let (part, _) = cut(parts, b'|');
        rest = &parts[part.len()..];
        match part {
            [b'd', b':', value @ ..] => event.timestamp_s = Some(whole_number(value)?),
            [b'h', b':', value @ ..] => event.host = value,
            [b'k', b':', value @ ..] => event.aggregation_key = value,
            [b'p', b':', value @ ..] => event.low_priority = value == b"low",
            [b's', b':', value @ ..] => event.source = value,
            [b't', b':', value @ ..] => {
                event.alert_type = match value {
                    b"error" => AlertType::Error,
                    b"warning" => AlertType::Warning,
                    b"success" => AlertType::Success,
                    _ => AlertType::Info,
                }
            }
            [b'#', tags @ ..] => event.tags = tags,
            // The container, and what later versions of the protocol add.
            _ => {}
        }
    }
    rest.is_empty().then_some(event)
}

pub(super) fn parse_service_check(line: &[u8]) -> Result<ServiceCheck<'_>, Invalid> {
    service_check_of(line).ok_or(Invalid::BadServiceCheck)
}

fn service_check_of(line: &[u8]) -> Option<ServiceCheck<'_>> {
    let (name, rest) = cut(line.strip_prefix(b"_sc|")?, b'|');
    let (status, mut rest) = cut(rest?, b'|');
    let status = match status {
        b"0" => ServiceStatus::Ok,
        b"1" => ServiceStatus::Warning,
        b"2" => ServiceStatus::Critical,
        b"3" => ServiceStatus::Unknown,
        _ => return None,
    };
    if name.is_empty() {
        return None;
    }
    let mut check = ServiceCheck { name, status, timestamp_s: None, host: &[], tags: &[], message: &[] };
    while let Some(parts) = rest {
        if let Some(message) = parts.strip_prefix(b"m:") {
            check.message = message;
            break;
        }
        let (part, after) = cut(parts, b'|');
        rest = after;
        match part {
            [b'd', b':', value @ ..] => check.timestamp_s = Some(whole_number(value)?),
            [b'h', b':', value @ ..] => check.host = value,
            [b'#', tags @ ..] => check.tags = tags,
            _ => {}
        }
    }
    Some(check)
}
