use crate::act::Via;
use crate::incident::ResolvedBy;
use crate::policy::Severity;
use crate::signal::SignalSource;
use checks::{FailureClass, Region};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why somebody is told: decided as a type, read by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageReason {
    FirstFailure {
        region: Region,
    },
    SecondInARow {
        region: Region,
    },
    InARow {
        region: Region,
        failures: u32,
    },
    InARowInRegions {
        regions: Vec<Region>,
        failures: u32,
    },
    /// Another address did not get its page.
    Undelivered {
        address: String,
        because: String,
    },
    /// A signal says so; nothing was counted.
    Fired {
        source: SignalSource,
        severity: Severity,
    },
    /// Nobody has acknowledged the rung before.
    Unacknowledged {
        after_ms: u64,
    },
    /// Nobody has acknowledged, so that it is said again.
    Repeated {
        times: u32,
        every_ms: u64,
    },
    /// What held it back is over, and it still fails.
    HoldEnded {
        what: String,
    },
}

impl PageReason {
    /// The reason of a rung that wants `failures` in a row and got them in `regions`.
    pub fn of(regions: &[Region], failures: u32) -> Self {
        match (regions, failures) {
            ([region], 1) => Self::FirstFailure { region: region.clone() },
            ([region], 2) => Self::SecondInARow { region: region.clone() },
            ([region], _) => Self::InARow { region: region.clone(), failures },
            _ => Self::InARowInRegions { regions: regions.to_vec(), failures },
        }
    }
}

impl fmt::Display for PageReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstFailure { region } => write!(f, "first failure in {region}"),
            Self::SecondInARow { region } => write!(f, "second failure in a row in {region}"),
            Self::InARow { region, failures } => write!(f, "{failures} failures in a row in {region}"),
            Self::InARowInRegions { regions, failures } => {
                let failures = match failures {
                    1 => "a failure".to_owned(),
                    n => format!("{n} failures in a row"),
                };
                write!(f, "{failures} in each of {}", join(regions))
            }
            Self::Undelivered { address, because } => write!(f, "{address} did not get its page: {because}"),
            Self::Fired { source, severity } => write!(f, "{severity} by {source}"),
            Self::Unacknowledged { after_ms } => write!(f, "nobody has acknowledged it for {}", Span(*after_ms)),
            Self::Repeated { times, every_ms } => {
                write!(f, "still failing and not acknowledged, said again every {} ({times})", Span(*every_ms))
            }
            Self::HoldEnded { what } => write!(f, "{what} is over, and it still fails"),
        }
    }
}

/// What a notification has to say: the entry of the thread, and the occasion of an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Saying {
    /// The page of a rung, called `label`.
    Page {
        label: String,
        reason: PageReason,
    },
    /// The incident reached a rung; said in the thread of a post that was there already.
    Climbed {
        label: String,
        reason: PageReason,
    },
    RegionFails {
        region: Region,
        class: FailureClass,
        message: String,
    },
    RegionPassed {
        region: Region,
        still_failing: Vec<Region>,
    },
    /// The same region failed again.
    StillFailing {
        region: Region,
        failures_in_a_row: u32,
    },
    /// The run that was to confirm its failure passed.
    NotConfirmed {
        region: Region,
    },
    /// A failing region is no longer checked.
    RegionDropped {
        region: Region,
    },
    /// The page of a rung that was paged before.
    Again {
        label: String,
        reason: PageReason,
    },
    Acknowledged {
        by: String,
        via: Via,
    },
    /// A silence, a maintenance.
    HeldBack {
        because: String,
    },
    /// What held it back is over.
    Resumed {
        what: String,
    },
    /// Nothing fails in a flapping incident.
    Calming {
        for_ms: u64,
    },
    SignalChanged {
        summary: String,
    },
    /// A page stays undelivered: for those who have been told.
    NotReached {
        address: String,
        because: String,
        instead: Vec<String>,
    },
    /// A page came after its fallback had been taken.
    DeliveredLate {
        address: String,
        late_ms: u64,
        instead: Vec<String>,
    },
    Recovered {
        after_ms: u64,
    },
    /// The check was removed or renamed while its incident was open.
    CheckRemoved {
        after_ms: u64,
    },
    /// None of the regions in which it failed is checked any more.
    RegionsRemoved {
        after_ms: u64,
    },
    /// Whoever could say that it is over is not heard any more.
    SourceRemoved {
        after_ms: u64,
        source: SignalSource,
    },
    /// Somebody says that it is over.
    Resolved {
        after_ms: u64,
        person: ResolvedBy,
    },
}

impl Saying {
    /// Whether it is always said, however much has been said before.
    pub fn is_of_people(&self) -> bool {
        matches!(self, Self::Acknowledged { .. } | Self::DeliveredLate { .. })
    }

