//! The journal against the providers, and both against the results.

use crate::storm::{CHECKS, check_name};
use alerting::incident::{IncidentStatus, TrailKind};
use alerting::journal::{IncidentFilter, IncidentRecord, NotificationRecord, RowState, SqliteReader, Verdict};
use alerting::notification::{ChannelKind, Role};
use checks::CheckId;
use std::collections::{BTreeMap, BTreeSet};
use tests::doubles::slack::Slack;
use tests::doubles::twilio::Twilio;
use tests::harness::DEVOPS;

/// What one storm, or all of them, came to.
#[derive(Debug, Default)]
pub struct Sent {
    pub incidents: usize,
    pub posts: usize,
    pub pages: usize,
    /// Messages that told of the pages and of their ends.
    pub texts: usize,
    /// Attempts without an answer whose message the provider turned out to have.
    pub found_again: usize,
}

impl std::ops::AddAssign for Sent {
    fn add_assign(&mut self, other: Self) {
        self.incidents += other.incidents;
        self.posts += other.posts;
        self.pages += other.pages;
        self.texts += other.texts;
        self.found_again += other.found_again;
    }
}

/// # Panics
/// Where something was lost, or sent twice.
pub fn verdict(journal: &SqliteReader, slack: &Slack, twilio: &Twilio, is_folded: bool) -> Sent {
    let filter = IncidentFilter { rows_max: usize::MAX >> 1, ..IncidentFilter::default() };
    let summaries = journal.incidents(&filter).expect("the journal answers");
    let records: Vec<IncidentRecord> = summaries
        .iter()
        .rev()
        .map(|summary| journal.incident(summary.number).expect("the journal answers").expect("it is listed"))
        .collect();
    ladder_is_climbed(journal, &records);

    let posted = accepted_posts(slack);
    let mut sent = Sent { incidents: records.len(), ..Sent::default() };
    let (mut texts, mut posts) = (BTreeMap::new(), BTreeSet::new());
    for record in &records {
        let number = record.report.number;
        assert_ne!(record.report.status, IncidentStatus::Open, "incident {number} is over");
        for n in &record.notifications {
            if n.state == RowState::Superseded {
                assert_eq!(n.role, Role::Edit, "only edits are superseded: {n:?}");
                continue;
            }
            assert_eq!(n.state, RowState::Delivered, "{n:?}");
            let attempt = n.attempts.last().expect("what was delivered has an attempt on the trail");
            assert_eq!(attempt.outcome, "delivered", "{n:?}");
            sent.found_again += usize::from(attempt.detail.contains("had it already"));
            let message = message_of(n);
            match n.kind {
                ChannelKind::Sms => *texts.entry(message).or_insert(0) += 1,
                ChannelKind::Slack if n.role != Role::Edit => {
                    assert_eq!(posted.get(&message), Some(&1), "times that Slack took {n:?}");
                    sent.posts += 1;
                    posts.insert(message);
                }
                _ => {}
            }
        }
        let is_p1 = record.trail.iter().filter(|entry| entry.kind == TrailKind::Climbed).count() == 2;
        for (name, phone) in DEVOPS {
            let lane = format!("sms:{phone}");
            let own: Vec<_> = record.notifications.iter().filter(|n| n.address.lane() == lane).collect();
            assert_eq!(
                own.len(),
                if is_p1 { 2 } else { 0 },
                "{name}: a page and its end of incident {number}: {own:?}"
            );
            sent.pages += usize::from(is_p1);
            // A text that several incidents share names them, as far as there is room.
            if is_folded {
                continue;
            }
            let mark = format!("#{number} ");
            let bodies: Vec<String> = twilio
                .with(|t| t.to(phone).filter(|sms| sms.body.contains(&mark)).map(|sms| sms.body.clone()).collect());
            let wanted: &[&str] = if is_p1 { &["P1 #", "OK #"] } else { &[] };
            assert!(
                bodies.len() == wanted.len() && bodies.iter().zip(wanted).all(|(body, start)| body.starts_with(start)),
                "{name} got {bodies:?} of incident {number}, not {wanted:?}"
            );
        }
    }
    assert_eq!(posted.values().sum::<usize>(), posts.len(), "nothing was posted that is not in the journal");
    assert_eq!(twilio.messages().len(), texts.len(), "nothing was texted that is not in the journal");
    assert!(is_folded || texts.values().all(|carried| *carried == 1), "each text on its own: {texts:?}");
    sent.texts = texts.len();
    sent
}

/// The notification by whose message this one was told.
fn message_of(n: &NotificationRecord) -> String {
    let detail = n.attempts.last().map_or("", |attempt| attempt.detail.as_str());
    detail.rsplit_once(", in one message with ").map_or_else(|| n.id.0.clone(), |(_, carrier)| carrier.to_owned())
}

/// How often Slack took the message of each notification.
fn accepted_posts(slack: &Slack) -> BTreeMap<String, usize> {
    let mut posted = BTreeMap::new();
    slack.with(|slack| {
        for call in slack.calls_of("chat.postMessage").filter(|call| call.behaviour.accepts() && call.error.is_none()) {
            let id = call.arguments["metadata"]["event_payload"]["id"].as_str();
            *posted.entry(id.expect("every post names its notification").to_owned()).or_insert(0) += 1;
        }
    });
    posted
}

/// Counts the failures in a row once more, from the results that were consumed.
fn ladder_is_climbed(journal: &SqliteReader, records: &[IncidentRecord]) {
    for n in 0..CHECKS {
        let check: CheckId = check_name(n).parse().expect("a valid id");
        let mut results = journal.recent_results(&check, None, usize::MAX >> 1).expect("the journal answers");
        results.retain(|result| !result.late && result.verdict != Verdict::Missed);
        results.sort_by_key(|result| (result.key.slot, result.key.attempt));
        let (mut expected, mut is_open, mut of_target) = (Vec::new(), false, 0);
        for result in &results {
            match result.class {
                None => (is_open, of_target) = (false, 0),
                Some(class) => {
                    of_target += u32::from(class.blames_target());
                    if !is_open {
                        expected.push(false);
                    }
                    is_open = true;
                    *expected.last_mut().expect("an incident is open") |= of_target >= 2;
                }
            }
        }
        let found: Vec<bool> = records
            .iter()
            .filter(|record| record.report.check == check)
            .map(|record| record.trail.iter().filter(|entry| entry.kind == TrailKind::Climbed).count() == 2)
            .collect();
        assert_eq!(found, expected, "incidents of {check}, and which of them are P1: {results:#?}");
    }
}
