use super::{Heartbeat, RETRIED_MS};
use checks::UnixMs;
use serde::{Deserialize, Serialize};

/// What a program says with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// It lives, or its job is done.
    Alive,
    /// Its job begins.
    Start,
    /// Its job failed, with this exit status where it says so.
    Fail { status: Option<u8> },
}

impl Call {
    /// What follows the token in the URL: nothing, `start`, `fail`, or an exit status.
    pub fn parse(suffix: Option<&str>) -> Option<Self> {
        match suffix {
            None => Some(Self::Alive),
            Some("start") => Some(Self::Start),
            Some("fail") => Some(Self::Fail { status: None }),
            Some(text) => match text.parse().ok()? {
                0 => Some(Self::Alive),
                status => Some(Self::Fail { status: Some(status) }),
            },
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCall {
    pub at: UnixMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
    pub in_a_row: u32,
}

/// What is known of a program: a row of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// When it was first expected to call.
    pub known_since: UnixMs,
    /// The last time that it said that all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<UnixMs>,
    /// When it began what it has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<UnixMs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<FailedCall>,
    /// It is not missed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<UnixMs>,
}

/// Why a program is missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It has never called.
    Never,
    Silent {
        since: UnixMs,
    },
    /// It began and did not say that it ended.
    Unended {
        started_at: UnixMs,
    },
    Failed(FailedCall),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    pub why: Why,
    /// When it would have been on time at the latest; for a failure, when it was told.
    pub due_at: UnixMs,
    /// At least 1.
    pub times: u64,
}

impl Heard {
    pub fn new(now: UnixMs) -> Self {
        Self { known_since: now, at: None, started_at: None, failed: None, not_before: None }
    }

    /// The last call that said how it goes.
    fn last_at(&self) -> Option<UnixMs> {
        self.at.max(self.failed.as_ref().map(|failed| failed.at))
    }

    /// From then on it is missed, if it does not call.
    pub fn due_at(&self, heartbeat: &Heartbeat) -> UnixMs {
        let usual = self.last_at().unwrap_or(self.known_since) + heartbeat.every_ms + heartbeat.grace_ms;
        let due = self.started_at.map_or(usual, |started_at| started_at + heartbeat.grace_ms);
        due.max(self.not_before.unwrap_or(due))
    }

    pub fn missed(&self, heartbeat: &Heartbeat, now: UnixMs) -> Option<Missed> {
        let due_at = self.due_at(heartbeat);
        let failures = self.failed.as_ref().map_or(0, |failed| u64::from(failed.in_a_row));
        if now >= due_at {
            let periods = now.since_ms(due_at) / heartbeat.every_ms.max(1);
            let why = match (self.started_at, self.last_at()) {
                (Some(started_at), _) => Why::Unended { started_at },
                (None, Some(since)) => Why::Silent { since },
                (None, None) => Why::Never,
            };
            return Some(Missed { why, due_at, times: failures + 1 + periods });
        }
        let failed = self.failed.clone()?;
        Some(Missed { due_at: failed.at, why: Why::Failed(failed), times: failures.max(1) })
    }

    /// After a call.
    pub fn after(&self, call: Call, heartbeat: &Heartbeat, now: UnixMs) -> Self {
        match call {
            Call::Alive => Self { at: Some(now), started_at: None, failed: None, not_before: None, ..self.clone() },
            // That a job begins which is missed already is no sign that it will end this time.
            Call::Start if self.missed(heartbeat, now).is_some() => self.clone(),
            Call::Start => Self { started_at: Some(now), not_before: None, ..self.clone() },
            Call::Fail { status } => {
                let in_a_row = self.failed.as_ref().map_or(0, |failed| failed.in_a_row).saturating_add(1);
                let failed = Some(FailedCall { at: now, status, in_a_row });
                Self { started_at: None, failed, not_before: None, ..self.clone() }
            }
        }
    }

    /// After Tocsin was away from `gone_at` until `back_at`: a call that it may have missed then is not missed.
    pub fn excused(&self, heartbeat: &Heartbeat, gone_at: UnixMs, back_at: UnixMs) -> Self {
        let due_at = self.due_at(heartbeat);
        let expected_from = due_at - 2 * heartbeat.grace_ms;
        if gone_at >= due_at || back_at <= expected_from {
            return self.clone();
        }
        let from_return_ms = match back_at.since_ms(gone_at) {
            away_ms if away_ms <= RETRIED_MS => heartbeat.grace_ms,
            _ => heartbeat.every_ms + heartbeat.grace_ms,
        };
        Self { not_before: Some(due_at.max(back_at + from_return_ms)), ..self.clone() }
    }

