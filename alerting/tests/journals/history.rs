use crate::scene::{LATER, NOW, check, decide, key, put, settlement};
use alerting::journal::{IncidentFilter, Journal, RowState, Settled};
use alerting::notification::ChannelKind;

pub async fn a_result_is_consumed_once(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, false).await;
    let again = decide(journal, &login, 1, true).await;
    let answer = journal.commit(vec![again]).await.remove(0).unwrap();
    assert_eq!(answer.duplicates, [0], "by its place in the commit");
    let results = journal.recent_results(&login, None, 10).await.unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].verdict, alerting::journal::Verdict::Passed, "the first delivery stays");
}

pub async fn the_trail_answers(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, true).await;
    let lease = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    let retry = Settled::Retry { at: NOW, uncertain: true, reason: "timed out".to_owned() };
    journal.settle(settlement(&lease, retry)).await.unwrap();
    let lease = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    let found = Settled::Delivered { receipt: "C1/1".to_owned(), reconciled: true };
    journal.settle(settlement(&lease, found)).await.unwrap();
    let listed = journal.incidents(IncidentFilter::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
    let record = journal.incident(listed[0].number).await.unwrap().unwrap();
    assert_eq!(record.notifications[0].state, RowState::Delivered);
    assert_eq!(record.notifications[0].attempts.len(), 2);
    let trail: Vec<_> = record.trail.iter().map(|entry| entry.text.as_str()).collect();
    assert!(trail[0].starts_with("opened: http: 503"), "{trail:?}");
    assert!(trail.iter().any(|text| text.contains("attempt 1 after 5 ms: retry: timed out")), "{trail:?}");
    assert!(trail.iter().any(|text| text.contains("the provider had it already")), "{trail:?}");
    assert_eq!(journal.incident(999).await.unwrap(), None);
    let filter = IncidentFilter { open_only: true, check: Some(check("other")), rows_max: 5 };
    assert!(journal.incidents(filter).await.unwrap().is_empty());
}

pub async fn history_is_bounded_and_the_latest_is_known(journal: &dyn Journal) {
    let login = check("login");
    for slot in 1..=300 {
        put(journal, &login, slot, false).await;
    }
    let kept = journal.recent_results(&login, None, 1000).await.unwrap().len();
    assert!((200..=250).contains(&kept), "{kept} results are kept");
    let latest = journal.latest_results().await.unwrap();
    assert_eq!(latest.len(), 1);
    assert_eq!(latest[0].key, key(&login, 300));
    assert_eq!(journal.result(&key(&login, 300)).await.unwrap().as_deref(), Some(&b"{}"[..]));
    assert_eq!(journal.result(&key(&login, 1)).await.unwrap(), None);
}

pub async fn checks_are_known_by_their_results(journal: &dyn Journal) {
    assert!(journal.checks_with_results().await.unwrap().is_empty());
    let mut names = Vec::new();
    // Names that begin alike, several regions of each, and several slots of these.
    for name in ["login-2", "login", "a", "login.token"].map(check) {
        for (region, slot) in [("eu", 1), ("us", 1), ("eu", 2), ("ap", 1)] {
            let mut commit = decide(journal, &name, slot, false).await;
            commit.consumed[0].summary.key.region = region.parse().unwrap();
            journal.commit(vec![commit]).await.remove(0).unwrap();
        }
        names.push(name);
    }
    names.sort();
    assert_eq!(journal.checks_with_results().await.unwrap(), names);
}
