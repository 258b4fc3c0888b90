use crate::scene::NOW;
use alerting::heartbeat::{FailedCall, Heard};
use alerting::journal::Journal;

pub async fn what_was_heard_last_is_kept_until_it_is_forgotten(journal: &dyn Journal) {
    assert!(journal.heartbeats().await.unwrap().is_empty());
    let first = Heard::new(NOW);
    let failed = Some(FailedCall { at: NOW + 5, status: Some(3), in_a_row: 2 });
    let second = Heard { at: Some(NOW + 1), failed, ..first.clone() };
    journal.put_heartbeat("backup", Some(first.clone())).await.unwrap();
    journal.put_heartbeat("report", Some(first.clone())).await.unwrap();
    journal.put_heartbeat("backup", Some(second.clone())).await.unwrap();
    let kept = journal.heartbeats().await.unwrap();
    assert_eq!(kept, [("backup".to_owned(), second), ("report".to_owned(), first)].into());
    journal.put_heartbeat("backup", None).await.unwrap();
    journal.put_heartbeat("nobody", None).await.unwrap();
    assert_eq!(journal.heartbeats().await.unwrap().into_keys().collect::<Vec<_>>(), ["report"]);
}
