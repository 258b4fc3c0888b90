//! `tocsin test`, `validate` and `incidents`, as a person runs them.

use crate::project::{CONFIGURATION, FAILS, PASSES, Project, TOKEN};

/// Name, text, and what a person reads: file, line, what is wrong, and what to write.
const REFUSED: [(&str, &str, &[&str]); 6] = [
    ("syntax.check.ts", "export default = (", &["checks/syntax.check.ts:1:16: ", "^"]),
    ("nothing.check.ts", "export const a = 1;", &["checks/nothing.check.ts: ", "no default export", "defineCheck({"]),
    (
        "schedule.check.js",
        "import { defineCheck } from \"tocsin\";\nexport default defineCheck({ schedule: \"every 3 fortnights\", async run() {} });",
        &["checks/schedule.check.js:2:", "every 3 fortnights", "write `every 30s`"],
    ),
    (
        "secret.check.js",
        "import { defineCheck } from \"tocsin\";\nexport default defineCheck({ schedule: \"every 3s\", secrets: [\"TOKN\"], async run() {} });",
        &["checks/secret.check.js:2:", "`TOKN`", "did you mean `TOKEN`?"],
    ),
    (
        "region.check.js",
        "import { defineCheck } from \"tocsin\";\nexport default defineCheck({ schedule: \"every 3s\", regions: [\"mars\"], async run() {} });",
        &["checks/region.check.js:2:", "`mars`", "eu-west-1, us-east-1"],
    ),
    (
        "twice.check.js",
        "import { defineCheck } from \"tocsin\";\nexport default defineCheck({ id: \"passes\", schedule: \"every 3s\", async run() {} });",
        &["checks/twice.check.js: ", "`passes` is already taken by checks/passes.check.ts"],
    ),
];

#[test]
fn validate_names_every_script_that_is_refused_and_the_ones_that_are_not() {
    let project = Project::new(CONFIGURATION, &[("passes.check.ts", PASSES)]);
    project.run(&["validate"]).expect(0, &["passes", "checks that are valid: 1; scripts that are refused: 0"]);
    for (name, text, _) in REFUSED {
        project.write(name, text);
    }
    let validated = project.run(&["validate"]);
    validated.expect(1, &["checks that are valid: 1; scripts that are refused: 6"]);
    for (_, _, facts) in REFUSED {
        validated.expect(1, facts);
    }
}

#[test]
fn a_faulty_configuration_is_refused_with_all_its_problems() {
    let project = Project::new("checks = \"checks\"\nlisen = \"x\"\n[network]\nallow_private = 1\n", &[]);
    for subcommand in ["up", "test", "validate", "incidents"] {
        let problems = [
            "tocsin.toml:2:1 (key lisen): unknown key; did you mean listen?",
            "tocsin.toml:4:17 (key network.allow_private): expected true or false",
            "2 problems in tocsin.toml; nothing was started",
        ];
        project.run(&[subcommand]).expect(2, &problems);
    }
    project.run(&["validate", "-c", "other.toml"]).expect(2, &["other.toml: cannot be read"]);
}

#[test]
fn test_shows_what_ran_and_points_at_the_authors_line() {
    let project = Project::new(CONFIGURATION, &[("passes.check.ts", PASSES), ("fails.check.ts", FAILS)]);
    let ran = project.run(&["test"]);
    ran.expect(1, &["✓ passes", "✓ outer", "✓ inner", "✗ fails", "✗ compare", "1 passed, 1 failed"]);
    ran.expect(1, &["checks/fails.check.ts:4:17", "> 4 |   expect(value).toBe(2);", "    |                 ^"]);
    assert!(!ran.stdout.contains(TOKEN) && ran.stdout.contains("log token [redacted]"), "{}", ran.stdout);
    assert!(!ran.stdout.contains('\x1b'), "colours are for terminals");
    project.run(&["test", "checks/passes.check.ts"]).expect(0, &["1 passed"]);
}

#[test]
fn test_chooses_by_path_name_tag_and_region() {
    let project = Project::new(CONFIGURATION, &[("passes.check.ts", PASSES), ("fails.check.ts", FAILS)]);
    type Case<'a> = (&'a [&'a str], i32, &'a str);
    let cases: &[Case<'_>] = &[
        (&["--grep", "^pass"], 0, "1 passed"),
        (&["--grep", "is well"], 0, "1 passed"),
        (&["--tag", "calm"], 0, "1 passed"),
        (&["--tag", "quick"], 1, "1 passed, 1 failed"),
        (&["--tag", "calm", "--region", "us-east-1"], 0, "us-east-1"),
        (&["--tag", "calm", "--region", "us-east-1", "--region", "eu-west-1"], 0, "2 passed"),
        (&["--grep", "nothing"], 2, "no check matches; there are fails, passes"),
        (&["--region", "us-east"], 2, "did you mean us-east-1?"),
        (&["checks/nowhere.check.ts"], 2, "checks/nowhere.check.ts"),
        (&["tocsin.toml"], 2, ".check.ts"),
        (&["--grep", "("], 2, "regex parse error"),
    ];
    for (arguments, code, fact) in cases {
        project.run(&[&["test"], *arguments].concat()).expect(*code, &[fact]);
    }
}

#[test]
fn test_prints_results_for_machines_too() {
    let project = Project::new(CONFIGURATION, &[("passes.check.ts", PASSES), ("fails.check.ts", FAILS)]);
    let ran = project.run(&["test", "--json"]);
    assert_eq!(ran.code, 1);
    let results: Vec<_> = ran.stdout.lines().map(|line| checks::wire::decode(line.as_bytes()).unwrap()).collect();
    let outcomes: Vec<_> =
        results.iter().map(|result| (result.key.check.as_str(), result.failure().is_some())).collect();
    assert_eq!(outcomes, [("fails", true), ("passes", false)]);
}

#[test]
fn a_script_runs_without_any_configuration() {
    let project = Project::new(CONFIGURATION, &[]);
    std::fs::remove_file(project.path("tocsin.toml")).unwrap();
    project.write("plain.check.js", "import { defineCheck } from \"tocsin\";\nexport default defineCheck({ schedule: \"every 3s\", async run() {} });");
    project.run(&["test", "checks"]).expect(0, &["✓ plain", "1 passed"]);
    project.run(&["test"]).expect(2, &["tocsin.toml: cannot be read"]);
}

#[test]
fn incidents_without_a_journal_says_who_makes_one() {
    let project = Project::new(CONFIGURATION, &[]);
    project.run(&["incidents"]).expect(2, &["there is no journal", "tocsin up"]);
}
