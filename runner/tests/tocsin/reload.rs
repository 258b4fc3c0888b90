//! SIGHUP reads the scripts again, and holds them against the configuration as the start does.

use crate::project::{CONFIGURATION, FAILS, PASSES, Project, Up};
use nix::sys::signal::Signal;
use serde_json::Value;

/// Until the page has these checks, and names these faults, in any order, and no others.
async fn follows(up: &mut Up, what: &str, checks: &[&str], wanted: &[(&str, &str)]) {
    let is_named = |status: &Value| {
        let broken = status["scripts_broken"].as_array().map_or(&[][..], Vec::as_slice);
        let names = |(place, message): &(&str, &str)| {
            let says = |field: &Value, part: &str| field.as_str().is_some_and(|text| text.contains(part));
            broken.iter().any(|one| says(&one["place"], place) && says(&one["message"], message))
        };
        watched(status) == checks && broken.len() == wanted.len() && wanted.iter().all(names)
    };
    up.status(what, is_named).await;
}

fn watched(status: &Value) -> Vec<&str> {
    let checks = status["checks"].as_array().map_or(&[][..], Vec::as_slice);
    checks.iter().filter_map(|check| check["id"].as_str()).collect()
}

fn with(script: &str, more: &str) -> String {
    script.replace("schedule:", &format!("{more}, schedule:"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_of_dependencies_is_refused_and_the_former_checks_go_on() {
    let child = with(FAILS, "dependsOn: [\"parent\"]");
    let project = Project::new(CONFIGURATION, &[("parent.check.ts", PASSES), ("child.check.ts", &child)]);
    let mut up = project.up();
    up.status("a page of the child", |status| status["incidents_open"][0]["severity"] == "p1").await;

    let ring = [
        ("child.check.ts", "`child` depends on `parent`, which depends on `child`; take one out of `dependsOn`"),
        ("parent.check.ts", "`parent` depends on `child`, which depends on `parent`; take one out of `dependsOn`"),
    ];
    project.write("parent.check.ts", &with(FAILS, "dependsOn: [\"child\"]"));
    project.write("new.check.ts", PASSES);
    up.signal(Signal::SIGHUP);
    follows(&mut up, "the ring is shown", &["child", "parent"], &ring).await;
    up.logged("the check scripts cannot be read again, and stay as they were");
    up.logged("which depends on `child`; take one out");

    // A script that does not load hides no ring, also where it is the former version that closes it.
    project.write("child.check.ts", "export default = (");
    up.signal(Signal::SIGHUP);
    let both = [ring[0], ring[1], ("child.check.ts:1:16", "")];
    follows(&mut up, "both are shown", &["child", "parent"], &both).await;

    project.write("child.check.ts", &with(FAILS, "dependsOn: []"));
    up.signal(Signal::SIGHUP);
    follows(&mut up, "all is well", &["child", "new", "parent"], &[]).await;
    // It explains the parent's failure from now on.
    up.status("the parent's page is held back", |status| {
        let open = status["incidents_open"].as_array().map_or(&[][..], Vec::as_slice);
        open.iter().any(|incident| incident["check"] == "parent")
    })
    .await;
    assert_eq!(up.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_listed_and_gone_is_refused_and_goes_on() {
    let policy =
        "[policies.own]\nchecks = [\"listed\"]\n[[policies.own.rungs]]\nfailures_in_a_row = 1\nslack = [\"#p2\"]\n";
    let configuration = format!("{CONFIGURATION}{policy}");
    let project = Project::new(&configuration, &[("listed.check.ts", PASSES), ("other.check.ts", PASSES)]);
    let mut up = project.up();
    std::fs::rename(project.path("checks/listed.check.ts"), project.path("checks/listet.check.ts")).unwrap();
    up.signal(Signal::SIGHUP);
    let gone = ("(key policies.own.checks[1])", "there is no check `listed`; did you mean `listet`?");
    follows(&mut up, "the check is missed", &["listed", "other"], &[gone]).await;

    // One that cannot be read may be the one that is meant: the others are followed, and the page says both.
    project.write("broken.check.ts", "export default = (");
    up.signal(Signal::SIGHUP);
    let both = [gone, ("broken.check.ts:1:16", "")];
    follows(&mut up, "both are shown", &["listet", "other"], &both).await;
    assert_eq!(up.stop(), Some(0));

    // So it is at the start; a ring is refused there, whatever else is.
    let mut up = project.up();
    follows(&mut up, "both are shown", &["listet", "other"], &both).await;
    assert_eq!(up.stop(), Some(0));
    project.write("other.check.ts", &with(PASSES, "dependsOn: [\"listet\"]"));
    project.write("listet.check.ts", &with(PASSES, "dependsOn: [\"other\"]"));
    project.run(&["up"]).expect(2, &["`other` depends on `listet`, which depends on `other`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_does_not_load_after_a_restart_is_the_check_that_it_was() {
    let policies = "[policies.own]\n[[policies.own.rungs]]\nlabel = \"OWN\"\nfailures_in_a_row = 1\ncounts = \"every-failure\"\nslack = [\"#own\"]\n\
        [policies.tagged]\ntags = [\"calm\"]\n[[policies.tagged.rungs]]\nlabel = \"TAGGED\"\nfailures_in_a_row = 1\ncounts = \"every-failure\"\nslack = [\"#tagged\"]\n";
    let own = with(FAILS, "id: \"renamed\", policy: \"own\"");
    let configuration = format!("{CONFIGURATION}{policies}");
    let project = Project::new(&configuration, &[("fails.check.ts", &own), ("passes.check.ts", PASSES)]);
    let mut up = project.up();
    up.status("its incident", |status| status["incidents_open"][0]["check"] == "renamed").await;
    assert_eq!(up.stop(), Some(0));

    for script in ["fails.check.ts", "passes.check.ts"] {
        project.write(script, "export default = (");
    }
    let mut up = project.up();
    let opened = |status: &Value| status["incidents_open"].as_array().is_some_and(|open| open.len() == 2);
    let answer = up.status("one for each script", opened).await;
    let open = answer["status"]["incidents_open"].as_array().expect("a list");
    let number = |check: &str| open.iter().find(|one| one["check"] == check).map(|one| one["number"].clone());
    assert_eq!(number("renamed"), Some(1.into()), "the same goes on under its id: {answer:#}");
    assert!(number("passes").is_some(), "{answer:#}");
    assert!(answer["status"]["incidents_closed"].as_array().is_some_and(Vec::is_empty), "{answer:#}");
    up.logged("#tagged");
    assert!(!up.log().contains("#p2"), "nobody of the default ladder is told: {}", up.log());

    // Mended, both go on as what they were.
    project.write("passes.check.ts", PASSES);
    project.write("fails.check.ts", &with(PASSES, "id: \"renamed\", policy: \"own\""));
    up.signal(Signal::SIGHUP);
    up.status("both are over", |status| status["incidents_open"].as_array().is_some_and(Vec::is_empty)).await;
    assert_eq!(up.stop(), Some(0));
}
