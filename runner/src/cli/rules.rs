//! Rule files without a running server: are they valid, and do their unit tests pass?
//!
//! The tests are promtool's, and are run by the evaluator and the alert states that would run the rules. Exit codes: 0
//! all is well, 1 a file was refused or a test failed, 2 a file cannot be read.

use super::arguments::RulesCommand;
use super::paint::Paint;
use super::{FAILED, MISCONFIGURED};
use alerting::rules::unit_test::{self, UnitTestReport};
use alerting::rules::{Rule, RuleFile};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How one file came out.
enum Verdict {
    Good,
    Refused,
    Unreadable,
}

pub(super) fn rules(command: &RulesCommand) -> ExitCode {
    let paint = Paint::for_stdout();
    let (files, done): (_, fn(&Path, Paint) -> Verdict) = match command {
        RulesCommand::Check { files } => (files, check),
        RulesCommand::Test { files } => (files, test),
    };
    let verdicts: Vec<Verdict> = files.iter().map(|file| done(file, paint)).collect();
    let count = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| wanted(verdict)).count();
    let good = count(|verdict| matches!(verdict, Verdict::Good));
    let unreadable = count(|verdict| matches!(verdict, Verdict::Unreadable));
    let (kind, bad) = match command {
        RulesCommand::Check { .. } => ("rule files that are valid", "refused"),
        RulesCommand::Test { .. } => ("test files that pass", "failed or refused"),
    };
    println!("\n{kind}: {good}; {bad}: {}", verdicts.len() - good);
    if unreadable > 0 {
        ExitCode::from(MISCONFIGURED)
    } else if good < verdicts.len() {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    }
}

fn read(file: &Path, paint: Paint) -> Option<String> {
    std::fs::read_to_string(file)
        .inspect_err(|error| println!("{} {}: cannot be read: {error}", paint.bad("✗"), file.display()))
        .ok()
}

fn check(file: &Path, paint: Paint) -> Verdict {
    let Some(text) = read(file, paint) else { return Verdict::Unreadable };
    match RuleFile::parse(&file.display().to_string(), &text) {
        Ok(rules) => {
            let all = || rules.groups.iter().flat_map(|group| &group.rules);
            let alerts = all().filter(|rule| matches!(rule, Rule::Alert(_))).count();
            let counted = format!("alerts: {alerts}, recordings: {}", all().count() - alerts);
            println!("{} {}  {}", paint.good("✓"), rules.path, paint.dim(&counted));
            for warning in rules.warnings() {
                println!("{} {warning}", paint.warn("!"));
            }
            Verdict::Good
        }
        Err(error) => {
            println!("{} {error}", paint.bad("✗"));
            Verdict::Refused
        }
    }
}

fn test(file: &Path, paint: Paint) -> Verdict {
    let Some(text) = read(file, paint) else { return Verdict::Unreadable };
    let folder = file.parent().map(PathBuf::from).unwrap_or_default();
    // As for promtool, the rule files lie relative to the test file.
    let rules = |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    match unit_test::run(&file.display().to_string(), &text, &rules) {
        Ok(report) => shown(file, &report, paint),
        Err(error) => {
            println!("{} {error}", paint.bad("✗"));
            Verdict::Refused
        }
    }
}

fn shown(file: &Path, report: &UnitTestReport, paint: Paint) -> Verdict {
    for failure in &report.failures {
        println!("{} {}:{}: {:?}: {}", paint.bad("✗"), file.display(), failure.line, failure.test, failure.message);
    }
    if !report.failures.is_empty() {
        return Verdict::Refused;
    }
    let counted = format!("tests: {}, expectations: {}", report.tests, report.expectations);
    println!("{} {}  {}", paint.good("✓"), file.display(), paint.dim(&counted));
    Verdict::Good
}
