//! An invented watch, for the tests and for looking at the pages (`cargo run -p dashboards --example preview`).

use checks::{
    BodyExcerpt, CheckId, ConsoleLevel, ConsoleLine, Dropped, Failure, FailureClass, Header, Location, Message,
    Outcome, Phases, Prober, Region, Request, RunKey, RunResult, Step, Transcript, UnixMs,
};
use dashboards::model::*;
use dashboards::{SourceError, StatusSource};

pub const NOW: UnixMs = UnixMs(1_795_466_400_000);

/// Text that would be markup if it were not escaped.
pub const HOSTILE: &str = "<script>alert(\"x\")</script> & 'more'";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    Healthy,
    Broken,
    Unavailable,
}

const CHECKS: [(&str, &str); 6] = [
    ("login-password", "A person signs in with a password"),
    ("login-pkce", "A browser signs in through the login page, with PKCE"),
    ("token-signature", "Tokens verify against the published keys"),
    ("discovery", "The discovery document says what it said"),
    ("cdn", "The JavaScript library is intact and cached"),
    ("certificate", "The certificate lasts another three weeks"),
];
const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-southeast-2"];

fn region(name: &str) -> Region {
    Region::new(name).unwrap()
}

fn check(name: &str) -> CheckId {
    CheckId::new(name).unwrap()
}