    /// Whether the incident ends with it.
    pub fn ends(&self) -> bool {
        matches!(
            self,
            Self::Recovered { .. }
                | Self::CheckRemoved { .. }
                | Self::RegionsRemoved { .. }
                | Self::SourceRemoved { .. }
                | Self::Resolved { .. }
        )
    }
}

impl fmt::Display for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page { label, reason } => write!(f, "{label}: {reason}"),
            Self::Climbed { label, reason } => write!(f, "escalated to {label}: {reason}"),
            Self::RegionFails { region, class, message } => write!(f, "{region} fails too ({class}): {message}"),
            Self::RegionPassed { region, still_failing } => {
                write!(f, "{region} passes again; still failing: {}", join(still_failing))
            }
            Self::StillFailing { region, failures_in_a_row } => {
                write!(f, "{region} failed again, {failures_in_a_row} in a row")
            }
            Self::NotConfirmed { region } => {
                write!(f, "{region} passed when it was run again at once: it fails now and then; its next slot counts")
            }
            Self::RegionDropped { region } => write!(f, "{region} is no longer checked"),
            Self::Again { label, reason } => write!(f, "{label} again: {reason}"),
            Self::Acknowledged { by, via } => write!(f, "acknowledged by {by} over {via}"),
            Self::HeldBack { because } => write!(f, "nobody is told for now: {because}"),
            Self::Resumed { what } => write!(f, "{what} is over"),
            Self::Calming { for_ms } => {
                write!(f, "passes again; it flaps, and is over when nothing has failed for {}", Span(*for_ms))
            }
            Self::SignalChanged { summary } => write!(f, "now: {summary}"),
            Self::NotReached { address, because, instead } => {
                write!(f, "{address} did not get its page: {because}")?;
                if instead.is_empty() { Ok(()) } else { write!(f, "; told instead: {}", listed(instead)) }
            }
            Self::DeliveredLate { address, late_ms, instead } => {
                let (late, instead) = (Span(*late_ms), listed(instead));
                write!(f, "{address} is back: its page came {late} late; told instead: {instead}")
            }
            Self::Recovered { after_ms } => write!(f, "recovered after {}", Span(*after_ms)),
            Self::CheckRemoved { after_ms } => {
                write!(f, "closed after {}: the check was removed, so nobody looks any more", Span(*after_ms))
            }
            Self::RegionsRemoved { after_ms } => {
                write!(f, "closed after {}: no region in which it failed is checked any more", Span(*after_ms))
            }
            Self::SourceRemoved { after_ms, source } => write!(
                f,
                "closed after {}: {source} is not configured any more, so nobody would say that it is over",
                Span(*after_ms)
            ),
            Self::Resolved { after_ms, person } => write!(f, "{person} (after {})", Span(*after_ms)),
        }
    }
}

fn listed(addresses: &[String]) -> String {
    if addresses.is_empty() { "nobody".to_owned() } else { addresses.join(", ") }
}

fn join(regions: &[Region]) -> String {
    if regions.is_empty() {
        return "none".to_owned();
    }
    regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ")
}

/// A duration in milliseconds as a person says it: the two largest units.
pub struct Span(pub u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        match seconds {
            0 => write!(f, "{} ms", self.0),
            1..60 => write!(f, "{seconds} s"),
            60..3600 if seconds.is_multiple_of(60) => write!(f, "{} min", seconds / 60),
            60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            3600..86_400 => write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
            _ => write!(f, "{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_two_units() {
        let cases = [(0, "0 ms"), (999, "999 ms"), (59_999, "59 s"), (60_000, "1 min"), (61_000, "1 min 1 s")];
        for (ms, said) in cases {
            assert_eq!(Span(ms).to_string(), said);
        }
        assert_eq!(Span(3_661_000).to_string(), "1 h 1 min");
        assert_eq!(Span(90_000_000).to_string(), "1 d 1 h");
    }

    #[test]
    fn reasons_read_as_sentences() {
        let eu: Region = "eu-west-1".parse().unwrap();
        let us: Region = "us-east-1".parse().unwrap();
        let cases = [
            (PageReason::of(std::slice::from_ref(&eu), 1), "first failure in eu-west-1"),
            (PageReason::of(std::slice::from_ref(&eu), 2), "second failure in a row in eu-west-1"),
            (PageReason::of(std::slice::from_ref(&eu), 3), "3 failures in a row in eu-west-1"),
            (PageReason::of(&[eu, us], 2), "2 failures in a row in each of eu-west-1, us-east-1"),
        ];
        for (reason, said) in cases {
            assert_eq!(reason.to_string(), said);
        }
    }
}
