//! Graphite's plaintext protocol: `name;tag=value value seconds\n`, with the tags of Graphite 1.1.
//! <https://graphite.readthedocs.io/en/latest/tags.html>

use super::points;
use crate::statsd::aggregate::Snapshot;
use std::fmt::Write;

/// The lines of one snapshot; `prefix` goes in front of each name, with its dot.
pub fn encode(snapshot: &Snapshot, prefix: &str) -> String {
    let at_s = snapshot.at.0.div_euclid(1000);
    let mut out = String::with_capacity(snapshot.series.len() * 64);
    points::for_each(snapshot, |series, name, value| {
        points::push_sanitised(&mut out, prefix, is_allowed);
        points::push_sanitised(&mut out, name, is_allowed);
        for (tag, text) in series.key.labels.tags() {
            out.push(';');
            out.push_str(tag);
            out.push('=');
            // A value may be nearly anything, but not begin with `~`.
            points::push_sanitised(&mut out, text, |c| !(c == ';' || c == '~' || c.is_whitespace() || c.is_control()));
        }
        // Writing to a string does not fail.
        let _ = writeln!(out, " {value} {at_s}");
    });
    out
}

/// What may be in a path without meaning something to Graphite or to a file system.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '%' | '#' | '@')
}
