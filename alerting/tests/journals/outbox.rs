use crate::scene::{LATER, NOW, START, check, delivered, put, settlement};
use alerting::journal::{Journal, Settled};
use alerting::notification::{ChannelKind, Fate, HandsetReport, NotificationId, Role};

pub async fn lanes_go_in_order(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, true).await;
    put(journal, &login, 2, true).await;
    put(journal, &login, 3, false).await;
    let first = journal.lease(ChannelKind::Slack, 10, NOW, LATER).await.unwrap();
    let lanes: Vec<_> =
        first.iter().map(|lease| (lease.notification.address.lane(), lease.notification.role)).collect();
    assert_eq!(lanes, [("slack:#p1".to_owned(), Role::Post), ("slack:#p2".to_owned(), Role::Post)], "pages first");
    assert!(journal.lease(ChannelKind::Slack, 10, NOW, LATER).await.unwrap().is_empty(), "one lease at a time");
    journal.settle(settlement(&first[1], delivered("C2/1"))).await.unwrap();
    let second = journal.lease(ChannelKind::Slack, 10, NOW, LATER).await.unwrap();
    // Two edits of #p2 were decided; the later one shows everything, and stands where it was decided.
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].notification.role, Role::Reply);
    assert_eq!(second[0].post.as_deref(), Some("C2/1"));
    let sms = journal.lease(ChannelKind::Sms, 10, NOW, LATER).await.unwrap();
    assert_eq!(sms.len(), 1, "the page; the recovery waits behind it");
    assert!(sms[0].notification.page);
    journal.settle(settlement(&sms[0], delivered("SM1"))).await.unwrap();
    let recovery = journal.lease(ChannelKind::Sms, 10, NOW, LATER).await.unwrap();
    assert!(recovery[0].notification.saying.ends());
}

pub async fn a_lease_without_an_answer_is_uncertain(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, true).await;
    let lease = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    assert_eq!((lease.attempt, lease.uncertain), (1, false));
    assert_eq!(journal.next_due().await.unwrap(), Some(LATER));
    // Expired.
    let lease = journal.lease(ChannelKind::Slack, 1, LATER, LATER + 60_000).await.unwrap().remove(0);
    assert_eq!((lease.attempt, lease.uncertain), (2, true));
    // Answered for certain: the next attempt needs no question.
    let retry = |uncertain| Settled::Retry { at: LATER + 5, uncertain, reason: "429".to_owned() };
    journal.settle(settlement(&lease, retry(false))).await.unwrap();
    assert_eq!(journal.next_due().await.unwrap(), Some(LATER + 5));
    assert!(journal.lease(ChannelKind::Slack, 1, LATER, LATER + 60_000).await.unwrap().is_empty(), "not due yet");
    let lease = journal.lease(ChannelKind::Slack, 1, LATER + 5, LATER + 60_000).await.unwrap().remove(0);
    assert_eq!((lease.attempt, lease.uncertain), (3, false));
    // The process ends; its successor takes over.
    assert_eq!(journal.recover(LATER + 6).await.unwrap(), 1);
    let lease = journal.lease(ChannelKind::Slack, 1, LATER + 6, LATER + 60_000).await.unwrap().remove(0);
    assert_eq!((lease.attempt, lease.uncertain), (4, true));
    journal.settle(settlement(&lease, delivered("C1/1"))).await.unwrap();
    assert_eq!(journal.outbox_depth().await.unwrap(), 0);
    // An answer that comes after the row was settled changes nothing.
    journal.settle(settlement(&lease, retry(true))).await.unwrap();
    assert_eq!(journal.outbox_depth().await.unwrap(), 0);
}

pub async fn an_edit_that_may_be_on_its_way_is_not_superseded(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, true).await;
    let post = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    journal.settle(settlement(&post, delivered("C2/1"))).await.unwrap();
    put(journal, &login, 2, true).await;
    let leased = journal.lease(ChannelKind::Slack, 10, NOW, LATER).await.unwrap();
    let edit = leased.into_iter().find(|lease| lease.notification.role == Role::Edit).unwrap();
    // The clock is set forward. Any worker that looks ends the lease, while the edit is on its way.
    assert!(journal.lease(ChannelKind::Sms, 10, LATER, LATER + 60_000).await.unwrap().len() == 1);
    put(journal, &login, 3, false).await;
    // Nothing of the lane overtakes it.
    let again = journal.lease(ChannelKind::Slack, 10, LATER, LATER + 60_000).await.unwrap();
    let of_lane: Vec<_> = again.iter().filter(|l| l.notification.address == edit.notification.address).collect();
    assert_eq!(of_lane.len(), 1);
    assert_eq!((&of_lane[0].notification.id, of_lane[0].uncertain), (&edit.notification.id, true));
    // Its answer comes after all, and the lane goes on.
    journal.settle(settlement(&edit, delivered("C2/1"))).await.unwrap();
    let next = journal.lease(ChannelKind::Slack, 10, LATER, LATER + 60_000).await.unwrap();
    assert!(next.iter().any(|lease| lease.notification.address == edit.notification.address));
}

