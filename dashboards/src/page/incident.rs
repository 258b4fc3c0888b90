use super::layout::{Refresh, frame};
use super::{check, rows, timeline};
use crate::model::IncidentDetail;
use crate::wording::clock;
use maud::{Markup, html};

pub(crate) fn incident(detail: &IncidentDetail) -> Markup {
    let row = &detail.row;
    let class = match (row.closed_at, row.severity) {
        (Some(_), _) => "good",
        (None, crate::model::Severity::P1) => "bad",
        (None, crate::model::Severity::P2) => "warn",
    };
    let title = format!("Incident #{} {}", row.number, row.check);
    let body = html! {
        section.hero.(class) {
            h1 { "#" (row.number) " " (row.check) }
            p { (row.severity.as_str()) ", " (rows::lifetime(row, detail.now)) }
        }
        section.card {
            p.pre { (row.reason) }
            @if let Some(standing) = &row.standing { p { span.badge.idle { (standing) } } }
            p.chips {
                @for failing in &row.regions { span.chip { (failing.region) " × " (failing.failures_in_a_row) } }
                a.chip href={ "/check/" (row.check) } { "results of " (row.check) }
            }
        }
        @if !detail.failures.is_empty() {
            section.card {
                h2 { "What failed" }
                (timeline::legend())
                @for (index, result) in detail.failures.iter().enumerate() {
                    p.chips { span.chip { (result.key.region) } }
                    (check::drawn(result, detail.now, index == 0))
                }
            }
        }
        section.card {
            h2 { "What happened" }
            ol.trail {
                @for entry in &detail.trail {
                    li {
                        time.muted datetime=(entry.at) title=(entry.at) { (clock(entry.at, detail.now)) }
                        span.pre { (entry.text) }
                    }
                }
            }
        }
        section.card {
            h2 { "Who was told" }
            @if detail.notifications.is_empty() { p.muted { "Nobody." } }
            @else { (rows::notifications(&detail.notifications, detail.now)) }
        }
    };
    frame(&title, Refresh::EverySeconds(5), Some(detail.now), &body)
}
