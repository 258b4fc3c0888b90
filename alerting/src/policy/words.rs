use super::{Counts, Ladder, LadderRung, Severity};
use crate::notification::{Address, Span};

impl Ladder {
    /// What will happen to whom and when, one sentence a line, for a check that runs every `period_ms` in each of its
    /// `regions`.
    pub fn in_words(&self, period_ms: u64, regions: usize) -> Vec<String> {
        let mut lines: Vec<String> =
            (0..self.rungs.len()).map(|index| self.rung_in_words(index, period_ms, regions)).collect();
        if self.rungs.iter().all(|rung| rung.counts == Counts::TargetFailures) {
            lines.push("Failures of the script or the prober tell nobody.".to_owned());
        } else {
            lines.push("Failures of the script or the prober never wake anybody.".to_owned());
        }
        let (p1, p2) = (self.reached_by(Severity::P1), self.reached_by(Severity::P2));
        lines.push(format!(
            "What counts no failures (a rule, an alert of others, a heartbeat, no data) climbs at once: {p2} where its severity is P2; {p1} where it is P1."
        ));
        if let Some(after_ms) = self.confirm_after_ms {
            let when = if after_ms == 0 { "at once".to_owned() } else { format!("after {}", Span(after_ms)) };
            lines.push(format!(
                "A region that begins to fail is run again {when}: a failure counts as the next in a row, a pass ends neither the row nor the incident, and no page waits for it."
            ));
        }
        lines.push(
            "Each rung is climbed once in an incident; further failures and regions update the posts.".to_owned(),
        );
        if let Some(every_ms) = self.repeat_every_ms {
            lines.push(format!(
                "Until somebody acknowledges, the highest rung that wakes people pages again every {}.",
                Span(every_ms)
            ));
        }
        if self.repeat_every_ms.is_some() || self.rungs.iter().any(LadderRung::is_by_time) {
            lines.push(
                "An acknowledgement ends repeats and rungs that wait for one; a rung that counts failures is still climbed."
                    .to_owned(),
            );
        }
        lines.push(match self.recover_after {
            1 => "It is over when every region that failed has passed; everybody who was told is told.".to_owned(),
            n => format!(
                "It is over when every region that failed has passed {n} times in a row; everybody who was told is told."
            ),
        });
        if let Some(flapping) = self.flapping {
            lines.push(format!(
                "The {} incident within {} counts as flapping: it stays open, without another page, until nothing has failed for {}.",
                ordinal(flapping.openings),
                Span(flapping.window_ms),
                Span(flapping.calm_after_ms)
            ));
        }
        let after = Span(self.fallback_after_ms);
        lines.push(match self.fallback.is_empty() {
            true => {
                "A page that cannot be delivered has no fallback: it is tried again, and the trail says so.".to_owned()
            }
            false => format!(
                "A page that is refused, or undelivered after {after}, falls back to {}, unless told already.",
                listed(&self.fallback)
            ),
        });
        if !self.fallback_otherwise.is_empty() {
            lines.push(format!("Whom no SMS reaches is told in another way: {}.", listed(&self.fallback_otherwise)));
        }
        if self.rungs.iter().any(LadderRung::wakes) {
            lines.push(
                "Where nobody is reached, every other place of the rungs that wake people is told; a channel that knows says who was not reached."
                    .to_owned(),
            );
        }
        lines
    }

