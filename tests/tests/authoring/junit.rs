//! Reports against the schema that Jenkins holds them to: every ending, with everything that a case can carry.

use crate::project::Project;
use std::process::Command;
use tests::harness::{Config, Tocsin};
use tests::say_skipped;

/// Fails with all that a report can tell: soft failures in steps, console lines, and texts that are hard on XML.
const TELLING: &str = r#"
import { check, defineCheck, expect, log, step } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  async run({ region, attempt }) {
    console.log("a line of two\nlines, ]]> & <tags> \u001b[31mred\u0000\u0007 \ufffe \ud800 \u{1f514}");
    log.error("gone", { region, attempt });
    await step("soft <step> & \u001b", () => {
      check(1, "one").toBe(2);
      check("]]>", "the \"end\"").toBe("\u0001");
    });
    expect("<html>\u000b</html>", `in ${region}`).toBe("--> \u009b");
  },
});
"#;

const FLAKY_IN_TWO_WAYS: &str = r#"
import { defineCheck, expect } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  run({ attempt }) {
    console.log("attempt", attempt);
    if (attempt === 0) throw new Error("a bug <&>\u0002");
    expect(attempt, "the attempt \u001b").toBe(2);
  },
});
"#;

const FAILS_AS_ITS_OWN_BUG: &str = r#"
import { defineCheck } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  run() {
    undefined.there;
  },
});
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_everything_in_it_is_valid() {
    let project = Project::with_every_ending().await;
    project.write("telling.check.ts", TELLING);
    project.write("flaky.check.ts", FLAKY_IN_TWO_WAYS);
    project.write("own-bug.check.ts", FAILS_AS_ITS_OWN_BUG);
    let config = Config { regions: 2, ..project.config() };
    let regions = ["--region", "eu-west-1", "--region", "us-east-1"];
    let report = ["test", "--reporter", "junit", "--retries", "2"];
    let finished = Tocsin::run(&config, project.path(), &[&report[..], &regions[..]].concat()).await;
    finished.assert_code(1).assert_says(&[
        "<testsuite name=\"eu-west-1\"",
        "<testsuite name=\"us-east-1\"",
        "<testsuite name=\"scripts\"",
        "<flakyError type=\"script\"",
        "<flakyFailure type=\"assertion\"",
        "<rerunFailure type=\"assertion\"",
        "<rerunError type=\"script\"",
        "<system-out>",
        "check: one: expected 1 to be 2",
        "]]&gt;",
    ]);
    validate(&finished.stdout);
    // What a program reads is what was there, but for what XML has no way to write.
    let document = roxmltree::Document::parse(&finished.stdout).expect("the report is XML");
    let case = |name: &str| {
        let mut cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
        cases.find(|node| node.attribute("name") == Some(name)).unwrap_or_else(|| panic!("the case {name}"))
    };
    let telling = case("telling");
    let texts = |tag: &str| telling.descendants().find(|node| node.has_tag_name(tag)).and_then(|node| node.text());
    let out = texts("system-out").expect("the console's lines");
    assert!(out.contains("a line of two\nlines, ]]> & <tags> \u{fffd}[31mred\u{fffd}\u{fffd}"), "{out:?}");
    assert!(out.contains('\u{1f514}'), "{out:?}");
    let failure = texts("failure").expect("the failure");
    assert!(failure.contains("check: the \"end\": expected \"]]>\" to be"), "{failure:?}");
}

/// Against the schema that Jenkins holds reports to.
#[track_caller]
pub fn validate(report: &str) {
    let folder = tempfile::tempdir().unwrap();
    let [schema, file] = ["junit-10.xsd", "report.xml"].map(|name| folder.path().join(name));
    std::fs::write(&schema, include_str!("junit-10.xsd")).unwrap();
    std::fs::write(&file, report).unwrap();
    let validated =
        Command::new("xmllint").arg("--noout").arg("--nonet").arg("--schema").args([&schema, &file]).output();
    match validated {
        Ok(output) => assert!(output.status.success(), "{}\n{report}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => say_skipped(&format!("JUnit reports against their schema: xmllint does not start ({error})")),
    }
}
