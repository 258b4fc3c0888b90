//! The shipped checks against the real auth stack: all pass on a healthy one, and each fault is noticed by the checks
//! it belongs to, as the target's fault and not as a bug of the script.

use auth_stack::FaultKind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tests::harness::{AuthStack, Config, Tocsin};

/// Every shipped check.
const ALL: [&str; 12] = [
    "cdn",
    "certificate",
    "dashboard",
    "discovery",
    "docs",
    "login-password",
    "login-pkce",
    "node-health",
    "refresh-rotation",
    "sign-up",
    "token-signature",
    "userinfo",
];

fn shipped() -> PathBuf {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../checks/scripts");
    scripts.canonicalize().expect("the shipped checks are there")
}

/// Class and message of each check that failed.
type Failures = BTreeMap<String, (String, String)>;

/// Runs every shipped check once, in one region.
async fn failures(stack: &AuthStack, folder: &Path) -> Failures {
    let config = Config { regions: 1, ..Config::new(shipped(), stack) };
    let finished = Tocsin::run(&config, folder, &["test", "--json"]).await;
    let mut ran = BTreeSet::new();
    let mut failures = Failures::new();
    for line in finished.stdout.lines().filter(|line| !line.trim().is_empty()) {
        let result: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {}", finished.output()));
        let result = result.get("run_result").unwrap_or(&result);
        let check = result["key"]["check"].as_str().expect("a result names its check").to_owned();
        if let Some(failed) = result["outcome"].get("failed") {
            let text = |key: &str| failed[key].as_str().unwrap_or_default().to_owned();
            failures.insert(check.clone(), (text("class"), text("message")));
        }
        ran.insert(check);
    }
    assert_eq!(ran, ALL.map(str::to_owned).into(), "every shipped check ran:\n{}", finished.output());
    finished.assert_code(i32::from(!failures.is_empty()));
    failures
}

#[tokio::test(flavor = "multi_thread")]
async fn all_checks_pass_on_a_healthy_stack() {
    let folder = tempfile::tempdir().unwrap();
    let stack = AuthStack::start(folder.path()).await;
    assert_eq!(failures(&stack, folder.path()).await, Failures::new());
    // In every region, for people: names, steps and timings.
    let config = Config::new(shipped(), &stack);
    let finished = Tocsin::run(
        &config,
        folder.path(),
        &["test", "--region", "eu-west-1", "--region", "us-east-1", "--region", "ap-southeast-2"],
    )
    .await;
    finished.assert_code(0).assert_says(&ALL);
    for (region, _) in tests::harness::REGIONS {
        finished.assert_says(&[region]);
    }
    let selected = Tocsin::run(&config, folder.path(), &["test", "--grep", "login-password"]).await;
    selected.assert_code(0).assert_says(&["login-password", "sign in"]);
    assert!(!selected.output().contains("userinfo"), "{}", selected.output());
    let nothing = Tocsin::run(&config, folder.path(), &["test", "--grep", "no-such-check"]).await;
    assert_ne!(nothing.status.code(), Some(0), "a run of no check at all is no success: {}", nothing.output());
}

/// A fault, and exactly the checks that notice it.
type Row = (Value, &'static [&'static str]);

const LOGINS: &[&str] = &["dashboard", "login-password", "login-pkce", "refresh-rotation", "sign-up", "userinfo"];
const TOKENS: &[&str] = &["login-password", "login-pkce", "refresh-rotation", "sign-up", "token-signature", "userinfo"];

/// Faults of single components: what is down takes down what is built on it, and nothing else.
fn component_faults() -> Vec<Row> {
    vec![
        (json!({ "fault": "error", "component": "discovery" }), &["discovery"]),
        (json!({ "fault": "error", "component": "jwks" }), &["discovery", "login-pkce", "token-signature"]),
        (json!({ "fault": "error", "component": "authorize" }), &["login-pkce"]),
        (json!({ "fault": "error", "component": "login" }), &["dashboard", "login-pkce"]),
        (json!({ "fault": "error", "component": "token", "status": 503 }), TOKENS),
        (json!({ "fault": "error", "component": "userinfo" }), &["userinfo"]),
        (json!({ "fault": "error", "component": "signup" }), &["sign-up"]),
        (json!({ "fault": "error", "component": "dashboard" }), &["dashboard"]),
        (json!({ "fault": "error", "component": "docs" }), &["docs"]),
        (json!({ "fault": "error", "component": "cdn" }), &["cdn"]),
        (json!({ "fault": "error", "component": "health" }), &["node-health"]),
        (json!({ "fault": "slow", "component": "docs", "ms": 2_600 }), &["docs"]),
        (json!({ "fault": "slow", "component": "userinfo", "ms": 2_600 }), &["userinfo"]),
        (json!({ "fault": "drop", "component": "cdn" }), &["cdn"]),
        (json!({ "fault": "drop", "component": "token" }), TOKENS),
        (json!({ "fault": "truncated-body", "component": "discovery" }), &["discovery"]),
        (json!({ "fault": "truncated-body", "component": "docs" }), &["docs"]),
        (json!({ "fault": "outage" }), &ALL),
        (json!({ "fault": "expired-certificate" }), &ALL),
        (json!({ "fault": "expired-certificate", "days": 5 }), &["certificate"]),
    ]
}

