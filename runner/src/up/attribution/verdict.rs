//! Whose fault a failure is: pure.

use checks::{Failure, FailureClass};
use probes::sandbox::explains_a_time_out;
use std::fmt;
use std::time::Duration;

/// What was found out beside a run that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::up) struct Evidence {
    /// How long the run took.
    pub ran_ms: u64,
    /// How long of that this process was not given the processor, or did not get to look.
    pub stalled_ms: u64,
    pub control: Control,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::up) enum Control {
    /// There are no control targets, or nobody asked them.
    NotAsked,
    /// They could not be asked in time.
    Unknown,
    Answered(Vec<Answer>),
}

/// Of one control target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::up) struct Answer {
    pub target: String,
    /// Why it cannot be reached; `None` where it can.
    pub unreachable: Option<String>,
}

/// Why the prober is to blame, and not the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::up) enum ProbersFault {
    Offline(Vec<Answer>),
    Starved { stalled_ms: u64, ran_ms: u64 },
}

/// Whether control targets say anything about such a failure.
pub(in crate::up) fn is_of_the_network(class: FailureClass) -> bool {
    match class {
        FailureClass::NetworkDns
        | FailureClass::NetworkConnect
        | FailureClass::NetworkTls
        | FailureClass::NetworkTimeout => true,
        FailureClass::Assertion | FailureClass::Http | FailureClass::Script | FailureClass::Prober => false,
    }
}

/// `None`: the target is to blame. So it is wherever there is a doubt: what is hidden once too often is a lost page.
///
/// A prober that stood still explains what a clock has decided, and nothing else. Every time limit of a run, that of a
/// connection and of a handshake too, ends as a time-out of the network: a connection that was refused and a certificate
/// that is wrong were told by the target, however late. An assertion may be about a duration, and nobody can tell: the one
/// beside it is about a status of 500, and is not hidden for it.
pub(in crate::up) fn probers_fault(class: FailureClass, evidence: &Evidence) -> Option<ProbersFault> {
    if !is_of_the_network(class) {
        return None;
    }
    let Evidence { ran_ms, stalled_ms, control } = evidence;
    let (stalled, ran) = (Duration::from_millis(*stalled_ms), Duration::from_millis(*ran_ms));
    if class == FailureClass::NetworkTimeout && explains_a_time_out(stalled, ran) {
        return Some(ProbersFault::Starved { stalled_ms: *stalled_ms, ran_ms: *ran_ms });
    }
    match control {
        Control::Answered(answers) if answers.len() > 1 && answers.iter().all(|one| one.unreachable.is_some()) => {
            Some(ProbersFault::Offline(answers.clone()))
        }
        Control::NotAsked | Control::Unknown | Control::Answered(_) => None,
    }
}

/// The failure as what it is: of class `prober`, with the reason before what the run said.
pub(in crate::up) fn attributed(failure: &Failure, fault: &ProbersFault) -> Failure {
    let message = format!("{fault}; the run said ({}): {}", failure.class, failure.message);
    Failure { class: FailureClass::Prober, message, ..failure.clone() }
}

