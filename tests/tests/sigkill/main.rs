//! The real binary, killed with SIGKILL at random points of a storm, on real SQLite and against providers that record:
//! nothing is lost, and nothing is sent twice.
//!
//! Several storms run at once, each a process with a folder, a target and providers of its own. Checks break and
//! recover, providers hang, close and refuse before and after they accepted, and every second or so the process is
//! killed: while it starts, decides, writes or sends. When the storm is over, what is in the journal is held against
//! what the providers have ([`verdict`]).
//!
//! Some of the storms send each message on its own, in the others they go together.
//!
//! `TOCSIN_KILLS=200` kills more often; `TOCSIN_KILLS_SEED=7` draws other moments; `TOCSIN_KILLS_MESSAGE_EVERY=1m` has all
//! of them as far apart as where nothing is configured.

mod storm;
mod verdict;

use futures_util::future::join_all;
use storm::Storm;

const KILLS: u64 = 50;
/// Processes that are killed side by side.
const STORMS: u64 = 5;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`; write a number")))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_is_sent_twice() {
    let kills = number("TOCSIN_KILLS").unwrap_or(KILLS);
    let seed = number("TOCSIN_KILLS_SEED").unwrap_or(1);
    println!("{kills} kills; repeat their moments with TOCSIN_KILLS_SEED={seed}");
    let storms = (0..STORMS).map(|n| {
        let of_storm = kills / STORMS + u64::from(n < kills % STORMS);
        tokio::spawn(async move { Storm::start(seed.wrapping_mul(1_000) + n).await.rage(of_storm).await })
    });
    let mut sent = verdict::Sent::default();
    for ended in join_all(storms).await {
        match ended {
            Ok(of_storm) => sent += of_storm,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    println!("{sent:?}");
    assert!(sent.pages > 0 && sent.posts > 0, "a storm that pages nobody proves nothing: {sent:?}");
}
