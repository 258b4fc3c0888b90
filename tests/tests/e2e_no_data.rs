//! Slots that nobody ran, in the running program: an incident of the check, or one of the region where nothing is heard
//! from it; over as soon as something is heard.

use serde_json::Value;
use std::net::Ipv4Addr;
use tests::harness::{Config, Switch, Tocsin, World};

/// Waits for its target as long as that takes, in one region. Whoever waits is there: its own slots are no silence.
const HOG: &str = r#"
import { defineCheck } from "tocsin";

export default defineCheck({
  schedule: "every 1s",
  timeout: "60s",
  regions: ["eu-west-1"],
  async run(ctx) {
    await fetch(ctx.vars.HELD_URL);
  },
});
"#;

/// Passes whenever there is room for it.
fn calm(region: &str) -> String {
    format!(
        "import {{ defineCheck }} from \"tocsin\";\n\
         export default defineCheck({{ schedule: \"every 1s\", regions: [\"{region}\"], async run() {{}} }});\n"
    )
}

/// One run at a time, so that nobody else runs while the hog waits.
async fn up(world: &World, target: &Switch) -> Tocsin {
    let vars = format!("HELD_URL = \"http://{}/\"", target.address);
    let extra = "[sandbox]\nzygotes = 1\nruns_in_flight_max = 1\n".to_owned();
    world.up_with(&Config { regions: 2, zygotes: None, vars, extra, ..world.config() }).await
}

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
    let world = World::new().await;
    world.write_check("hog", HOG);
    world.write_check("starved", &calm("eu-west-1"));
    let target = Switch::start(Ipv4Addr::LOCALHOST, 0).await;
    let tocsin = up(&world, &target).await;
    for check in ["hog", "starved"] {
        tocsin.passes(check).await;
    }
    target.hold();
    world.slack_until("the post", |slack| slack.posts("#p2").count() == 1).await;
    let text = world.only_post("#p2").everything();
    assert!(text.contains("no data of starved") && text.contains("eu-west-1"), "{text}");

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
    world.write_check("hog", HOG);
    let there = ["a", "b", "c"];
    for check in there {
        world.write_check(check, &calm("us-east-1"));
    }
    let target = Switch::start(Ipv4Addr::LOCALHOST, 0).await;
    let tocsin = up(&world, &target).await;
    for check in there {
        tocsin.passes(check).await;
    }
    target.hold();
    world.slack_until("the post", |slack| slack.posts("#p2").count() == 1).await;
    let text = world.only_post("#p2").everything();
    assert!(text.contains("region us-east-1 is silent"), "{text}");
    // Every check goes on missing its slots there.
    tocsin
        .status_until("all miss", |status| {
            let missed = |cell: &Value| rows(cell, "recent").iter().filter(|run| run["verdict"] == "missed").count();
            let here = |check: &&Value| there.iter().any(|name| check["id"] == *name);
            let mut checks = rows(status, "checks").iter().filter(here).peekable();
            checks.peek().is_some()
                && checks.all(|check| rows(check, "cells").iter().map(missed).max().unwrap_or(0) >= 4)
        })
        .await;
    let status = tocsin.status().await;
    assert_eq!(incidents(&status).len(), 1, "{status:#}");

    target.answer(200);
    until_over(&tocsin).await;
    for check in there {
        tocsin.passes(check).await;
    }
    let status = tocsin.status().await;
    assert_eq!(incidents(&status).len(), 1, "{status:#}");
    tocsin.stop().await;
    world.only_post("#p2");
    assert_eq!(world.slack.posts("#p1").len() + world.twilio.messages().len(), 0, "the other region is heard");
}
