//! Recordings of runs, and the faults in them that a check does or does not notice. Every recording is replayed while the
//! target is broken: nothing that is answered then comes from it.

use crate::project::Project;
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use tests::harness::{Config, Finished, Tocsin};

/// Asks, and looks at nothing.
const BLIND: &str = r#"
import { defineCheck } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  timeout: "10s",
  async run({ vars }) {
    await fetch(`${vars.AUTH_URL}/.well-known/openid-configuration`);
  },
});
"#;

/// Notices some of it by accident.
const CARELESS: &str = r#"
import { defineCheck } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  timeout: "10s",
  async run({ vars }) {
    const answer = await fetch(`${vars.AUTH_URL}/.well-known/openid-configuration`);
    (await answer.json()).issuer.startsWith("https");
  },
});
"#;

/// Makes up what no other run makes up again, and asks what time it is.
const WATCHFUL: &str = r#"
import { connection, defineCheck, expect } from "tocsin";
export default defineCheck({
  schedule: "every 30s",
  timeout: "10s",
  secrets: ["LOGIN_PASSWORD", "NATIVE_SECRET"],
  async run({ vars, secrets }) {
    const made = [Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(4)).join()];
    const body = new URLSearchParams({
      grant_type: "password",
      client_id: vars.NATIVE_CLIENT_ID!,
      client_secret: secrets.NATIVE_SECRET,
      username: vars.USER_EMAIL!,
      password: secrets.LOGIN_PASSWORD,
      scope: "openid",
      nonce: made.join(),
    });
    const response = await fetch(`${vars.AUTH_URL}/oauth/token`, { method: "POST", body, redirect: "error" });
    expect(response).toBeOk();
    const { id_token, access_token } = await response.json();
    expect(access_token).toMatch(/./);
    const { aud, exp, iss } = JSON.parse(atob(id_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    expect([aud].flat()).toContain(vars.NATIVE_CLIENT_ID);
    expect(iss).toBe(`${vars.AUTH_URL}/`);
    expect(exp * 1000 - Date.now()).toBeGreaterThan(0);
    const now = new Date();
    expect(now.getTime()).toBeLessThan(exp * 1000);
    expect(Date.now()).toBeGreaterThanOrEqual(now.getTime());
    expect(connection(response).phases.firstByteMs).toBeLessThan(6000);
  },
});
"#;

/// What `check` lets pass, each as `family: change`.
fn passed(document: &Value, check: &str, is_detail: bool) -> BTreeSet<String> {
    let checks = document["checks"].as_array().expect("a list of checks");
    let check = checks.iter().find(|one| one["check"] == check).unwrap_or_else(|| panic!("{check}: {document:#}"));
    let tried = check["tried"].as_array().unwrap_or_else(|| panic!("{check:#}"));
    let passed = tried.iter().filter(|tried| tried["verdict"] == "not-noticed" && tried["is_detail"] == is_detail);
    passed
        .map(|tried| format!("{}: {}", tried["family"].as_str().unwrap(), tried["change"].as_str().unwrap()))
        .collect()
}

fn document(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {}", finished.output()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_check_does_not_notice_is_listed() {
    let project = Project::empty().await;
    project.write("blind.check.ts", BLIND);
    project.write("careless.check.ts", CARELESS);
    project.write("watchful.check.ts", WATCHFUL);
    let recorded = project.run(&["test", "--record"]).await;
    recorded.assert_code(0).assert_says(&["recorded runs: 3"]);

    let file = project.checks().join("recordings/watchful.eu-west-1.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("password={{secret:LOGIN_PASSWORD}}"), "{text}");
    assert!(!text.contains("correct-horse") && !text.contains("native-secret"), "{text}");

    project.stack.break_everything().await;
    let finished = project.run(&["mutate", "--json"]).await;
    finished.assert_code(1);
    let document = document(&finished);
    let blind = passed(&document, "blind", false);
    for fault in [
        "status: status 500",
        "status: status 401",
        "body: an empty body",
        "body: a page of HTML for JSON",
        "redirect: redirected to https://elsewhere.invalid, which shows the same",
        "slow: answered after 9 s",
    ] {
        assert!(blind.contains(fault), "{fault}: {blind:#?}");
    }
    assert!(!blind.contains("connection: the connection reset"), "{blind:#?}");
    assert_eq!(passed(&document, "watchful", false), BTreeSet::from(["token: id_token: broken signature".to_owned()]));
    assert!(passed(&document, "watchful", true).contains("field: scope missing"));
    let careless = document["checks"].as_array().unwrap().iter().find(|check| check["check"] == "careless").unwrap();
    let tried = careless["tried"].as_array().unwrap();
    let bug = tried.iter().find(|tried| tried["change"] == "issuer missing").unwrap();
    assert_eq!(bug["verdict"], "as-own-bug", "{bug:#}");

    let told = project.run(&["mutate", "--min-score", "0"]).await;
    told.assert_code(0).assert_says(&[
        "not noticed",
        "status 500, status 503, status 401, status 404",
        "expect(response).toHaveStatus(200);",
        "noticed, but as the script's own bug",
        "checks that notice enough: 3",
    ]);
    for section in told.stdout.split("\n\n") {
        assert!(section.lines().count() <= 40, "{section}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_says_nothing_any_more_is_told() {
    let project = Project::empty().await;
    project.write("blind.check.ts", BLIND);
    project.run(&["mutate"]).await.assert_code(1).assert_says(&["there is no recording", "tocsin test --record"]);
    project.run(&["test", "--record", "checks/blind.check.ts"]).await.assert_code(0);
    project.write("blind.check.ts", &BLIND.replace("openid-configuration", "jwks.json"));
    project.run(&["mutate"]).await.assert_code(1).assert_says(&[
        "the recording is stale",
        "the script has changed",
        "asks for what was not recorded: GET https://localhost:",
    ]);
    std::fs::write(project.checks().join("recordings/blind.eu-west-1.json"), "{\"format\":7}").unwrap();
    project.run(&["mutate"]).await.assert_code(1).assert_says(&["has format 7"]);
}

/// What the shipped checks let pass of the faults that break an answer, by family, and why that is right.
const LET_PASS: [(&str, &[&str]); 12] = [
    ("cdn", &[]),
    // Asks for the certificate alone: what the page says is node-health's question.
    ("certificate", &["redirect", "slow", "status"]),
    // The words of the page behind the logout, and a cookie that is set anew with every form.
    ("dashboard", &["body", "cookie"]),
    ("discovery", &[]),
    ("docs", &[]),
    // Signatures are token-signature's and login-pkce's question.
    ("login-password", &["token"]),
    ("login-pkce", &["cookie"]),
    ("node-health", &[]),
    // Looks at the ID token once.
    ("refresh-rotation", &["token"]),
    ("sign-up", &["token"]),
    ("token-signature", &[]),
    ("userinfo", &["token"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_checks_notice_what_matters() {
    let project = Project::empty().await;
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/../checks/scripts");
    let config = Config { checks: scripts.into(), ..project.config() };
    let folder = project.path().join("kept");
    let kept = folder.to_str().unwrap();
    let run = async |arguments: &[&str]| Tocsin::run(&config, project.path(), arguments).await;
    run(&["test", &format!("--record={kept}")]).await.assert_code(0).assert_says(&["recorded runs: 12"]);
    project.stack.break_everything().await;
    let finished = run(&["mutate", "--recordings", kept, "--json", "--min-score", "0"]).await;
    finished.assert_code(0);
    let document = document(&finished);
    for (check, may_pass) in LET_PASS {
        let passed = passed(&document, check, false);
        let strange: Vec<&String> =
            passed.iter().filter(|fault| !may_pass.contains(&fault.split(':').next().unwrap())).collect();
        assert!(strange.is_empty(), "{check} lets pass: {strange:#?}");
    }
    let checks = document["checks"].as_array().unwrap();
    let bugs = checks.iter().filter(|check| check["as_own_bug"] != 0).map(|check| &check["check"]);
    assert_eq!(bugs.collect::<Vec<_>>(), Vec::<&Value>::new(), "a target's fault wakes people");
}
