use super::gsm7::{fit, segments, transliterate};
use crate::incident::{IncidentReport, IncidentStatus};
use crate::notification::{Notification, PageReason, Saying, Span};
use checks::UnixMs;
use chrono::Timelike;

/// Longer than this nobody reads at night, and each costs.
const SEGMENTS_MAX: usize = 2;
/// So that the regions and the class stay in the first segment.
const CHECK_CHARS_MAX: usize = 50;
const REGIONS_NAMED_MAX: usize = 3;
/// The failing half of a message that has two.
const STORM_CHARS_MAX: usize = 200;

/// The text of an SMS. Pure. What failed, where, since when and why one is woken stand in the first 160 characters; the
/// error follows. Where an answer is taken, it says which, if that fits before the end of the first segment.
pub fn body(notification: &Notification, takes_answers: bool) -> String {
    let told = notification.told();
    if told.len() > 1 {
        return fit(&transliterate(&storm(&told, takes_answers)), SEGMENTS_MAX);
    }
    let (saying, report) = told[0];
    let check = fit_chars(report.title(), CHECK_CHARS_MAX);
    let text = match report.status {
        IncidentStatus::Open => {
            let failure = &report.failure;
            let place = match &report.signal {
                Some(_) => String::new(),
                None => format!(" in {}", regions(report)),
            };
            // What a signal says is its title: it fires, and no run of it fails.
            let fails = if report.signal.is_some() { "" } else { " fails" };
            let class = report.signal.as_ref().map_or(failure.class.as_str(), |signal| signal.key.source.as_str());
            let mut text = format!(
                "{} #{} {check}{fails}{place} since {} UTC ({class})",
                report.label,
                report.number,
                clock(report.failing_since),
            );
            text.push_str(&again([saying]));
            if let Saying::Page { reason: PageReason::Undelivered { address, .. }, .. } = saying {
                text.push_str(&format!(" [{address} undelivered]"));
            }
            if takes_answers && report.acknowledged.is_none() {
                let hint = format!(". Reply ACK {}", report.number);
                if segments(&transliterate(&format!("{text}{hint}: "))) == 1 {
                    text.push_str(&hint);
                }
            }
            text.push_str(": ");
            if let Some(step) = &failure.step {
                text.push_str(&format!("{step}: "));
            }
            text.push_str(&failure.message);
            text
        }
        IncidentStatus::Recovered => format!(
            "OK #{} {check} recovered at {} UTC after {}",
            report.number,
            clock(report.ended_at.unwrap_or(notification.created_at)),
            lasted(report)
        ),
        IncidentStatus::Closed => format!(
            "CLOSED #{} {check} {}, at {} UTC after {}",
            report.number,
            report.closed_as(),
            clock(report.ended_at.unwrap_or(notification.created_at)),
            lasted(report)
        ),
    };
    let one_line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    fit(&transliterate(&one_line), SEGMENTS_MAX)
}

/// Many incidents in one message: `P1 login-password and 49 more fail, #12 #13 ...: login-token, ...`. What fails comes
/// before what is over.
fn storm(told: &[(&Saying, &IncidentReport)], takes_answers: bool) -> String {
    let (over, failing): (Vec<_>, Vec<_>) =
        told.iter().map(|(saying, report)| (saying.ends(), *report)).partition(|(ends, _)| *ends);
    let named = |reports: &[(bool, &IncidentReport)]| {
        reports.iter().map(|(_, r)| format!("{} #{}", r.title(), r.number)).collect::<Vec<_>>().join(", ")
    };
    let mut parts = Vec::new();
    for (reports, verb) in [(&failing, "fail"), (&over, "are over")] {
        let Some((_, first)) = reports.first() else { continue };
        let label = if verb == "fail" { &first.label } else { "OK" };
        let title = fit_chars(first.title(), CHECK_CHARS_MAX);
        let text = match reports.len() {
            1 if verb == "fail" => {
                format!("{label} #{} {title} fails{}", first.number, again(told.iter().map(|(saying, _)| *saying)))
            }
            1 => format!("{label} #{} {title} is over", first.number),
            count if verb == "fail" => format!(
                "{label} {title} and {} more fail since {} UTC{}{}: {}",
                count - 1,
                clock(first.failing_since),
                again(told.iter().map(|(saying, _)| *saying)),
                if takes_answers { ". Reply ACK ALL" } else { "" },
                named(reports)
            ),
            count => format!("{label} {title} and {} more {verb}: {}", count - 1, named(reports)),
        };
        parts.push(text);
    }
    // What is over is short, so that it is seen behind a long list of what fails.
    if parts.len() == 2 {
        parts[0] = fit_chars(&parts[0], STORM_CHARS_MAX);
    }
    parts.join("; ")
}

/// What tells a repeat from the text before it, for whoever reads both and for whoever looks for one of them in a list.
fn again<'a>(sayings: impl IntoIterator<Item = &'a Saying>) -> String {
    let times = sayings.into_iter().filter_map(|saying| match saying {
        Saying::Again { reason: PageReason::Repeated { times, .. }, .. } => Some(*times),
        Saying::Again { .. } => Some(0),
        _ => None,
    });
    match times.max() {
        None => String::new(),
        // The end of what held it back is no repeat that is counted.
        Some(0) => " [again]".to_owned(),
        Some(times) => format!(" [again {times}]"),
    }
}

fn lasted(report: &IncidentReport) -> Span {
    Span(report.lasted_ms(report.ended_at.unwrap_or(report.opened_at)))
}

