//! What the journal's file keeps of the past: enough to decide it again, and no more than its bounds.

use alerting::incident::CheckState;
use alerting::journal::{Commit, Consumed, Journal, ResultSummary, Retention, SqliteJournal, SqliteSettings, Verdict};
use alerting::policy::{Directory, Policy};
use alerting::replay::replay;
use checks::{CheckId, FailureClass, RunKey, UnixMs};

const START: UnixMs = UnixMs(1_795_466_400_000);

fn check() -> CheckId {
    "login".parse().unwrap()
}

fn key(slot: u64) -> RunKey {
    RunKey { check: check(), region: "eu".parse().unwrap(), slot: START + slot * 30_000, attempt: 0 }
}

/// Writes the result of a slot down, as the only one of its commit.
async fn put(journal: &SqliteJournal, slot: u64, fails: bool) -> ResultSummary {
    let key = key(slot);
    let summary = ResultSummary {
        started_at: key.slot,
        duration_us: 1_500,
        verdict: if fails { Verdict::Failed } else { Verdict::Passed },
        class: fails.then_some(FailureClass::Http),
        message: String::new(),
        received_at: key.slot + 100,
        late: false,
        key,
    };
    let commit = Commit {
        check: check(),
        expected_revision: journal.load(&check()).await.unwrap().map_or(0, |known| known.revision),
        state: CheckState::default(),
        consumed: vec![Consumed { summary: summary.clone(), document: b"{}".to_vec() }],
        notifications: Vec::new(),
        trail: Vec::new(),
        reports: Vec::new(),
    };
    journal.commit(vec![commit]).await.remove(0).unwrap();
    summary
}

#[tokio::test]
async fn of_old_results_those_stay_that_deciding_again_needs() {
    let folder = tempfile::tempdir().unwrap();
    let settings = SqliteSettings::new(folder.path().join("journal.db"));
    let retention = Retention { results_per_stream_max: 40, history_per_stream_max: 200, ..Retention::default() };
    let journal = SqliteJournal::open(SqliteSettings { retention, ..settings.clone() }).unwrap();
    let mut all = Vec::new();
    for slot in 1..=900 {
        all.push(put(&journal, slot, (101..=110).contains(&slot) || slot == 400).await);
    }
    let kept = journal.recent_results(&check(), None, 1_000).await.unwrap();
    assert!((40..150).contains(&kept.len()), "{} of {} results are kept", kept.len(), all.len());
    for recover_after in [1, 15] {
        let policy = Policy { recover_after, ..Policy::mission("#p2", "#p1", None) };
        let ladder = policy.ladder("default", &Directory::default()).unwrap();
        let [of_all, of_kept] = [&all, &kept].map(|history| replay(&check(), None, &ladder, history.clone()));
        assert_eq!(of_kept.messages, of_all.messages);
        assert_eq!((of_kept.incidents, of_kept.seen.span), (of_all.incidents, of_all.seen.span));
    }
    assert_eq!(journal.result(&key(105)).await.unwrap(), None, "without its document");
    assert!(journal.result(&key(890)).await.unwrap().is_some());
    drop(journal);

    // What is too old goes, and so does what is too much; the newest stay whole.
    let retention = Retention { history_ms: 3_600_000, history_per_stream_max: 30, ..retention };
    let journal = SqliteJournal::open(SqliteSettings { retention, ..settings }).unwrap();
    for slot in 901..=1_000 {
        put(&journal, slot, true).await;
    }
    let kept = journal.recent_results(&check(), None, 1_000).await.unwrap();
    assert!((70..=130).contains(&kept.len()), "{} results are kept", kept.len());
    let oldest = kept.iter().map(|result| result.key.slot).min().unwrap();
    assert!(oldest > START + 800 * 30_000, "{oldest}");
    assert!(journal.result(&key(961)).await.unwrap().is_some());
}
