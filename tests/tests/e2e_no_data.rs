//! Slots that nobody ran, in the running program: an incident of the check, or one of the region where nothing is heard
//! from it; over as soon as something is heard.

use serde_json::Value;
use std::net::Ipv4Addr;
use tests::harness::{Config, Switch, Tocsin, World};

/// Waits for its target for longer than it is given until the next slot.
const PATIENT: &str = r#"
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 1s",
  timeout: "60s",
  async run(ctx) {
    await fetch(ctx.vars.HELD_URL);
  },
});
"#;

fn rows<'a>(status: &'a Value, of: &str) -> &'a [Value] {
    status[of].as_array().map_or(&[], Vec::as_slice)
}

/// All incidents that there have been, by what they are about.
fn incidents(status: &Value) -> Vec<&str> {
    let all = rows(status, "incidents_open").iter().chain(rows(status, "incidents_closed"));
    all.filter_map(|incident| incident["check"].as_str()).collect()
}

async fn until_over(tocsin: &Tocsin) {
    tocsin
        .status_until("it is over", |status| {
            rows(status, "incidents_open").is_empty() && !rows(status, "incidents_closed").is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_without_results_is_an_incident_of_its_own() {
    let world = World::with_discovery().await;
    world.write_check("patient", PATIENT);
    let target = Switch::start(Ipv4Addr::LOCALHOST, 0).await;
    let vars = format!("HELD_URL = \"http://{}/\"", target.address);
    let tocsin = world.up_with(&Config { regions: 1, vars, ..world.config() }).await;
    tocsin.passes("patient").await;
    target.hold();
    world.slack_until("the post", |slack| slack.posts("#p2").count() == 1).await;
    let text = world.only_post("#p2").everything();
    assert!(text.contains("no data of patient") && text.contains("eu-west-1"), "{text}");
    tocsin.passes("discovery").await;

    target.answer(200);
    until_over(&tocsin).await;
    let status = tocsin.status().await;
    assert_eq!(incidents(&status).len(), 1, "{status:#}");
    tocsin.stop().await;
    assert_eq!(world.slack.posts("#p1").len() + world.twilio.messages().len(), 0, "nobody knows that it is broken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_region_is_one_incident_whatever_it_should_have_run() {
    let world = World::new().await;
    for check in ["a", "b", "c"] {
        world.write_check(check, PATIENT);
    }
    // Each region reaches a node of its own.
    let here = Switch::start(Ipv4Addr::new(127, 0, 0, 1), 0).await;
    let there = Switch::start(Ipv4Addr::new(127, 0, 0, 2), here.address.port()).await;
    there.hold();
    let vars = format!("HELD_URL = \"http://localhost:{}/\"", here.address.port());
    let tocsin = world.up_with(&Config { regions: 2, vars, ..world.config() }).await;
    world.slack_until("the post", |slack| slack.posts("#p2").count() == 1).await;
    let text = world.only_post("#p2").everything();
    assert!(text.contains("region us-east-1 is silent"), "{text}");
    // Every check goes on missing its slots there.
    tocsin
        .status_until("all miss", |status| {
            let missed = |cell: &Value| rows(cell, "recent").iter().filter(|run| run["verdict"] == "missed").count();
            rows(status, "checks").iter().all(|check| missed(&check["cells"][1]) >= 4)
        })
        .await;
    let status = tocsin.status().await;
    assert_eq!(incidents(&status).len(), 1, "{status:#}");

    there.answer(200);
    until_over(&tocsin).await;
    for check in ["a", "b", "c"] {
        tocsin.passes(check).await;
    }
    let status = tocsin.status().await;
    assert_eq!(incidents(&status).len(), 1, "{status:#}");
    tocsin.stop().await;
    world.only_post("#p2");
    assert_eq!(world.slack.posts("#p1").len() + world.twilio.messages().len(), 0, "the other region is heard");
}
