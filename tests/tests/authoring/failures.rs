//! A failure in a terminal: where it is, what was asked, what came, and how to ask again; and no secret in any of it.

use crate::project::Project;

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_explains_itself_and_keeps_secrets() {
    let project = Project::with_every_ending().await;
    let finished = project.run(&["test", "--tag", "login"]).await;
    // The script that does not load is refused beside it.
    finished.assert_code(1);
    let shown = &finished.stdout;
    let exchange = format!("POST {}/oauth/token", project.stack.url());
    let command = format!("curl -sS -i {}/oauth/token", project.stack.url());
    let in_this_order = [
        "✗ fails",
        "✗ sign in",
        "http: ",
        "in step sign in",
        "checks/fails.check.ts:10:",
        "> 10 |       await tokens(",
        "^",
        "which called checks/lib/tokens.ts:8:",
        "> 8 |   expect(response).toBeOk();",
        "^",
        exchange.as_str(),
        "first byte",
        "█",
        "content-type: application/json",
        // The script read no body: this was looked at after it had failed.
        "\"error\": \"invalid_",
        "repeat it with",
        command.as_str(),
        "--data-urlencode grant_type=password",
        "1 failed",
    ];
    let mut rest = shown.as_str();
    for part in in_this_order {
        let at = rest.find(part).unwrap_or_else(|| panic!("`{part}`, in this order, in:\n{shown}"));
        rest = &rest[at + part.len()..];
    }
    assert!(!shown.contains("correct-horse"), "the secret is shown:\n{shown}");
    assert!(shown.contains("${LOGIN_PASSWORD}") || shown.contains("${PASSWORD}"), "{shown}");
    assert!(!shown.contains('\x1b'), "colours where nobody looks:\n{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_failed_runs_keep_what_they_exchanged() {
    let project = Project::with_every_ending().await;
    let finished = project.run(&["test", "--json"]).await;
    for line in finished.stdout.lines().filter(|line| !line.contains("\"refused\"")) {
        let result = checks::wire::decode(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"));
        let kept = result.requests.iter().filter(|request| request.transcript.is_some()).count();
        assert_eq!(kept > 0, result.failure().is_some(), "{line}");
    }
    assert!(!finished.output().contains("correct-horse"), "{}", finished.output());
}
