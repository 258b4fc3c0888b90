//! A post that several incidents share: one list, in which each keeps its line.

use super::text::{escape, truncate};
use crate::incident::{IncidentReport, IncidentStatus};
use crate::notification::{Notification, Span};

/// Lines of the list; the rest is counted.
const LINES_MAX: usize = 60;
/// What a line says of an error.
const ERROR_CHARS_MAX: usize = 80;
/// Entries that one message of the thread lists.
const ENTRIES_MAX: usize = 30;

/// Every incident that the post shows: its own, those that left with it, those that joined it.
pub(super) fn reports(notification: &Notification) -> Vec<&IncidentReport> {
    let mut all: Vec<&IncidentReport> = vec![&notification.report];
    let others = notification.folded.iter().map(|other| &other.report).chain(&notification.shared_with);
    for report in others {
        if all.iter().all(|known| known.number != report.number) {
            all.push(report);
        }
    }
    all.sort_by_key(|report| report.number);
    all
}

/// One line with all that matters, for a telephone.
pub(super) fn headline(reports: &[&IncidentReport]) -> String {
    let open: Vec<_> = reports.iter().filter(|report| report.status == IncidentStatus::Open).collect();
    match open.as_slice() {
        [] => format!("all {} incidents are over", reports.len()),
        [first] => format!("{}: {} is failing, {} are over", first.label, escape(first.title()), reports.len() - 1),
        [first, rest @ ..] => {
            // The highest label counts: P1 comes before P2.
            let label = open.iter().map(|report| report.label.as_str()).min().unwrap_or(&first.label);
            format!("{}: {} and {} more are failing", escape(label), escape(first.title()), rest.len())
        }
    }
}

/// The list, what still fails first, in pieces of at most `chars_max` characters.
pub(super) fn lists(reports: &[&IncidentReport], chars_max: usize) -> Vec<String> {
    let mut sorted: Vec<&&IncidentReport> = reports.iter().collect();
    sorted.sort_by_key(|report| (report.status != IncidentStatus::Open, report.number));
    let mut pieces: Vec<String> = vec![String::new()];
    let mut add = |line: String| {
        let last = pieces.last_mut().expect("there is always a piece");
        if last.chars().count() + line.chars().count() + 1 > chars_max {
            pieces.push(line);
        } else {
            if !last.is_empty() {
                last.push('\n');
            }
            last.push_str(&line);
        }
    };
    for report in sorted.iter().take(LINES_MAX) {
        add(line(report));
    }
    if sorted.len() > LINES_MAX {
        add(format!("and {} more", sorted.len() - LINES_MAX));
    }
    pieces
}

fn line(report: &IncidentReport) -> String {
    let title = escape(report.title());
    match report.status {
        IncidentStatus::Open => {
            let standing = report.standing().map(|standing| format!(" · {}", escape(&standing))).unwrap_or_default();
            let error = escape(&crate::incident::shorten(
                report.failure.message.lines().next().unwrap_or_default(),
                ERROR_CHARS_MAX,
            ));
            format!(":red_circle: *{}* #{} *{title}*: {error}{standing}", escape(&report.label), report.number)
        }
        IncidentStatus::Recovered => {
            let after = Span(report.lasted_ms(report.ended_at.unwrap_or(report.opened_at)));
            format!(":white_check_mark: #{} {title} recovered after {after}", report.number)
        }
        IncidentStatus::Closed => format!(":heavy_minus_sign: #{} {title} closed", report.number),
    }
}

/// An entry of the thread for several incidents: each on a line of its own.
pub(super) fn entries(notification: &Notification, chars_max: usize) -> String {
    let own = (&notification.saying, &notification.report);
    let all: Vec<_> =
        std::iter::once(own).chain(notification.folded.iter().map(|other| (&other.saying, &other.report))).collect();
    let mut lines: Vec<String> = all
        .iter()
        .take(ENTRIES_MAX)
        .map(|(saying, report)| {
            let mark = if saying.ends() { ":white_check_mark: " } else { "" };
            format!("{mark}*#{} {}* {}", report.number, escape(report.title()), escape(&saying.to_string()))
        })
        .collect();
    if all.len() > ENTRIES_MAX {
        lines.push(format!("and {} more", all.len() - ENTRIES_MAX));
    }
    truncate(&lines.join("\n"), chars_max)
}
