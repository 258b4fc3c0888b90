//! An incident as the tests of the channels show it.

use super::{FailureBrief, IncidentReport, IncidentStatus, RegionCondition, RegionLine, Watched};
use crate::notification::{Address, Notification, NotificationId, PageReason, Role, Saying};
use checks::{CheckDefinition, CheckId, FailureClass, Reach, ScriptSource, UnixMs};

pub(crate) const OPENED_AT: UnixMs = UnixMs(1_795_466_400_000);

pub(crate) fn notification(role: Role) -> Notification {
    let region: checks::Region = "eu-west-1".parse().unwrap();
    let check: checks::CheckId = "login-password".parse().unwrap();
    let line = |region: &str, condition, failures_in_a_row| RegionLine {
        region: region.parse().unwrap(),
        condition,
        failures_in_a_row,
        missed_in_a_row: 0,
        last_result_at: Some(OPENED_AT),
    };
    let reason = PageReason::SecondInARow { region: region.clone() };
    Notification {
        id: NotificationId::new("journal", 7, 3),
        incident: 7,
        check: check.clone(),
        address: Address::Slack { channel: "#p1".to_owned() },
        role,
        page: true,
        report: IncidentReport {
            number: 7,
            check,
            description: "A user logs in with a password".to_owned(),
            runbook_url: Some("https://runbooks.example/login".to_owned()),
            script_path: "checks/scripts/login-password.check.ts".to_owned(),
            tags: vec!["login".to_owned()],
            status: IncidentStatus::Open,
            label: "P1".to_owned(),
            reason: reason.to_string(),
            opened_at: OPENED_AT,
            failing_since: OPENED_AT - 30_000,
            ended_at: None,
            last_success: Some(OPENED_AT - 60_000),
            failures_total: 2,
            failed_in: region,
            failure: FailureBrief {
                class: FailureClass::Http,
                message: "expected 200, got 503".to_owned(),
                step: Some("login › token".to_owned()),
                location: Some("login-password.check.ts:12:3".to_owned()),
                at: OPENED_AT,
                duration_us: 15_400,
                timings: vec!["POST https://id.example/oauth/token → 503, first byte 12 ms".to_owned()],
            },
            regions: vec![
                line("ap-southeast-2", RegionCondition::Passing, 0),
                line("eu-west-1", RegionCondition::Failing, 2),
            ],
            regions_left_out: 0,
            previous: None,
            acknowledged: None,
            resolved: None,
            held: None,
            is_flapping: false,
            signal: None,
        },
        saying: Saying::Page { label: "P1".to_owned(), reason },
        created_at: OPENED_AT,
        not_before: OPENED_AT,
        folded: Vec::new(),
        shared_with: Vec::new(),
    }
}

/// The post of an incident that a rule's signal opened.
pub(crate) fn signal() -> Notification {
    let mut n = notification(Role::Post);
    let key = crate::signal::SignalKey { source: crate::signal::SignalSource::Rule, id: "slow-logins".to_owned() };
    n.report.signal = Some(crate::signal::SignalFacts {
        key,
        firing: true,
        severity: crate::policy::Severity::P1,
        title: "SlowLogins".to_owned(),
        summary: "p99 is 4 s".to_owned(),
        labels: Default::default(),
        links: Vec::new(),
        policy: None,
        at: n.report.opened_at,
    });
    n.report.failures_total = 1;
    n
}

/// A check that is configured, and runs nowhere yet.
pub(crate) fn watched(check: &CheckId) -> Watched {
    let definition = CheckDefinition {
        id: check.clone(),
        description: String::new(),
        schedule: "every 30s".to_owned(),
        time_zone: None,
        timeout_ms: 1_000,
        regions: Vec::new(),
        tags: Vec::new(),
        secrets: Vec::new(),
        reach: Reach::default(),
        policy: None,
        depends_on: Vec::new(),
        runbook_url: None,
        script: ScriptSource { path: format!("{check}.check.ts"), hash: String::new() },
    };
    Watched { definition, regions: Vec::new() }
}
