//! Messages to one place that leave together.

use crate::scene::{LATER, NOW, check, delivered, put, settled_at, settlement};
use alerting::journal::{Journal, Lease, RowState, Settled, Settlement};
use alerting::notification::{ChannelKind, Role};
use checks::UnixMs;

/// A check of its own for each, with its first failure posted and its second paged.
async fn storm(journal: &dyn Journal, checks: std::ops::Range<usize>) {
    for n in checks {
        let check = check(&format!("check-{n}"));
        put(journal, &check, 1, true).await;
        put(journal, &check, 2, true).await;
    }
}

/// The how-manieth incident of a storm it is: [`decide`] fetches a number for each result, and uses every second.
fn nth(number: u64) -> u64 {
    number.div_ceil(2)
}

fn numbers(lease: &Lease) -> Vec<u64> {
    let n = &lease.notification;
    std::iter::once(n.incident).chain(n.folded.iter().map(|other| other.report.number)).map(nth).collect()
}

pub async fn a_storm_is_one_text_a_minute_and_few_posts(journal: &dyn Journal) {
    storm(journal, 0..1).await;
    let first = journal.lease(ChannelKind::Sms, 10, NOW, LATER).await.unwrap().remove(0);
    assert_eq!(numbers(&first), [1], "the first leaves at once");
    journal.settle(settlement(&first, delivered("SM1"))).await.unwrap();
    storm(journal, 1..50).await;
    let early = journal.lease(ChannelKind::Sms, 10, NOW + 59_999, LATER + 60_000).await.unwrap();
    assert!(early.is_empty(), "{early:?}");
    let rest = journal.lease(ChannelKind::Sms, 10, NOW + 60_000, LATER + 60_000).await.unwrap();
    assert_eq!(rest.iter().map(numbers).collect::<Vec<_>>(), [(2..51).collect::<Vec<u64>>()]);
    // What may have arrived is asked for as it was, and holds up what has come meanwhile.
    let retry = Settled::Retry { at: NOW + 61_000, uncertain: true, reason: "closed".to_owned() };
    journal.settle(settled_at(&rest[0], retry, NOW + 60_500)).await.unwrap();
    storm(journal, 50..51).await;
    let asked = journal.lease(ChannelKind::Sms, 10, NOW + 61_000, LATER + 120_000).await.unwrap();
    assert_eq!(asked.iter().map(numbers).collect::<Vec<_>>(), [(2..51).collect::<Vec<u64>>()]);
    assert!(asked[0].uncertain && asked[0].notification.id == rest[0].notification.id);
    assert_eq!(asked[0].attempt, 2);
    // What certainly has not leaves with all that waits, and the attempt goes on.
    journal.settle(settled_at(&asked[0], Settled::NotTaken, NOW + 61_500)).await.unwrap();
    let again = journal.lease(ChannelKind::Sms, 10, NOW + 61_500, LATER + 120_000).await.unwrap();
    assert_eq!(again.iter().map(numbers).collect::<Vec<_>>(), [(2..52).collect::<Vec<u64>>()]);
    assert!(!again[0].uncertain && again[0].attempt == 2, "{again:?}");
    journal.settle(settled_at(&again[0], delivered("SM2"), NOW + 62_000)).await.unwrap();
    // Nothing is lost from the trail: each incident says which message told of it.
    for n in 2..52 {
        let record = journal.incident(2 * n - 1).await.unwrap().unwrap();
        let text = record.notifications.iter().find(|n| n.kind == ChannelKind::Sms).unwrap();
        assert_eq!(text.state, RowState::Delivered, "{text:?}");
        assert!(text.attempts.last().unwrap().detail.starts_with("SM2"), "{text:?}");
    }
}

pub async fn what_an_earlier_message_cannot_have_carried_leaves_again(journal: &dyn Journal) {
    storm(journal, 0..3).await;
    let first = journal.lease(ChannelKind::Sms, 10, NOW, LATER).await.unwrap().remove(0);
    assert_eq!(numbers(&first), [1, 2, 3]);
    let carried: Vec<_> = first.notification.folded.iter().map(|other| other.id.clone()).collect();
    let own = Settlement { carried: Vec::new(), ..settlement(&first, delivered("SM1")) };
    let others = Settlement {
        notification: carried[0].clone(),
        carried: carried[1..].to_vec(),
        ..settlement(&first, Settled::NotTaken)
    };
    journal.settle(own).await.unwrap();
    journal.settle(others).await.unwrap();
    let rest = journal.lease(ChannelKind::Sms, 10, NOW + 60_000, LATER + 60_000).await.unwrap();
    assert_eq!(rest.iter().map(numbers).collect::<Vec<_>>(), [[2, 3]]);
    assert!(!rest[0].uncertain && rest[0].attempt == 1, "{rest:?}");
}

