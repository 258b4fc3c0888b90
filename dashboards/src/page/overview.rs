use super::layout::{Refresh, frame};
use super::rows;
use crate::model::{BrokenScript, Cell, CheckRow, Overview, RunBrief, Verdict};
use crate::wording::{ago, duration, span};
use crate::{State, state};
use checks::{Region, UnixMs};
use maud::{Markup, html};

const REFRESH_SECONDS: u32 = 5;

pub(crate) fn overview(overview: &Overview) -> Markup {
    let state = state(overview);
    let now = overview.now;
    let body = html! {
        (hero(&state, overview))
        @if !overview.incidents_open.is_empty() {
            section.card { h2 { "Open incidents" } (rows::incidents(&overview.incidents_open, now)) }
        }
        @if !overview.silences.is_empty() {
            section.card { h2 { "Silenced" } (rows::silences(&overview.silences, now)) }
        }
        @if !overview.scripts_broken.is_empty() { (scripts_broken(&overview.scripts_broken)) }
        @if !overview.notices.is_empty() {
            ul.notices { @for notice in &overview.notices { li { (notice) } } }
        }
        section.card {
            h2 { "Checks" }
            (grid(&overview.checks, &overview.regions, now))
        }
        @if !overview.rules.is_empty() {
            section.card { h2 { "Alert rules" } (rows::rules(&overview.rules, now)) }
        }
        div.columns {
            section.card {
                h2 { "Notifications" }
                @if overview.notifications.is_empty() { p.muted { "Nobody has been told anything." } }
                @else { (rows::notifications(&overview.notifications, now)) }
            }
            section.card {
                h2 { "Closed incidents" }
                @if overview.incidents_closed.is_empty() { p.muted { "None." } }
                @else { (rows::incidents(&overview.incidents_closed, now)) }
            }
        }
        footer.muted {
            "Tocsin " (overview.version) ", up for " (span(now.since_ms(overview.started_at) / 1_000)) ". "
            a href="/api/v1/status" { "The same as JSON" } " · " a href="/metrics/problems" { "What is wrong with my metrics?" }
        }
    };
    frame(&state.sentence(), Refresh::EverySeconds(REFRESH_SECONDS), Some(now), &body)
}

fn hero(state: &State, overview: &Overview) -> Markup {
    let streams: usize = overview.checks.iter().map(|check| check.cells.len()).sum();
    html! {
        section.hero.(state.class()) {
            h1 { (state.sentence()) }
            p {
                (overview.checks.len()) " checks in " (overview.regions.len()) " regions, " (streams) " streams · "
                (state.detail(overview))
            }
        }
    }
}

fn scripts_broken(scripts: &[BrokenScript]) -> Markup {
    html! {
        section.card.warn {
            h2 { "Refused check scripts" }
            ul.list {
                @for script in scripts {
                    li {
                        code.strong { (script.place) }
                        p.detail.pre { (script.message) }
                        @if let Some(help) = &script.help { p.detail.muted { (help) } }
                    }
                }
            }
        }
    }
}

fn grid(checks: &[CheckRow], regions: &[Region], now: UnixMs) -> Markup {
    html! {
        table.grid {
            thead { tr { th scope="col" { "Check" } @for region in regions { th scope="col" { (region) } } } }
            tbody {
                @for check in worst_first(checks) {
                    tr {
                        th scope="row" {
                            a href={ "/check/" (check.id) } { (check.id) }
                            @if let Some(number) = check.incident {
                                " " a.badge.bad href={ "/incident/" (number) } { "#" (number) }
                            }
                            @if !check.description.is_empty() { span.detail.muted { (check.description) } }
                        }
                        @for region in regions {
                            td data-label=(region) {
                                @match check.cells.iter().find(|cell| cell.region == *region) {
                                    Some(found) => (cell(found, now)),
                                    None => span.muted { "not run here" },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is broken must not be searched for; the rest stays where it always is.
fn worst_first(checks: &[CheckRow]) -> impl Iterator<Item = &CheckRow> {
    let broken = checks.iter().filter(|check| check.incident.is_some());
    broken.chain(checks.iter().filter(|check| check.incident.is_none()))
}

fn cell(cell: &Cell, now: UnixMs) -> Markup {
    let Some(last) = cell.recent.first() else { return html! { span.muted { "waiting" } } };
    let (class, symbol, explanation) = verdict(&last.verdict);
    html! {
        div.cell.(class) title=(explanation) {
            span.symbol role="img" aria-label=(class) { (symbol) }
            span.latency {
                @match &last.verdict {
                    Verdict::Missed { .. } => "missed",
                    Verdict::Skipped { .. } => "skipped",
                    _ => (duration(last.duration_us)),
                }
            }
            span.muted.age { (ago(last.started_at, now)) }
            (spark(&cell.recent))
        }
    }
}

/// The colour, the symbol for those who cannot see it, and the sentence.
pub(super) fn verdict(verdict: &Verdict) -> (&'static str, &'static str, &str) {
    match verdict {
        Verdict::Passed => ("good", "✓", "passed"),
        Verdict::Failed { class, message } if class.blames_target() => ("bad", "✗", message),
        Verdict::Failed { message, .. } => ("warn", "!", message),
        Verdict::Missed { reason } | Verdict::Skipped { reason } => ("idle", "–", reason),
    }
}

/// How many runs the small bars show.
const SPARK_RUNS: usize = 20;

/// The last runs as bars, oldest on the left, as high as they took long.
fn spark(recent: &[RunBrief]) -> Markup {
    let shown: Vec<&RunBrief> = recent.iter().take(SPARK_RUNS).collect();
    let longest_us = shown.iter().map(|run| run.duration_us).max().unwrap_or(0).max(1);
    let bars = shown.iter().rev().enumerate().map(|(index, run)| {
        let missing = SPARK_RUNS - shown.len();
        let height = 3 + run.duration_us * 13 / longest_us;
        (verdict(&run.verdict).0, (missing + index) * 5, height, 16 - height)
    });
    html! {
        svg.spark viewBox="0 0 100 16" width="100" height="16" aria-hidden="true" {
            @for (class, x, height, y) in bars { rect.(class) x=(x) y=(y) width="4" height=(height) rx="1" {} }
        }
    }
}
