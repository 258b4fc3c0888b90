use crate::incident::{IncidentReport, IncidentStatus, RegionCondition};
use crate::notification::{Folded, Notification, Saying};
use serde::Serialize;

/// The body of a webhook, as JSON. Pure, so that the same message has the same bytes whenever it is sent again.
/// `docs/webhooks.md` says what each field means: names and meanings stay, fields may be added.
pub fn body(notification: &Notification) -> Vec<u8> {
    let payload = Payload {
        r#type: kind(&notification.saying),
        timestamp: notification.created_at.to_string(),
        data: Data {
            id: notification.id.to_string(),
            wakes: notification.page,
            text: notification.saying.to_string(),
            incident: incident(&notification.report),
            others: notification.folded.iter().map(other).collect(),
        },
    };
    serde_json::to_vec(&payload).expect("texts, numbers and lists of them are JSON")
}

#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    id: String,
    wakes: bool,
    text: String,
    incident: Incident<'a>,
    others: Vec<Other<'a>>,
}

#[derive(Serialize)]
struct Incident<'a> {
    number: u64,
    status: &'static str,
    label: &'a str,
    title: &'a str,
    description: &'a str,
    check: Option<&'a str>,
    signal: Option<Source<'a>>,
    tags: &'a [String],
    reason: &'a str,
    opened_at: String,
    failing_since: String,
    ended_at: Option<String>,
    last_success: Option<String>,
    failures: u64,
    failure: Failure<'a>,
    regions: Vec<Region<'a>>,
    regions_left_out: usize,
    acknowledged: Option<Acknowledged<'a>>,
    held: Option<String>,
    flapping: bool,
    previous: Option<u64>,
    links: Vec<Link<'a>>,
}

#[derive(Serialize)]
struct Source<'a> {
    source: &'static str,
    key: &'a str,
    severity: String,
    labels: &'a std::collections::BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Failure<'a> {
    at: String,
    region: Option<&'a str>,
    class: Option<&'static str>,
    message: &'a str,
    step: Option<&'a str>,
    location: Option<&'a str>,
    duration_ms: Option<f64>,
    timings: &'a [String],
}

#[derive(Serialize)]
struct Region<'a> {
    region: &'a str,
    condition: &'static str,
    failures_in_a_row: u32,
    missed_in_a_row: u32,
    last_result_at: Option<String>,
}

#[derive(Serialize)]
struct Acknowledged<'a> {
    at: String,
    by: &'a str,
    via: String,
}

#[derive(Serialize)]
struct Link<'a> {
    title: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct Other<'a> {
    id: String,
    r#type: &'static str,
    number: u64,
    status: &'static str,
    label: &'a str,
    title: &'a str,
    text: String,
}

/// What a receiver switches on.
fn kind(saying: &Saying) -> &'static str {
    match saying {
        Saying::Page { .. } | Saying::Climbed { .. } => "incident.paged",
        Saying::Again { .. } => "incident.repeated",
        Saying::Recovered { .. } => "incident.recovered",
        Saying::CheckRemoved { .. }
        | Saying::RegionsRemoved { .. }
        | Saying::SourceRemoved { .. }
        | Saying::Resolved { .. } => "incident.closed",
        Saying::RegionFails { .. }
        | Saying::RegionPassed { .. }
        | Saying::StillFailing { .. }
        | Saying::NotConfirmed { .. }
        | Saying::RegionDropped { .. }
        | Saying::Acknowledged { .. }
        | Saying::HeldBack { .. }
        | Saying::Resumed { .. }
        | Saying::Calming { .. }
        | Saying::SignalChanged { .. }
        | Saying::NotReached { .. }
        | Saying::DeliveredLate { .. } => "incident.updated",
    }
}

fn incident(report: &IncidentReport) -> Incident<'_> {
    let signal = report.signal.as_ref();
    let failure = &report.failure;
    let runbook = report.runbook_url.as_deref().map(|url| Link { title: "Runbook", url });
    let others = signal.iter().flat_map(|signal| &signal.links).map(|link| Link { title: &link.title, url: &link.url });
    Incident {
        number: report.number,
        status: report.status.as_str(),
        label: &report.label,
        title: report.title(),
        description: &report.description,
        check: signal.is_none().then(|| report.check.as_str()),
        signal: signal.map(|signal| Source {
            source: signal.key.source.as_str(),
            key: &signal.key.id,
            severity: signal.severity.to_string(),
            labels: &signal.labels,
        }),
        tags: &report.tags,
        reason: &report.reason,
        opened_at: report.opened_at.to_string(),
        failing_since: report.failing_since.to_string(),
        ended_at: report.ended_at.map(|at| at.to_string()),
        last_success: report.last_success.map(|at| at.to_string()),
        failures: report.failures_total,
        failure: Failure {
            at: failure.at.to_string(),
            region: signal.is_none().then(|| report.failed_in.as_str()),
            class: signal.is_none().then(|| failure.class.as_str()),
            message: &failure.message,
            step: failure.step.as_deref(),
            location: failure.location.as_deref(),
            duration_ms: signal.is_none().then(|| failure.duration_us as f64 / 1000.0),
            timings: &failure.timings,
        },
        regions: match signal {
            Some(_) => Vec::new(),
            None => regions(report),
        },
        regions_left_out: report.regions_left_out,
        acknowledged: report.acknowledged.as_ref().map(|acknowledged| Acknowledged {
            at: acknowledged.at.to_string(),
            by: &acknowledged.by,
            via: acknowledged.via.to_string(),
        }),
        held: report.held.as_ref().filter(|_| report.status == IncidentStatus::Open).map(ToString::to_string),
        flapping: report.is_flapping,
        previous: report.previous,
        links: runbook.into_iter().chain(others).collect(),
    }
}

