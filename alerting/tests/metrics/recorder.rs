//! The recorder over its files: what a crash, damage and bounds leave.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alerting::Clock;
use alerting::promql::{Answer, Limits, Query};
use alerting::recorder::{Recorder, RecorderSettings, Recovery};
use alerting::sample::{STALE_NAN, Sample, SampleKind, SampleLabels, SampleSink};
use alerting::series::{MetricType, StoreSettings};
use checks::UnixMs;

const DAY_MS: u64 = 24 * 3_600_000;
/// A midnight.
const START_MS: u64 = 20_000 * DAY_MS;
const STEP_MS: u64 = 10_000;

pub struct TestClock(pub AtomicU64);

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::SeqCst).try_into().expect("a time"))
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

/// Nothing happens by itself: a test flushes with `stop`, and makes blocks with `checkpoint`.
fn settings(folder: &Path) -> RecorderSettings {
    RecorderSettings { flush_every: Duration::from_secs(3600), ..RecorderSettings::new(folder.to_owned()) }
}

fn open(settings: RecorderSettings, now_ms: u64) -> (Recorder, Arc<TestClock>, Recovery) {
    let clock = Arc::new(TestClock(AtomicU64::new(now_ms)));
    let (recorder, recovery) =
        Recorder::open(settings, Arc::clone(&clock) as Arc<dyn Clock>).expect("the folder opens");
    (recorder, clock, recovery)
}

fn sample(metric: &str, at_ms: u64, value: f64) -> Sample {
    let labels = SampleLabels::new(metric, [(Arc::from("node"), Arc::from("a"))]);
    Sample { labels, kind: SampleKind::Counter, at: UnixMs(at_ms.try_into().expect("a time")), value }
}

/// Adds `count` samples, one for each step, whose value is their number.
fn feed(recorder: &Recorder, clock: &TestClock, from_ms: u64, count: u64) {
    for index in 0..count {
        let at_ms = from_ms + index * STEP_MS;
        clock.0.store(at_ms, Ordering::SeqCst);
        assert_eq!(recorder.append(&[sample("logins", at_ms, index as f64)]), 0, "refused at {at_ms}");
    }
}

fn count(recorder: &Recorder, metric: &str) -> usize {
    let query = Query::parse(&format!("{metric}[4000d]")).expect("valid");
    let (limits, at_ms) = (Limits::default(), (START_MS + 100 * DAY_MS) as i64);
    let answer = recorder.ask(|store| query.instant(store, at_ms, &limits, &|| false)).expect("an answer");
    match answer {
        Answer::Matrix(series) => series.iter().map(|series| series.samples.len()).sum(),
        other => panic!("{other:?} is no matrix"),
    }
}

fn names(folder: &Path, extension: &str) -> usize {
    let files = std::fs::read_dir(folder).expect("the folder is there");
    files.filter(|file| file.as_ref().expect("a file").path().extension().is_some_and(|own| own == extension)).count()
}

#[test]
fn what_was_flushed_is_there_again_and_torn_tails_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (recorder, clock, recovery) = open(settings(folder.path()), START_MS);
    assert_eq!(recovery, Recovery::default());
    feed(&recorder, &clock, START_MS, 500);
    recorder.checkpoint();
    assert_eq!((names(folder.path(), "block"), names(folder.path(), "log")), (1, 0));
    feed(&recorder, &clock, START_MS + 500 * STEP_MS, 300);
    recorder.stop();
    // In memory only, as what a kill takes.
    assert_eq!(recorder.append(&[sample("logins", START_MS + 801 * STEP_MS, 1.0)]), 0);
    drop(recorder);

    let now_ms = START_MS + 1000 * STEP_MS;
    let (again, _, recovery) = open(settings(folder.path()), now_ms);
    assert_eq!((recovery.series, recovery.blocks, recovery.samples_replayed, recovery.torn_bytes), (1, 1, 300, 0));
    assert_eq!(count(&again, "logins"), 800);
    again.ask(|store| assert_eq!(store.metric_type("logins"), Some(MetricType::Counter)));
    drop(again);

    // The log is cut off in the middle of a frame, as a power failure may leave it, and the start goes on after it.
    let log = std::fs::read_dir(folder.path()).expect("the folder").flatten().map(|file| file.path());
    let log = log.filter(|path| path.extension().is_some_and(|own| own == "log")).max().expect("a log");
    let bytes = std::fs::read(&log).expect("the log");
    std::fs::write(&log, &bytes[..bytes.len() - 5]).expect("written");
    let (torn, clock, recovery) = open(settings(folder.path()), now_ms);
    assert!(recovery.torn_bytes > 0 && recovery.to_string().contains("were torn"), "{recovery}");
    assert_eq!(count(&torn, "logins"), 799);
    feed(&torn, &clock, now_ms, 10);
    torn.stop();
    drop(torn);
    let (last, _, _) = open(settings(folder.path()), now_ms + DAY_MS / 24);
    assert_eq!(count(&last, "logins"), 809, "what came after the tear is behind it no longer");
}

