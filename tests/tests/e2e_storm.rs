//! Fifty checks that fail together: few messages, each readable, and nothing lost. The real binary, recording providers.

use alerting::incident::IncidentStatus;
use alerting::journal::{IncidentFilter, IncidentRecord, RowState, SqliteReader};
use alerting::notification::{ChannelKind, Role};
use http::StatusCode;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::doubles::slack::{Slack, SlackMessage};
use tests::doubles::twilio::Twilio;
use tests::harness::{Config, DEVOPS, Tocsin};
use tests::measure::Target;

const CHECKS: usize = 50;
const MESSAGE_EVERY: Duration = Duration::from_secs(10);
/// As where nothing is configured.
const POST_EVERY: Duration = Duration::from_secs(2);
/// A storm takes a few times [`MESSAGE_EVERY`]; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(180);

fn name(n: usize) -> String {
    format!("login-{n:02}")
}

fn write_checks(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    for n in 0..CHECKS {
        let script = r#"import { defineCheck, expect } from "tocsin";
export default defineCheck({
  schedule: "every 5s",
  timeout: "4s",
  async run({ vars }) {
    expect(await fetch(`${vars.AUTH_URL}/token`)).toBeOk();
  },
});
"#;
        std::fs::write(folder.join(format!("{}.check.js", name(n))), script).unwrap();
    }
}

fn records(journal: &SqliteReader) -> Vec<IncidentRecord> {
    let filter = IncidentFilter { rows_max: 10 * CHECKS, ..IncidentFilter::default() };
    let summaries = journal.incidents(&filter).unwrap();
    summaries.iter().rev().map(|summary| journal.incident(summary.number).unwrap().unwrap()).collect()
}

