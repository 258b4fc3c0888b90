//! Librato's HTTP API: tagged measurements as JSON, `POST /v1/measurements`.
//! <https://www.librato.com/docs/api/#create-a-measurement>

use super::points;
use crate::statsd::aggregate::Snapshot;
use serde::Serialize;
use std::collections::BTreeMap;

/// Measurements in one request; the API asks for no more.
const MEASUREMENTS_PER_REQUEST_MAX: usize = 300;
const NAME_BYTES_MAX: usize = 255;
const TAG_NAME_BYTES_MAX: usize = 64;
const TAG_VALUE_BYTES_MAX: usize = 255;

#[derive(Debug, Serialize)]
struct Request<'a> {
    /// Seconds since 1970.
    time: i64,
    /// Of every measurement without tags of its own; the API wants at least one.
    tags: &'a BTreeMap<String, String>,
    measurements: &'a [Measurement],
}

#[derive(Debug, Serialize)]
struct Measurement {
    name: String,
    value: f64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

/// The bodies of one snapshot's requests. `tags` are added to all; there must be one at least.
pub fn encode(snapshot: &Snapshot, prefix: &str, tags: &BTreeMap<String, String>) -> Vec<Vec<u8>> {
    let mut measurements = Vec::new();
    points::for_each(snapshot, |series, name, value| {
        let mut own = BTreeMap::new();
        for (tag, text) in series.key.labels.tags() {
            own.insert(limited(tag, TAG_NAME_BYTES_MAX, is_in_name), limited(text, TAG_VALUE_BYTES_MAX, is_in_value));
        }
        // Tags of a measurement take the place of the request's.
        if !own.is_empty() {
            for (tag, text) in tags {
                own.entry(tag.clone()).or_insert_with(|| text.clone());
            }
        }
        let name = limited(&format!("{prefix}{name}"), NAME_BYTES_MAX, is_in_name);
        measurements.push(Measurement { name, value, tags: own });
    });
    let time = snapshot.at.0.div_euclid(1000);
    let bodies = measurements.chunks(MEASUREMENTS_PER_REQUEST_MAX).map(|measurements| {
        // Strings and finite numbers: the parser takes no others, and sums beyond the largest become null.
        serde_json::to_vec(&Request { time, tags, measurements }).unwrap_or_default()
    });
    bodies.collect()
}

fn limited(text: &str, bytes_max: usize, allowed: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    points::push_sanitised(&mut out, text, allowed);
    out.truncate(bytes_max);
    out
}

/// What is allowed is ASCII, so that cutting at a byte is cutting at a character.
fn is_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_')
}

fn is_in_value(c: char) -> bool {
    is_in_name(c) || matches!(c, '/' | '?' | '&' | ' ')
}
