//! "What is wrong with my metrics?"

use super::layout::{Refresh, frame};
use crate::model::MetricProblems;
use maud::{Markup, html};

pub(crate) fn metric_problems(found: &MetricProblems) -> Markup {
    let refused: u64 = found.problems.iter().map(|problem| problem.count).sum();
    let (class, headline) = match (found.listening.is_empty(), refused) {
        (true, _) => ("idle", "statsd is off".to_owned()),
        (false, 0) if found.dropped.is_empty() => ("good", "Every metric that came was taken".to_owned()),
        (false, 0) => ("warn", "Metrics were dropped".to_owned()),
        (false, _) => ("warn", format!("{refused} lines or values were not taken")),
    };
    let body = html! {
        section.hero.(class) {
            h1 { (headline) }
            @if found.listening.is_empty() {
                p { "Nothing listens for metrics: see [statsd] in the configuration, and the notices on the status page." }
            } @else {
                p { "Of " (found.values) " values since the start, on " (found.listening) "." }
            }
        }
        @if !found.problems.is_empty() {
            section.card {
                h2 { "What is wrong with them" }
                ul.list {
                    @for problem in &found.problems {
                        li {
                            div.line { span.badge.warn { (problem.count) } span.strong { (problem.reason) } }
                            pre { @for line in &problem.lines { (line) "\n" } }
                        }
                    }
                }
            }
        }
        @if !found.dropped.is_empty() {
            section.card {
                h2 { "What bounds and the network took away" }
                ul.list { @for (what, count) in &found.dropped { li { div.line { (what) span.right.strong { (count) } } } } }
            }
        }
        p { a href="/" { "To the status page" } " · " a href="/metrics" { "All metrics" } }
    };
    frame("What is wrong with my metrics", Refresh::EverySeconds(10), None, &body)
}
