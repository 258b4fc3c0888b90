//! A notification in plain text, for places without a markup of their own: the terminal and mail.

use super::{Notification, Span};
use crate::incident::{IncidentStatus, RegionCondition, milliseconds};
use std::fmt::Write as _;

/// A line with all that matters.
pub(crate) fn headline(notification: &Notification) -> String {
    let report = &notification.report;
    let lasted = Span(report.lasted_ms(notification.created_at));
    match report.status {
        IncidentStatus::Open => {
            let unwell: Vec<_> = report.unwell().map(|line| line.region.as_str()).collect();
            let failures = match report.failures_total {
                1 => "1 failure".to_owned(),
                many => format!("{many} failures"),
            };
            let place = if unwell.is_empty() { String::new() } else { format!(" in {}", unwell.join(", ")) };
            let standing = report.standing().map(|standing| format!("; {standing}")).unwrap_or_default();
            // What a signal says is its title: it fires, and no run of it fails.
            if report.signal.is_some() {
                let (label, number, title) = (&report.label, report.number, report.title());
                return format!("{label} #{number} {title} ({}; for {lasted}{standing})", report.reason);
            }
            format!(
                "{} #{} {} is failing{place} ({}; for {lasted}, {failures}{standing})",
                report.label,
                report.number,
                report.title(),
                report.reason,
            )
        }
        IncidentStatus::Recovered => format!("#{} {} recovered after {lasted}", report.number, report.title()),
        IncidentStatus::Closed => {
            format!("#{} {} closed after {lasted}: it {}", report.number, report.title(), report.closed_as())
        }
    }
}

/// Everything that a person may want to know, a fact a line.
pub(crate) fn in_full(notification: &Notification) -> String {
    let report = &notification.report;
    let failure = &report.failure;
    let mut text = headline(notification);
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{name:<13} {value}");
    };
    if !report.description.is_empty() {
        line("what", report.description.clone());
    }
    match &report.signal {
        Some(signal) => line("error", format!("{} ({})", failure.message, signal.key.source)),
        None => line("error", format!("{} ({})", failure.message, failure.class)),
    }
    if let Some(step) = &failure.step {
        line("step", step.clone());
    }
    if let Some(location) = &failure.location {
        line("at", location.clone());
    }
    line("failing since", report.failing_since.to_string());
    line("last success", report.last_success.map_or_else(|| "none seen".to_owned(), |at| at.to_string()));
    let grid: Vec<_> = report
        .regions
        .iter()
        .map(|line| match line.condition {
            RegionCondition::Unknown => format!("{} ?", line.region),
            RegionCondition::Passing => format!("{} ok", line.region),
            RegionCondition::Recovering => format!("{} recovering", line.region),
            RegionCondition::Failing => {
                format!("{} FAILING ({} in a row)", line.region, line.failures_in_a_row)
            }
        })
        .collect();
    if report.signal.is_none() {
        line("regions", grid.join(" · "));
        line("run", milliseconds(failure.duration_us));
    }
    for timing in &failure.timings {
        line("", timing.clone());
    }
    if let Some(url) = &report.runbook_url {
        line("runbook", url.clone());
    }
    text
}
