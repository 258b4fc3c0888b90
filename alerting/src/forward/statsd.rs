//! Another statsd: the interval's values as lines, in DogStatsD's dialect.
//!
//! Counters go out as the interval's increase, gauges as they are, and sets as gauges `name.count`: members are not kept. Of a
//! distribution the quantiles, count, sum, least and greatest value go out (`name.p50`, ...), the count as a counter and the
//! others as gauges: a receiver cannot add quantiles up, and is not misled to.

use super::points;
use crate::statsd::aggregate::{Measure, Snapshot};
use std::fmt::Write;

/// The packets of one snapshot, each of at most `packet_bytes_max` bytes unless a single line is longer.
pub fn encode(snapshot: &Snapshot, prefix: &str, packet_bytes_max: usize) -> Vec<String> {
    let mut packets = Vec::new();
    let mut packet = String::new();
    let mut line = String::new();
    points::for_each(snapshot, |series, name, value| {
        let (suffix_dropped, counts) = match &series.measure {
            // The receiver makes rates itself, and the counter keeps its name.
            Measure::Counter { .. } if name.ends_with(".rate") => return,
            Measure::Counter { .. } => (".count", true),
            Measure::Distribution { .. } => ("", name.ends_with(".count")),
            Measure::Gauge(_) | Measure::Set(_) => ("", false),
        };
        if counts && value == 0.0 {
            return;
        }
        line.clear();
        points::push_sanitised(&mut line, prefix, is_allowed);
        points::push_sanitised(&mut line, name.strip_suffix(suffix_dropped).unwrap_or(name), is_allowed);
        let start = line.len();
        // Writing to a string does not fail.
        let _ = write!(line, ":{value}|{}", if counts { 'c' } else { 'g' });
        for (index, (tag, text)) in series.key.labels.tags().enumerate() {
            line.push_str(if index == 0 { "|#" } else { "," });
            line.push_str(tag);
            line.push(':');
            points::push_sanitised(&mut line, text, |c| !(matches!(c, '|' | ',') || c.is_control()));
        }
        // A gauge below zero would be read as a change: it is set to zero first.
        if !counts && value.is_sign_negative() {
            let zero = format!("{}:0|g{}\n", &line[..start], line.find("|#").map_or("", |tags| &line[tags..]));
            line.insert_str(0, &zero);
        }
        if !packet.is_empty() && packet.len() + 1 + line.len() > packet_bytes_max {
            packets.push(std::mem::take(&mut packet));
        }
        if !packet.is_empty() {
            packet.push('\n');
        }
        packet.push_str(&line);
    });
    if !packet.is_empty() {
        packets.push(packet);
    }
    packets
}

fn is_allowed(c: char) -> bool {
    !(matches!(c, ':' | '|' | '@' | '#') || c.is_control() || c.is_whitespace())
}
