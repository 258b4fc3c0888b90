//! Texts that a script or a target chose, at a terminal and in what GitHub's runner reads: none of them moves the cursor,
//! sets a title, turns letters round or is a command.

use crate::project::Project;
use crate::targets::answers;
use tests::harness::{Config, Finished, Tocsin};

/// Stands in every place where a script can put a text, and comes back from the target.
const SCRIPT: &str = r###"
import { check, defineCheck, expect, log, skip, step } from "tocsin";
const NASTY = "\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u202eadmin\u2066\u2028\n::error::owned\n  ::add-mask::owned ##[add-path]/tmp";
export default defineCheck({
  schedule: "every 30s",
  async run({ vars, attempt }) {
    await step(`step ${NASTY}`, async () => {
      const answer = await fetch(vars.NASTY_URL!, { method: "POST", body: "{}", headers: { "x-a": "##[error]b" } });
      console.log(NASTY);
      log.warn(NASTY, { field: NASTY });
      check(NASTY, NASTY).toBe("");
      const error = new Error(`${NASTY} ${await answer.text()} ${attempt}`);
      error.name = NASTY;
      throw error;
    });
  },
});
"###;

const SKIPPED: &str = r###"
import { defineCheck, skip } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  run() {
    skip("\u001b[2J\u009b\u202e ##[error]x\n::error::owned");
  },
});
"###;

const REFUSED: &str =
    "import { defineCheck } from \"tocsin\";\nexport default \"\u{1b}[2J\u{9b}\u{202e}\" defineCheck;\n";

/// Only letters, line ends and tabs.
#[track_caller]
fn assert_printable(finished: &Finished) {
    for text in [&finished.stdout, &finished.stderr] {
        let reorders = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}');
        let found = text.chars().find(|c| (c.is_control() && !"\n\t".contains(*c)) || reorders(*c));
        assert_eq!(found, None, "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_reaches_a_terminal_as_more_than_letters() {
    let project = Project::empty().await;
    let target = answers("{\"said\":\"\u{1b}[2J \u{9b} \u{202e} ##[error]owned\"}").await;
    project.write("nasty.check.ts", SCRIPT);
    project.write("skipped.check.ts", SKIPPED);
    project.write("refused.check.ts", REFUSED);
    let vars = format!("NASTY_URL = \"http://{target}/?a=##[error]\"\n");
    let config = Config { vars, ..project.config() };
    let run = async |arguments: &[&str]| Tocsin::run(&config, project.path(), arguments).await;
    for reporter in ["list", "github", "json", "tap", "junit"] {
        let finished = run(&["test", "--reporter", reporter, "--retries", "1"]).await;
        finished.assert_code(1).assert_says(&["owned"]);
        assert_printable(&finished);
        if reporter == "github" {
            for line in finished.stdout.lines() {
                let is_ours = line.starts_with("::error file=") || line.starts_with("::notice file=");
                let is_command = line.trim_start().starts_with("::") || line.contains("##[");
                assert!(is_ours || !is_command, "{line}");
            }
        }
    }
    assert_printable(&run(&["validate"]).await);
    // One that passes can be recorded, and its faults are told with its names.
    let passing = SCRIPT.replace("throw error;", "").replace("check(NASTY, NASTY).toBe(\"\");", "");
    project.write("nasty.check.ts", &passing);
    run(&["test", "--record", "checks/nasty.check.ts"]).await.assert_code(0);
    let proof = run(&["mutate", "checks/nasty.check.ts"]).await;
    proof.assert_says(&["in step \u{fffd}]0;owned"]);
    assert_printable(&proof);
}
