//! What a member is answered, in one segment.

use super::command::Unclear;
use super::gsm7::{fit, transliterate};
use crate::act::ActOutcome;
use crate::notification::Span;

const HOW: &str = "Write ACK 42, ACK ALL, SILENCE 42 1h, or HELP.";
/// Numbers that an answer names; the rest is counted.
const NAMED_MAX: usize = 8;

fn segment(text: &str) -> String {
    fit(&transliterate(text), 1)
}

pub fn help() -> String {
    segment(
        "ACK 42: you take care of incident 42. ACK ALL: of all you were told of. SILENCE 42 1h: nobody is told for an hour.",
    )
}

pub fn unclear(unclear: &Unclear) -> String {
    segment(&format!("{unclear} {HOW}"))
}

/// A command without a number, where it is not clear which is meant.
pub fn not_the_one(open: &[u64]) -> String {
    match open.first() {
        None => segment("Nothing that you were told of is open."),
        Some(first) => segment(&format!("{} are open: {}. Write ACK {first}, or ACK ALL.", open.len(), named(open))),
    }
}

/// What came of each number.
pub fn acknowledged(outcomes: &[(u64, ActOutcome)]) -> String {
    done(outcomes, "acknowledged by you")
}

pub fn silenced(outcomes: &[(u64, ActOutcome)], for_ms: u64) -> String {
    done(outcomes, &format!("silent for {}", Span(for_ms)))
}

fn done(outcomes: &[(u64, ActOutcome)], what: &str) -> String {
    let of = |wanted: fn(&ActOutcome) -> bool| -> Vec<u64> {
        outcomes.iter().filter(|(_, outcome)| wanted(outcome)).map(|(number, _)| *number).collect()
    };
    let mut parts = Vec::new();
    let mut part = |numbers: &[u64], what: &str| {
        if !numbers.is_empty() {
            parts.push(format!("{} {what}.", named(numbers)));
        }
    };
    part(&of(|outcome| *outcome == ActOutcome::Done), what);
    let mut earlier: Vec<(&str, Vec<u64>)> = Vec::new();
    for (number, outcome) in outcomes {
        let ActOutcome::AlreadyAcknowledged { by } = outcome else { continue };
        match earlier.iter_mut().find(|(known, _)| known == by) {
            Some((_, numbers)) => numbers.push(*number),
            None => earlier.push((by, vec![*number])),
        }
    }
    for (by, numbers) in earlier {
        part(&numbers, &format!("acknowledged before by {by}"));
    }
    part(&of(|outcome| *outcome == ActOutcome::NotOpen), "over already");
    part(&of(|outcome| *outcome == ActOutcome::Unknown), "unknown");
    segment(&parts.join(" "))
}

fn named(numbers: &[u64]) -> String {
    let mut text = numbers.iter().take(NAMED_MAX).map(|number| format!("#{number}")).collect::<Vec<_>>().join(" ");
    if numbers.len() > NAMED_MAX {
        text.push_str(&format!(" and {} more", numbers.len() - NAMED_MAX));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::segments;

    #[test]
    fn answers_are_one_segment() {
        let before = |by: &str| ActOutcome::AlreadyAcknowledged { by: by.to_owned() };
        let many: Vec<(u64, ActOutcome)> = (1_000_000..1_000_050).map(|n| (n, before(&"日本語".repeat(30)))).collect();
        let mixed = [
            (42, ActOutcome::Done),
            (43, before("Grace")),
            (44, ActOutcome::NotOpen),
            (45, ActOutcome::Unknown),
            (46, ActOutcome::Done),
        ];
        let cases = [
            (help(), "ACK 42: you take care"),
            (unclear(&Unclear::NoCommand), "Not understood. Write ACK 42"),
            (unclear(&Unclear::Number("FORTY".to_owned())), "'FORTY' is no incident number. Write"),
            (not_the_one(&[]), "Nothing that you were told of is open."),
            (not_the_one(&[42, 43]), "2 are open: #42 #43. Write ACK 42, or ACK ALL."),
            (not_the_one(&(1..99).collect::<Vec<_>>()), "98 are open: #1 #2 #3 #4 #5 #6 #7 #8 and 90 more."),
            (acknowledged(&[(42, ActOutcome::Done)]), "#42 acknowledged by you."),
            (
                acknowledged(&mixed),
                "#42 #46 acknowledged by you. #43 acknowledged before by Grace. #44 over already. #45 unknown.",
            ),
            (silenced(&[(42, ActOutcome::Done)], 3_600_000), "#42 silent for 1 h 0 min."),
            (acknowledged(&many), "#1000000"),
        ];
        for (answer, beginning) in cases {
            assert!(answer.starts_with(beginning), "{answer}");
            assert_eq!(segments(&answer), 1, "{answer}");
        }
    }
}