#[test]
fn a_damaged_block_is_set_aside_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (recorder, clock, _) = open(settings(folder.path()), START_MS);
    for part in 0..2 {
        feed(&recorder, &clock, START_MS + part * 100 * STEP_MS, 100);
        recorder.checkpoint();
    }
    drop(recorder);
    let blocks = std::fs::read_dir(folder.path()).expect("the folder").flatten().map(|file| file.path());
    let first = blocks.filter(|path| path.extension().is_some_and(|own| own == "block")).min().expect("a block");
    let mut bytes = std::fs::read(&first).expect("the block");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&first, bytes).expect("written");
    let (again, _, recovery) = open(settings(folder.path()), START_MS + 300 * STEP_MS);
    assert_eq!((recovery.damaged.len(), recovery.blocks), (1, 1));
    assert!(recovery.damaged[0].is_file() && recovery.to_string().contains("is damaged"), "{recovery}");
    assert_eq!(count(&again, "logins"), 100);
}

#[test]
fn days_are_thinned_out_and_answer_when_the_blocks_are_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let day = DAY_MS / STEP_MS;
    let short = StoreSettings { retention_ms: 2 * DAY_MS as i64, ..StoreSettings::default() };
    let settings = RecorderSettings {
        store: short,
        flush_every: Duration::from_millis(1),
        checkpoint_every_ms: DAY_MS as i64,
        ..RecorderSettings::new(folder.path().to_owned())
    };
    let (recorder, clock, _) = open(settings.clone(), START_MS);
    for index in 0..5 {
        feed(&recorder, &clock, START_MS + index * DAY_MS, day);
        recorder.checkpoint();
    }
    clock.0.store(START_MS + 5 * DAY_MS + 3_600_000, Ordering::SeqCst);
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    // The thread looks once in a while; it has seen all days when the last one is there.
    while names(folder.path(), "history") < 5 || names(folder.path(), "block") > 3 {
        assert!(std::time::Instant::now() < deadline, "the days are not thinned out after a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    let whole = |recorder: &Recorder, now_ms: u64| {
        let query = Query::parse("count_over_time(logins[1d])").expect("valid");
        let days = (1..=5).map(|index| {
            let limits = Limits::default();
            let at_ms = (START_MS + index * DAY_MS) as i64;
            assert!(at_ms as u64 <= now_ms);
            match recorder.ask(|store| query.instant(store, at_ms, &limits, &|| false)).expect("an answer") {
                Answer::Vector(elements) => elements[0].value,
                other => panic!("{other:?} is no vector"),
            }
        });
        days.collect::<Vec<f64>>()
    };
    let now_ms = START_MS + 5 * DAY_MS + 3_600_000;
    let days = whole(&recorder, now_ms);
    // Two days at full resolution, the others with a point for five minutes.
    assert!(days[..2].iter().all(|samples| (288.0..=290.0).contains(samples)), "{days:?}");
    assert!(days[3..].iter().all(|samples| *samples >= 8639.0), "{days:?}");
    recorder.stop();
    drop(recorder);
    let (again, _, _) = open(settings, now_ms);
    assert_eq!(whole(&again, now_ms), days);
}

#[test]
fn the_folder_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = RecorderSettings {
        flush_every: Duration::from_millis(1),
        disk_bytes_max: 4096,
        ..RecorderSettings::new(folder.path().to_owned())
    };
    let (recorder, clock, _) = open(settings, START_MS);
    for part in 0..20 {
        feed(&recorder, &clock, START_MS + part * 300 * STEP_MS, 300);
        recorder.checkpoint();
    }
    clock.0.fetch_add(120_000, Ordering::SeqCst);
    let bytes = || {
        let blocks = std::fs::read_dir(folder.path()).expect("the folder").flatten();
        blocks.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum::<u64>()
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while bytes() > 4096 {
        assert!(std::time::Instant::now() < deadline, "{} bytes after a minute", bytes());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(recorder.counters().blocks_dropped_for_disk > 0);
    // Memory has what the folder has no more.
    assert_eq!(count(&recorder, "logins"), 6000);
}

#[test]
fn ends_are_taken_where_there_is_something_to_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let (recorder, clock, _) = open(settings(folder.path()), START_MS);
    recorder.append(&[sample("never", START_MS, STALE_NAN)]);
    assert_eq!(recorder.ask(|store| store.series_count()), 0);
    feed(&recorder, &clock, START_MS, 3);
    for step in 3..6 {
        assert_eq!(recorder.append(&[sample("logins", START_MS + step * STEP_MS, STALE_NAN)]), 0);
    }
    assert_eq!(recorder.ask(|store| store.counters().samples_taken), 4, "three values and one end");
    assert_eq!(recorder.ask(|store| store.metric_type("logins")), Some(MetricType::Counter));
}
