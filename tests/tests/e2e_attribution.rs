//! Whose fault it is: a prober that is offline says so and wakes nobody; a target that is down is blamed for it, whatever
//! becomes of one control target.

use nix::sys::signal::Signal;
use tests::harness::{Config, SOON, World, all_gone, descendants, open_files};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Asks for what nobody serves: the second port of a machine (fetch blocks the first).
const UNREACHABLE: &str = r#"
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 1s",
  timeout: "5s",
  async run() {
    await fetch("http://127.0.0.1:2/");
  },
});
"#;

const OFFLINE: &str = "[control]\ntargets = [\"tcp://127.0.0.1:2\", \"http://127.0.0.2:2\"]\n";

fn config(world: &World, extra: String) -> Config {
    Config { regions: 1, extra, ..world.config() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prober_that_is_offline_says_so_and_wakes_nobody() {
    let world = World::new().await;
    world.write_check("unreachable", UNREACHABLE);
    let tocsin = world.up_with(&config(&world, OFFLINE.to_owned())).await;
    world.slack_until("the post", |slack| slack.posts("#p2").count() == 1).await;
    let text = world.only_post("#p2").everything();
    for part in ["prober", "offline", "tcp://127.0.0.1:2", "http://127.0.0.2:2", "the run said (network-connect)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Two in a row would wake people, were they the target's.
    tocsin
        .status_until("more failures", |status| {
            let recent = status["checks"][0]["cells"][0]["recent"].as_array().map_or(&[][..], Vec::as_slice);
            recent.iter().filter(|run| run["verdict"] == "failed").count() >= 4
        })
        .await;
    tocsin.stop().await;
    world.only_post("#p2");
    assert_eq!(world.slack.posts("#p1").len(), 0);
    assert_eq!(world.twilio.messages().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_down_is_blamed_as_long_as_anything_can_be_reached() {
    let world = World::new().await;
    world.write_check("unreachable", UNREACHABLE);
    let control = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of this machine is free");
    let port = control.local_addr().expect("it is bound").port();
    // The common ones are down; the region has its own, of which one is.
    let own = format!("control_targets = [\"tcp://127.0.0.2:2\", \"tcp://127.0.0.1:{port}\"]");
    let extra = format!("{OFFLINE}[[regions]]\nname = \"own-way\"\n{own}\n");
    let tocsin = world.up_with(&config(&world, extra)).await;
    world.paged(1).await;
    let text = world.only_post("#p1").everything();
    assert!(text.contains("own-way"), "{text}");
    tocsin.stop().await;
    assert_eq!(world.slack.posts("#p1").len(), 1);
}

/// Slots so far apart that none is missed while the prober stands still.
const PATIENT: &str = r#"
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 10s",
  timeout: "6s",
  async run(ctx) {
    await fetch(ctx.vars.HELD_URL);
  },
});
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_prober_that_stood_still_blames_itself() {
    let world = World::new().await;
    world.write_check("patient", PATIENT);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of this machine is free");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let config = Config { vars: format!("HELD_URL = {url:?}"), ..config(&world, String::new()) };
    let tocsin = world.up_with(&config).await;
    let held = tokio::time::timeout(SOON, listener.accept()).await.expect("a run").expect("a connection");
    // Below the process that forks there is one more, which waits for its order and has nothing open yet.
    let mut leaves = descendants(tocsin.process.id());
    leaves.retain(|process| descendants(*process).is_empty());
    let run = leaves.into_iter().max_by_key(|process| open_files(*process)).expect("a run is under way");
    tocsin.process.signal(Signal::SIGSTOP);
    all_gone(&[run]).await;
    tocsin.process.signal(Signal::SIGCONT);
    let target = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
    });
    world
        .slack_until("the post", |slack| slack.posts("#p2").any(|post| post.everything().contains("stood still")))
        .await;
    tocsin.recovered("patient").await;
    tocsin.stop().await;
    target.abort();
    drop(held);
    assert_eq!(world.slack.posts("#p1").len(), 0);
    assert_eq!(world.twilio.messages().len(), 0);
}
