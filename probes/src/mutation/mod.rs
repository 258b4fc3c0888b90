//! Faults of a target, put into what it once answered.
//!
//! A check proves something only if it fails when the target does. [`faults`] lists what could be wrong with each answer
//! of a recording, the most telling first; [`Fault::apply`] makes it so on a tape; and whoever runs the check on that
//! tape sees whether it notices. All of it is pure, and names what it changed.
//!
//! A token whose claims are changed keeps its signature, which is then wrong too: a check that verifies signatures
//! notices such a token whether or not it looks at the claim.

mod apply;
mod hint;
mod json;
mod token;

use crate::recording::RecordedExchange;
use checks::UnixMs;
use json::Field;
use serde::Serialize;
use std::fmt;

/// Fields of one answer that are changed, the most telling ones.
const FIELDS_MAX: usize = 16;

/// Headers that no check can be expected to ask for: they speak of the connection and the moment.
const INCIDENTAL: [&str; 14] = [
    "date",
    "server",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "content-encoding",
    "vary",
    "etag",
    "last-modified",
    "age",
    "set-cookie",
    "accept-ranges",
    "via",
];

/// An answer that comes so late is too late for anybody, whatever the check's timeout is.
const SLOW_MS_MAX: u64 = 30_000;

/// The host that a redirect leads to and nobody has (RFC 6761). It shows the same pages.
pub(crate) const ELSEWHERE: &str = "elsewhere.invalid";

/// One thing that is wrong with the answers of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Index of the exchange.
    pub exchange: usize,
    #[serde(flatten)]
    pub change: Change,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Change {
    Status {
        status: u16,
    },
    /// The status of success, and a body that tells of an error.
    ErrorBody,
    BodyEmpty,
    BodyTruncated,
    BodyNotJson,
    Field {
        field: Field,
        how: FieldChange,
    },
    HeaderMissing {
        header: String,
    },
    ContentType,
    /// To a host that shows the same.
    Redirect,
    Token {
        place: token::Place,
        how: TokenChange,
    },
    CookieLost {
        cookie: String,
    },
    /// The head comes this late, within the check's timeout.
    Slow {
        ms: u64,
    },
    Reset,
    /// The certificate, of all answers, has as many days left; none where it has expired.
    Certificate {
        days_left: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldChange {
    Missing,
    Null,
    WrongType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenChange {
    Signature,
    Expired,
    Issuer,
    Audience,
}

impl fmt::Display for TokenChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "broken signature",
            Self::Expired => "expired an hour ago",
            Self::Issuer => "another issuer",
            Self::Audience => "another audience",
        })
    }
}

/// What a fault is about: those of a family are noticed in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    Status,
    Connection,
    Body,
    Token,
    Redirect,
    Cookie,
    Slow,
    Certificate,
    Field,
    Header,
}

impl Family {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Connection => "connection",
            Self::Body => "body",
            Self::Token => "token",
            Self::Redirect => "redirect",
            Self::Cookie => "cookie",
            Self::Slow => "slow",
            Self::Certificate => "certificate",
            Self::Field => "field",
            Self::Header => "header",
        }
    }
}

impl Fault {
    pub fn family(&self) -> Family {
        self.change.family()
    }

    /// Whether it changes one part of an answer that the check may have no interest in, rather than break the answer.
    /// What an access token holds is its API's business, and its client's never (RFC 6749, section 1.4).
    pub fn is_detail(&self) -> bool {
        match &self.change {
            Change::Token { place, .. } => place.is_opaque(),
            change => matches!(change.family(), Family::Field | Family::Header | Family::Certificate),
        }
    }
}

impl Change {
    pub fn family(&self) -> Family {
        match self {
            Self::Status { .. } => Family::Status,
            Self::ErrorBody | Self::BodyEmpty | Self::BodyTruncated | Self::BodyNotJson => Family::Body,
            Self::Field { .. } => Family::Field,
            Self::HeaderMissing { .. } | Self::ContentType => Family::Header,
            Self::Redirect => Family::Redirect,
            Self::Token { .. } => Family::Token,
            Self::CookieLost { .. } => Family::Cookie,
            Self::Slow { .. } => Family::Slow,
            Self::Reset => Family::Connection,
            Self::Certificate { .. } => Family::Certificate,
        }
    }
}

