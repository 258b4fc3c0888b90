//! The text that Prometheus scrapes.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use crate::sample::{Sample, SampleKind, SampleLabels, is_stale};
use crate::statsd::aggregate::{Interval, Measure, SeriesValue, Snapshot};
use std::fmt::Write;

/// The `Content-Type` of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The body of `/metrics`. All series of one metric follow each other under its `# TYPE`. Values carry no timestamp: a
/// scrape takes them as of now.
pub fn encode(snapshot: &Snapshot) -> String {
    let mut order: Vec<&SeriesValue> = snapshot.series.iter().collect();
    order.sort_by(|left, right| {
        let (left, right) = (&left.key.labels, &right.key.labels);
        left.metric().cmp(right.metric()).then_with(|| left.cmp(right))
    });
    let mut out = String::with_capacity(order.len() * 96);
    for metric in order.chunk_by(|left, right| left.key.labels.metric() == right.key.labels.metric()) {
        let Some(first) = metric.first() else { continue };
        let name = first.key.labels.metric();
        match first.measure {
            Measure::Counter { .. } => describe(&mut out, name, "counter"),
            Measure::Gauge(_) | Measure::Set(_) => describe(&mut out, name, "gauge"),
            Measure::Distribution { .. } => {
                summaries(&mut out, name, metric);
                continue;
            }
        }
        for series in metric {
            let value = match series.measure {
                Measure::Counter { total, .. } => total,
                Measure::Gauge(value) => value,
                Measure::Set(count) => count as f64,
                Measure::Distribution { .. } => continue,
            };
            line(&mut out, &series.key.labels, value);
        }
    }
    out
}

/// Samples that came another way than through a snapshot; of the same metric, they have the same kind.
pub fn encode_samples<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> String {
    let mut order: Vec<&Sample> = samples.into_iter().filter(|sample| !is_stale(sample.value)).collect();
    order.sort_by(|left, right| {
        let (left, right) = (&left.labels, &right.labels);
        left.metric().cmp(right.metric()).then_with(|| left.cmp(right))
    });
    let mut out = String::with_capacity(order.len() * 96);
    for metric in order.chunk_by(|left, right| left.labels.metric() == right.labels.metric()) {
        let Some(first) = metric.first() else { continue };
        let kind = match first.kind {
            SampleKind::Counter => "counter",
            SampleKind::Gauge => "gauge",
            // One part of a summary is none by itself.
            SampleKind::Summary => "untyped",
        };
        describe(&mut out, first.labels.metric(), kind);
        metric.iter().for_each(|sample| line(&mut out, &sample.labels, sample.value));
    }
    out
}

/// A summary; its least and greatest values are gauges beside it, which the format has no place for within it.
fn summaries(out: &mut String, name: &str, metric: &[&SeriesValue]) {
    describe(out, name, "summary");
    for series in metric {
        let (Measure::Distribution { count, sum, interval }, Some([count_labels, sum_labels, ..])) =
            (&series.measure, series.key.suffix_labels())
        else {
            continue;
        };
        let quantiles = match interval {
            Interval::Values(values) => values.quantiles,
            // As Prometheus's own clients say that nothing was observed.
            Interval::Nothing | Interval::Ended => [f64::NAN; 4],
        };
        for (labels, value) in series.key.quantile_labels().iter().zip(quantiles) {
            line(out, labels, value);
        }
        line(out, sum_labels, *sum);
        line(out, count_labels, *count);
    }
    for (suffix, least) in [("_min", true), ("_max", false)] {
        let mut described = false;
        for series in metric {
            let (Measure::Distribution { interval: Interval::Values(values), .. }, Some([_, _, min, max])) =
                (&series.measure, series.key.suffix_labels())
            else {
                continue;
            };
            if !std::mem::replace(&mut described, true) {
                describe(out, &format!("{name}{suffix}"), "gauge");
            }
            let (labels, value) = if least { (min, values.min) } else { (max, values.max) };
            line(out, labels, value);
        }
    }
}

fn describe(out: &mut String, name: &str, kind: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "# TYPE {name} {kind}");
}

fn line(out: &mut String, labels: &SampleLabels, value: f64) {
    out.push_str(labels.metric());
    let mut separator = '{';
    for (name, text) in labels.tags() {
        out.push(separator);
        separator = ',';
        out.push_str(name);
        out.push_str("=\"");
        for c in text.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                other => out.push(other),
            }
        }
        out.push('"');
    }
    if separator == ',' {
        out.push('}');
    }
    let _ = if value.is_nan() {
        writeln!(out, " NaN")
    } else if value.is_infinite() {
        writeln!(out, " {}Inf", if value > 0.0 { '+' } else { '-' })
    } else {
        writeln!(out, " {value}")
    };
}
