//! A run drawn over time: its steps as a tree, and below each step its requests with their phases.

use crate::wording::duration;
use checks::{Request, RunResult, Step};
use maud::{Markup, html};

/// The drawing's width in its own units; the page stretches it.
const WIDTH: u64 = 1_000;

/// What nobody would scroll through is not drawn.
const ROWS_MAX: usize = 200;

enum Row<'a> {
    Step(&'a Step),
    Request(&'a Request),
}

pub(super) fn timeline(result: &RunResult) -> Markup {
    let rows = ordered(result);
    let scale = Scale { total_us: result.duration_us.max(1) };
    html! {
        @if !rows.is_empty() {
            div.timeline {
                @for (depth, row) in rows.iter().take(ROWS_MAX) {
                    @match row {
                        Row::Step(found) => (step(found, *depth, scale)),
                        Row::Request(found) => (request(found, *depth, scale)),
                    }
                }
            }
            @if rows.len() > ROWS_MAX { p.detail.muted { (rows.len() - ROWS_MAX) " more rows are not drawn." } }
        }
    }
}

/// Depth first, each step's requests and inner steps in the order in which they began.
fn ordered(result: &RunResult) -> Vec<(usize, Row<'_>)> {
    let mut rows = Vec::with_capacity(result.steps.len() + result.requests.len());
    push_children(result, None, 0, &mut rows);
    rows
}

fn push_children<'a>(result: &'a RunResult, parent: Option<u32>, depth: usize, rows: &mut Vec<(usize, Row<'a>)>) {
    let index = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    // A parent always comes before its children, so that no chain of parents can be a circle.
    let inner = result
        .steps
        .iter()
        .enumerate()
        .filter(|(at, step)| step.parent == parent && parent.is_none_or(|parent| parent < index(*at)));
    let mut children: Vec<(u64, Option<u32>, Row<'a>)> =
        inner.map(|(at, step)| (step.start_us, Some(index(at)), Row::Step(step))).collect();
    let requests = result.requests.iter().filter(|request| request.step == parent);
    children.extend(requests.map(|request| (request.start_us, None, Row::Request(request))));
    children.sort_by_key(|(start_us, _, _)| *start_us);
    for (_, step, row) in children {
        rows.push((depth, row));
        if step.is_some() {
            push_children(result, step, depth + 1, rows);
        }
    }
}

#[derive(Clone, Copy)]
struct Scale {
    total_us: u64,
}

impl Scale {
    fn x(self, us: u64) -> u64 {
        us.min(self.total_us).saturating_mul(WIDTH) / self.total_us
    }

    /// Too short to see is still drawn.
    fn width(self, start_us: u64, duration_us: u64) -> u64 {
        (self.x(start_us.saturating_add(duration_us)) - self.x(start_us)).max(2)
    }
}

fn label_class(depth: usize) -> &'static str {
    ["label depth-0", "label depth-1", "label depth-2", "label depth-3"][depth.min(3)]
}

fn step(step: &Step, depth: usize, scale: Scale) -> Markup {
    let class = if step.error.is_some() || step.duration_us.is_none() { "bad" } else { "step" };
    let duration_us = step.duration_us.unwrap_or(scale.total_us.saturating_sub(step.start_us));
    html! {
        div class=(label_class(depth)) {
            span.strong { (step.name) }
            @if let Some(error) = &step.error { span.bad-text title=(error) { " ✗" } }
            @if step.duration_us.is_none() { span.bad-text { " did not end" } }
        }
        div.time { (duration(duration_us)) }
        svg.bar viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" aria-hidden="true" {
            rect.(class) x=(scale.x(step.start_us)) y="3" width=(scale.width(step.start_us, duration_us)) height="4" {}
        }
    }
}

fn request(request: &Request, depth: usize, scale: Scale) -> Markup {
    let mut at_us = request.start_us;
    let phases: Vec<(&'static str, u64, u64)> = request
        .phases
        .named()
        .map(|(name, us)| {
            let start_us = at_us;
            at_us = at_us.saturating_add(us);
            (name, start_us, us)
        })
        .collect();
    let bad = request.failure.is_some() || request.status.is_some_and(|status| status >= 500);
    html! {
        div class=(label_class(depth)) {
            span.muted { (request.method) " " }
            span.url title=(request.url) { (path(&request.url)) }
            @match (&request.failure, request.status) {
                (Some(failure), _) => span.bad-text title=(failure.message) { " ✗ " (failure.class) },
                (None, Some(status)) => span class=(if bad { "bad-text" } else { "muted" }) { " " (status) },
                (None, None) => {}
            }
        }
        div.time { (duration(at_us - request.start_us)) }
        svg.bar viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" role="img" aria-label=(spoken(request)) {
            @for (name, start_us, us) in phases {
                rect class=(phase_class(name)) x=(scale.x(start_us)) y="1" width=(scale.width(start_us, us)) height="8" {
                    title { (name) " " (duration(us)) }
                }
            }
        }
    }
}

/// The host is nearly always the same; the path tells requests apart.
fn path(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').map_or(after_scheme, |slash| &after_scheme[slash..])
}

fn spoken(request: &Request) -> String {
    let phases: Vec<String> = request.phases.named().map(|(name, us)| format!("{name} {}", duration(us))).collect();
    phases.join(", ")
}

fn phase_class(name: &str) -> &'static str {
    match name {
        "dns" => "phase-dns",
        "connect" => "phase-connect",
        "tls" => "phase-tls",
        "first byte" => "phase-wait",
        _ => "phase-download",
    }
}

pub(super) fn legend() -> Markup {
    let phases = ["dns", "connect", "tls", "first byte", "download"];
    html! {
        p.legend.muted {
            @for name in phases {
                span {
                    svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" {
                        rect class=(phase_class(name)) width="10" height="10" rx="2" {}
                    }
                    " " (name)
                }
            }
        }
    }
}
