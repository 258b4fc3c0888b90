use super::FAILED;
use super::paint::Paint;
use super::printable::{printable, printable_lines};
use crate::catalogue;
use crate::config::Settings;
use crate::rule_files;
use crate::sandboxing;
use std::process::ExitCode;

/// The configuration has been read; what is left are the scripts. They are evaluated, and not run.
pub(super) async fn validate(settings: &Settings) -> anyhow::Result<ExitCode> {
    let paint = Paint::for_stdout();
    let files = catalogue::find(&settings.checks_dir)?;
    let files = files.iter().map(|file| file.canonicalize()).collect::<Result<_, _>>()?;
    let sandbox = sandboxing::start(settings).await?;
    let catalogue = catalogue::load(settings, &catalogue::project_root(settings), files, &sandbox).await;
    sandbox.shutdown().await;
    for error in &catalogue.refused {
        println!("{} {}\n", paint.bad("✗"), printable_lines(&error.to_string()));
    }
    for check in &catalogue.checks {
        let regions: Vec<&str> = check.regions.iter().map(checks::Region::as_str).collect();
        let rest = paint.dim(&format!("{}, {}", printable(&check.schedule_text), regions.join(" ")));
        println!("{} {}  {rest}", paint.good("✓"), check.definition.id);
    }
    println!("\n{}", paint.dim(&format!("scripts are held by: {}", sandbox.containment())));
    for missing in sandbox.containment().missing() {
        println!("{} not held by {missing}", paint.warn("!"));
    }
    let misnamed = catalogue::misnamed(settings, &catalogue.checks);
    for problem in &misnamed {
        println!("{} {}", paint.bad("✗"), printable_lines(&problem.to_string()));
    }
    let sources = rule_files::read(&settings.rules);
    for source in &sources {
        match &source.read {
            Ok(file) => {
                let rules = file.groups.iter().map(|group| group.rules.len()).sum::<usize>();
                println!("{} {}  {}", paint.good("✓"), source.path, paint.dim(&format!("rules: {rules}")));
            }
            Err(problem) => println!("{} {}", paint.bad("✗"), printable_lines(&problem.to_string())),
        }
    }
    let rules_refused = sources.iter().filter(|source| source.read.is_err()).count();
    let refused = catalogue.refused.len();
    println!("\nchecks that are valid: {}; scripts that are refused: {refused}", catalogue.checks.len());
    if catalogue.checks.is_empty() && refused == 0 {
        println!(
            "there is no check script in {}; their names end in `.check.ts` or `.check.js`",
            settings.checks_dir.display()
        );
    }
    if !sources.is_empty() {
        println!("rule files that are valid: {}; refused: {rules_refused}", sources.len() - rules_refused);
    }
    Ok(if refused + rules_refused > 0 || !misnamed.is_empty() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}
