//! From the start of the program to its first result, and from a failing answer of the target to the request that
//! tells Slack: the real program, the embedded journal, messages kept apart as where nothing is configured. Each check has
//! a channel of its own and time between its incidents, so that no post waits for another one.
//!
//! The clock starts when the target writes its failing answer, so that the script's own work, the result's way out
//! of the sandbox, the decision and the durable commit are all inside.

use http::StatusCode;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tests::doubles::slack::Slack;
use tests::doubles::twilio::Twilio;
use tests::harness::{Config, Tocsin};
use tests::measure::{Aim, Table, Target, block_on, is_asked_for, percentile, window};

const CHECKS: usize = 40;
/// One run in so many fails: further apart than two posts in one channel may be.
const FAILS_EVERY: u32 = 4;
/// What a channel gets one post in, where nothing is configured.
const POST_EVERY_S: u32 = 2;
const _: () = assert!(FAILS_EVERY > POST_EVERY_S, "a check runs each second");
const STARTS: usize = 5;
const FIRST_RESULT_S: f64 = 2.0;
const ON_THE_WIRE_MS: f64 = 50.0;
const FIRST_RESULT_WITHIN: Duration = Duration::from_secs(30);

const CHECK: &str = r#"
import { defineCheck, expect } from "tocsin";
export default defineCheck({
  schedule: "every 1s",
  timeout: "5s",
  async run({ check, vars }) {
    expect(await fetch(`${vars.AUTH_URL}/${check}`)).toBeOk();
  },
});
"#;

fn main() {
    if is_asked_for() {
        block_on(measure());
    }
}

/// What the target answers.
#[derive(Default)]
struct Answers {
    /// The last of [`FAILS_EVERY`] answers of a path is a failure, so that each is the first one of a new incident, and none
    /// is among the runs that are all made at once when the program starts. Until this is set, every answer is one.
    alternate: AtomicBool,
    asked: Mutex<HashMap<String, u32>>,
    failures: Mutex<HashMap<String, Vec<Instant>>>,
}

impl Answers {
    fn to(&self, path: &str) -> (Duration, StatusCode) {
        if self.alternate.load(Ordering::Relaxed) {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let count = asked.entry(path.to_owned()).or_default();
            *count += 1;
            if !count.is_multiple_of(FAILS_EVERY) {
                return (Duration::ZERO, StatusCode::OK);
            }
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.entry(path.trim_start_matches('/').to_owned()).or_default().push(Instant::now());
        }
        (Duration::ZERO, StatusCode::INTERNAL_SERVER_ERROR)
    }
}

async fn measure() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let checks = folder.path().join("checks");
    std::fs::create_dir(&checks).expect("the folder can be written");
    std::fs::write(checks.join("flaky-0.check.js"), CHECK).expect("the folder can be written");
    let answers = Arc::new(Answers::default());
    let target = Target::start({
        let answers = answers.clone();
        move |path| answers.to(path)
    })
    .await;
    let channels: Vec<String> = (0..CHECKS).map(|number| format!("flaky-{number}")).collect();
    let slack = Slack::workspace_with(&channels).await.expect("a port of this machine is free");
    let twilio = Twilio::account().await.expect("a port of this machine is free");
    let config = Config {
        regions: 1,
        zygotes: None,
        ..Config::for_target(&checks, &target.url()).with_providers(&slack, &twilio)
    };

    let table = Table::new("Time to a page", "the real program, journal on disk, providers in this process");
    // As checks are scheduled, so that the first run is not just the next second's.
    let first = Config { schedule: Some("every 30s".to_owned()), ..config.clone() };
    first_results(&table, &first, &slack).await;

    let mut config = Config { message_every: "1m".to_owned(), ..config };
    for number in 0..CHECKS {
        std::fs::write(checks.join(format!("flaky-{number}.check.js")), CHECK).expect("the folder can be written");
        let policy = format!("policies.flaky-{number}");
        // What flaps is told of once; here each failure is an incident of its own.
        let text = format!(
            "[{policy}]\nchecks = [\"flaky-{number}\"]\nflapping_openings = 0\n[[{policy}.rungs]]\nfailures_in_a_row = 1\ncounts = \"every-failure\"\nslack = [\"#flaky-{number}\"]\n"
        );
        config.extra.push_str(&text);
    }
    let data = tempfile::tempdir().expect("a temporary folder can be made");
    let before = slack.with(|slack| slack.calls.len());
    answers.alternate.store(true, Ordering::Relaxed);
    let tocsin = Tocsin::up(&config, data.path()).await;
    tokio::time::sleep(window()).await;
    tocsin.stop().await;

    let mut delays = delays(&answers, &slack, before);
    let what = |percent: u32| format!("failing answer to Slack request, p{percent} of {} pages", delays.len());
    let (p50, p99) = (what(50), what(99));
    for (what, percent, aim) in [(p50, 50.0, Aim::Nothing), (p99, 99.0, Aim::Below(ON_THE_WIRE_MS))] {
        match percentile(&mut delays, percent) {
            Some(delay) => table.row(&what, delay.as_secs_f64() * 1e3, "ms", aim),
            None => table.skipped(&what, "no page came"),
        }
    }
}

/// From the start of the process to the post about its first result, a failure; so the result itself was earlier.
async fn first_results(table: &Table, config: &Config, slack: &Slack) {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let data = tempfile::tempdir().expect("a temporary folder can be made");
        let before = slack.with(|slack| slack.calls_of("chat.postMessage").count());
        let started = Instant::now();
        let tocsin = Tocsin::up(config, data.path()).await;
        slack
            .wait_until("the first post", FIRST_RESULT_WITHIN, |slack| {
                slack.calls_of("chat.postMessage").count() > before
            })
            .await;
        let arrived = slack.with(|slack| slack.calls_of("chat.postMessage").nth(before).map(|call| call.at));
        times.extend(arrived.map(|at| at - started));
        tocsin.stop().await;
    }
    let what = format!("start to first result, told to Slack, slowest of {STARTS}");
    match percentile(&mut times, 100.0) {
        Some(slowest) => table.row(&what, slowest.as_secs_f64(), "s", Aim::Below(FIRST_RESULT_S)),
        None => table.skipped(&what, "no result came"),
    }
}

/// Each check's failures and its posts, in order: every failure here opens an incident, and every incident is posted.
fn delays(answers: &Answers, slack: &Slack, from_call: usize) -> Vec<Duration> {
    let failures = answers.failures.lock().unwrap_or_else(PoisonError::into_inner);
    let mut posted: HashMap<String, Vec<Instant>> = HashMap::new();
    slack.with(|slack| {
        for call in slack.calls.iter().skip(from_call).filter(|call| call.method == "chat.postMessage") {
            if !call.arguments["thread_ts"].is_null() {
                continue;
            }
            let text = call.arguments.to_string();
            // The longest name that occurs, or `flaky-1` would be found in `flaky-12`.
            let named = failures.keys().filter(|check| text.contains(check.as_str())).max_by_key(|check| check.len());
            if let Some(check) = named {
                posted.entry(check.clone()).or_default().push(call.at);
            }
        }
    });
    let pairs = failures.iter().flat_map(|(check, failed)| {
        let posts = posted.get(check).map_or(&[][..], Vec::as_slice);
        failed.iter().zip(posts).map(|(failed, posted)| posted.saturating_duration_since(*failed))
    });
    pairs.collect()
}