/// Ends the sentence "the check did not notice: ".
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status } => write!(f, "status {status}"),
            Self::ErrorBody => f.write_str("an error in the body, with the same status"),
            Self::BodyEmpty => f.write_str("an empty body"),
            Self::BodyTruncated => f.write_str("half of the body"),
            Self::BodyNotJson => f.write_str("a page of HTML for JSON"),
            Self::Field { field, how: FieldChange::Missing } => write!(f, "{field} missing"),
            Self::Field { field, how: FieldChange::Null } => write!(f, "{field} null"),
            Self::Field { field, how: FieldChange::WrongType } => write!(f, "{field} of another type"),
            Self::HeaderMissing { header } => write!(f, "{header} missing"),
            Self::ContentType => f.write_str("content-type application/octet-stream"),
            Self::Redirect => write!(f, "redirected to https://{ELSEWHERE}, which shows the same"),
            Self::Token { place, how } => write!(f, "{place}: {how}"),
            Self::CookieLost { cookie } => write!(f, "cookie {cookie} not set"),
            Self::Slow { ms } => write!(f, "answered after {} s", *ms as f64 / 1000.0),
            Self::Reset => f.write_str("the connection reset"),
            Self::Certificate { days_left: 0 } => f.write_str("the certificate expired"),
            Self::Certificate { days_left } => write!(f, "the certificate with {days_left} days left"),
        }
    }
}

/// What can be wrong with the answers, the most telling first: what breaks an answer before what changes a part of it.
/// `asked` says which exchanges an undisturbed run asks for; no other can be noticed.
pub fn faults(exchanges: &[RecordedExchange], asked: &[bool], timeout_ms: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut has_certificate = false;
    for (index, exchange) in exchanges.iter().enumerate() {
        if !asked.get(index).copied().unwrap_or(false) || !exchange.is_http() {
            continue;
        }
        let mut changes = changes(exchange, timeout_ms);
        if !has_certificate && exchange.request.tls.as_ref().is_some_and(|tls| !tls.certificates.is_empty()) {
            has_certificate = true;
            changes.extend([3, 0].map(|days_left| Change::Certificate { days_left }));
        }
        faults.extend(changes.into_iter().map(|change| Fault { exchange: index, change }));
    }
    faults.sort_by_key(|fault| (fault.is_detail(), fault.family()));
    faults
}

fn changes(exchange: &RecordedExchange, timeout_ms: u64) -> Vec<Change> {
    let Some(received) = &exchange.received else { return Vec::new() };
    let status = exchange.request.status.unwrap_or(0);
    let body = received.body.text.as_str();
    let document = json::document(body);
    let others: &[u16] = match status {
        200..300 => &[500, 503, 401, 404],
        300..400 => &[500, 404, 200],
        // A door that opens for every key.
        400..500 => &[200, 500],
        _ => &[200],
    };
    let mut changes: Vec<Change> = others.iter().map(|&status| Change::Status { status }).collect();
    changes.extend([Change::Reset, Change::Slow { ms: (timeout_ms / 10 * 9).min(SLOW_MS_MAX) }]);
    // Of a refusal or a redirect, the body is for people to read.
    if (200..300).contains(&status) && !received.body.is_empty() && exchange.request.method != "HEAD" {
        changes.extend([Change::BodyEmpty, Change::BodyTruncated, Change::ErrorBody]);
        changes.extend(document.is_some().then_some(Change::BodyNotJson));
    }
    if (200..400).contains(&status) && (status < 300 || received.header("location").is_some()) {
        changes.push(Change::Redirect);
    }
    for (place, claims) in token::tokens(received, document.as_ref()) {
        let mut hows = vec![TokenChange::Signature];
        hows.extend(claims.contains_key("exp").then_some(TokenChange::Expired));
        hows.extend(claims.contains_key("iss").then_some(TokenChange::Issuer));
        hows.extend(claims.contains_key("aud").then_some(TokenChange::Audience));
        changes.extend(hows.into_iter().map(|how| Change::Token { place: place.clone(), how }));
    }
    let mut names: Vec<&str> = Vec::new();
    for (name, value) in &received.headers {
        if name == "set-cookie" {
            let cookie = value.split('=').next().unwrap_or_default().to_owned();
            changes.push(Change::CookieLost { cookie });
        } else if !INCIDENTAL.contains(&name.as_str()) && !names.contains(&name.as_str()) {
            names.push(name);
            changes.push(Change::HeaderMissing { header: name.clone() });
        }
    }
    if received.header("content-type").is_some() && !received.body.is_empty() {
        changes.push(Change::ContentType);
    }
    for field in document.iter().flat_map(json::fields).take(FIELDS_MAX) {
        let hows = [FieldChange::Missing, FieldChange::Null, FieldChange::WrongType];
        let is_null = document.as_ref().and_then(|document| field.of(document)).is_some_and(|value| value.is_null());
        let hows = hows.into_iter().filter(|how| !is_null || *how != FieldChange::Null);
        changes.extend(hows.map(|how| Change::Field { field: field.clone(), how }));
    }
    changes
}

/// A day in a certificate's life.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The time at which a token of the recorded run had been expired for an hour.
pub(crate) fn an_hour_before(started_at: UnixMs) -> i64 {
    started_at.0 / 1000 - 3600
}

#[cfg(test)]
mod tests;