/// Waits until the incidents are as they should be.
async fn until(path: &Path, what: &str, is_so: impl Fn(&[IncidentRecord]) -> bool) {
    let started = Instant::now();
    loop {
        let journal = SqliteReader::open(path).unwrap();
        let records = records(&journal);
        if is_so(&records) {
            return;
        }
        let open = records.iter().filter(|record| record.report.status == IncidentStatus::Open).count();
        let waited = started.elapsed();
        assert!(waited < PATIENCE, "{what}: {} incidents, {open} open", records.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The rows of one address that were delivered, and the names of the messages that brought them.
fn messages_of(record: &IncidentRecord, address: &str, role: Role) -> Vec<String> {
    let rows = record.notifications.iter().filter(|n| n.address.lane() == address && n.role == role);
    rows.map(|n| {
        assert_eq!(n.state, RowState::Delivered, "{n:?}");
        let detail = &n.attempts.last().unwrap().detail;
        detail.rsplit_once(", in one message with ").map_or(n.id.0.clone(), |(_, carrier)| carrier.to_owned())
    })
    .collect()
}

/// That no two are closer than they may be: the first, and what came meanwhile.
#[track_caller]
fn assert_apart(what: &str, every: Duration, sent_at: &[Instant]) {
    for pair in sent_at.windows(2) {
        assert!(pair[1] - pair[0] >= every, "{what}: two messages within {:?}", pair[1] - pair[0]);
    }
}

/// How many messages a storm may be: the first, and one for each time that it went on.
fn messages_max(records: &[IncidentRecord], every: Duration) -> usize {
    let opened = || records.iter().map(|record| record.report.opened_at);
    let lasted_ms = opened().max().unwrap().since_ms(opened().min().unwrap());
    2 + usize::try_from(lasted_ms / every.as_millis() as u64).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_checks_that_fail_together_are_one_list_and_one_text() {
    let folder = tempfile::tempdir().unwrap();
    let is_broken = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_broken);
    let target = Target::start(move |_| {
        let is_broken = seen.load(Ordering::Relaxed);
        (Duration::ZERO, if is_broken { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK })
    })
    .await;
    let checks = folder.path().join("checks");
    write_checks(&checks);
    let slack = Slack::workspace().await.unwrap();
    let twilio = Twilio::account().await.unwrap();
    let config = Config {
        regions: 1,
        message_every: format!("{}s", MESSAGE_EVERY.as_secs()),
        ..Config::for_target(checks, &target.url()).with_providers(&slack, &twilio)
    };
    let journal = folder.path().join("data").join("tocsin.db");
    let tocsin = Tocsin::up(&config, folder.path()).await;
    for n in 0..CHECKS {
        tocsin.passes(&name(n)).await;
    }
    is_broken.store(true, Ordering::Relaxed);
    // Edits are put off while it goes on failing; the posts and the texts have all left.
    let is_paged = |record: &IncidentRecord| {
        let mut posts = record.notifications.iter().filter(|n| n.role == Role::Post);
        let is_delivered = posts.clone().all(|n| n.state == RowState::Delivered);
        is_delivered && posts.any(|n| n.kind == ChannelKind::Sms)
    };
    until(&journal, "fifty pages", |records| records.len() == CHECKS && records.iter().all(is_paged)).await;

    let pages = records(&SqliteReader::open(&journal).unwrap());
    for channel in ["#p1", "#p2"] {
        let posts: Vec<SlackMessage> = slack.posts(channel);
        let lane = format!("slack:{channel}");
        println!("--- {channel}");
        for post in &posts {
            println!("{}\n{}\n", post.text, serde_json::to_string_pretty(&post.blocks).unwrap());
        }
        assert_apart(channel, POST_EVERY, &posts.iter().map(|post| post.posted_at).collect::<Vec<_>>());
        assert!((1..=messages_max(&pages, POST_EVERY)).contains(&posts.len()), "{} posts in {channel}", posts.len());
        let everything: String = posts.iter().map(SlackMessage::everything).collect();
        for n in 0..CHECKS {
            assert!(everything.contains(&name(n)), "{} is in no post of {channel}", name(n));
        }
        // The trail says for each with which message it was told, and there are no others.
        let told: BTreeSet<String> = pages.iter().flat_map(|r| messages_of(r, &lane, Role::Post)).collect();
        assert_eq!(told.len(), posts.len(), "{told:?}");
        assert!(pages.iter().all(|record| messages_of(record, &lane, Role::Post).len() == 1));
    }
    for (member, phone) in DEVOPS {
        let texts: Vec<_> = twilio.with(|twilio| twilio.to(phone).cloned().collect());
        println!("--- {member}: {:#?}", texts.iter().map(|sms| &sms.body).collect::<Vec<_>>());
        assert_apart(member, MESSAGE_EVERY, &texts.iter().map(|sms| sms.sent_at).collect::<Vec<_>>());
        assert!((1..=messages_max(&pages, MESSAGE_EVERY)).contains(&texts.len()), "{member} got {} texts", texts.len());
        let lane = format!("sms:{phone}");
        let told: BTreeSet<String> = pages.iter().flat_map(|r| messages_of(r, &lane, Role::Post)).collect();
        assert_eq!(told.len(), texts.len(), "{told:?}");
        // The texts count what they carry: together they are all fifty.
        let counted: usize = texts.iter().map(|sms| counted(&sms.body)).sum();
        assert_eq!(counted, CHECKS, "{texts:#?}");
    }

    is_broken.store(false, Ordering::Relaxed);
    let is_over = |record: &IncidentRecord| {
        let is_told = record.notifications.iter().all(|n| !n.state.is_waiting());
        is_told && record.report.status == IncidentStatus::Recovered
    };
    until(&journal, "fifty ends", |records| records.len() == CHECKS && records.iter().all(is_over)).await;
    tocsin.stop().await;
    let ended = records(&SqliteReader::open(&journal).unwrap());
    for channel in ["#p1", "#p2"] {
        for post in slack.posts(channel) {
            println!("--- {channel} at the end: {}\n{:#?}", post.text, slack.replies(&post));
            assert!(post.text.contains("recovered") || post.text.contains("are over"), "{channel}: {}", post.text);
        }
        let lane = format!("slack:{channel}");
        assert!(ended.iter().all(|record| !messages_of(record, &lane, Role::Broadcast).is_empty()));
    }
    for (member, phone) in DEVOPS {
        let lane = format!("sms:{phone}");
        let texts: Vec<_> = twilio.with(|twilio| twilio.to(phone).map(|sms| sms.body.clone()).collect());
        println!("--- {member} at the end: {texts:#?}");
        // Each was told twice: that it fails, and that it is over.
        assert!(ended.iter().all(|record| messages_of(record, &lane, Role::Post).len() == 2), "{texts:#?}");
    }
}

/// How many checks a text says fail: `P1 login-00 and 48 more fail since ...`.
fn counted(body: &str) -> usize {
    match body.split_once(" more fail ").and_then(|(before, _)| before.rsplit_once("and ")) {
        Some((_, more)) => 1 + more.parse::<usize>().unwrap(),
        None => 1,
    }
}