/// A token request that was not answered with a token.
fn transcript() -> Transcript {
    let headers = |headers: &[(&str, &str)]| {
        let header = |(name, value): &(&str, &str)| Header { name: (*name).to_owned(), value: (*value).to_owned() };
        headers.iter().map(header).collect()
    };
    let body = |text: &str, is_whole| Some(BodyExcerpt { text: text.to_owned(), is_binary: false, is_whole });
    let said = format!(r#"{{"error":"temporarily_unavailable","error_description":"{HOSTILE}","trace":"9f3c11aa04"}}"#);
    Transcript {
        sent: Message {
            headers: headers(&[
                ("authorization", "Basic web-client:[redacted:CLIENT_SECRET]"),
                ("content-type", "application/x-www-form-urlencoded"),
                ("user-agent", "tocsin/0.1.0"),
            ]),
            body: body("grant_type=password&username=probe%40example.com&password=[redacted:PASSWORD]", true),
        },
        received: Some(Message {
            headers: headers(&[
                ("content-type", "application/json"),
                ("retry-after", "30"),
                ("x-request-id", "0b6f0d3a-53f1-4a0e-9c5e-4a34c9ba51e7"),
            ]),
            body: body(&said, false),
        }),
    }
}

impl Sample {
    fn fails(self, check: &str, region: &str) -> bool {
        self == Self::Broken && region == "us-east-1" && check.starts_with("login")
    }

    fn result(self, check_name: &str, region_name: &str, back: u64) -> RunResult {
        let slot = NOW - (back * 30_000 + 4_000);
        let failed = self.fails(check_name, region_name) && back < 3;
        let slow = (check_name.len() as u64 * 7 + region_name.len() as u64 * 13 + back * 11) % 40;
        let total_us = 60_000 + slow * 3_000;
        let request = |method: &str, path: &str, step: u32, start_us: u64, status: u16, fresh: bool| Request {
            method: method.to_owned(),
            url: format!("https://login.example.com{path}"),
            step: Some(step),
            start_us,
            phases: Phases {
                dns_us: fresh.then_some(900),
                connect_us: fresh.then_some(4_100),
                tls_us: fresh.then_some(9_600),
                first_byte_us: Some(13_000 + slow * 500),
                download_us: Some(700),
            },
            status: Some(status),
            http_version: Some("HTTP/2".to_owned()),
            remote_addr: Some("192.0.2.7:443".to_owned()),
            tls: None,
            sent_body_bytes: 0,
            received_body_bytes: 512,
            failure: None,
            transcript: (failed && status >= 400).then(|| Box::new(transcript())),
        };
        let step = |name: &str, parent: Option<u32>, start_us, duration_us: u64, error: Option<&str>| Step {
            name: name.to_owned(),
            parent,
            start_us,
            duration_us: Some(duration_us),
            error: error.map(str::to_owned),
        };
        let error = failed.then_some("expected status 200, received 503");
        let failure = Failure {
            class: FailureClass::Http,
            message: format!("expected status 200, received 503: {HOSTILE}"),
            step: Some("login › token".to_owned()),
            location: Some(Location {
                file: "checks/scripts/login-password.check.ts".to_owned(),
                line: 21,
                column: 28,
            }),
            stack: "AssertionError: expected status 200\n    at checks/scripts/login-password.check.ts:21:28"
                .to_owned(),
            soft: Vec::new(),
        };
        RunResult {
            key: RunKey { check: check(check_name), region: region(region_name), slot, attempt: 0 },
            started_at: slot + 400,
            duration_us: total_us,
            outcome: if failed { Outcome::Failed(failure) } else { Outcome::Passed },
            steps: vec![
                step("discover", None, 500, 31_000, None),
                step("login", None, 32_000, total_us - 33_000, error),
                step("token", Some(1), 33_000, total_us - 35_000, error),
            ],
            requests: vec![
                request("GET", "/.well-known/openid-configuration", 0, 800, 200, true),
                request("POST", "/oauth/token", 2, 33_500, if failed { 503 } else { 200 }, false),
            ],
            metrics: Vec::new(),
            console: vec![ConsoleLine { at_us: 31_400, level: ConsoleLevel::Info, text: format!("issuer {HOSTILE}") }],
            dropped: Dropped::default(),
            script_hash: String::new(),
            prober: Prober { version: "0.1.0".to_owned() },
        }
    }

    fn row(self, (id, description): (&str, &str)) -> CheckRow {
        let cell = |region_name: &&str| Cell {
            region: region(region_name),
            failures_in_a_row: if self.fails(id, region_name) { 3 } else { 0 },
            recent: (0..20).map(|back| RunBrief::from(&self.result(id, region_name, back))).collect(),
        };
        CheckRow {
            id: check(id),
            description: description.to_owned(),
            schedule: "every 30s".to_owned(),
            period_ms: 30_000,
            timeout_ms: 10_000,
            tags: vec!["login".to_owned()],
            cells: REGIONS.iter().map(cell).collect(),
            incident: self.fails(id, "us-east-1").then_some(12),
        }
    }

    fn incident_row(number: u64, severity: Severity, open: bool) -> IncidentRow {
        IncidentRow {
            number,
            check: check("login-password"),
            status: if open { IncidentStatus::Open } else { IncidentStatus::Recovered },
            severity,
            opened_at: NOW - 95_000,
            closed_at: (!open).then_some(NOW - 20_000),
            standing: None,
            reason: format!("second failure in a row in us-east-1: {HOSTILE}"),
            regions: vec![FailingRegion { region: region("us-east-1"), failures_in_a_row: 3 }],
        }
    }

    fn silence() -> SilenceRow {
        SilenceRow {
            id: 5,
            about: "tag cdn".to_owned(),
            from: None,
            until: NOW + 7_200_000,
            by: "Grace".to_owned(),
            why: format!("the provider knows {HOSTILE}"),
            is_maintenance: false,
        }
    }

    fn notifications() -> Vec<NotificationRow> {
        let row = |recipient: &str, delivery, outcome: &str, attempts| NotificationRow {
            at: NOW - 60_000,
            incident: Some(12),
            recipient: recipient.to_owned(),
            text: format!("P1: second failure in a row in us-east-1 {HOSTILE}"),
            delivery,
            outcome: outcome.to_owned(),
            attempts,
        };
        vec![
            row("SMS to Ada", Delivery::Printed, "TWILIO_AUTH_TOKEN is not set", 1),
            row("Slack #p1", Delivery::Delivered, "1795466340.000100", 1),
            row("SMS to Bob", Delivery::Failed, "21211: the number is not valid", 1),
            row("Slack #p2", Delivery::Pending, "retry in 4 s: 503 from Slack", 2),
        ]
    }

    fn get(self) -> Result<Overview, SourceError> {
        if self == Self::Unavailable {
            return Err(SourceError("the journal is closed".to_owned()));
        }
        let broken = self == Self::Broken;
        Ok(Overview {
            now: NOW,
            started_at: NOW - 5_400_000,
            version: "0.1.0".to_owned(),
            regions: REGIONS.iter().map(|name| region(name)).collect(),
            checks: CHECKS.into_iter().map(|named| self.row(named)).collect(),
            incidents_open: if broken { vec![Self::incident_row(12, Severity::P1, true)] } else { Vec::new() },
            incidents_closed: vec![Self::incident_row(9, Severity::P2, false)],
            rules: rules(self),
            notifications: if broken { Self::notifications() } else { Vec::new() },
            silences: if broken { vec![Self::silence()] } else { Vec::new() },
            scripts_broken: if broken {
                vec![BrokenScript {
                    place: "checks/scripts/draft.check.ts:3:14".to_owned(),
                    message: format!("unexpected token {HOSTILE}"),
                    help: Some("close the string".to_owned()),
                }]
            } else {
                Vec::new()
            },
            notices: vec!["SLACK_TOKEN is not set: Slack messages are printed and kept in the history".to_owned()],
            newest_result_at: Some(NOW - 3_000),
            counters: [("results_counted".to_owned(), 1_234)].into(),
        })
    }
}

impl StatusSource for Sample {
    async fn overview(&self) -> Result<Overview, SourceError> {
        self.get()
    }

    async fn check(&self, id: &CheckId) -> Result<Option<CheckDetail>, SourceError> {
        let Some(named) = CHECKS.into_iter().find(|(name, _)| *name == id.as_str()) else { return Ok(None) };
        let results = |name: &&str| RegionResults {
            region: region(name),
            results: (0..8).map(|back| self.result(named.0, name, back)).collect(),
        };
        Ok(Some(CheckDetail {
            now: NOW,
            row: self.row(named),
            script: format!("checks/scripts/{}.check.ts", named.0),
            time_zone: None,
            runbook_url: Some("javascript:alert(1)".to_owned()),
            regions: REGIONS.iter().map(results).collect(),
            incidents: vec![Self::incident_row(12, Severity::P1, true)],
        }))
    }

    async fn incident(&self, number: u64) -> Result<Option<IncidentDetail>, SourceError> {
        let trail = [
            (95_000, "opened: first failure in us-east-1"),
            (94_900, "Slack #p2 post, attempt 1 after 41 ms: delivered"),
            (65_000, "climbed to P1: second failure in a row in us-east-1"),
            (64_800, HOSTILE),
        ];
        Ok((number == 12).then(|| IncidentDetail {
            now: NOW,
            row: Self::incident_row(12, Severity::P1, true),
            failures: vec![self.result("login-password", "us-east-1", 0)],
            trail: trail.iter().map(|(ago, text)| TrailRow { at: NOW - *ago, text: (*text).to_owned() }).collect(),
            notifications: Self::notifications(),
        }))
    }

    async fn metric_problems(&self) -> Result<MetricProblems, SourceError> {
        let problem = |reason: &str, count, lines: &[&str]| MetricProblem {
            reason: reason.to_owned(),
            count,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        let (problems, dropped) = match self {
            Self::Healthy => Default::default(),
            Self::Broken => (
                vec![
                    problem("the value has no type: write `|c`, `|g` or `|ms` after it", 5, &["logins:1", HOSTILE]),
                    problem("a counter cannot go down: use a gauge, `|g`", 2, &["auth.sessions:-1|c"]),
                ],
                [("packets_lost".to_owned(), 12)].into(),
            ),
            Self::Unavailable => return Err(SourceError("the journal is closed".to_owned())),
        };
        Ok(MetricProblems { listening: "127.0.0.1:8125 (UDP, TCP)".to_owned(), values: 4_211, problems, dropped })
    }
}

fn rules(sample: Sample) -> Vec<RuleRow> {
    let row = |name: &str, state, value: &str, detail: &str| RuleRow {
        name: name.to_owned(),
        group: "logins".to_owned(),
        state,
        labels: if value.is_empty() { String::new() } else { "node=us-east-1 severity=p1".to_owned() },
        value: value.to_owned(),
        since: (!value.is_empty()).then_some(NOW - 95_000),
        detail: detail.to_owned(),
    };
    let mut rows = vec![
        row("NoLogins", RuleState::Quiet, "", "absent(auth_logins)"),
        row("TokensSlow", RuleState::Quiet, "", "auth_token_latency > 1"),
    ];
    if sample == Sample::Broken {
        rows.insert(0, row("LoginsDropping", RuleState::Firing, "-0.42", HOSTILE));
        rows.insert(1, row("FailedLogins", RuleState::Failing, "", "several series match"));
    }
    rows
}
