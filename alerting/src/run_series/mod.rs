//! Each run of a check as samples, so that a rule on `tocsin_check_duration_seconds` works from the first minute. Pure.
//!
//! | series | labels | value |
//! | --- | --- | --- |
//! | `tocsin_check_up` | check, region | 1 where the run passed, 0 where it failed |
//! | `tocsin_check_duration_seconds` | check, region | the whole run |
//! | `tocsin_check_failures` | check, region, class | 1 for the class that the run failed with |
//! | `tocsin_check_step_duration_seconds` | check, region, step | a step that ended, summed where a run has it several times |
//! | `tocsin_check_step_up` | check, region, step | 0 where something was thrown out of it |
//! | `tocsin_check_phase_duration_seconds` | check, region, step, phase | the requests' phases (`dns`, `connect`, `tls`, `first_byte`, `download`), summed |
//! | `tocsin_check_certificate_days_left` | check, region, host | of the leaf |
//! | `tocsin_check_metric` | check, region, metric, unit, and the tags | what the script measured with `metric(...)`; the last where a run has it several times |
//! | `tocsin_check_skipped` | check, region | 1 for a run that its script skipped |
//!
//! All are gauges at the instant at which the run ended. A slot that was missed says nothing about the target: it gives no
//! sample, and `absent_over_time` sees the hole. Nor does a run that was skipped: it gives `tocsin_check_skipped` and what
//! it measured, but no `tocsin_check_up`. A failure that is not the target's own (of the script, or of the prober) gives
//! its class and the duration, but no `tocsin_check_up`.

use crate::sample::{Sample, SampleKind, SampleLabel, SampleLabels};
use checks::{FailureClass, Metric, Outcome, Request, RunResult, UnixMs};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps of one run that become series. Names of steps come from scripts, and may have numbers in them.
const STEPS_MAX: usize = 100;
/// Bytes of a step's name that become a label.
const STEP_BYTES_MAX: usize = 200;

/// The samples of one run, and how many steps were beyond [`STEPS_MAX`] names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunSamples {
    pub samples: Vec<Sample>,
    pub steps_left_out: usize,
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

fn label(name: &str, value: &str) -> SampleLabel {
    (Arc::from(name), Arc::from(value))
}

/// The host of a URL, without its port.
fn host_of(url: &str) -> Option<&str> {
    let after = url.split_once("://")?.1;
    let authority = after.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    match host.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => host.split(':').next(),
    }
}

fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(STEP_BYTES_MAX)]
}

/// The name of a step with those of the steps around it: `sign up › verify`. Parents come before their children; a
/// document that says otherwise is not followed in circles.
fn step_path(result: &RunResult, index: usize) -> String {
    let mut names = vec![shortened(&result.steps[index].name)];
    let mut at = index;
    while let Some(parent) = result.steps[at].parent.map(|parent| parent as usize).filter(|parent| *parent < at) {
        names.push(shortened(&result.steps[parent].name));
        at = parent;
    }
    names.reverse();
    shortened(&names.join(" › ")).to_owned()
}

/// What a run says, as samples at the instant it ended.
pub fn samples_of(result: &RunResult) -> RunSamples {
    let (class, skipped) = match &result.outcome {
        Outcome::Missed { .. } => return RunSamples::default(),
        Outcome::Skipped { .. } => (None, true),
        Outcome::Passed => (None, false),
        Outcome::Failed(failure) => (Some(failure.class), false),
    };
    let at: UnixMs = result.started_at + result.duration_us / 1000;
    let own = [label("check", result.key.check.as_str()), label("region", result.key.region.as_str())];
    let mut out = RunSamples::default();
    let mut put = |metric: &str, extra: &[SampleLabel], value: f64| {
        let labels = SampleLabels::new(metric, own.iter().chain(extra).cloned());
        out.samples.push(Sample { labels, kind: SampleKind::Gauge, at, value });
    };
    put("tocsin_check_duration_seconds", &[], seconds(result.duration_us));
    if skipped {
        put("tocsin_check_skipped", &[], 1.0);
    } else if class.is_none_or(FailureClass::blames_target) {
        put("tocsin_check_up", &[], if class.is_none() { 1.0 } else { 0.0 });
    }
    if let Some(class) = class {
        put("tocsin_check_failures", &[label("class", class.as_str())], 1.0);
    }

    let paths: Vec<String> = (0..result.steps.len()).map(|index| step_path(result, index)).collect();
    let mut steps: BTreeMap<&str, (Option<u64>, bool)> = BTreeMap::new();
    let mut left_out = 0;
    for (step, path) in result.steps.iter().zip(&paths) {
        if steps.len() >= STEPS_MAX && !steps.contains_key(path.as_str()) {
            left_out += 1;
            continue;
        }
        let (duration_us, failed) = steps.entry(path).or_default();
        if let Some(more_us) = step.duration_us {
            *duration_us = Some(duration_us.unwrap_or(0).saturating_add(more_us));
        }
        *failed |= step.error.is_some();
    }
    for (path, (duration_us, failed)) in &steps {
        let step = [label("step", path)];
        if let Some(duration_us) = duration_us {
            put("tocsin_check_step_duration_seconds", &step, seconds(*duration_us));
        }
        put("tocsin_check_step_up", &step, if *failed { 0.0 } else { 1.0 });
    }

    let mut phases: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut days_left: BTreeMap<&str, i64> = BTreeMap::new();
    for request in &result.requests {
        let step = step_of(request, &paths).filter(|path| steps.contains_key(path)).unwrap_or_default();
        for (phase, us) in request.phases.named() {
            let total_us = phases.entry((step, phase)).or_default();
            *total_us = total_us.saturating_add(us);
        }
        let leaf = request.tls.as_ref().and_then(|tls| tls.certificates.first());
        if let (Some(leaf), Some(host)) = (leaf, host_of(&request.url)) {
            let least = days_left.entry(host).or_insert(leaf.days_left);
            *least = leaf.days_left.min(*least);
        }
    }
    for ((step, phase), us) in phases {
        let labels = [label("step", step), label("phase", &phase.replace(' ', "_"))];
        put("tocsin_check_phase_duration_seconds", &labels, seconds(us));
    }
    for (host, days) in days_left {
        put("tocsin_check_certificate_days_left", &[label("host", host)], days as f64);
    }
    let mut metrics: BTreeMap<Vec<SampleLabel>, f64> = BTreeMap::new();
    for metric in &result.metrics {
        metrics.insert(metric_labels(metric), metric.value);
    }
    for (labels, value) in metrics {
        put("tocsin_check_metric", &labels, value);
    }
    out.steps_left_out = left_out;
    out
}

/// A tag cannot take the place of a label that says whose metric it is.
fn metric_labels(metric: &Metric) -> Vec<SampleLabel> {
    const OWN: [&str; 4] = ["check", "region", "metric", "unit"];
    let unit = metric.unit.as_deref().map(|unit| label("unit", unit));
    let tags = metric.tags.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let tags = tags.map(|(name, value)| label(name, value));
    std::iter::once(label("metric", &metric.name)).chain(unit).chain(tags).collect()
}

fn step_of<'a>(request: &Request, paths: &'a [String]) -> Option<&'a str> {
    paths.get(request.step? as usize).map(String::as_str)
}

#[cfg(test)]
mod tests;