fn fit_chars(text: &str, chars_max: usize) -> String {
    crate::incident::shorten(text, chars_max)
}

fn regions(report: &IncidentReport) -> String {
    let unwell: Vec<&str> = report.unwell().map(|line| line.region.as_str()).collect();
    let named = unwell.iter().take(REGIONS_NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    match unwell.len().saturating_sub(REGIONS_NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn clock(at: UnixMs) -> String {
    match at.to_utc() {
        Some(at) => format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second()),
        None => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{RegionCondition, sample};
    use crate::notification::Role;

    #[test]
    fn bodies_say_the_essential_first() {
        let mut page = sample::notification(Role::Post);
        assert_eq!(
            body(&page, false),
            "P1 #7 login-password fails in eu-west-1 since 20:39:30 UTC (http): login > token: expected 200, got 503"
        );
        assert_eq!(
            body(&page, true),
            "P1 #7 login-password fails in eu-west-1 since 20:39:30 UTC (http). Reply ACK 7: login > token: expected 200, got 503"
        );
        let acknowledged =
            crate::incident::Acknowledged { at: page.created_at, by: "Ada".to_owned(), via: crate::act::Via::Sms };
        page.report.acknowledged = Some(acknowledged);
        assert_eq!(body(&page, true), body(&page, false), "it is taken care of");
        page.report.status = IncidentStatus::Recovered;
        page.report.ended_at = Some(page.report.opened_at + 31_000);
        assert_eq!(body(&page, false), "OK #7 login-password recovered at 20:40:31 UTC after 1 min 1 s");
        page.report.status = IncidentStatus::Closed;
        assert!(body(&page, false).starts_with("CLOSED #7 login-password is no longer checked"));
    }

    #[test]
    fn no_two_repeats_are_alike() {
        let again = |times: u32| Saying::Again {
            label: "P1".to_owned(),
            reason: PageReason::Repeated { times, every_ms: 60_000 },
        };
        let mut page = sample::notification(Role::Post);
        page.saying = again(2);
        assert!(body(&page, true).contains("UTC (http) [again 2]. Reply ACK 7: "), "{}", body(&page, true));
        page.saying = Saying::Again { label: "P1".to_owned(), reason: PageReason::HoldEnded { what: "x".to_owned() } };
        assert!(body(&page, false).contains("(http) [again]: "), "{}", body(&page, false));
        // In a storm the newest counts, whichever incident it is of.
        let mut other = sample::notification(Role::Post);
        (other.report.number, other.saying) = (8, again(3));
        page.carry([other.clone()]);
        assert!(
            body(&page, false).contains(" and 1 more fail since 20:39:30 UTC [again 3]: "),
            "{}",
            body(&page, false)
        );
        other.saying = Saying::Recovered { after_ms: 1 };
        page.saying = again(4);
        page.folded.clear();
        page.carry([other]);
        assert!(
            body(&page, false).starts_with("P1 #7 login-password fails [again 4]; OK #8"),
            "{}",
            body(&page, false)
        );
    }

    #[test]
    fn a_signal_says_what_it_is() {
        let text = body(&sample::signal(), false);
        assert!(text.starts_with("P1 #7 SlowLogins since 20:39:30 UTC ("), "{text}");
    }

    #[test]
    fn a_storm_is_one_message() {
        let mut page = sample::notification(Role::Post);
        let other = |number: u64, saying: Saying| {
            let mut n = sample::notification(Role::Post);
            (n.report.number, n.report.check, n.saying) = (number, format!("check-{number}").parse().unwrap(), saying);
            n
        };
        let saying = page.saying.clone();
        page.carry((8..57).map(|number| other(number, saying.clone())));
        let text = body(&page, false);
        assert!(
            text.starts_with("P1 login-password and 49 more fail since 20:39:30 UTC: login-password #7, check-8 #8")
        );
        assert!(segments(&text) <= SEGMENTS_MAX, "{text}");
        let mut ended = page.clone();
        ended.folded.clear();
        let mut end = other(7, Saying::Recovered { after_ms: 1 });
        (end.report.check, end.report.status) = (page.report.check.clone(), IncidentStatus::Recovered);
        ended.carry([end]);
        let text = body(&ended, true);
        assert!(text.starts_with("OK #7 login-password recovered"), "what is over does not fail: {text}");
        assert!(body(&page, true).starts_with(
            "P1 login-password and 49 more fail since 20:39:30 UTC. Reply ACK ALL: login-password #7, check-8 #8"
        ));
        page.folded.truncate(1);
        page.carry([other(99, Saying::Recovered { after_ms: 1 })]);
        assert_eq!(
            body(&page, false),
            "P1 login-password and 1 more fail since 20:39:30 UTC: login-password #7, check-8 #8; OK #99 check-99 is over"
        );
    }

    #[test]
    fn whatever_the_error_says_the_first_segment_has_the_essential() {
        let mut page = sample::notification(Role::Post);
        let line =
            crate::incident::RegionLine { condition: RegionCondition::Failing, ..page.report.regions[1].clone() };
        page.report.regions = vec![line; 33];
        page.report.check = "x".repeat(64).parse().unwrap();
        page.report.failure.message = "日本語\n".repeat(500);
        let text = body(&page, true);
        assert!(segments(&text) <= SEGMENTS_MAX);
        let first: String = text.chars().take(160).collect();
        for part in ["P1 #7 ", "eu-west-1", "and 30 more", "since 20:39:30 UTC", "(http)"] {
            assert!(first.contains(part), "{part} is not in {first}");
        }
    }
}
