//! What whoever took a call hears after a key.

use crate::act::ActOutcome;

/// After the key that acknowledges: what came of each incident that the call read.
pub fn acknowledged(outcomes: &[(u64, ActOutcome)]) -> String {
    let sentence = |(number, outcome): &(u64, ActOutcome)| match outcome {
        ActOutcome::Done => format!("You have acknowledged incident {number}."),
        ActOutcome::AlreadyAcknowledged { by } => format!("Incident {number} was acknowledged before, by {by}."),
        ActOutcome::NotOpen => format!("Incident {number} is over already."),
        ActOutcome::Unknown => format!("There is no incident {number}."),
    };
    let done = outcomes.iter().filter(|(_, outcome)| *outcome == ActOutcome::Done).count();
    // Nobody listens to a list; what was asked for has been done.
    match done == outcomes.len() && done > 1 {
        true => format!("You have acknowledged {done} incidents."),
        false => outcomes.iter().map(sentence).collect::<Vec<_>>().join(" "),
    }
}

/// After any other key.
pub const NOT_ACKNOWLEDGED: &str = "Nothing was acknowledged.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said() {
        let before = ActOutcome::AlreadyAcknowledged { by: "Grace".to_owned() };
        let cases = [
            (vec![(7, ActOutcome::Done)], "You have acknowledged incident 7."),
            (vec![(7, ActOutcome::Done), (8, ActOutcome::Done)], "You have acknowledged 2 incidents."),
            (
                vec![(7, ActOutcome::Done), (8, before), (9, ActOutcome::NotOpen)],
                "You have acknowledged incident 7. Incident 8 was acknowledged before, by Grace. Incident 9 is over already.",
            ),
        ];
        for (outcomes, said) in cases {
            assert_eq!(acknowledged(&outcomes), said);
        }
    }
}
