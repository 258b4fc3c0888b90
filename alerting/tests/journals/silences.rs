use crate::scene::NOW;
use alerting::journal::Journal;
use alerting::silence::{Matcher, Silence};

pub async fn silences_are_kept_until_they_are_over(journal: &dyn Journal) {
    let silence = |until| Silence {
        matcher: Matcher::Everything,
        until,
        by: "Ada".to_owned(),
        why: "known".to_owned(),
        is_maintenance: false,
        from: None,
    };
    let first = journal.put_silence(silence(NOW + 10), NOW).await.unwrap().unwrap();
    let second = journal.put_silence(silence(NOW + 20), NOW).await.unwrap().unwrap();
    let ids = async |now| journal.silences(now).await.unwrap().iter().map(|kept| kept.id).collect::<Vec<_>>();
    assert_eq!(ids(NOW).await, [first, second]);
    assert_eq!(ids(NOW + 10).await, [second]);
    assert_eq!(journal.drop_silence(second).await.unwrap().unwrap().silence, silence(NOW + 20));
    assert_eq!(journal.drop_silence(second).await.unwrap(), None);
    assert_eq!(ids(NOW).await, [first]);
}
