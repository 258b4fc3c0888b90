use crate::model::{CheckRow, IncidentRow, Overview, Severity};
use crate::wording::{ago, span};
use checks::UnixMs;
use serde::Serialize;

/// The one thing that somebody wants to know who opens the page, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// An incident has climbed to where people are woken.
    Broken {
        incidents: usize,
    },
    /// Something failed, and nobody had to be woken.
    Degraded {
        incidents: usize,
    },
    /// Results have stopped: nothing is known about the target.
    Silent {
        silent_ms: u64,
    },
    /// Some scripts are not run.
    ScriptsBroken {
        scripts: usize,
    },
    NoChecks,
    /// The first result is on its way.
    Starting,
    Healthy,
}

/// Silence is worse than it looks and is shown above everything but a page that is already out.
pub fn state(overview: &Overview) -> State {
    let woken = overview.incidents_open.iter().filter(|incident: &&IncidentRow| incident.severity == Severity::P1);
    let woken = woken.count();
    if woken > 0 {
        return State::Broken { incidents: woken };
    }
    if let Some(silent_ms) = silent_ms(overview) {
        return State::Silent { silent_ms };
    }
    if !overview.incidents_open.is_empty() {
        return State::Degraded { incidents: overview.incidents_open.len() };
    }
    if !overview.scripts_broken.is_empty() {
        return State::ScriptsBroken { scripts: overview.scripts_broken.len() };
    }
    if overview.checks.is_empty() {
        return State::NoChecks;
    }
    if overview.newest_result_at.is_none() { State::Starting } else { State::Healthy }
}

/// How long there has been no result, if that is too long: the check that runs most often has missed three slots.
fn silent_ms(overview: &Overview) -> Option<u64> {
    let patience = |check: &CheckRow| 3 * check.period_ms + check.timeout_ms;
    let patience_ms = overview.checks.iter().map(patience).min()?;
    let since: UnixMs = overview.newest_result_at.unwrap_or(overview.started_at).max(overview.started_at);
    let silent_ms = overview.now.since_ms(since);
    (silent_ms > patience_ms).then_some(silent_ms)
}

impl State {
    /// The headline.
    pub(crate) fn sentence(&self) -> String {
        let many = |count: usize, one: &str, more: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {more}"),
        };
        match self {
            Self::Broken { incidents } => many(*incidents, "P1 incident is open", "P1 incidents are open"),
            Self::Degraded { incidents } => many(*incidents, "open incident", "open incidents"),
            Self::Silent { silent_ms } => format!("No results for {}", span(silent_ms / 1_000)),
            Self::ScriptsBroken { scripts } => many(*scripts, "check script is refused", "check scripts are refused"),
            Self::NoChecks => "No checks".to_owned(),
            Self::Starting => "Starting".to_owned(),
            Self::Healthy => "All checks pass".to_owned(),
        }
    }

    /// Names the colour.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Broken { .. } | Self::Silent { .. } => "bad",
            Self::Degraded { .. } | Self::ScriptsBroken { .. } | Self::NoChecks => "warn",
            Self::Starting => "idle",
            Self::Healthy => "good",
        }
    }

    /// Where silence is the problem, nothing else on the page can be trusted.
    pub(crate) fn detail(&self, overview: &Overview) -> String {
        match overview.newest_result_at {
            Some(at) => format!("newest result {}", ago(at, overview.now)),
            None => "no result yet".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BrokenScript, IncidentStatus};
    use checks::CheckId;

    const NOW: UnixMs = UnixMs(1_795_466_400_000);

    fn overview() -> Overview {
        let check = CheckRow {
            id: CheckId::new("login").unwrap(),
            description: String::new(),
            schedule: "every 30s".to_owned(),
            period_ms: 30_000,
            timeout_ms: 10_000,
            tags: Vec::new(),
            cells: Vec::new(),
            incident: None,
        };
        Overview {
            now: NOW,
            started_at: NOW - 3_600_000,
            version: String::new(),
            regions: Vec::new(),
            checks: vec![check],
            incidents_open: Vec::new(),
            incidents_closed: Vec::new(),
            rules: Vec::new(),
            notifications: Vec::new(),
            silences: Vec::new(),
            scripts_broken: Vec::new(),
            notices: Vec::new(),
            newest_result_at: Some(NOW - 1_000),
            counters: std::collections::BTreeMap::new(),
        }
    }

    fn incident(severity: Severity) -> IncidentRow {
        IncidentRow {
            number: 1,
            check: CheckId::new("login").unwrap(),
            status: IncidentStatus::Open,
            severity,
            opened_at: NOW,
            closed_at: None,
            standing: None,
            reason: String::new(),
            regions: Vec::new(),
        }
    }

    #[test]
    fn the_worst_is_said_first() {
        type Case = (&'static str, fn(&mut Overview), State);
        let cases: &[Case] = &[
            ("results come and pass", |_| {}, State::Healthy),
            ("nothing configured", |o| o.checks.clear(), State::NoChecks),
            ("just started", |o| (o.newest_result_at, o.started_at) = (None, NOW - 500), State::Starting),
            (
                "started long ago, and nothing ever came",
                |o| o.newest_result_at = None,
                State::Silent { silent_ms: 3_600_000 },
            ),
            ("on the edge of silence", |o| o.newest_result_at = Some(NOW - 100_000), State::Healthy),
            ("silence", |o| o.newest_result_at = Some(NOW - 100_001), State::Silent { silent_ms: 100_001 }),
            (
                "restarted after a long pause",
                |o| (o.newest_result_at, o.started_at) = (Some(NOW - 900_000), NOW - 500),
                State::Healthy,
            ),
            ("a P2", |o| o.incidents_open.push(incident(Severity::P2)), State::Degraded { incidents: 1 }),
            (
                "a P1 beside a P2",
                |o| o.incidents_open.extend([incident(Severity::P2), incident(Severity::P1)]),
                State::Broken { incidents: 1 },
            ),
            (
                "silence hides a P2",
                |o| {
                    o.incidents_open.push(incident(Severity::P2));
                    o.newest_result_at = Some(NOW - 200_000);
                },
                State::Silent { silent_ms: 200_000 },
            ),
            (
                "a broken script",
                |o| {
                    let (place, message) = ("a.check.ts".to_owned(), String::new());
                    o.scripts_broken.push(BrokenScript { place, message, help: None });
                },
                State::ScriptsBroken { scripts: 1 },
            ),
        ];
        for (name, change, expected) in cases {
            let mut overview = overview();
            change(&mut overview);
            assert_eq!(state(&overview), *expected, "{name}");
        }
    }
}
