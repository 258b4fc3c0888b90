//! The contract of the journal, run against every backend.

use alerting::incident::{CheckState, Context, Event, FailureBrief, Observation, Transition, Verdict, step};
use alerting::journal::{
    Commit, Consumed, IncidentFilter, Journal, JournalError, MemoryJournal, ResultSummary, RowState, Settled,
    Settlement, SqliteJournal, SqliteReader, SqliteSettings,
};
use alerting::notification::{ChannelKind, Fate, HandsetReport, NotificationId, Role};
use alerting::outbox::Folding;
use alerting::policy::{Directory, Ladder, Member, Policy};
use checks::{CheckId, FailureClass, RunKey, UnixMs};

const START: UnixMs = UnixMs(1_795_466_400_000);

fn ladder() -> Ladder {
    let ada = Member { name: "Ada".to_owned(), phone: "+4915100000001".parse().unwrap(), email: None };
    let directory = Directory { teams: [("devops".to_owned(), vec![ada])].into(), ..Directory::default() };
    Policy::mission_default().ladder("default", &directory).unwrap()
}

fn check(name: &str) -> CheckId {
    name.parse().unwrap()
}

fn key(check: &CheckId, slot: u64) -> RunKey {
    RunKey { check: check.clone(), region: "eu".parse().unwrap(), slot: START + slot * 30_000, attempt: 0 }
}

/// Decides one result against the journal's own state, as the decider does, and returns what to commit.
async fn decide(journal: &dyn Journal, check: &CheckId, slot: u64, fails: bool) -> Commit {
    let known = journal.load(check).await.unwrap();
    let (revision, state) = known.map_or((0, CheckState::default()), |known| (known.revision, known.value));
    let key = key(check, slot);
    let brief = FailureBrief {
        class: FailureClass::Http,
        message: "503".to_owned(),
        step: None,
        location: None,
        at: key.slot,
        duration_us: 1,
        timings: vec![],
    };
    let verdict = if fails { Verdict::Failed(brief) } else { Verdict::Passed };
    let event =
        Event::Observed(Observation { region: key.region.clone(), slot: key.slot, attempt: 0, at: key.slot, verdict });
    let ladder = ladder();
    let context = Context {
        now: key.slot,
        check,
        watched: None,
        is_configured: false,
        ladder: &ladder,
        journal: journal.id(),
        next_incident: journal.next_incident().await.unwrap(),
        hold: None,
        parents: &[],
        is_known: false,
    };
    let Transition { state, notifications, trail, report, .. } = step(state, &event, &context);
    let summary = ResultSummary {
        key: key.clone(),
        started_at: key.slot,
        duration_us: 1500,
        verdict: if fails { alerting::journal::Verdict::Failed } else { alerting::journal::Verdict::Passed },
        class: fails.then_some(FailureClass::Http),
        message: "503".to_owned(),
        received_at: key.slot,
        late: false,
    };
    let consumed = vec![Consumed { summary, document: b"{}".to_vec() }];
    let reports = report.into_iter().collect();
    Commit { check: check.clone(), expected_revision: revision, state, consumed, notifications, trail, reports }
}

async fn put(journal: &dyn Journal, check: &CheckId, slot: u64, fails: bool) {
    let commit = decide(journal, check, slot, fails).await;
    journal.commit(vec![commit]).await.remove(0).unwrap();
}

const NOW: UnixMs = UnixMs(START.0 + 600_000);
const LATER: UnixMs = UnixMs(NOW.0 + 60_000);

fn settlement(lease: &alerting::journal::Lease, settled: Settled) -> Settlement {
    settled_at(lease, settled, NOW)
}

fn settled_at(lease: &alerting::journal::Lease, settled: Settled, at: UnixMs) -> Settlement {
    let n = &lease.notification;
    let carried = n.folded.iter().map(|other| other.id.clone()).collect();
    Settlement { notification: n.id.clone(), carried, attempt: lease.attempt, at, duration_ms: 5, settled }
}

fn delivered(receipt: &str) -> Settled {
    Settled::Delivered { receipt: receipt.to_owned(), reconciled: false }
}

async fn states_move_by_revision(journal: &dyn Journal) {
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

async fn a_group_commits_each_check_on_its_own(journal: &dyn Journal) {
    let (a, b) = (check("a"), check("b"));
    let commit_a = decide(journal, &a, 1, true).await;
    let mut commit_b = decide(journal, &b, 1, true).await;
    commit_b.expected_revision = 7;
    let answers = journal.commit(vec![commit_a, commit_b]).await;
    assert!(answers[0].is_ok());
    assert!(matches!(answers[1], Err(JournalError::Conflict { .. })));
    assert_eq!(journal.open_checks().await.unwrap(), [a]);
}

async fn a_result_is_consumed_once(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, false).await;
    let again = decide(journal, &login, 1, true).await;
    let answer = journal.commit(vec![again]).await.remove(0).unwrap();
    assert_eq!(answer.duplicates, [0], "by its place in the commit");
    let results = journal.recent_results(&login, None, 10).await.unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].verdict, alerting::journal::Verdict::Passed, "the first delivery stays");
}