    /// The clock was set by so many milliseconds: what was heard is as long ago as it was before.
    pub fn shifted(&self, by_ms: i64) -> Self {
        let shift = |at: UnixMs| UnixMs(at.0.saturating_add(by_ms));
        Self {
            known_since: shift(self.known_since),
            at: self.at.map(shift),
            started_at: self.started_at.map(shift),
            failed: self.failed.clone().map(|failed| FailedCall { at: shift(failed.at), ..failed }),
            not_before: self.not_before.map(shift),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const MINUTE: u64 = 60_000;
    const NOON: UnixMs = UnixMs(1_795_521_600_000);

    fn backup() -> Heartbeat {
        Heartbeat {
            name: "backup".to_owned(),
            every_ms: HOUR,
            grace_ms: 5 * MINUTE,
            severity: None,
            policy: None,
            description: String::new(),
            runbook_url: None,
        }
    }

    fn heard(calls: &[(u64, Call)]) -> Heard {
        calls
            .iter()
            .fold(Heard::new(NOON), |heard, (minutes, call)| heard.after(*call, &backup(), NOON + minutes * MINUTE))
    }

    #[test]
    fn suffixes_are_those_of_the_url() {
        let cases = [
            (None, Some(Call::Alive)),
            (Some("0"), Some(Call::Alive)),
            (Some("start"), Some(Call::Start)),
            (Some("fail"), Some(Call::Fail { status: None })),
            (Some("3"), Some(Call::Fail { status: Some(3) })),
            (Some("255"), Some(Call::Fail { status: Some(255) })),
            (Some("256"), None),
            (Some("-1"), None),
            (Some("stop"), None),
            (Some(""), None),
        ];
        for (suffix, expected) in cases {
            assert_eq!(Call::parse(suffix), expected, "{suffix:?}");
        }
    }

    #[test]
    fn what_is_missed_and_how_often() {
        let (alive, start) = (Call::Alive, Call::Start);
        let fail = Call::Fail { status: Some(3) };
        type Case<'a> = (&'a [(u64, Call)], u64, Option<(&'a str, u64)>);
        let cases: [Case<'_>; 17] = [
            (&[], 64, None),
            (&[], 65, Some(("never", 1))),
            (&[], 124, Some(("never", 1))),
            (&[], 125, Some(("never", 2))),
            (&[(10, alive)], 74, None),
            (&[(10, alive)], 75, Some(("silent", 1))),
            (&[(10, alive)], 135, Some(("silent", 2))),
            (&[(10, alive), (80, alive)], 80, None),
            (&[(10, fail)], 10, Some(("failed", 1))),
            (&[(10, fail), (70, fail)], 70, Some(("failed", 2))),
            (&[(10, fail), (70, alive)], 70, None),
            // A failure, and then nothing at all: twice in a row.
            (&[(10, fail)], 75, Some(("silent", 2))),
            (&[(10, alive), (70, start)], 74, None),
            (&[(10, alive), (70, start)], 75, Some(("unended", 1))),
            (&[(10, alive), (70, start), (73, alive)], 137, None),
            // It began too late to save it, or again after a failure.
            (&[(10, alive), (80, start)], 80, Some(("silent", 1))),
            (&[(10, fail), (20, start)], 20, Some(("failed", 1))),
        ];
        for (calls, minutes, expected) in cases {
            let missed = heard(calls).missed(&backup(), NOON + minutes * MINUTE);
            let got = missed.map(|missed| {
                let why = match missed.why {
                    Why::Never => "never",
                    Why::Silent { .. } => "silent",
                    Why::Unended { .. } => "unended",
                    Why::Failed(_) => "failed",
                };
                (why, missed.times)
            });
            assert_eq!(got, expected, "{calls:?} after {minutes} min");
        }
    }

    #[test]
    fn what_came_while_nobody_listened_is_not_missed() {
        // Heard at 12:00, expected at 13:00, missed from 13:05 on. Away from, until, and then missed from: in minutes.
        let cases = [
            // Nothing was expected.
            (10, 30, 65),
            // A call may have been lost: a whole period with its grace.
            (50, 58, 123),
            (62, 70, 135),
            (10, 600, 665),
            // A short absence loses nothing that is tried again.
            (60, 61, 66),
            (56, 57, 65),
            // It was missed before.
            (65, 90, 65),
            (70, 90, 65),
        ];
        for (gone, back, expected) in cases {
            let heard = heard(&[(0, Call::Alive)]);
            let excused = heard.excused(&backup(), NOON + gone * MINUTE, NOON + back * MINUTE);
            assert_eq!(excused.due_at(&backup()), NOON + expected * MINUTE, "away from {gone} to {back}");
            // Another restart at once takes nothing back.
            let again = excused.excused(&backup(), NOON + back * MINUTE, NOON + back * MINUTE + 100);
            assert!(again.due_at(&backup()) >= excused.due_at(&backup()));
            assert_eq!(excused.after(Call::Alive, &backup(), NOON + back * MINUTE).not_before, None);
        }
    }

    #[test]
    fn a_clock_that_is_set_changes_nothing() {
        let fail = Call::Fail { status: None };
        for calls in [&[(10, Call::Alive)][..], &[(10, fail), (15, fail)], &[(10, Call::Alive), (20, Call::Start)], &[]]
        {
            let heard = heard(calls);
            for by_ms in [-7_200_000, 7_200_000] {
                let due = UnixMs(heard.due_at(&backup()).0 + by_ms);
                assert_eq!(heard.shifted(by_ms).due_at(&backup()), due, "{calls:?}");
                assert_eq!(heard.shifted(by_ms).shifted(-by_ms), heard);
            }
        }
    }

    #[test]
    fn a_row_of_today_is_read_for_ever() {
        let row = r#"{"known_since":1,"at":5,"failed":{"at":7,"in_a_row":2}}"#;
        let heard: Heard = serde_json::from_str(row).unwrap();
        assert_eq!(heard.failed, Some(FailedCall { at: UnixMs(7), status: None, in_a_row: 2 }));
        assert_eq!(serde_json::to_string(&heard).unwrap(), row);
    }
}
