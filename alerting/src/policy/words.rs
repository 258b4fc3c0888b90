use super::{Counts, Ladder, LadderRung};
use crate::notification::{Address, Span};

impl Ladder {
    /// What will happen to whom and when, one sentence a line, for a check that runs every `period_ms` in each of its
    /// `regions`.
    pub fn in_words(&self, period_ms: u64, regions: usize) -> Vec<String> {
        let mut lines: Vec<String> = self.rungs.iter().map(|rung| rung.in_words(period_ms, regions)).collect();
        if self.rungs.iter().all(|rung| rung.counts == Counts::TargetFailures) {
            lines.push("Failures of the script or the prober tell nobody.".to_owned());
        } else {
            lines.push("Failures of the script or the prober never wake anybody.".to_owned());
        }
        lines.push(
            "Each rung is climbed once in an incident; further failures and regions update the posts.".to_owned(),
        );
        lines.push(match self.recover_after {
            1 => "It is over when every region that failed has passed; everybody who was told is told.".to_owned(),
            n => format!(
                "It is over when every region that failed has passed {n} times in a row; everybody who was told is told."
            ),
        });
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
        lines
    }
}

impl LadderRung {
    fn in_words(&self, period_ms: u64, regions: usize) -> String {
        let failures = match (self.failures_in_a_row, self.counts) {
            (1, Counts::EveryFailure) => "the first failure, whoever is to blame,".to_owned(),
            (1, Counts::TargetFailures) => "the first failure of the target".to_owned(),
            (n, Counts::EveryFailure) => format!("{n} failures in a row, whoever is to blame,"),
            (n, Counts::TargetFailures) => format!("{n} failures of the target in a row"),
        };
        let place = match (self.min_regions, regions) {
            (1, 1) => String::new(),
            (1, _) => " in a region".to_owned(),
            (n, all) => format!(" in each of {n} of its {all} regions at once"),
        };
        let wait_ms = u64::from(self.failures_in_a_row.saturating_sub(1)).saturating_mul(period_ms);
        let when = match wait_ms {
            0 => "at once".to_owned(),
            ms => format!("about {} after the first", Span(ms)),
        };
        format!("{}: at {failures}{place} ({when}), {} told.", self.label, verb(&self.addresses))
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
    use crate::policy::{Directory, Member, Policy};

    #[test]
    fn the_missions_ladder_reads_as_the_mission_says_it() {
        let ada = Member { name: "Ada".to_owned(), phone: "+4915112345678".parse().unwrap() };
        let directory = Directory { teams: [("devops".to_owned(), vec![ada])].into() };
        let mut ladder = Policy::mission_default().ladder("default", &directory).unwrap();
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
            words.iter().any(|line| line.contains("undelivered after 5 min, falls back to SMS to Ada")),
            "{words:?}"
        );
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
}