pub async fn what_follows_a_post_that_was_given_up_is_told_so(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, true).await;
    let post = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    journal.settle(settlement(&post, Settled::Failed { reason: "is_archived".to_owned() })).await.unwrap();
    put(journal, &login, 2, false).await;
    let edit = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    assert!(edit.post_failed && edit.post.is_none());
}

pub async fn a_clock_that_went_back_delays_no_retry(journal: &dyn Journal) {
    put(journal, &check("login"), 1, true).await;
    let lease = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    let retry = Settled::Retry { at: NOW + 60_000, uncertain: false, reason: "503".to_owned() };
    journal.settle(settlement(&lease, retry)).await.unwrap();
    assert!(journal.lease(ChannelKind::Slack, 1, NOW + 1, LATER).await.unwrap().is_empty(), "not due yet");
    let back = NOW - 3_000_000;
    assert_eq!(journal.lease(ChannelKind::Slack, 1, back, back + 1).await.unwrap().len(), 1);
}

pub async fn undelivered_pages_of_open_incidents_are_found(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, true).await;
    put(journal, &login, 2, true).await;
    assert!(journal.undelivered_pages(START).await.unwrap().is_empty(), "none is that old");
    assert_eq!(journal.undelivered_pages(NOW).await.unwrap().len(), 2, "#p1 and Ada, not #p2");
    let leases = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap();
    journal.settle(settlement(&leases[0], Settled::Failed { reason: "is_archived".to_owned() })).await.unwrap();
    let failed = journal.undelivered_pages(START).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].because.as_str(), failed[0].failed), ("is_archived", true));
    put(journal, &login, 3, false).await;
    assert!(journal.undelivered_pages(NOW).await.unwrap().is_empty(), "the incident is over");
}

pub async fn a_page_that_the_handset_did_not_get_is_undelivered(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, true).await;
    put(journal, &login, 2, true).await;
    let sms = journal.lease(ChannelKind::Sms, 1, NOW, LATER).await.unwrap().remove(0);
    let id = sms.notification.id.clone();
    let report = |id: &NotificationId, fate, text: &str| {
        journal.report(HandsetReport { notification: id.clone(), at: NOW, fate, text: text.to_owned() })
    };
    // Before its own delivery is written down, twice, and of one that nobody knows.
    assert!(report(&id, Fate::Undelivered, "undelivered 30003").await.unwrap());
    assert!(report(&id, Fate::Undelivered, "undelivered 30005").await.unwrap());
    assert!(!report(&NotificationId::new("another", 1, 1), Fate::Failed, "failed").await.unwrap());
    let lost = journal.undelivered_pages(START).await.unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].because.as_str(), lost[0].failed), ("undelivered 30003", true));
    let receipt = Settled::Delivered { receipt: "SM1".to_owned(), reconciled: false };
    journal.settle(settlement(&sms, receipt)).await.unwrap();
    assert_eq!(journal.undelivered_pages(START).await.unwrap(), lost, "the provider had taken it");
    let trail = journal.incident(sms.notification.incident).await.unwrap().unwrap().trail;
    let told: Vec<_> = trail.iter().filter(|entry| entry.text.contains("undelivered")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].text.ends_with(": undelivered 30003") && told[0].text.contains("Ada"), "{told:?}");
    put(journal, &login, 3, false).await;
    assert!(journal.undelivered_pages(START).await.unwrap().is_empty(), "the incident is over");
    assert!(report(&id, Fate::Delivered, "delivered to the handset").await.unwrap(), "and its trail goes on");
    let trail = journal.incident(sms.notification.incident).await.unwrap().unwrap().trail;
    assert!(trail.iter().any(|entry| entry.text.ends_with(": delivered to the handset")));
}
