//! `tocsin up` without any network: what it shows, how it ends, and what it keeps.

use crate::project::{CONFIGURATION, FAILS, PASSES, Project, TOKEN, client};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn check<'a>(status: &'a Value, id: &str) -> Option<&'a Value> {
    status["checks"].as_array()?.iter().find(|check| check["id"] == id)
}

/// Whether the newest result of a check is `verdict` in every region.
fn last(status: &Value, id: &str, verdict: &str) -> bool {
    let cells = check(status, id).and_then(|check| check["cells"].as_array());
    cells.is_some_and(|cells| !cells.is_empty() && cells.iter().all(|cell| cell["recent"][0]["verdict"] == verdict))
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_what_it_can_shows_what_it_refused_and_ends_in_order() {
    let broken = "export default = (";
    let project = Project::new(CONFIGURATION, &[("passes.check.ts", PASSES), ("broken.check.ts", broken)]);
    let mut up = project.up();
    let status = up.status("the check passes in both regions", |status| last(status, "passes", "passed")).await;
    assert_eq!(status["status"]["scripts_broken"][0]["place"], "checks/broken.check.ts:1:16");
    // A script that does not load is an incident of its own: the pages are not calm about it.
    assert_eq!(status["overall"]["state"], "degraded");
    assert_eq!(status["status"]["incidents_open"][0]["check"], "broken");
    let notices = status["status"]["notices"].to_string();
    for name in ["SLACK_TOKEN is not set", "TWILIO_AUTH_TOKEN", "[[teams.devops]]"] {
        assert!(notices.contains(name) && up.log().contains(name), "{name}");
    }
    let page = client().get(&up.status_url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("broken.check.ts:1:16") && page.contains("passes"));
    let health = client().get(format!("{}/healthz", up.status_url)).send().await.unwrap();
    assert!(health.status().is_success());
    let page = client().get(format!("{}/check/passes", up.status_url)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("inner") && !page.contains(TOKEN));
    assert!(!up.log().contains(TOKEN));
    for line in up.log().lines().filter(|line| line.starts_with('{')) {
        assert!(serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"].is_string()), "{line}");
    }
    assert_eq!(up.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_climbs_survives_a_restart_and_ends_when_its_check_is_removed() {
    let project = Project::new(CONFIGURATION, &[("passes.check.ts", PASSES), ("fails.check.ts", FAILS)]);
    let mut up = project.up();
    let p1 = |status: &Value| status["incidents_open"][0]["severity"] == "p1";
    let status = up.status("the incident is a P1", p1).await;
    assert_eq!(status["overall"]["state"], "broken");
    assert_eq!(check(&status["status"], "fails").unwrap()["incident"], 1);
    let printed = |status: &Value| {
        status["notifications"]
            .as_array()
            .is_some_and(|told| told.iter().any(|n| n["recipient"] == "Slack #p1" && n["delivery"] == "printed"))
    };
    up.status("the page is printed", printed).await;
    let page = client().get(format!("{}/incident/1", up.status_url)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("second failure in a row"), "{page}");
    project.run(&["incidents"]).expect(0, &["#1", "P1", "fails"]);
    project.run(&["incidents", "1"]).expect(0, &["second failure in a row", "assertion: expected 3 to be 2"]);
    project.run(&["incidents", "2"]).expect(1, &["no incident 2"]);
    project.run(&["up"]).expect(2, &["another Tocsin is running"]);
    assert_eq!(up.stop(), Some(0));

    let mut up = project.up();
    let status = up.status("the incident is still the same", p1).await;
    assert_eq!(status["status"]["incidents_open"].as_array().unwrap().len(), 1);
    assert_eq!(status["status"]["incidents_open"][0]["number"], 1);
    std::fs::remove_file(project.path("checks/fails.check.ts")).unwrap();
    project.write("third.check.ts", PASSES);
    up.signal(Signal::SIGHUP);
    up.status("the new check runs", |status| last(status, "third", "passed")).await;
    let status =
        up.status("the incident is closed", |s| s["incidents_open"].as_array().is_some_and(Vec::is_empty)).await;
    assert_eq!(status["status"]["incidents_closed"][0]["status"], "closed");
    assert!(check(&status["status"], "fails").is_none());

    // A slip of the pen does not end the watch: the former version goes on, and the page says what is wrong.
    project.write("third.check.ts", "export default = (");
    up.signal(Signal::SIGHUP);
    let refused = |status: &Value| status["scripts_broken"][0]["place"] == "checks/third.check.ts:1:16";
    let status = up.status("the script is refused", refused).await;
    assert!(check(&status["status"], "third").is_some());
    assert_eq!(up.stop(), Some(0));
    project.run(&["incidents"]).expect(0, &["no open incidents"]);
    project.run(&["incidents", "--all", "--data", "data"]).expect(0, &["#1", "closed", "fails"]);
    let listed = project.run(&["incidents", "--all", "--json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["incidents"][0]["number"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_others_can_reach_ask_for_a_password() {
    let configuration = CONFIGURATION.replace("127.0.0.1:0", "0.0.0.0:0");
    let project = Project::new(&configuration, &[("passes.check.ts", PASSES)]);
    project.run(&["up"]).expect(2, &["(key listen): 0.0.0.0:0 can be reached from other machines"]);

    let authentication = "\n[authentication]\nuser = \"oncall\"\npassword = { env = \"TEST_TOKEN\" }\n";
    let project = Project::new(&(configuration + authentication), &[("passes.check.ts", PASSES)]);
    let up = project.up();
    let url = up.status_url.replace("0.0.0.0", "127.0.0.1");
    let without = client().get(&url).send().await.unwrap();
    assert_eq!(without.status(), 401);
    let wrong = client().get(&url).basic_auth("oncall", Some("sesame-open-124")).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let right = client().get(&url).basic_auth("oncall", Some(TOKEN)).send().await.unwrap();
    assert_eq!(right.status(), 200);
    assert_eq!(up.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_says_what_to_write() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let project = Project::new(&CONFIGURATION.replace("127.0.0.1:0", &address), &[("passes.check.ts", PASSES)]);
    project.run(&["up"]).expect(2, &[&address, "write another `listen` in tocsin.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_under_way_ends_and_counts_when_the_process_is_asked_to_stop() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let script = format!(
        "import {{ defineCheck, expect }} from \"tocsin\";\nexport default defineCheck({{ schedule: \"every 1h\", async run() {{\n  expect((await fetch(\"http://{}/\")).status).toBe(204);\n}} }});",
        target.local_addr().unwrap()
    );
    let configuration =
        CONFIGURATION.replace("\n[[regions]]\nname = \"us-east-1\"\n", "\n[network]\nallow_private = true\n");
    let project = Project::new(&configuration, &[("slow.check.js", &script)]);
    let mut up = project.up();
    let (mut asked, _) = target.accept().await.unwrap();
    up.signal(Signal::SIGTERM);
    up.logged("stopping: runs that are under way may end");
    let mut request = [0; 1024];
    assert!(asked.read(&mut request).await.unwrap() > 0);
    asked.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
    assert_eq!(up.ended(), Some(0));

    // The next process shows what this one saw last.
    let mut up = project.up();
    up.status("the result was kept", |status| last(status, "slow", "passed")).await;
}
