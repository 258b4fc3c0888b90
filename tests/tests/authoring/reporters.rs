//! Each reporter on a script that passes, one that fails, one that skips and one that is refused.

use crate::junit::validate;
use crate::project::Project;
use serde_json::Value;

/// Looks at standard output and standard error.
type Tell = fn(&str, &str);

#[tokio::test(flavor = "multi_thread")]
async fn every_reporter_tells_every_ending() {
    let project = Project::with_every_ending().await;
    let reporters: [(&str, Tell); 5] =
        [("list", list), ("json", json), ("junit", junit), ("tap", tap), ("github", github)];
    for (reporter, tell) in reporters {
        let finished = project.run(&["test", "--reporter", reporter]).await;
        finished.assert_code(1);
        tell(&finished.stdout, &finished.stderr);
    }
    let alias = project.run(&["test", "--json", "--grep", "passes"]).await;
    assert_eq!(alias.stdout.lines().count(), 2, "what is refused, and what was asked for:\n{}", alias.output());
}

fn list(stdout: &str, _: &str) {
    for part in [
        "✓ passes",
        "✗ fails",
        "– skips",
        "skipped: maintenance # of the target",
        "checks/refused.check.ts:2:",
        "1 passed, 1 failed, 1 skipped, 1 script refused",
    ] {
        assert!(stdout.contains(part), "`{part}`:\n{stdout}");
    }
}

fn json(stdout: &str, stderr: &str) {
    let (refused, results): (Vec<_>, Vec<_>) = stdout.lines().partition(|line| line.contains("\"refused\""));
    let [refused] = refused.as_slice() else { panic!("one script is refused:\n{stdout}") };
    let refused: Value = serde_json::from_str(refused).expect("a line is JSON");
    assert_eq!(refused["v"], 1);
    let refused = &refused["refused"];
    assert_eq!((&refused["file"], &refused["location"]["line"]), (&"checks/refused.check.ts".into(), &2.into()));
    assert!(refused["message"].as_str().is_some_and(|message| message.contains("xpected")), "{refused}");
    let results: Vec<_> = results.iter().map(|line| checks::wire::decode(line.as_bytes()).expect(line)).collect();
    let ids: Vec<_> = results.iter().map(|result| result.key.check.as_str()).collect();
    assert_eq!(ids, ["fails", "passes", "skips"]);
    assert!(stderr.contains("checks/refused.check.ts:2:"), "{stderr}");
}

fn tap(stdout: &str, _: &str) {
    let mut lines = stdout.lines();
    assert_eq!(lines.next(), Some("TAP version 14"));
    assert_eq!(lines.next(), Some("1..4"));
    let points: Vec<&str> =
        lines.clone().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).collect();
    assert_eq!(
        points,
        [
            "not ok 1 - checks/refused.check.ts loads",
            "not ok 2 - fails in eu-west-1",
            "ok 3 - passes in eu-west-1",
            "ok 4 - skips in eu-west-1 # SKIP maintenance \\# of the target, until <noon> & not longer",
        ]
    );
    // Everything else belongs to a block of YAML, two deep, that is opened and closed.
    let mut is_open = false;
    for line in lines.filter(|line| !points.contains(line)) {
        match line {
            "  ---" => assert!(!std::mem::replace(&mut is_open, true), "{stdout}"),
            "  ..." => assert!(std::mem::replace(&mut is_open, false), "{stdout}"),
            line => {
                let (name, value) = line.trim_start().split_once(": ").expect("a name and a value");
                assert!(is_open && line.starts_with("  ") && !name.contains(' '), "{line}");
                serde_json::from_str::<serde_json::Value>(value).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }
    assert!(!is_open, "{stdout}");
}

fn github(stdout: &str, _: &str) {
    let commands: Vec<&str> = stdout.lines().filter(|line| line.starts_with("::")).collect();
    let expected = [
        "::error file=checks/refused.check.ts,line=2,",
        "::error file=checks/lib/tokens.ts,line=8,",
        "::notice file=checks/skips.check.ts,line=1,col=1,title=skips in eu-west-1::skipped: maintenance",
    ];
    assert_eq!(commands.len(), expected.len(), "{stdout}");
    for (command, expected) in commands.iter().zip(expected) {
        assert!(command.starts_with(expected), "{command}\nwas to begin with\n{expected}");
    }
}

fn junit(stdout: &str, _: &str) {
    for part in [
        "<testsuites name=\"tocsin\" tests=\"4\" failures=\"1\" errors=\"1\"",
        "<testsuite name=\"eu-west-1\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\"",
        "<failure type=\"http\"",
        "<error type=\"script\"",
        "<skipped message=\"maintenance # of the target, until &lt;noon&gt; &amp; not longer\"/>",
    ] {
        assert!(stdout.contains(part), "`{part}`:\n{stdout}");
    }
    validate(stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_passes_when_repeated_is_a_pass_that_is_told() {
    let project = Project::with_a_flaky_check().await;
    let never = project.run(&["test"]).await;
    never.assert_code(1).assert_says(&["1 failed"]);
    let once = project.run(&["test", "--retries", "3"]).await;
    once.assert_code(0).assert_says(&["attempt 1 failed", "1 passed (1 not at the first attempt)"]);
    let json = project.run(&["test", "--retries", "3", "--reporter", "json"]).await;
    let attempts: Vec<_> = json
        .stdout
        .lines()
        .map(|line| checks::wire::decode(line.as_bytes()).expect(line))
        .map(|result| (result.key.attempt, result.failure().is_some()))
        .collect();
    assert_eq!(attempts, [(0, true), (1, false)]);
    let junit = project.run(&["test", "--retries", "3", "--reporter", "junit"]).await;
    junit.assert_code(0).assert_says(&["<flakyFailure type=\"assertion\"", "failures=\"0\""]);
    validate(&junit.stdout);
    let github = project.run(&["test", "--retries", "1", "--reporter", "github"]).await;
    github.assert_code(0).assert_says(&["::warning file=checks/flaky.check.ts,line=7,"]);
}