impl fmt::Display for ProbersFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline(answers) => {
                f.write_str("the prober is offline, none of its control targets can be reached either (")?;
                for (index, Answer { target, unreachable }) in answers.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{target}: {}", unreachable.as_deref().unwrap_or("reached"))?;
                }
                f.write_str(")")
            }
            Self::Starved { stalled_ms, ran_ms } => {
                write!(f, "the prober stood still for {stalled_ms} ms of the {ran_ms} ms that the run took")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(reached: &[bool]) -> Control {
        let answer = |(index, reached): (usize, &bool)| Answer {
            target: format!("tcp://192.0.2.{index}:53"),
            unreachable: (!reached).then(|| "no route to host".to_owned()),
        };
        Control::Answered(reached.iter().enumerate().map(answer).collect())
    }

    #[test]
    fn the_target_is_blamed_unless_the_prober_is_to_blame_for_certain() {
        use FailureClass::{Assertion, Http, NetworkConnect, NetworkDns, NetworkTimeout, NetworkTls, Prober, Script};
        type Case = (FailureClass, u64, u64, Control, Option<&'static str>);
        let down = || answers(&[false, false]);
        let cases: [Case; 28] = [
            (NetworkDns, 10, 0, down(), Some("offline")),
            (NetworkConnect, 10, 0, down(), Some("offline")),
            (NetworkTls, 10, 0, down(), Some("offline")),
            (NetworkTimeout, 10_000, 0, down(), Some("offline")),
            // What a target has answered, it has answered.
            (Assertion, 10, 0, down(), None),
            (Http, 10, 0, down(), None),
            (Script, 10, 0, down(), None),
            (Prober, 10, 0, down(), None),
            // One that can be reached is enough, whichever.
            (NetworkConnect, 10, 0, answers(&[true, false]), None),
            (NetworkConnect, 10, 0, answers(&[false, false, true]), None),
            (NetworkConnect, 10, 0, answers(&[true, true]), None),
            (NetworkConnect, 10, 0, answers(&[false, false, false]), Some("offline")),
            // What is not known blames nobody else.
            (NetworkConnect, 10, 0, answers(&[false]), None),
            (NetworkConnect, 10, 0, answers(&[]), None),
            (NetworkConnect, 10, 0, Control::Unknown, None),
            (NetworkConnect, 10, 0, Control::NotAsked, None),
            // Half of the run and half a second, of a run whose time was up.
            (NetworkTimeout, 1_000, 500, Control::NotAsked, Some("stood still for 500 ms of the 1000 ms")),
            (NetworkTimeout, 1_000, 499, Control::NotAsked, None),
            (NetworkTimeout, 600, 400, Control::NotAsked, None),
            (NetworkTimeout, 10_000, 4_999, answers(&[true, true]), None),
            (NetworkTimeout, 10_000, 9_000, answers(&[true, true]), Some("stood still")),
            // What no clock has decided is so, however late it was heard.
            (NetworkConnect, 10_000, 9_000, answers(&[true, true]), None),
            (NetworkTls, 10_000, 9_000, Control::NotAsked, None),
            (NetworkDns, 10_000, 9_000, Control::NotAsked, None),
            (Assertion, 10_000, 9_000, Control::NotAsked, None),
            (Http, 10_000, 9_000, Control::NotAsked, None),
            (Script, 10_000, 9_000, Control::NotAsked, None),
            (NetworkTimeout, u64::MAX, u64::MAX, Control::Unknown, Some("stood still")),
        ];
        for (class, ran_ms, stalled_ms, control, expected) in cases {
            let evidence = Evidence { ran_ms, stalled_ms, control };
            let fault = probers_fault(class, &evidence).map(|fault| fault.to_string());
            match (&fault, expected) {
                (None, None) => {}
                (Some(fault), Some(part)) => assert!(fault.contains(part), "{class} {evidence:?}: {fault}"),
                _ => panic!("{class} {evidence:?}: {fault:?}"),
            }
        }
    }

    #[test]
    fn the_reason_stands_before_what_the_run_said() {
        let failure = Failure {
            class: FailureClass::NetworkConnect,
            message: "connection refused".to_owned(),
            step: Some("log in".to_owned()),
            location: None,
            stack: String::new(),
            soft: Vec::new(),
        };
        let Control::Answered(down) = answers(&[false, false]) else { panic!() };
        let attributed = attributed(&failure, &ProbersFault::Offline(down));
        assert_eq!(
            (attributed.class, attributed.step, attributed.message.as_str()),
            (
                FailureClass::Prober,
                Some("log in".to_owned()),
                "the prober is offline, none of its control targets can be reached either (tcp://192.0.2.0:53: no route to host; tcp://192.0.2.1:53: no route to host); the run said (network-connect): connection refused"
            )
        );
    }
}