    /// The labels of the rungs that a signal climbs.
    fn reached_by(&self, severity: Severity) -> String {
        let places = (0..self.rungs.len()).filter(|place| self.is_reached_by(severity, *place));
        places.map(|place| self.rungs[place].label.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn rung_in_words(&self, index: usize, period_ms: u64, regions: usize) -> String {
        let rung = &self.rungs[index];
        if let Some(after_ms) = rung.unacknowledged_after_ms {
            let before = self.rungs[..index].iter().rfind(|rung| rung.wakes()).map_or("", |rung| rung.label.as_str());
            return format!(
                "{}: {} after {before}, unless somebody has acknowledged, {} told.",
                rung.label,
                Span(after_ms),
                verb(&rung.addresses)
            );
        }
        let failures = match (rung.failures_in_a_row, rung.counts) {
            (1, Counts::EveryFailure) => "the first failure, whoever is to blame,".to_owned(),
            (1, Counts::TargetFailures) => "the first failure of the target".to_owned(),
            (n, Counts::EveryFailure) => format!("{n} failures in a row, whoever is to blame,"),
            (n, Counts::TargetFailures) => format!("{n} failures of the target in a row"),
        };
        let place = match (rung.min_regions, regions) {
            (1, 1) => String::new(),
            (1, _) => " in a region".to_owned(),
            (n, all) => format!(" in each of {n} of its {all} regions at once"),
        };
        let periods = u64::from(rung.failures_in_a_row.saturating_sub(1));
        // The run that confirms a first failure stands for the next one in the row.
        let wait_ms = match self.confirm_after_ms {
            Some(after_ms) if periods > 0 => {
                after_ms.min(period_ms).saturating_add((periods - 1).saturating_mul(period_ms))
            }
            _ => periods.saturating_mul(period_ms),
        };
        let when = match wait_ms {
            0 => "at once".to_owned(),
            ms => format!("about {} after the first", Span(ms)),
        };
        format!("{}: at {failures}{place} ({when}), {} told.", rung.label, verb(&rung.addresses))
    }
}

fn ordinal(n: u32) -> String {
    match n {
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        n => format!("{n}th"),
    }
}

fn verb(addresses: &[Address]) -> String {
    format!("{} {}", listed(addresses), if addresses.len() == 1 { "is" } else { "are" })
}

fn listed(addresses: &[Address]) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::policy::{Destination, Directory, Member, Policy, Rung};

    fn directory() -> Directory {
        let ada = Member { name: "Ada".to_owned(), phone: "+4915112345678".parse().unwrap(), email: None };
        Directory { teams: [("devops".to_owned(), vec![ada])].into(), ..Directory::default() }
    }

    #[test]
    fn the_missions_ladder_reads_as_the_mission_says_it() {
        let mut ladder = Policy::mission_default().ladder("default", &directory()).unwrap();
        let words = ladder.in_words(30_000, 3);
        assert_eq!(
            words[0],
            "P2: at the first failure, whoever is to blame, in a region (at once), Slack #p2 is told."
        );
        assert_eq!(
            words[1],
            "P1: at 2 failures of the target in a row in a region (about 30 s after the first), Slack #p1, SMS to Ada (+4915112345678) are told."
        );
        assert!(
            words
                .iter()
                .any(|line| line.ends_with("climbs at once: P2 where its severity is P2; P2, P1 where it is P1.")),
            "{words:?}"
        );
        assert!(
            words.iter().any(|line| line.contains("undelivered after 5 min, falls back to SMS to Ada")),
            "{words:?}"
        );
        let mut directory = directory();
        directory.can_call = true;
        let words = Policy::mission_default().ladder("default", &directory).unwrap().in_words(30_000, 3).join("\n");
        let said = "Whom no SMS reaches is told in another way: call to Ada (+4915112345678).";
        assert!(words.contains(said), "{words}");
        ladder.rungs.remove(0);
        ladder.rungs[0].min_regions = 2;
        ladder.recover_after = 3;
        ladder.fallback.clear();
        let words = ladder.in_words(30_000, 3).join("\n");
        for part in ["in each of 2 of its 3 regions at once", "prober tell nobody", "passed 3 times", "has no fallback"]
        {
            assert!(words.contains(part), "{part}: {words}");
        }
    }

    #[test]
    fn what_time_does_is_said_too() {
        let mut policy = Policy::mission_default();
        policy.repeat_every_ms = Some(15 * 60_000);
        policy.confirm_after_ms = Some(2_000);
        policy.rungs.push(Rung {
            label: "call".to_owned(),
            unacknowledged_after_ms: Some(10 * 60_000),
            destinations: vec![Destination::VoiceTeam("devops".to_owned())],
            ..policy.rungs[1].clone()
        });
        let words = policy.ladder("default", &directory()).unwrap().in_words(30_000, 3).join("\n");
        for part in [
            "(about 2 s after the first)",
            "call: 10 min after P1, unless somebody has acknowledged, call to Ada (+4915112345678) is told.",
            "is run again after 2 s",
            "pages again every 15 min",
            "The 5th incident within 30 min counts as flapping",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }
}