pub async fn a_telephone_gets_one_text_a_minute_whatever_it_says(journal: &dyn Journal) {
    let texts = async |at: UnixMs| journal.lease(ChannelKind::Sms, 10, at, at + 60_000).await.unwrap();
    storm(journal, 0..1).await;
    let page = texts(NOW).await.remove(0);
    journal.settle(settled_at(&page, delivered("SM1"), NOW)).await.unwrap();
    put(journal, &check("check-0"), 3, false).await;
    assert!(texts(NOW + 59_999).await.is_empty());
    let end = texts(NOW + 60_000).await.remove(0);
    assert!(end.notification.saying.ends() && end.notification.folded.is_empty());
    // While the end is on its way, and for a minute after, a page waits; what else waits goes along with it.
    storm(journal, 1..3).await;
    assert!(texts(NOW + 60_000).await.is_empty());
    journal.settle(settled_at(&end, delivered("SM2"), NOW + 60_500)).await.unwrap();
    put(journal, &check("check-2"), 3, false).await;
    assert!(texts(NOW + 120_499).await.is_empty());
    let both = texts(NOW + 120_500).await;
    assert_eq!(both.iter().map(numbers).collect::<Vec<_>>(), [vec![2, 3, 3]], "two pages and an end");
}

pub async fn what_other_messages_are_called_is_handed_over_with_a_question(journal: &dyn Journal) {
    storm(journal, 0..1).await;
    let first = journal.lease(ChannelKind::Sms, 10, NOW, LATER).await.unwrap().remove(0);
    assert!(first.taken.is_empty() && first.left_at.is_none());
    journal.settle(settled_at(&first, delivered("SM1"), NOW)).await.unwrap();
    storm(journal, 1..2).await;
    let second = journal.lease(ChannelKind::Sms, 10, NOW + 60_000, LATER + 60_000).await.unwrap().remove(0);
    assert!(second.taken.is_empty(), "nothing has to be asked");
    let retry = Settled::Retry { at: NOW + 61_000, uncertain: true, reason: "closed".to_owned() };
    journal.settle(settled_at(&second, retry, NOW + 60_500)).await.unwrap();
    let asked = journal.lease(ChannelKind::Sms, 10, NOW + 61_000, LATER + 120_000).await.unwrap().remove(0);
    assert_eq!(asked.taken, ["SM1".to_owned()].into());
    assert_eq!(asked.left_at, Some(NOW + 60_500));
}

pub async fn posts_of_a_storm_are_one_that_is_edited_together(journal: &dyn Journal) {
    // What leaves for the channel of the pages; the other channel's is delivered as well.
    let leave = async |at: UnixMs, receipt: &str| {
        let leases = journal.lease(ChannelKind::Slack, 10, at, at + 60_000).await.unwrap();
        let mut left = Vec::new();
        for lease in leases {
            let is_ours = lease.notification.address.lane() == "slack:#p1";
            let receipt = if is_ours { receipt } else { "C2/1" };
            journal.settle(settled_at(&lease, delivered(receipt), at)).await.unwrap();
            left.extend(is_ours.then_some(lease));
        }
        left
    };
    let shown =
        |leases: &[Lease]| leases.iter().map(|lease| (lease.notification.role, numbers(lease))).collect::<Vec<_>>();
    storm(journal, 0..1).await;
    assert_eq!(shown(&leave(NOW, "C1/1").await), [(Role::Post, vec![1])], "the first leaves at once");
    storm(journal, 1..4).await;
    assert_eq!(shown(&leave(NOW + 1_999, "C1/2").await), []);
    let list = leave(NOW + 2_000, "C1/2").await;
    assert_eq!(shown(&list), [(Role::Post, vec![2, 3, 4])], "the others are one post");
    // Two of them end: the post is edited once, and its thread has one entry.
    put(journal, &check("check-1"), 3, false).await;
    put(journal, &check("check-2"), 3, false).await;
    let edit = leave(NOW + 70_000, "C1/2").await;
    assert_eq!(shown(&edit), [(Role::Edit, vec![2, 3])]);
    assert_eq!(edit[0].post.as_deref(), Some("C1/2"));
    assert_eq!(edit[0].notification.shared_with.iter().map(|r| nth(r.number)).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(shown(&leave(NOW + 70_000, "C1/3").await), [(Role::Broadcast, vec![2, 3])]);
    // The next end waits for the gap, since the channel sees each.
    put(journal, &check("check-3"), 3, false).await;
    assert_eq!(shown(&leave(NOW + 79_999, "C1/2").await), []);
    assert_eq!(shown(&leave(NOW + 80_000, "C1/2").await), [(Role::Edit, vec![4])]);
    assert_eq!(shown(&leave(NOW + 80_000, "C1/4").await), [(Role::Broadcast, vec![4])]);
}

pub async fn late_is_what_waits_longer_than_the_messages_before_it(journal: &dyn Journal) {
    storm(journal, 0..1).await;
    let record = journal.incident(1).await.unwrap().unwrap();
    let paged_at = record.notifications.iter().find(|n| n.page).unwrap().created_at;
    let late = async |after_ms: u64| journal.undelivered_pages(paged_at + after_ms).await.unwrap().len();
    assert_eq!((late(1_999).await, late(2_000).await), (0, 1), "the one to the channel");
    assert_eq!((late(59_999).await, late(60_000).await), (1, 2), "and the one to the telephone");
    let leases = journal.lease(ChannelKind::Sms, 10, NOW, LATER).await.unwrap();
    assert_eq!((leases.len(), late(0).await), (1, 1), "what was tried is late at once");
}