async fn lanes_go_in_order(journal: &dyn Journal) {
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

async fn a_lease_without_an_answer_is_uncertain(journal: &dyn Journal) {
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

async fn an_edit_that_may_be_on_its_way_is_not_superseded(journal: &dyn Journal) {
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

async fn what_follows_a_post_that_was_given_up_is_told_so(journal: &dyn Journal) {
    let login = check("login");
    put(journal, &login, 1, true).await;
    let post = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    journal.settle(settlement(&post, Settled::Failed { reason: "is_archived".to_owned() })).await.unwrap();
    put(journal, &login, 2, false).await;
    let edit = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    assert!(edit.post_failed && edit.post.is_none());
}

async fn undelivered_pages_of_open_incidents_are_found(journal: &dyn Journal) {
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

async fn a_page_that_the_handset_did_not_get_is_undelivered(journal: &dyn Journal) {
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

async fn the_trail_answers(journal: &dyn Journal) {
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

async fn history_is_bounded_and_the_latest_is_known(journal: &dyn Journal) {
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

async fn checks_are_known_by_their_results(journal: &dyn Journal) {
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

async fn numbers_are_given_once(journal: &dyn Journal) {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..10 {
        assert!(seen.insert(journal.next_incident().await.unwrap()));
    }
}

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

fn numbers(lease: &alerting::journal::Lease) -> Vec<u64> {
    let n = &lease.notification;
    std::iter::once(n.incident).chain(n.folded.iter().map(|other| other.report.number)).map(nth).collect()
}

async fn a_storm_is_one_text_a_minute_and_few_posts(journal: &dyn Journal) {
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

async fn what_an_earlier_message_cannot_have_carried_leaves_again(journal: &dyn Journal) {
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

async fn a_telephone_gets_one_text_a_minute_whatever_it_says(journal: &dyn Journal) {
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

async fn what_other_messages_are_called_is_handed_over_with_a_question(journal: &dyn Journal) {
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

async fn posts_of_a_storm_are_one_that_is_edited_together(journal: &dyn Journal) {
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
    let shown = |leases: &[alerting::journal::Lease]| {
        leases.iter().map(|lease| (lease.notification.role, numbers(lease))).collect::<Vec<_>>()
    };
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

async fn late_is_what_waits_longer_than_the_messages_before_it(journal: &dyn Journal) {
    storm(journal, 0..1).await;
    let record = journal.incident(1).await.unwrap().unwrap();
    let paged_at = record.notifications.iter().find(|n| n.page).unwrap().created_at;
    let late = async |after_ms: u64| journal.undelivered_pages(paged_at + after_ms).await.unwrap().len();
    assert_eq!((late(1_999).await, late(2_000).await), (0, 1), "the one to the channel");
    assert_eq!((late(59_999).await, late(60_000).await), (1, 2), "and the one to the telephone");
    let leases = journal.lease(ChannelKind::Sms, 10, NOW, LATER).await.unwrap();
    assert_eq!((leases.len(), late(0).await), (1, 1), "what was tried is late at once");
}

async fn silences_are_kept_until_they_are_over(journal: &dyn Journal) {
    let silence = |until| alerting::silence::Silence {
        matcher: alerting::silence::Matcher::Everything,
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

async fn what_was_heard_last_is_kept_until_it_is_forgotten(journal: &dyn Journal) {
    use alerting::heartbeat::{FailedCall, Heard};
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

async fn a_clock_that_went_back_delays_no_retry(journal: &dyn Journal) {
    put(journal, &check("login"), 1, true).await;
    let lease = journal.lease(ChannelKind::Slack, 1, NOW, LATER).await.unwrap().remove(0);
    let retry = Settled::Retry { at: NOW + 60_000, uncertain: false, reason: "503".to_owned() };
    journal.settle(settlement(&lease, retry)).await.unwrap();
    assert!(journal.lease(ChannelKind::Slack, 1, NOW + 1, LATER).await.unwrap().is_empty(), "not due yet");
    let back = NOW - 3_000_000;
    assert_eq!(journal.lease(ChannelKind::Slack, 1, back, back + 1).await.unwrap().len(), 1);
}

macro_rules! contract {
    ($backend:ident, $open:expr, $($name:ident),* $(,)?) => {
        mod $backend {
            $(#[tokio::test]
            async fn $name() {
                let (_folder, journal) = $open;
                super::$name(&journal).await;
            })*
        }
    };
}

macro_rules! contract_for {
    ($backend:ident, $open:expr) => {
        contract!(
            $backend,
            $open,
            states_move_by_revision,
            a_group_commits_each_check_on_its_own,
            a_result_is_consumed_once,
            lanes_go_in_order,
            a_lease_without_an_answer_is_uncertain,
            an_edit_that_may_be_on_its_way_is_not_superseded,
            what_follows_a_post_that_was_given_up_is_told_so,
            undelivered_pages_of_open_incidents_are_found,
            a_page_that_the_handset_did_not_get_is_undelivered,
            the_trail_answers,
            history_is_bounded_and_the_latest_is_known,
            checks_are_known_by_their_results,
            numbers_are_given_once,
            silences_are_kept_until_they_are_over,
            what_was_heard_last_is_kept_until_it_is_forgotten,
            a_clock_that_went_back_delays_no_retry,
        );
    };
}

macro_rules! folding_contract_for {
    ($backend:ident, $open:expr) => {
        contract!(
            $backend,
            $open,
            a_storm_is_one_text_a_minute_and_few_posts,
            what_an_earlier_message_cannot_have_carried_leaves_again,
            a_telephone_gets_one_text_a_minute_whatever_it_says,
            what_other_messages_are_called_is_handed_over_with_a_question,
            posts_of_a_storm_are_one_that_is_edited_together,
            late_is_what_waits_longer_than_the_messages_before_it,
        );
    };
}

fn sqlite_with(folding: Folding) -> (tempfile::TempDir, SqliteJournal) {
    let folder = tempfile::tempdir().unwrap();
    let settings = SqliteSettings { folding, ..SqliteSettings::new(folder.path().join("deep/journal.db")) };
    let journal = SqliteJournal::open(settings).unwrap();
    (folder, journal)
}

contract_for!(memory, ((), super::MemoryJournal::new().with_folding(super::Folding::OFF)));
contract_for!(sqlite, super::sqlite_with(super::Folding::OFF));
folding_contract_for!(memory_in_a_storm, ((), super::MemoryJournal::new()));
folding_contract_for!(sqlite_in_a_storm, super::sqlite_with(super::Folding::default()));

#[tokio::test]
async fn sqlite_keeps_everything_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let login = check("login");
    let journal = SqliteJournal::open(SqliteSettings::new(&path)).unwrap();
    put(&journal, &login, 1, true).await;
    let (id, before) = (journal.id().to_owned(), journal.load(&login).await.unwrap());
    let number = journal.incidents(IncidentFilter::default()).await.unwrap()[0].number;
    drop(journal);
    let journal = SqliteJournal::open(SqliteSettings::new(&path)).unwrap();
    assert_eq!(journal.id(), id);
    assert_eq!(journal.load(&login).await.unwrap(), before);
    assert!(journal.next_incident().await.unwrap() > number, "a number is never given twice");
    let reader = SqliteReader::open(&path).unwrap();
    assert_eq!(reader.incident(number).unwrap().unwrap().report.check, login);
}

#[test]
fn sqlite_is_opened_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let first = SqliteJournal::open(SqliteSettings::new(&path)).unwrap();
    let error = SqliteJournal::open(SqliteSettings::new(&path)).err().unwrap().to_string();
    assert!(error.contains("another Tocsin is running on it"), "{error}");
    drop(first);
    SqliteJournal::open(SqliteSettings::new(&path)).unwrap();
}

#[test]
fn sqlite_refuses_what_a_newer_version_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteJournal::open(SqliteSettings::new(&path)).err().unwrap().to_string();
    assert!(error.contains("newer version of Tocsin (schema 99, this build knows 5)"), "{error}");
    let error = SqliteReader::open(&path).err().unwrap().to_string();
    assert!(error.contains("newer version"), "{error}");
}

#[test]
fn sqlite_says_what_is_wrong_with_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    std::fs::write(&path, "this is no database, and long enough to be read as one; ".repeat(100)).unwrap();
    let error = SqliteJournal::open(SqliteSettings::new(&path)).err().unwrap().to_string();
    assert!(error.contains("journal.db") && error.contains("not a database"), "{error}");
}

#[tokio::test]
async fn a_memory_journal_and_another_have_different_ids() {
    assert_ne!(MemoryJournal::new().id(), MemoryJournal::new().id());
}
