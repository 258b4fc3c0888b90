//! Policies from the configuration, as a person sees them: explained, refused, and replayed over what was kept.

use crate::project::{CONFIGURATION, FAILS, PASSES, Project};

const POLICIES: &str = r##"
[[teams.night]]
name = "Bob"
phone = "+4915112345679"

[policies.calm]
tags = ["calm"]
checks = ["fails"]
recover_after = 2
fallback = "night"

[[policies.calm.rungs]]
label = "P1"
failures_in_a_row = 3
slack = ["#calm"]
sms = ["night"]

[[policies.loud.rungs]]
label = "NOW"
failures_in_a_row = 1
slack = ["#loud"]
"##;

fn configured(more: &str) -> String {
    format!("{CONFIGURATION}{POLICIES}{more}")
}

#[test]
fn explain_says_who_is_told_when_and_why_it_is_this_policy() {
    let own = PASSES.replace("schedule:", "id: \"own\", policy: \"loud\", schedule:");
    let scripts = [("passes.check.ts", PASSES), ("fails.check.ts", FAILS), ("own.check.ts", own.as_str())];
    let project = Project::new(&configured(""), &scripts);
    project.run(&["policy", "explain", "passes"]).expect(
        0,
        &[
            "passes has the policy `calm`: the first policy for the tag `calm`.",
            "P1: at 3 failures of the target in a row in a region (about 2 s after the first), Slack #calm, SMS to Bob (+4915112345679) are told.",
            "passed 2 times in a row",
            "falls back to SMS to Bob",
        ],
    );
    project.run(&["policy", "explain", "fails"]).expect(0, &["`calm`: it lists the check"]);
    project
        .run(&["policy", "explain", "own"])
        .expect(0, &["`loud`: the script names it", "Slack #loud is told", "has no fallback"]);
    project.run(&["policy", "explain"]).expect(0, &["own  policy loud", "passes  policy calm"]);
    project.run(&["policy", "explain", "pases"]).expect(2, &["there is no check `pases`; did you mean passes?"]);
}

#[test]
fn a_policy_that_does_not_fit_the_checks_is_refused() {
    let own = PASSES.replace("schedule:", "policy: \"lout\", schedule:");
    let project = Project::new(&configured(""), &[("fails.check.ts", FAILS), ("own.check.ts", &own)]);
    let said = ["checks/own.check.ts:4:", "the policy `lout`", "did you mean `loud`?"];
    project.run(&["validate"]).expect(1, &said);
    let lists =
        "[policies.third]\nchecks = [\"failz\"]\n[[policies.third.rungs]]\nfailures_in_a_row = 1\nslack = [\"#p2\"]\n";
    let project = Project::new(&configured(lists), &[("fails.check.ts", FAILS)]);
    let said = ["tocsin.toml:", "(key policies.third.checks[1]): there is no check `failz`; did you mean `fails`?"];
    project.run(&["validate"]).expect(1, &said);
    project.run(&["up"]).expect(2, &said);
}

#[tokio::test]
async fn the_running_process_climbs_the_policy_and_replay_climbs_another() {
    let project = Project::new(&configured(""), &[("fails.check.ts", FAILS)]);
    let mut up = project.up();
    up.status("an incident", |status| status["incidents_open"][0]["severity"] == "p1").await;
    assert!(up.log().contains("#calm") && !up.log().contains("#p2"), "{}", up.log());
    assert_eq!(up.stop(), Some(0));
    let replay = |arguments: &[&str]| project.run(&[&["policy", "replay"], arguments].concat());
    replay(&["fails"]).expect(
        0,
        &["fails  policy calm: 1 incidents, the last still open", " results from 20", "page  P1: ", "Slack #calm"],
    );
    replay(&["--all", "--policy", "loud"]).expect(0, &["NOW: first failure in ", "Slack #loud"]);
    replay(&["--all", "--policy", "default"]).expect(0, &["P2: first failure in ", "P1: second failure in a row in "]);
    replay(&["--all", "--policy", "lout"]).expect(2, &["there is no policy `lout`; did you mean loud?"]);
    replay(&["pases"]).expect(2, &["there is no history of a check `pases`"]);
}

#[test]
fn dependencies_of_the_configuration_stand_beside_those_of_the_scripts() {
    let own = PASSES.replace("schedule:", "id: \"own\", dependsOn: [\"fails\"], schedule:");
    let scripts = [("passes.check.ts", PASSES), ("fails.check.ts", FAILS), ("own.check.ts", own.as_str())];
    let project =
        Project::new(&configured("[depends_on]\nown = [\"passes\", \"fails\"]\npasses = [\"fails\"]\n"), &scripts);
    project.run(&["policy", "explain", "own"]).expect(0, &["While fails or passes fails in the same region"]);
    project.run(&["policy", "explain", "passes"]).expect(0, &["While fails fails in the same region"]);
    project.run(&["validate"]).expect(0, &["checks that are valid: 3"]);

    let cases: [(&str, &str); 4] = [
        ("ownn = [\"passes\"]", "(key depends_on.ownn): there is no check `ownn`; did you mean `own`?"),
        ("own = [\"passe\"]", "(key depends_on.own[1]): there is no check `passe`; did you mean `passes`?"),
        (
            "fails = [\"passes\"]\npasses = [\"fails\"]",
            "(key depends_on.fails[1]): `fails` depends on `passes`, which depends on `fails`; take one out of `depends_on`",
        ),
        // Half of this ring is written in the script.
        ("fails = [\"own\"]", "(key depends_on.fails[1]): `fails` depends on `own`, which depends on `fails`"),
    ];
    for (lines, said) in cases {
        let project = Project::new(&configured(&format!("[depends_on]\n{lines}\n")), &scripts);
        project.run(&["validate"]).expect(1, &["tocsin.toml:", said]);
        project.run(&["up"]).expect(2, &[said]);
    }
}
