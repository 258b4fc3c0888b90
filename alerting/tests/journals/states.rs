use crate::scene::{check, decide, key, put};
use alerting::journal::{Journal, JournalError};

pub async fn states_move_by_revision(journal: &dyn Journal) {
    let login = check("login");
    assert_eq!(journal.load(&login).await.unwrap(), None);
    put(journal, &login, 1, false).await;
    let first = journal.load(&login).await.unwrap().unwrap();
    assert_eq!(first.revision, 1);
    // Two deciders on one revision: one wins, the other is told, and nothing of it is stored.
    let (mine, theirs) = (decide(journal, &login, 2, true).await, decide(journal, &login, 3, true).await);
    journal.commit(vec![theirs]).await.remove(0).unwrap();
    let lost = journal.commit(vec![mine]).await.remove(0).unwrap_err();
    assert!(matches!(lost, JournalError::Conflict { expected: 1, .. }), "{lost}");
    assert_eq!(journal.load(&login).await.unwrap().unwrap().revision, 2);
    assert_eq!(journal.outbox_depth().await.unwrap(), 1, "the loser's page is not in the outbox");
    assert_eq!(journal.result(&key(&login, 2)).await.unwrap(), None);
}

pub async fn a_group_commits_each_check_on_its_own(journal: &dyn Journal) {
    let (a, b) = (check("a"), check("b"));
    let commit_a = decide(journal, &a, 1, true).await;
    let mut commit_b = decide(journal, &b, 1, true).await;
    commit_b.expected_revision = 7;
    let answers = journal.commit(vec![commit_a, commit_b]).await;
    assert!(answers[0].is_ok());
    assert!(matches!(answers[1], Err(JournalError::Conflict { .. })));
    assert_eq!(journal.open_checks().await.unwrap(), [a]);
}

pub async fn numbers_are_given_once(journal: &dyn Journal) {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..10 {
        assert!(seen.insert(journal.next_incident().await.unwrap()));
    }
}
