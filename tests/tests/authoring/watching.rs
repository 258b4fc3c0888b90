//! `tocsin test --watch`: what changes runs again, and nothing else does.

use crate::project::{PASSING, Project};
use tests::harness::{Config, Tocsin};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_runs_the_check_and_those_that_import_it() {
    let project = Project::with_every_ending().await;
    let mut process = Tocsin::start(&project.config(), project.path(), &["test", "--watch"]);
    process.prints("waiting for changes").await;
    process.prints("1 passed, 1 failed, 1 skipped, 1 script refused").await;

    // The check itself.
    project.write("passes.check.ts", &PASSING.replace("await step(\"discovery\"", "await step(\"the first edit\""));
    process.prints("the first edit").await;
    process.prints("running 1 of 3 checks").await;

    // A module: the check that imports it.
    let module = project.checks().join("lib/tokens.ts");
    let text = std::fs::read_to_string(&module).unwrap();
    std::fs::write(&module, text.replace("expect(response)", "expect(response, \"the second edit\")")).unwrap();
    process.prints("the second edit").await;

    // A script that did not load.
    project.write("refused.check.ts", &PASSING.replace("await step(\"discovery\"", "await step(\"the third edit\""));
    process.prints("the third edit").await;
    process.prints("running 1 of 4 checks").await;

    // A new one, in a folder that was not there.
    project.write("new/late.check.ts", &PASSING.replace("await step(\"discovery\"", "await step(\"the fourth edit\""));
    process.prints("the fourth edit").await;

    let logs = process.logs();
    assert_eq!(logs.matches("– skips").count(), 1, "what did not change ran once:\n{logs}");
    process.terminate().await;
}

const TELLS: &str = r#"
import { defineCheck, log } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  run({ vars }) {
    log(`told ${vars.TOLD} and ${vars.FROM_FILE}`);
  },
});
"#;

#[tokio::test(flavor = "multi_thread")]
async fn another_configuration_runs_everything_again() {
    let project = Project::empty().await;
    project.write("tells.check.ts", TELLS);
    let env_file = project.path().join("settings.env");
    std::fs::write(&env_file, "TOLD_FROM_FILE=one\n").unwrap();
    let with = |told: &str| Config {
        vars: format!("TOLD = \"{told}\"\nFROM_FILE = \"${{TOLD_FROM_FILE}}\"\n"),
        ..project.config()
    };
    let mut process = Tocsin::start(&with("first"), project.path(), &["test", "--watch", "--env-file", "settings.env"]);
    process.prints("told first and one").await;
    process.prints("waiting for changes").await;

    with("second").write(project.path());
    process.prints("told second and one").await;

    std::fs::write(&env_file, "TOLD_FROM_FILE=two\n").unwrap();
    process.prints("told second and two").await;

    // What is wrong is told, and waited for.
    std::fs::write(project.path().join("tocsin.toml"), "chekcs = \"checks\"\n").unwrap();
    process.prints("did you mean").await;
    process.prints("nothing runs until the configuration is mended").await;
    // An editor writes a file of its own, and puts it in the place of the other.
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::rename(with("third").write(elsewhere.path()), project.path().join("tocsin.toml")).unwrap();
    process.prints("told third and two").await;

    // A check is still a check.
    project.write("tells.check.ts", &TELLS.replace("told ", "said "));
    process.prints("said third and two").await;
    assert_eq!(process.logs().matches("told third").count(), 1, "{}", process.logs());
    process.terminate().await;
}
