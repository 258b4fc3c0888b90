//! `tocsin/auth` and `tocsin/http` against the real auth stack, in the real binary: every flow that the stack has, and what
//! it must refuse. The scripts are in `e2e_auth/`.

use std::path::Path;
use tests::harness::{AuthStack, Config, Tocsin};

const SCRIPTS: [(&str, &str); 3] = [
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
    finished.assert_code(0).assert_says(&["browser", "device", "service"]);
}
