use super::{Change, DAY_MS, ELSEWHERE, Fault, json, token};
use crate::recording::{Likeness, RecordedBody, RecordedExchange, RecordedMessage, Tape, Track};
use checks::{FailureClass, RequestFailure, UnixMs};
use url::Url;

const PAGE: &str =
    "<!doctype html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>";
const ERROR: &str = r#"{"error":"server_error","error_description":"something went wrong"}"#;

impl Fault {
    /// The tape on which this is wrong, and nothing else.
    pub fn apply(&self, tape: &Tape) -> Tape {
        let mut tape = tape.clone();
        let started_at = tape.started_at;
        match &self.change {
            Change::Certificate { days_left } => {
                for track in &mut tape.tracks {
                    certificate(&mut track.exchange, *days_left, started_at);
                }
            }
            Change::Redirect => {
                let copies: Vec<Track> = tape.tracks.iter().filter_map(elsewhere).collect();
                if let Some(track) = tape.tracks.get_mut(self.exchange) {
                    redirect(&mut track.exchange);
                }
                tape.tracks.extend(copies);
            }
            change => {
                if let Some(track) = tape.tracks.get_mut(self.exchange) {
                    apply(track, change, started_at);
                }
            }
        }
        tape
    }
}

fn apply(track: &mut Track, change: &Change, started_at: UnixMs) {
    let exchange = &mut track.exchange;
    let Some(received) = &mut exchange.received else { return };
    match change {
        Change::Status { status } => {
            exchange.request.status = Some(*status);
            if !(300..400).contains(status) {
                received.headers.retain(|(name, _)| name != "location");
            }
        }
        Change::ErrorBody => {
            let is_json = json::document(&received.body.text).is_some();
            body(received, if is_json { ERROR } else { PAGE }.as_bytes());
        }
        Change::BodyEmpty => body(received, b""),
        Change::BodyTruncated => {
            let bytes = received.body.bytes();
            body(received, &bytes[..bytes.len() / 2]);
        }
        Change::BodyNotJson => body(received, PAGE.as_bytes()),
        Change::Field { field, how } => {
            if let Some(mut document) = json::document(&received.body.text) {
                json::change(&mut document, field, *how);
                body(received, document.to_string().as_bytes());
            }
        }
        Change::Token { place, how } => match place {
            token::Place::Field(field) => {
                let Some(document) = json::document(&received.body.text) else { return };
                let Some(token) = field.of(&document).and_then(|value| value.as_str()) else { return };
                if let Some(changed) = token::changed(token, *how, started_at) {
                    let text = received.body.text.replace(token, &changed);
                    body(received, text.as_bytes());
                }
            }
            token::Place::Location(name) => {
                for (_, value) in received.headers.iter_mut().filter(|(header, _)| header == "location") {
                    *value = with_changed_token(value, name, *how, started_at);
                }
            }
        },
        Change::HeaderMissing { header } => received.headers.retain(|(name, _)| name != header),
        Change::ContentType => {
            for (_, value) in received.headers.iter_mut().filter(|(name, _)| name == "content-type") {
                "application/octet-stream".clone_into(value);
            }
        }
        Change::CookieLost { cookie } => received
            .headers
            .retain(|(name, value)| name != "set-cookie" || value.split('=').next() != Some(cookie.as_str())),
        Change::Slow { ms } => track.delay_ms = *ms,
        Change::Reset => {
            let peer = exchange.request.remote_addr.clone().unwrap_or_else(|| "the server".to_owned());
            failed(exchange, FailureClass::NetworkConnect, format!("connection reset by {peer}"));
        }
        Change::Certificate { .. } | Change::Redirect => {}
    }
}

fn with_changed_token(location: &str, parameter: &str, how: super::TokenChange, started_at: UnixMs) -> String {
    let mut out = String::new();
    let mut rest = location;
    while let Some(end) = rest.find(['?', '#', '&']) {
        let (pair, after) = rest.split_at(end);
        out.push_str(&changed_pair(pair, parameter, how, started_at));
        out.push_str(&after[..1]);
        rest = &after[1..];
    }
    out + &changed_pair(rest, parameter, how, started_at)
}

fn changed_pair(pair: &str, parameter: &str, how: super::TokenChange, started_at: UnixMs) -> String {
    let changed = pair
        .split_once('=')
        .filter(|(name, _)| *name == parameter)
        .and_then(|(name, token)| Some(format!("{name}={}", token::changed(token, how, started_at)?)));
    changed.unwrap_or_else(|| pair.to_owned())
}

/// The body that came instead, whole; what was announced of the other one is gone.
fn body(received: &mut RecordedMessage, bytes: &[u8]) {
    received.body = RecordedBody::of(bytes, true);
    received.headers.retain(|(name, _)| name != "content-length");
}

fn failed(exchange: &mut RecordedExchange, class: FailureClass, message: String) {
    exchange.received = None;
    exchange.request.status = None;
    exchange.request.failure = Some(RequestFailure { class, message });
}

fn certificate(exchange: &mut RecordedExchange, days_left: i64, now: UnixMs) {
    let Some(leaf) = exchange.request.tls.as_mut().and_then(|tls| tls.certificates.first_mut()) else { return };
    if days_left == 0 {
        let message = format!("certificate of {} expired", leaf.subject);
        failed(exchange, FailureClass::NetworkTls, message);
        return;
    }
    leaf.days_left = days_left;
    leaf.not_after = UnixMs(now.0 + days_left * DAY_MS);
}

/// The same answer from the other host.
fn elsewhere(track: &Track) -> Option<Track> {
    let mut track = track.clone();
    track.exchange.request.url = moved(&Url::parse(&track.exchange.request.url).ok()?)?;
    // What a visitor asks there is asked with other cookies, and without credentials.
    track.likeness_min = Likeness::Path;
    Some(track)
}

fn moved(url: &Url) -> Option<String> {
    let mut moved = url.clone();
    moved.set_port(None).ok()?;
    moved.set_scheme("https").ok()?;
    moved.set_host(Some(ELSEWHERE)).ok()?;
    Some(moved.into())
}

fn redirect(exchange: &mut RecordedExchange) {
    let Some(received) = &mut exchange.received else { return };
    let Ok(url) = Url::parse(&exchange.request.url) else { return };
    let is_redirect = exchange.request.status.is_some_and(|status| (300..400).contains(&status));
    let target = received.header("location").filter(|_| is_redirect).and_then(|location| url.join(location).ok());
    let Some(location) = moved(&target.unwrap_or(url)) else { return };
    if !is_redirect {
        // The method stays, and the body (RFC 9110, section 15.4.8).
        exchange.request.status = Some(307);
        body(received, b"");
    }
    received.headers.retain(|(name, _)| name != "location");
    received.headers.push(("location".to_owned(), location));
}
