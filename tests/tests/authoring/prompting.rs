//! `tocsin repl` with lines on its standard input.

use crate::project::Project;
use std::process::Stdio;
use tests::harness::program;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

struct Said {
    code: Option<i32>,
    out: String,
    problems: String,
}

async fn prompt(project: &Project, arguments: &[&str], lines: &str) -> Said {
    let config = project.config();
    let mut command = Command::new(program("tocsin"));
    command.arg("repl").arg("--config").arg(config.write(project.path())).args(arguments);
    command.envs(config.environment()).current_dir(project.path()).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("the program starts");
    let mut input = process.stdin.take().expect("a pipe");
    input.write_all(lines.as_bytes()).await.expect("the program reads");
    drop(input);
    let output = process.wait_with_output().await.expect("the program ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), problems: text(&output.stderr) }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_see_what_lines_before_them_declared() {
    let project = Project::empty().await;
    let lines = r#"
const a: number = 40
a + 2
import { decodeJwt } from "tocsin/auth"
typeof decodeJwt
const { status } = await fetch(`${vars.AUTH_URL}/.well-known/openid-configuration`)
status
_ + 1
function twice(x: number) {
  return 2 * x;
}
[twice(4)]
console.log("said", region)
await step("a step", async () => ({ of: "step" }))
"the password is " + secrets.LOGIN_PASSWORD
expect(await fetch(vars.AUTH_URL + "/docs")).toBeOk()
"#;
    let said = prompt(&project, &[], lines).await;
    let expected = r#"42
"function"
200
201
[ 8 ]
said eu-west-1
{ of: "step" }
"the password is [redacted]"
"#;
    assert_eq!((said.out.as_str(), said.problems.as_str(), said.code), (expected, "", Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_fails_ends_a_script() {
    let project = Project::empty().await;
    let cases = [
        ("expect(1).toBe(2)\n'not reached'", "AssertionError: "),
        ("nothing.there", "ReferenceError: "),
        ("const = 1", "nexpected"),
        ("import x from './x.ts'", "cannot be imported"),
        ("await fetch('http://169.254.169.254/')", "169.254.169.254 is "),
        ("const open = {", "the last line is not complete"),
        ("while (true) {}", "no answer within 1 s"),
        ("await new Promise(() => {})", "no answer within 1 s"),
    ];
    for (lines, part) in cases {
        let arguments: &[&str] = if part.contains("within 1 s") { &["--timeout", "1"] } else { &[] };
        let said = prompt(&project, arguments, lines).await;
        assert!(said.problems.contains(part), "{lines}: {}", said.problems);
        assert_eq!((said.out.as_str(), said.code), ("", Some(1)), "{lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_target_says_is_shown_as_letters() {
    let project = Project::empty().await;
    let lines = r#"
console.log("\x1b]0;title\x07\x1b[2J\u009b31m\u202eadmin")
({ "\u009b31m": "\u202e" })
throw new Error("\x1b[2J\u009b\u202e")
"#;
    let said = prompt(&project, &[], lines).await;
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("]0;title") && said.out.contains("admin"), "{}", said.out);
    for text in [&said.out, &said.problems] {
        let found = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(found, None, "{text:?}");
    }
}
