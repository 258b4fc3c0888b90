//! `fetch` as the web platform has it, against the auth stack itself: what its answers, redirects, cookies, encodings and
//! faults look like to a script. Each script in `specs/` has its expectation beside it, as those of the sandbox have
//! (`probes/tests/sandbox/specs.rs`), whose own doubles and nginx hold the rest.
//!
//! Some components are broken for the scripts that are about it, and no other asks for them: `docs` answers late, `jwks`
//! breaks off, `discovery` ends half way.

#[path = "../../../probes/tests/sandbox/matching.rs"]
mod matching;

use matching::difference;
use serde_json::{Value, json};
use std::path::Path;
use tests::harness::{AuthStack, Config, Tocsin};

/// Later than any script waits.
const LATE_MS: u64 = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn fetch_behaves_as_on_the_web() {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fetch_semantics/specs");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let stack = AuthStack::start(folder.path()).await;
    stack.break_with(json!({ "fault": "slow", "component": "docs", "ms": LATE_MS })).await;
    stack.break_with(json!({ "fault": "drop", "component": "jwks" })).await;
    stack.break_with(json!({ "fault": "truncated-body", "component": "discovery" })).await;
    let config = Config { regions: 1, ..Config::new(specs.clone(), &stack) };
    let finished = Tocsin::run(&config, folder.path(), &["test", "--json"]).await;
    let mut results = std::collections::BTreeMap::new();
    for line in finished.stdout.lines() {
        let document: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let result = &document["run_result"];
        let check = result["key"]["check"].as_str().unwrap_or_else(|| panic!("a result names its check: {line}"));
        results.insert(check.to_owned(), result.clone());
    }
    let mut wrong = Vec::new();
    let mut scripts = 0;
    for entry in std::fs::read_dir(&specs).expect("the folder of specifications can be read") {
        let path = entry.expect("its entries can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let Some(check) = name.strip_suffix(".check.ts") else { continue };
        scripts += 1;
        let expected = path.with_file_name(format!("{check}.json"));
        let expected = std::fs::read_to_string(&expected).unwrap_or_else(|error| panic!("{check}.json: {error}"));
        let expected: Value = serde_json::from_str(&expected).unwrap_or_else(|error| panic!("{check}.json: {error}"));
        let result = results.get(check).unwrap_or_else(|| panic!("{check} ran:\n{}", finished.output()));
        if let Some(difference) = difference(result, &expected, check) {
            wrong.push(format!("{difference}\n  in {result:#}"));
        }
    }
    assert!(scripts > 0 && wrong.is_empty(), "{}", wrong.join("\n\n"));
}
