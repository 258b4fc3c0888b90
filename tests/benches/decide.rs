//! Deciding for a large house: 10,000 checks in 33 regions are 330,000 streams of results.
//!
//! `step` on one core over all of them, healthy and with some of them failing; what a stream takes in memory and in
//! the journal; and results committed durably, in batches that touch a check once and in batches that touch it in
//! every region. SQLite runs in WAL mode with `synchronous=FULL`, in cargo's own folder for such files and not in
//! `/tmp`, which may be memory.

use alerting::incident::{CheckState, Context, Event, Observation, step};
use alerting::journal::{SqliteJournal, SqliteSettings};
use alerting::outbox::DeliverySettings;
use alerting::policy::{Ladder, Ladders, Policy};
use alerting::terminal::TerminalChannel;
use alerting::{Alerting, AlertingSettings, Channels, Decision};
use checks::{CheckId, Failure, FailureClass, Outcome, Prober, Region, RunKey, RunResult, UnixMs};
use futures_util::future::join_all;
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tests::measure::{Aim, Table, block_on, is_asked_for, memory, watched, window};

const CHECKS: usize = 10_000;
const REGIONS: usize = 33;
const STREAMS: usize = CHECKS * REGIONS;
const DECIDED_A_SECOND: f64 = 100_000.0;
const COMMITTED_A_SECOND: f64 = 5_000.0;
const BYTES_A_STREAM: f64 = 1024.0;
const WRITERS: usize = 4;
const BATCH: usize = 330;

fn main() {
    if is_asked_for() {
        let table = Table::new(
            "Deciding",
            "10,000 checks in 33 regions; SQLite, WAL, synchronous=FULL, on the disk of the target folder",
        );
        in_memory(&table);
        block_on(durably(&table));
    }
}

fn region(n: usize) -> Region {
    Region::new(&format!("region-{n:02}")).expect("a valid id")
}

fn check(n: usize) -> CheckId {
    CheckId::new(&format!("check-{n:05}")).expect("a valid id")
}

/// The mission's ladder without anybody to text.
fn ladder() -> Ladder {
    Policy::mission("#p2", "#p1", None).ladder("default", &Default::default()).expect("the default is valid")
}

fn result(check: CheckId, region: Region, slot: i64, fails: bool) -> RunResult {
    let failure = || Failure {
        class: FailureClass::Http,
        message: "expected 200, got 503".to_owned(),
        step: Some("login › token".to_owned()),
        location: None,
        stack: String::new(),
        soft: Vec::new(),
    };
    RunResult {
        key: RunKey { check, region, slot: UnixMs(slot), attempt: 0 },
        started_at: UnixMs(slot),
        duration_us: 80_000,
        outcome: if fails { Outcome::Failed(failure()) } else { Outcome::Passed },
        steps: Vec::new(),
        requests: Vec::new(),
        console: Vec::new(),
        metrics: Vec::new(),
        dropped: Default::default(),
        script_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        prober: Prober { version: "0.1.0".to_owned() },
    }
}

fn private_bytes() -> f64 {
    memory(Pid::this()).map_or(0.0, |memory| memory.private as f64)
}

/// All streams, in memory, on this thread.
struct House {
    ladder: Ladder,
    checks: Vec<CheckId>,
    states: Vec<CheckState>,
    /// By region: the two observations that a stream meets.
    passed: Vec<Observation>,
    failed: Vec<Observation>,
    incidents: u64,
}

impl House {
    fn new() -> Self {
        let seen = |n, fails| Observation::of(&result(check(0), region(n), 0, fails));
        Self {
            ladder: ladder(),
            checks: (0..CHECKS).map(check).collect(),
            states: vec![CheckState::default(); CHECKS],
            passed: (0..REGIONS).map(|n| seen(n, false)).collect(),
            failed: (0..REGIONS).map(|n| seen(n, true)).collect(),
            incidents: 0,
        }
    }

    /// One result of every stream; every `failing`th check fails in every region. Returns the seconds it took.
    fn round(&mut self, slot: i64, failing: Option<usize>) -> f64 {
        let started = Instant::now();
        for region in 0..REGIONS {
            for (n, state) in self.states.iter_mut().enumerate() {
                let is_failing = failing.is_some_and(|every| n % every == 0);
                let observed = if is_failing { &self.failed } else { &self.passed };
                let mut observation = observed[region].clone();
                (observation.slot, observation.at) = (UnixMs(slot), UnixMs(slot));
                let context = Context {
                    now: UnixMs(slot),
                    check: &self.checks[n],
                    watched: None,
                    is_configured: false,
                    ladder: &self.ladder,
                    journal: "bench",
                    next_incident: self.incidents + 1,
                    hold: None,
                    parents: &[],
                    is_known: false,
                };
                let transition = step(std::mem::take(state), &Event::Observed(observation), &context);
                self.incidents += u64::from(matches!(transition.decision, Decision::Opened(_)));
                *state = transition.state;
            }
        }
        started.elapsed().as_secs_f64()
    }

