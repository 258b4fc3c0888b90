//! The buttons of a post: what they say, and which incidents they are for.

use crate::incident::{Hold, IncidentReport, IncidentStatus};
use slack_morphism::prelude::*;

pub(super) const ACKNOWLEDGE: &str = "tocsin_acknowledge";
pub(super) const SILENCE: &str = "tocsin_silence_1h";

/// <https://docs.slack.dev/reference/block-kit/block-elements/button-element>
const VALUE_CHARS_MAX: usize = 2000;

/// The buttons under what the reports say; none where everything is over or taken care of.
pub(super) fn buttons(reports: &[&IncidentReport]) -> Option<SlackBlock> {
    let open = || reports.iter().filter(|report| report.status == IncidentStatus::Open);
    let waiting: Vec<u64> = open().filter(|report| report.acknowledged.is_none()).map(|report| report.number).collect();
    if waiting.is_empty() {
        return None;
    }
    let is_silent = |report: &IncidentReport| report.held.as_ref().is_some_and(Hold::is_asked_for);
    let loud: Vec<u64> = open().filter(|report| !is_silent(report)).map(|report| report.number).collect();
    let all = |count: usize| if count == 1 { String::new() } else { format!(" all {count}") };
    let acknowledge = SlackBlockButtonElement::new(plain(&format!("Acknowledge{}", all(waiting.len()))))
        .with_action_id(ACKNOWLEDGE.into())
        .with_value(value(&waiting))
        .with_style(SlackBlockButtonStyle::Primary);
    let mut elements: Vec<SlackActionBlockElement> = vec![acknowledge.into()];
    if !loud.is_empty() {
        let what = match loud.as_slice() {
            [number] => format!("#{number}"),
            many => format!("these {} incidents", many.len()),
        };
        let text = format!("Nobody is told of {what} for an hour. What still fails then is told again.");
        let confirm = SlackBlockConfirmItem::new(
            plain("Silence for an hour?"),
            SlackBlockPlainText::new(text).into(),
            plain("Silence"),
            plain("Leave it"),
        );
        let silence = SlackBlockButtonElement::new(plain(&format!("Silence{} 1 h", all(loud.len()))))
            .with_action_id(SILENCE.into())
            .with_value(value(&loud))
            .with_confirm(confirm);
        elements.push(silence.into());
    }
    Some(SlackActionsBlock::new(elements).into())
}

fn plain(text: &str) -> SlackBlockPlainTextOnly {
    SlackBlockPlainText::new(text.to_owned()).into()
}

/// As many numbers as a button holds: the oldest.
fn value(numbers: &[u64]) -> String {
    let mut value = String::new();
    for number in numbers {
        let next = format!("{}{number}", if value.is_empty() { "" } else { "," });
        if value.len() + next.len() > VALUE_CHARS_MAX {
            break;
        }
        value.push_str(&next);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::Via;
    use crate::incident::{Acknowledged, sample};
    use crate::notification::Role;
    use checks::UnixMs;

    fn report(number: u64) -> IncidentReport {
        IncidentReport { number, ..sample::notification(Role::Post).report }
    }

    fn shown(reports: &[IncidentReport]) -> Vec<(String, String)> {
        let reports: Vec<&IncidentReport> = reports.iter().collect();
        let Some(block) = buttons(&reports) else { return Vec::new() };
        let block = serde_json::to_value(block).unwrap();
        let text = |button: &serde_json::Value, path: &str| button.pointer(path).unwrap().as_str().unwrap().to_owned();
        let elements = block["elements"].as_array().unwrap();
        elements.iter().map(|button| (text(button, "/text/text"), text(button, "/value"))).collect()
    }

    #[test]
    fn buttons_are_for_what_is_open_and_nobodys() {
        let acknowledged = IncidentReport {
            acknowledged: Some(Acknowledged { at: UnixMs(0), by: "Ada".to_owned(), via: Via::Slack }),
            ..report(8)
        };
        let silenced = IncidentReport {
            held: Some(Hold::Silenced { by: "Ada".to_owned(), why: String::new(), until: UnixMs(1) }),
            ..report(9)
        };
        let over = IncidentReport { status: IncidentStatus::Recovered, ..report(10) };
        let button = |text: &str, value: &str| (text.to_owned(), value.to_owned());
        let cases = [
            (vec![report(7)], vec![button("Acknowledge", "7"), button("Silence 1 h", "7")]),
            (vec![acknowledged.clone()], vec![]),
            (vec![over.clone()], vec![]),
            (vec![silenced.clone()], vec![button("Acknowledge", "9")]),
            (
                vec![report(7), acknowledged, silenced, over],
                vec![button("Acknowledge all 2", "7,9"), button("Silence all 2 1 h", "7,8")],
            ),
        ];
        for (reports, expected) in cases {
            assert_eq!(shown(&reports), expected, "{:?}", reports.iter().map(|r| r.number).collect::<Vec<_>>());
        }
        let many: Vec<IncidentReport> = (1_000_000..1_000_600).map(report).collect();
        assert!(shown(&many).iter().all(|(_, value)| value.len() <= VALUE_CHARS_MAX && value.starts_with("1000000,")));
    }
}