/// Faults of what the provider says.
fn protocol_faults() -> Vec<Row> {
    vec![
        (
            json!({ "fault": "wrong-issuer" }),
            &[
                "discovery",
                "login-password",
                "login-pkce",
                "refresh-rotation",
                "sign-up",
                "token-signature",
                "userinfo",
            ],
        ),
        (json!({ "fault": "expired-token" }), TOKENS),
        (json!({ "fault": "future-token" }), TOKENS),
        (json!({ "fault": "expired-key" }), &["login-pkce", "token-signature", "userinfo"]),
        (json!({ "fault": "bad-signature" }), &["login-pkce", "token-signature", "userinfo"]),
        (json!({ "fault": "wrong-audience" }), TOKENS),
        (json!({ "fault": "wrong-nonce" }), &["login-pkce"]),
        (json!({ "fault": "missing-jwks-key" }), &["discovery", "login-pkce", "token-signature"]),
        (json!({ "fault": "logins-fail" }), LOGINS),
        // Only the metric tells; that is a rule's to notice.
        (json!({ "fault": "logins-fall" }), &[]),
        (json!({ "fault": "wrong-state" }), &["login-pkce"]),
        (json!({ "fault": "insecure-cookie" }), &["login-pkce"]),
        (json!({ "fault": "pkce-ignored" }), &["login-pkce"]),
        (json!({ "fault": "no-refresh" }), &["refresh-rotation"]),
        (json!({ "fault": "refresh-refused" }), &["refresh-rotation"]),
        (json!({ "fault": "refresh-not-rotated" }), &["refresh-rotation"]),
        (json!({ "fault": "userinfo-mismatch" }), &["userinfo"]),
        (json!({ "fault": "discovery-drift" }), &["discovery"]),
        (json!({ "fault": "stale-cdn" }), &["cdn"]),
        (json!({ "fault": "missing-security-headers" }), &["cdn", "dashboard", "docs", "login-pkce"]),
    ]
}

async fn notice(rows: Vec<Row>) {
    let folder = tempfile::tempdir().unwrap();
    let stack = AuthStack::start(folder.path()).await;
    let mut wrong = Vec::new();
    for (fault, expected) in rows {
        stack.break_with(fault.clone()).await;
        let failures = failures(&stack, folder.path()).await;
        stack.repair().await;
        let failed: Vec<_> = failures.keys().map(String::as_str).collect();
        if failed != expected {
            wrong.push(format!("{fault}\n    expected {expected:?}\n    failed   {failures:#?}"));
        }
        for (check, (class, message)) in &failures {
            if matches!(class.as_str(), "script" | "prober") {
                wrong.push(format!("{fault}: {check} blames the {class}, and so wakes nobody: {message}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n  "));
    // What a fault did must not outlive it.
    assert_eq!(failures(&stack, folder.path()).await, Failures::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_components_are_noticed_by_their_checks() {
    notice(component_faults()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_protocol_are_noticed_by_their_checks() {
    notice(protocol_faults()).await;
}

#[test]
fn every_fault_has_its_row() {
    let rows = [component_faults(), protocol_faults()].concat();
    let named: BTreeSet<_> = rows.iter().filter_map(|(fault, _)| fault["fault"].as_str()).collect();
    let known: BTreeSet<_> = FaultKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(named, known);
    let noticing: BTreeSet<_> = rows.iter().flat_map(|(_, checks)| checks.iter().copied()).collect();
    assert_eq!(noticing, ALL.into(), "each check notices something");
}
