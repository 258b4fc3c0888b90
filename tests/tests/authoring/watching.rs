//! `tocsin test --watch`: what changes runs again, and nothing else does.

use crate::project::{PASSING, Project};
use tests::harness::Tocsin;

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
