use super::layout::{Refresh, frame};
use super::overview::verdict;
use super::{exchange, rows, timeline};
use crate::model::{CheckDetail, RegionResults, RunBrief};
use crate::wording::{clock, duration, span};
use checks::{Failure, Outcome, RunResult, UnixMs};
use maud::{Markup, html};

/// How many results of a region are drawn in full, beside those that failed; the others are one line each.
const RESULTS_DRAWN: usize = 3;

pub(crate) fn check(detail: &CheckDetail) -> Markup {
    let row = &detail.row;
    let body = html! {
        section.title {
            h1 { (row.id) }
            @if !row.description.is_empty() { p { (row.description) } }
            p.chips {
                span.chip { (row.schedule) @if let Some(zone) = &detail.time_zone { " (" (zone) ")" } }
                span.chip { "timeout " (timeout(row.timeout_ms)) }
                @for tag in &row.tags { span.chip { (tag) } }
                code.chip { (detail.script) }
                @if let Some(url) = detail.runbook_url.as_deref().filter(|url| is_web_address(url)) {
                    a.chip href=(url) rel="noreferrer" { "runbook" }
                }
            }
        }
        @if !detail.incidents.is_empty() {
            section.card { h2 { "Incidents" } (rows::incidents(&detail.incidents, detail.now)) }
        }
        (timeline::legend())
        @for region in &detail.regions { (region_results(region, detail.now)) }
    };
    frame(row.id.as_str(), Refresh::EverySeconds(15), Some(detail.now), &body)
}

/// Most are whole seconds.
fn timeout(timeout_ms: u64) -> String {
    if timeout_ms.is_multiple_of(1_000) { span(timeout_ms / 1_000) } else { format!("{timeout_ms} ms") }
}

/// A script's author writes the address; a page links to nothing but the web.
fn is_web_address(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn region_results(region: &RegionResults, now: UnixMs) -> Markup {
    html! {
        section.card {
            h2.name { (region.region) }
            @if region.results.is_empty() { p.muted { "No result yet." } }
            @for (index, result) in region.results.iter().enumerate() {
                @if index < RESULTS_DRAWN || result.failure().is_some() { (drawn(result, now, index == 0)) } @else { (line(result, now)) }
            }
        }
    }
}

fn summary(result: &RunResult, now: UnixMs) -> Markup {
    let brief = RunBrief::from(result);
    let (class, symbol, explanation) = verdict(&brief.verdict);
    html! {
        span.cell.(class) { span.symbol role="img" aria-label=(class) { (symbol) } }
        time datetime=(result.started_at) title=(result.started_at) { (clock(result.started_at, now)) }
        @if !matches!(result.outcome, Outcome::Missed { .. }) { span.latency { (duration(result.duration_us)) } }
        span.muted.grow { (explanation.lines().next().unwrap_or_default()) }
    }
}

fn line(result: &RunResult, now: UnixMs) -> Markup {
    html! { div.run { (summary(result, now)) } }
}

/// A run with all that is known of it.
pub(super) fn drawn(result: &RunResult, now: UnixMs, open: bool) -> Markup {
    html! {
        details.run open[open] {
            summary { (summary(result, now)) }
            @if let Some(failed) = result.failure() { (failure(failed)) }
            (timeline::timeline(result))
            @if result.failure().is_some() { (exchange::exchanges(result)) }
            @if !result.console.is_empty() {
                pre.console {
                    @for line in &result.console { (format!("{:>9}  {}\n", duration(line.at_us), line.text)) }
                }
            }
            @if !result.dropped.is_nothing() {
                p.detail.muted {
                    "Not kept: " (result.dropped.steps) " steps, " (result.dropped.requests) " requests, "
                    (result.dropped.console_lines) " console lines, " (result.dropped.metrics) " metrics, "
                    (result.dropped.soft_failures) " soft failures."
                }
            }
        }
    }
}

fn failure(failure: &Failure) -> Markup {
    html! {
        div.failure {
            p.line {
                span.badge.bad { (failure.class) }
                @if let Some(step) = &failure.step { span.strong { (step) } }
                @if let Some(location) = &failure.location { code { (location) } }
            }
            p.pre { (failure.message) }
            @if !failure.stack.is_empty() { details { summary { "Stack" } pre { (failure.stack) } } }
            @for soft in &failure.soft {
                p.detail.pre {
                    "✗ " (soft.message)
                    @if let Some(location) = &soft.location { " " code { (location) } }
                }
            }
        }
    }
}