    /// Results a second, over as many rounds as fit into the window.
    fn rate(&mut self, slot: &mut i64, failing: Option<usize>) -> f64 {
        let (mut rounds, mut seconds) = (0_u32, 0.0);
        while seconds < window().as_secs_f64() / 4.0 {
            *slot += 30_000;
            seconds += self.round(*slot, failing);
            rounds += 1;
        }
        f64::from(rounds) * STREAMS as f64 / seconds
    }
}

fn in_memory(table: &Table) {
    let before = private_bytes();
    let mut house = House::new();
    let mut slot = 1_795_466_400_000;
    house.round(slot, None);
    let bytes = (private_bytes() - before) / STREAMS as f64;
    table.row("bytes of memory a stream, everything passing", bytes, "B", Aim::Below(BYTES_A_STREAM));
    let stored: usize = house.states.iter().map(|state| serde_json::to_vec(state).map_or(0, |json| json.len())).sum();
    table.row("bytes in the journal a stream", stored as f64 / STREAMS as f64, "B", Aim::Below(BYTES_A_STREAM));
    let healthy = house.rate(&mut slot, None);
    table.row("results a second decided, one core, all passing", healthy, "/s", Aim::AtLeast(DECIDED_A_SECOND));
    let troubled = house.rate(&mut slot, Some(100));
    table.row("the same, one check in a hundred failing", troubled, "/s", Aim::AtLeast(DECIDED_A_SECOND));
    slot += 30_000;
    let storm = STREAMS as f64 / (house.round(slot, Some(1)) + house.round(slot + 30_000, Some(1))) * 2.0;
    table.row("the same, every check failing in every region", storm, "/s", Aim::Nothing);
    let bytes = (private_bytes() - before) / STREAMS as f64;
    table.row("bytes of memory a stream, all of them failing", bytes, "B", Aim::Below(BYTES_A_STREAM));
}

async fn durably(table: &Table) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("cargo's folder can be written");
    let settings = SqliteSettings::new(folder.path().join("journal.db"));
    let journal = Arc::new(SqliteJournal::open(settings).expect("a new journal opens"));
    let channel = Arc::new(TerminalChannel::new(Box::new(std::io::sink())));
    let ladders = Ladders { default: ladder(), named: BTreeMap::new() };
    let settings = AlertingSettings { ladders, delivery: DeliverySettings::default() };
    let channels = Channels::new(channel.clone(), channel);
    let alerting = Alerting::open(settings, channels, journal).await.expect("alerting opens");
    alerting
        .set_checks((0..CHECKS).map(|n| watched(check(n), (0..REGIONS).map(region).collect())).collect())
        .await
        .expect("the journal takes it");

    // Every check is met once before anything is measured: after a start, its state is read from the journal first.
    let first = Instant::now();
    for checks in (0..CHECKS).collect::<Vec<_>>().chunks(BATCH) {
        let batch = checks.iter().map(|n| result(check(*n), region(0), 1_795_366_400_000, false)).collect();
        alerting.accept(batch).await.expect("the journal takes it");
    }
    let cold = CHECKS as f64 / first.elapsed().as_secs_f64();
    table.row("results a second durable, the first of each check", cold, "/s", Aim::Nothing);

    let by_check = |writer: usize, n: usize| {
        let stream = (n * WRITERS + writer) * BATCH;
        (0..BATCH).map(move |place| ((stream + place) / REGIONS % CHECKS, (stream + place) % REGIONS)).collect()
    };
    let committed = committed(&alerting, 1_795_466_400_000, by_check).await;
    let what = format!("results a second durable, batches of {BATCH}, by check");
    table.row(&what, committed, "/s", Aim::AtLeast(COMMITTED_A_SECOND));

    let by_region = |writer: usize, n: usize| {
        let stream = (n * WRITERS + writer) * BATCH;
        (0..BATCH).map(move |place| ((stream + place) % CHECKS, (stream + place) / CHECKS % REGIONS)).collect()
    };
    let committed = self::committed(&alerting, 1_795_566_400_000, by_region).await;
    let what = format!("results a second durable, batches of {BATCH}, by region");
    table.row(&what, committed, "/s", Aim::AtLeast(COMMITTED_A_SECOND));
    alerting.drain(std::time::Duration::from_secs(5)).await;
}

/// Results a second that were counted and are durable. `streams`: check and region of each result of a writer's batch.
async fn committed(
    alerting: &Alerting,
    from_slot: i64,
    streams: impl Fn(usize, usize) -> Vec<(usize, usize)> + Copy,
) -> f64 {
    let started = Instant::now();
    let writers = (0..WRITERS).map(|writer| async move {
        let (mut committed, mut n) = (0_usize, 0);
        while started.elapsed() < window() / 2 {
            // Once around the house, every stream has a slot more.
            let slot = from_slot + (n * WRITERS * BATCH / STREAMS) as i64 * 30_000;
            let batch = streams(writer, n).into_iter().map(|(c, r)| result(check(c), region(r), slot, false)).collect();
            let decisions = alerting.accept(batch).await.expect("the journal takes it");
            committed += decisions.into_iter().filter(|decision| *decision == Decision::Counted).count();
            n += 1;
        }
        committed
    });
    let committed: usize = join_all(writers).await.into_iter().sum();
    committed as f64 / started.elapsed().as_secs_f64()
}
