//! Tables that several pages show.

use crate::model::{Delivery, IncidentRow, NotificationRow, RuleRow, RuleState, Severity, SilenceRow};
use crate::wording::{ago, clock, span};
use checks::UnixMs;
use maud::{Markup, html};

pub(super) fn severity(severity: Severity) -> Markup {
    let class = match severity {
        Severity::P1 => "bad",
        Severity::P2 => "warn",
    };
    html! { span.badge.(class) { (severity.as_str()) } }
}

/// Open incidents say since when, closed ones how long they were open.
pub(super) fn incidents(incidents: &[IncidentRow], now: UnixMs) -> Markup {
    html! {
        ul.list {
            @for incident in incidents {
                li {
                    div.line {
                        @if incident.closed_at.is_some() { span.badge.idle { (incident.severity.as_str()) } }
                        @else { (severity(incident.severity)) }
                        a.strong href={ "/incident/" (incident.number) } { "#" (incident.number) " " (incident.check) }
                        span.muted.right { (lifetime(incident, now)) }
                    }
                    p.detail { (incident.reason) }
                    @if let Some(standing) = &incident.standing { p.detail { span.badge.idle { (standing) } } }
                    @if incident.closed_at.is_none() && !incident.regions.is_empty() {
                        p.chips {
                            @for failing in &incident.regions {
                                span.chip { (failing.region) " × " (failing.failures_in_a_row) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn lifetime(incident: &IncidentRow, now: UnixMs) -> Markup {
    html! {
        @match incident.closed_at {
            None => { "open for " (span(now.since_ms(incident.opened_at) / 1_000)) }
            Some(at) => {
                "closed " time datetime=(at) title=(at) { (ago(at, now)) }
                ", open for " (span(at.since_ms(incident.opened_at) / 1_000))
            }
        }
    }
}

/// What nobody is told of, by whom and for how long.
pub(super) fn silences(silences: &[SilenceRow], now: UnixMs) -> Markup {
    html! {
        ul.list {
            @for silence in silences {
                @let begins = silence.from.filter(|from| *from > now);
                li {
                    div.line {
                        span.badge.idle { (if silence.is_maintenance { "maintenance" } else { "silence" }) }
                        span.strong { (silence.about) }
                        span.muted { "#" (silence.id) " by " (silence.by) }
                        time.muted.right datetime=(silence.until) title=(silence.until) {
                            @if let Some(from) = begins { "begins in " (span(from.since_ms(now) / 1_000)) ", " }
                            (span(silence.until.since_ms(now) / 1_000)) " left"
                        }
                    }
                    @if !silence.why.is_empty() { p.detail.pre { (silence.why) } }
                }
            }
        }
    }
}

/// What fires, waits or fails each on a line of its own; what is quiet in one.
pub(super) fn rules(rules: &[RuleRow], now: UnixMs) -> Markup {
    let quiet: Vec<&str> =
        rules.iter().filter(|rule| rule.state == RuleState::Quiet).map(|rule| rule.name.as_str()).collect();
    html! {
        ul.list {
            @for rule in rules.iter().filter(|rule| rule.state != RuleState::Quiet) {
                @let (class, word) = rule_state(rule.state);
                li {
                    div.line {
                        span.badge.(class) { (word) }
                        span.strong { (rule.name) }
                        span.muted.grow { (rule.labels) }
                        @if !rule.value.is_empty() { code { (rule.value) } }
                        @if let Some(since) = rule.since {
                            time.muted.right datetime=(since) title=(since) { "for " (span(now.since_ms(since) / 1_000)) }
                        }
                    }
                    p.detail.pre { (rule.detail) }
                }
            }
        }
        @if !quiet.is_empty() { p.detail.muted { (quiet.len()) " quiet: " (quiet.join(", ")) } }
    }
}

fn rule_state(state: RuleState) -> (&'static str, &'static str) {
    match state {
        RuleState::Firing => ("bad", "firing"),
        RuleState::Pending => ("warn", "pending"),
        RuleState::Failing => ("warn", "no answer"),
        RuleState::Quiet => ("good", "quiet"),
    }
}

pub(super) fn notifications(notifications: &[NotificationRow], now: UnixMs) -> Markup {
    html! {
        ul.list {
            @for notification in notifications {
                @let (class, word) = delivery(notification.delivery);
                li {
                    div.line {
                        span.badge.(class) { (word) }
                        span.strong { (notification.recipient) }
                        @if let Some(number) = notification.incident {
                            a.muted href={ "/incident/" (number) } { "#" (number) }
                        }
                        time.muted.right datetime=(notification.at) title=(notification.at) { (clock(notification.at, now)) }
                    }
                    p.detail.pre { (notification.text) }
                    @if !arrived(notification.delivery) || notification.attempts > 1 {
                        p.detail.muted {
                            (notification.outcome)
                            @if notification.attempts > 1 { ", " (notification.attempts) " attempts" }
                        }
                    }
                }
            }
        }
    }
}

/// Then the badge says it all.
fn arrived(delivery: Delivery) -> bool {
    matches!(delivery, Delivery::Delivered | Delivery::Printed)
}

fn delivery(delivery: Delivery) -> (&'static str, &'static str) {
    match delivery {
        Delivery::Pending => ("warn", "pending"),
        Delivery::Delivered => ("good", "delivered"),
        Delivery::Printed => ("idle", "printed"),
        Delivery::Failed => ("bad", "failed"),
    }
}
