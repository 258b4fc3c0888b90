//! `--env-file`, and the commands that write what other tools need.

use crate::project::Project;
use tests::harness::{Config, Tocsin};

const SECRETIVE: &str = r#"
import { defineCheck, expect } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  run({ vars }) {
    expect([vars.FROM_FILE, vars.FROM_BOTH]).toEqual(["of the file", "correct-horse-battery-staple"]);
  },
});
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_variables_fills_in_what_the_environment_lacks() {
    let project = Project::empty().await;
    project.write("secretive.check.ts", SECRETIVE);
    let vars = "FROM_FILE = \"${ONLY_IN_THE_FILE}\"\nFROM_BOTH = \"${TEST_LOGIN_PASSWORD}\"\n".to_owned();
    let config = Config { vars, ..project.config() };
    let file = project.path().join("local.env");
    std::fs::write(&file, "# for this machine\nONLY_IN_THE_FILE=\"of the file\"\nTEST_LOGIN_PASSWORD=another\n")
        .unwrap();
    let file = file.to_str().unwrap();
    Tocsin::run(&config, project.path(), &["test", "--env-file", file]).await.assert_code(0);
    Tocsin::run(&config, project.path(), &["test"]).await.assert_code(2).assert_says(&["ONLY_IN_THE_FILE"]);
    let missing = Tocsin::run(&config, project.path(), &["test", "--env-file", "nowhere.env"]).await;
    missing.assert_code(2).assert_says(&["nowhere.env"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_manual_pages_come_from_the_binary() {
    let project = Project::empty().await;
    for (shell, part) in [("bash", "complete -F"), ("zsh", "#compdef tocsin"), ("fish", "complete -c tocsin")] {
        let printed = project.run(&["completions", shell]).await;
        printed.assert_code(0).assert_says(&[part, "watch"]);
    }
    project.run(&["man"]).await.assert_code(0).assert_says(&[".TH tocsin 1"]);
    let folder = project.path().join("man");
    project.run(&["man", "--out", folder.to_str().unwrap()]).await.assert_code(0);
    assert!(folder.join("tocsin-test.1").is_file());
}
