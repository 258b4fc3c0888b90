//! Results committed durably, and results decided in memory.
//!
//! Every commit is SQLite in WAL mode with `synchronous=FULL`, in cargo's own folder for such files and not in `/tmp`,
//! which may be memory.

use alerting::incident::{CheckState, Context, Event, Observation, step};
use alerting::journal::{Journal, SqliteJournal, SqliteSettings};
use alerting::outbox::DeliverySettings;
use alerting::policy::{Ladders, Policy};
use alerting::terminal::TerminalChannel;
use alerting::{Alerting, AlertingSettings, Channels, Decision};
use checks::{CheckId, Outcome, Prober, Region, RunKey, RunResult, UnixMs};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tests::measure::{Aim, Table, block_on, is_asked_for, percentile, watched, window};

const STREAMS: usize = 10_000;
const BATCH: usize = 250;
const WRITERS: usize = 16;
const DECIDED_A_SECOND: f64 = 100_000.0;
const COMMITTED_A_SECOND: f64 = 5_000.0;

fn main() {
    if is_asked_for() {
        block_on(measure());
    }
}

async fn measure() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("cargo's folder can be written");
    let table = Table::new("Journal", "SQLite, WAL, synchronous=FULL, on the disk of the target folder");
    let journal =
        SqliteJournal::open(SqliteSettings::new(folder.path().join("journal.db"))).expect("a new journal opens");
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let channel = Arc::new(TerminalChannel::new(Box::new(std::io::sink())));
    let alerting = Alerting::open(
        AlertingSettings { ladders: ladders(), delivery: DeliverySettings::default() },
        Channels::new(channel.clone(), channel),
        journal,
    )
    .await
    .expect("alerting opens");

    // Results of checks that nobody watches are not decided.
    alerting
        .set_checks(
            (0..=WRITERS * BATCH).map(|n| result(n, 0).key).map(|key| watched(key.check, vec![key.region])).collect(),
        )
        .await
        .expect("the journal takes it");

    let single = singles(&alerting).await;
    table.row("results a second, each committed on its own", single.0, "/s", Aim::Nothing);
    let (mut waits, what) = (single.1, "until an accepted result is durable");
    for percent in [50.0, 99.0] {
        if let Some(wait) = percentile(&mut waits, percent) {
            table.row(&format!("{what}, p{percent}"), wait.as_secs_f64() * 1e3, "ms", Aim::Nothing);
        }
    }
    let batched = batches(&alerting).await;
    let what = format!("results a second, {WRITERS} writers, batches of {BATCH}");
    table.row(&what, batched, "/s", Aim::AtLeast(COMMITTED_A_SECOND));
    alerting.drain(std::time::Duration::from_secs(5)).await;
    table.row("results a second decided in memory, one core", decided(), "/s", Aim::AtLeast(DECIDED_A_SECOND));
}

/// The mission's ladder without anybody to text.
fn ladders() -> Ladders {
    let policy = Policy::mission("#p2", "#p1", None);
    Ladders {
        default: policy.ladder("default", &Default::default()).expect("the default is valid"),
        named: BTreeMap::new(),
    }
}

fn result(stream: usize, slot: i64) -> RunResult {
    RunResult {
        key: RunKey {
            check: CheckId::new(&format!("check-{stream}")).expect("a valid id"),
            region: Region::new("eu-west-1").expect("a valid id"),
            slot: UnixMs(slot),
            attempt: 0,
        },
        started_at: UnixMs(slot),
        duration_us: 80_000,
        outcome: Outcome::Passed,
        steps: Vec::new(),
        requests: Vec::new(),
        console: Vec::new(),
        metrics: Vec::new(),
        dropped: Default::default(),
        script_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        prober: Prober { version: "0.1.0".to_owned() },
    }
}

async fn singles(alerting: &Alerting) -> (f64, Vec<std::time::Duration>) {
    let (started, mut waits, mut slot) = (Instant::now(), Vec::new(), 0);
    while started.elapsed() < window() / 2 {
        slot += 1;
        let offered = Instant::now();
        alerting.accept(vec![result(0, slot)]).await.expect("the journal takes it");
        waits.push(offered.elapsed());
    }
    (waits.len() as f64 / started.elapsed().as_secs_f64(), waits)
}

async fn batches(alerting: &Alerting) -> f64 {
    let started = Instant::now();
    let writers = (0..WRITERS).map(|writer| async move {
        let (mut committed, mut slot) = (0, 1);
        while started.elapsed() < window() {
            slot += 1;
            // Each writer has streams of its own, so that none of its results is a duplicate.
            let batch = (0..BATCH).map(|n| result(1 + writer * BATCH + n, slot)).collect();
            let decisions = alerting.accept(batch).await.expect("the journal takes it");
            committed += decisions.into_iter().filter(|decision| *decision == Decision::Counted).count();
        }
        committed
    });
    let committed: usize = join_all(writers).await.into_iter().sum();
    committed as f64 / started.elapsed().as_secs_f64()
}

fn decided() -> f64 {
    let ladders = ladders();
    let results: Vec<_> = (0..STREAMS).map(|stream| result(stream, 0)).collect();
    let mut states = vec![CheckState::default(); STREAMS];
    let (started, mut decisions, mut slot) = (Instant::now(), 0_u64, 0);
    while started.elapsed() < window() / 2 {
        slot += 30_000;
        for (state, result) in states.iter_mut().zip(&results) {
            let mut observation = Observation::of(result);
            observation.slot = UnixMs(slot);
            let context = Context {
                now: UnixMs(slot),
                check: &result.key.check,
                watched: None,
                is_configured: false,
                ladder: ladders.of(None),
                journal: "bench",
                next_incident: 1,
                hold: None,
                parents: &[],
                is_known: false,
            };
            *state = step(std::mem::take(state), &Event::Observed(observation), &context).state;
            decisions += 1;
        }
    }
    decisions as f64 / started.elapsed().as_secs_f64()
}
