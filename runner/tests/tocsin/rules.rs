//! `tocsin rules check` and `tocsin rules test`, and the rules that are shipped.

use crate::project::{CONFIGURATION, Project};
use std::path::Path;
use std::process::Command;

const RULES: &str = "groups:
- name: g
  rules:
  - alert: NoLogins
    expr: absent(auth_logins)
    annotations: {summary: nobody logs in}
  - record: auth:logins
    expr: sum(auth_logins)
";

const TEST: &str = "rule_files: [a.rules.yml]
tests:
- name: silence
  input_series:
  - {series: 'auth_logins{node=\"a\"}', values: '1x5 stale'}
  alert_rule_test:
  - {eval_time: 3m, alertname: NoLogins}
  - eval_time: 9m
    alertname: NoLogins
    exp_alerts:
    - exp_annotations: {summary: nobody logs in}
  promql_expr_test:
  - expr: auth:logins
    eval_time: 3m
    exp_samples:
    - {labels: 'auth:logins', value: 1}
";

/// What is changed in the rules above, and what a person reads then.
const REFUSED: [(&str, &str, &str); 5] = [
    ("absent(auth_logins)", "absent(auth_logins", "a.rules.yml:5: the rule \"NoLogins\" cannot be evaluated"),
    (
        "absent(auth_logins)",
        "limitk(2, auth_logins)",
        "a.rules.yml:5: the rule \"NoLogins\" cannot be evaluated: the aggregation `limitk` is not supported",
    ),
    ("- alert:", "- alrt:", "a.rules.yml:4: it is no rule file"),
    ("nobody logs in", "'{{ .Nothing }'", "a.rules.yml:4: the rule \"NoLogins\" has a template that cannot be read"),
    ("    expr: sum", "    for: soon\n    expr: sum", "a.rules.yml:"),
];

fn project(rules: &str, test: &str) -> Project {
    let project = Project::new(CONFIGURATION, &[]);
    std::fs::write(project.path("a.rules.yml"), rules).unwrap();
    std::fs::write(project.path("a.test.yml"), test).unwrap();
    project
}

#[test]
fn valid_rules_and_their_tests_pass_without_any_configuration() {
    let project = project(RULES, TEST);
    std::fs::remove_file(project.path("tocsin.toml")).unwrap();
    let valid = ["✓ a.rules.yml  alerts: 1, recordings: 1", "rule files that are valid: 1; refused: 0"];
    project.run(&["rules", "check", "a.rules.yml"]).expect(0, &valid);
    let passed = ["✓ a.test.yml  tests: 1, expectations: 3", "test files that pass: 1; failed or refused: 0"];
    project.run(&["rules", "test", "a.test.yml"]).expect(0, &passed);
}

#[test]
fn refused_rules_are_named_with_file_and_line() {
    for (from, to, said) in REFUSED {
        let changed = RULES.replace(from, to);
        assert_ne!(changed, RULES, "{from:?} is not in the rules");
        let project = project(&changed, TEST);
        project.run(&["rules", "check", "a.rules.yml"]).expect(1, &[said, "valid: 0; refused: 1"]);
        project.run(&["rules", "test", "a.test.yml"]).expect(1, &[said, "pass: 0; failed or refused: 1"]);
    }
}

#[test]
fn a_failed_expectation_shows_what_was_expected_and_what_came() {
    let test = TEST.replace("value: 1}", "value: 2}").replace("eval_time: 9m", "eval_time: 4m");
    let facts = [
        "a.test.yml:8: \"silence\": alert \"NoLogins\" at 4m",
        "a.test.yml:13: \"silence\": `auth:logins` at 3m",
        "expected: auth:logins 2",
        "got:      auth:logins 1",
    ];
    project(RULES, &test).run(&["rules", "test", "a.test.yml"]).expect(1, &facts);
}

#[test]
fn files_that_cannot_be_read_and_missing_arguments_are_mistakes_of_the_command_line() {
    let project = project(RULES, TEST);
    let unreadable = ["✓ a.rules.yml", "✗ nowhere.yml: cannot be read"];
    project.run(&["rules", "check", "a.rules.yml", "nowhere.yml"]).expect(2, &unreadable);
    project.run(&["rules", "test", "nowhere.yml"]).expect(2, &["✗ nowhere.yml: cannot be read"]);
    project.run(&["rules", "check"]).expect(2, &["<FILE>"]);
    project.run(&["rules"]).expect(2, &["check", "test"]);
}

#[test]
fn the_shipped_rules_are_valid_and_pass_their_tests_also_in_promtool() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../checks/rules");
    let tests = ["login.test.yml", "login-last-week.test.yml"];
    let mut commands = vec![(env!("CARGO_BIN_EXE_tocsin"), ["rules", "check"], ["rules", "test"])];
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join("promtool").is_file()) {
        commands.push(("promtool", ["check", "rules"], ["test", "rules"]));
    } else {
        eprintln!("SKIPPED: no `promtool` on the path (Debian's package `prometheus` has it)");
    }
    for (program, check, test) in commands {
        for (arguments, files) in [(check, &["login.rules.yml"][..]), (test, &tests[..])] {
            let ran = Command::new(program).args(arguments).args(files).current_dir(&folder).output().unwrap();
            let said = [ran.stdout, ran.stderr].concat();
            assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&said));
        }
    }
}