fn regions(report: &IncidentReport) -> Vec<Region<'_>> {
    let region = |line: &'_ crate::incident::RegionLine| match line.condition {
        RegionCondition::Unknown => "unknown",
        RegionCondition::Passing => "passing",
        RegionCondition::Failing => "failing",
        RegionCondition::Recovering => "recovering",
    };
    let lines = report.regions.iter().map(|line| Region {
        region: line.region.as_str(),
        condition: region(line),
        failures_in_a_row: line.failures_in_a_row,
        missed_in_a_row: line.missed_in_a_row,
        last_result_at: line.last_result_at.map(|at| at.to_string()),
    });
    lines.collect()
}

fn other(folded: &Folded) -> Other<'_> {
    Other {
        id: folded.id.to_string(),
        r#type: kind(&folded.saying),
        number: folded.report.number,
        status: folded.report.status.as_str(),
        label: &folded.report.label,
        title: folded.report.title(),
        text: folded.saying.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::sample;
    use crate::notification::Role;

    /// Receivers read these names: whoever changes one breaks them, and sees it here first.
    const GOLDEN: &str = r#"{"type":"incident.paged","timestamp":"2026-11-23T20:40:00Z","data":{"id":"journal.7.3","wakes":true,"text":"P1: second failure in a row in eu-west-1","incident":{"number":7,"status":"open","label":"P1","title":"login-password","description":"A user logs in with a password","check":"login-password","signal":null,"tags":["login"],"reason":"second failure in a row in eu-west-1","opened_at":"2026-11-23T20:40:00Z","failing_since":"2026-11-23T20:39:30Z","ended_at":null,"last_success":"2026-11-23T20:39:00Z","failures":2,"failure":{"at":"2026-11-23T20:40:00Z","region":"eu-west-1","class":"http","message":"expected 200, got 503","step":"login › token","location":"login-password.check.ts:12:3","duration_ms":15.4,"timings":["POST https://id.example/oauth/token → 503, first byte 12 ms"]},"regions":[{"region":"ap-southeast-2","condition":"passing","failures_in_a_row":0,"missed_in_a_row":0,"last_result_at":"2026-11-23T20:40:00Z"},{"region":"eu-west-1","condition":"failing","failures_in_a_row":2,"missed_in_a_row":0,"last_result_at":"2026-11-23T20:40:00Z"}],"regions_left_out":0,"acknowledged":null,"held":null,"flapping":false,"previous":null,"links":[{"title":"Runbook","url":"https://runbooks.example/login"}]},"others":[]}}"#;

    #[test]
    fn the_names_of_the_fields_stay() {
        assert_eq!(String::from_utf8(body(&sample::notification(Role::Post))).unwrap(), GOLDEN);
    }

    #[test]
    fn every_kind_of_end_and_repeat_has_its_type() {
        let mut notification = sample::notification(Role::Post);
        let label = "P1".to_owned();
        let Saying::Page { reason, .. } = notification.saying.clone() else { panic!("the sample is a page") };
        let cases = [
            (Saying::Again { label, reason }, "incident.repeated"),
            (Saying::Recovered { after_ms: 1000 }, "incident.recovered"),
            (Saying::CheckRemoved { after_ms: 1000 }, "incident.closed"),
            (Saying::RegionsRemoved { after_ms: 1000 }, "incident.closed"),
        ];
        for (saying, expected) in cases {
            notification.saying = saying;
            let json: serde_json::Value = serde_json::from_slice(&body(&notification)).unwrap();
            assert_eq!(json["type"], expected);
        }
    }

    #[test]
    fn what_it_carries_is_named() {
        let mut notification = sample::notification(Role::Post);
        let mut other = sample::notification(Role::Post);
        (other.report.number, other.saying) = (8, Saying::Recovered { after_ms: 1000 });
        notification.carry([other]);
        let json: serde_json::Value = serde_json::from_slice(&body(&notification)).unwrap();
        assert_eq!(json["data"]["others"][0]["number"], 8);
        assert_eq!(json["data"]["others"][0]["type"], "incident.recovered");
    }
}
