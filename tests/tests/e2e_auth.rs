//! `tocsin/auth` and `tocsin/http` against the real auth stack, in the real binary: every flow that the stack has, and what
//! it must refuse. The scripts are in `e2e_auth/`.

use std::path::Path;
use tests::harness::{AuthStack, Config, Tocsin};

const EXAMPLES: &str = include_str!("e2e_auth/examples.check.ts");

const SCRIPTS: [(&str, &str); 4] = [
    ("examples.check.ts", EXAMPLES),
    ("browser.check.ts", include_str!("e2e_auth/browser.check.ts")),
    ("device.check.ts", include_str!("e2e_auth/device.check.ts")),
    ("service.check.ts", include_str!("e2e_auth/service.check.ts")),
];

fn write_scripts(folder: &Path, stack: &AuthStack) {
    for (name, text) in SCRIPTS {
        std::fs::write(folder.join(name), text).expect("a test's own folder can be written");
    }
    let key = stack.ready["clients"]["tocsin-service"]["private_key"].clone();
    assert!(key.is_string(), "the ready file has the key of the service: {}", stack.ready);
    let keys = serde_json::json!({ "key": key });
    std::fs::write(folder.join("keys.json"), keys.to_string()).expect("a test's own folder can be written");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flow_works_against_the_auth_stack() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = folder.path().join("checks");
    std::fs::create_dir(&scripts).unwrap();
    let stack = AuthStack::start(folder.path()).await;
    write_scripts(&scripts, &stack);
    let config = Config { regions: 1, ..Config::new(scripts, &stack) };
    let finished = Tocsin::run(&config, folder.path(), &["test"]).await;
    finished.assert_code(0).assert_says(&["browser", "device", "examples", "service"]);
}

/// A row of the documentation: what it speaks of, and a line that shows it.
fn examples(documentation: &str) -> impl Iterator<Item = &str> {
    let rows = documentation.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |"));
    rows.filter_map(|row| row.rsplit_once(" | `").and_then(|(_, example)| example.strip_suffix("` |")))
}

#[test]
fn every_example_of_the_documentation_is_run() {
    let documentation = include_str!("../../docs/library-http-auth.md");
    let lines: Vec<_> = EXAMPLES.lines().map(str::trim).collect();
    let strange: Vec<_> = examples(documentation).filter(|example| !lines.contains(example)).collect();
    assert!(strange.is_empty(), "no lines of examples.check.ts: {strange:#?}");
    assert!(examples(documentation).count() > 30, "the tables are read");
    for name in ["tocsin-http.d.ts", "tocsin-auth.d.ts"] {
        let declarations = format!("{}/../checks/scripts/{name}", env!("CARGO_MANIFEST_DIR"));
        let declarations = std::fs::read_to_string(declarations).expect("the declarations are there");
        let functions = declarations.lines().filter_map(|line| line.trim().strip_prefix("export function "));
        for function in functions.filter_map(|line| line.split('(').next()) {
            assert!(EXAMPLES.contains(&format!("{function}(")), "{function} has no example");
        }
    }
}
