//! `tocsin policy`: what a policy does, in words, and what it would have done.

use super::arguments::{Explain, Policy, Replay};
use super::paint::Paint;
use super::printable::printable;
use super::{FAILED, MISCONFIGURED};
use crate::catalogue::{self, Catalogue, Check};
use crate::config::{DEFAULT_POLICY, Settings, nearest};
use crate::ladders::ladders;
use crate::sandboxing;
use crate::up::JOURNAL_FILE;
use alerting::Watched;
use alerting::journal::SqliteReader;
use alerting::notification::Address;
use alerting::policy::{Ladder, Ladders};
use alerting::replay::{Seen, replay};
use checks::CheckId;
use std::process::ExitCode;

/// Results of one check that are decided again: more than a journal keeps of it.
const RESULTS_MAX: usize = 1_000_000;

pub(super) async fn policy(settings: &Settings, arguments: &Policy) -> anyhow::Result<ExitCode> {
    match arguments {
        Policy::Explain(arguments) => explain(settings, arguments).await,
        Policy::Replay(arguments) => replay_history(settings, arguments).await,
    }
}

async fn catalogue(settings: &Settings) -> anyhow::Result<Catalogue> {
    let files = catalogue::find(&settings.checks_dir)?;
    let files = files.iter().map(|file| file.canonicalize()).collect::<Result<_, _>>()?;
    let sandbox = sandboxing::start(settings).await?;
    let catalogue = catalogue::load(settings, &catalogue::project_root(settings), files, &sandbox).await;
    sandbox.shutdown().await;
    for error in &catalogue.refused {
        eprintln!("{error}\n");
    }
    Ok(catalogue)
}

fn name(check: &Check) -> &str {
    check.definition.policy.as_deref().unwrap_or(DEFAULT_POLICY)
}

async fn explain(settings: &Settings, arguments: &Explain) -> anyhow::Result<ExitCode> {
    let paint = Paint::for_stdout();
    let (ladders, catalogue) = (ladders(settings)?, catalogue(settings).await?);
    let Some(wanted) = &arguments.check else {
        for check in &catalogue.checks {
            let why = paint.dim(&format!("({})", check.policy_choice));
            println!("{}  policy {} {why}", paint.bold(check.definition.id.as_str()), name(check));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let Some(check) = catalogue.checks.iter().find(|check| check.definition.id.as_str() == wanted) else {
        return Ok(unknown("check", wanted, catalogue.checks.iter().map(|check| check.definition.id.as_str())));
    };
    let regions: Vec<&str> = check.regions.iter().map(checks::Region::as_str).collect();
    println!("{} has the policy `{}`: {}.", paint.bold(wanted), name(check), check.policy_choice);
    println!("It runs {} in {}.\n", printable(&check.schedule_text), regions.join(", "));
    if !check.definition.depends_on.is_empty() {
        let parents: Vec<&str> = check.definition.depends_on.iter().map(CheckId::as_str).collect();
        println!("While {} fails in the same region, its own failures wake nobody.", parents.join(" or "));
    }
    for window in settings.maintenance.iter().filter(|window| window.is_of(&check.definition)) {
        println!("In the maintenance `{}` nobody is told; what still fails then pages.", window.name);
    }
    for line in ladders.of(Some(name(check))).in_words(check.schedule.period_hint_ms(), regions.len()) {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> ExitCode {
    match nearest(name, known.clone()) {
        Some(meant) => eprintln!("tocsin policy: there is no {what} `{name}`; did you mean {meant}?"),
        None => {
            let known: Vec<&str> = known.collect();
            eprintln!("tocsin policy: there is no {what} `{name}`; there are {}", known.join(", "));
        }
    }
    ExitCode::from(MISCONFIGURED)
}

/// The policy of `--policy`, or an exit code after saying that there is none.
fn named<'a>(ladders: &'a Ladders, name: &str) -> Result<&'a Ladder, ExitCode> {
    if name == DEFAULT_POLICY {
        return Ok(&ladders.default);
    }
    let names = std::iter::once(DEFAULT_POLICY).chain(ladders.named.keys().map(String::as_str));
    ladders.named.get(name).ok_or_else(|| unknown("policy", name, names))
}

async fn replay_history(settings: &Settings, arguments: &Replay) -> anyhow::Result<ExitCode> {
    let path = settings.data_dir.join(JOURNAL_FILE);
    if !path.exists() {
        eprintln!("tocsin policy: there is no journal at {}; `tocsin up` makes it", path.display());
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let ladders = ladders(settings)?;
    let other = match arguments.policy.as_deref().map(|name| named(&ladders, name)).transpose() {
        Ok(other) => other,
        Err(refused) => return Ok(refused),
    };
    let reader = SqliteReader::open(&path)?;
    let kept = reader.checks_with_results()?;
    let chosen: Vec<&CheckId> = match &arguments.check {
        None => kept.iter().collect(),
        Some(name) => match kept.iter().find(|check| check.as_str() == name) {
            Some(check) => vec![check],
            None => return Ok(unknown("history of a check", name, kept.iter().map(CheckId::as_str))),
        },
    };
    let catalogue = catalogue(settings).await?;
    let paint = Paint::for_stdout();
    let (mut incidents, mut pages, mut messages) = (0, 0, 0);
    let mut seen = Seen::default();
    for id in chosen {
        let check = catalogue.checks.iter().find(|check| check.definition.id == *id);
        let watched =
            check.map(|check| Watched { definition: check.definition.clone(), regions: check.regions.clone() });
        let ladder = other.unwrap_or_else(|| ladders.of(check.map(name)));
        let history = reader.recent_results(id, None, RESULTS_MAX)?;
        let replayed = replay(id, watched.as_ref(), ladder, history);
        incidents += replayed.incidents;
        add(&mut seen, &replayed.seen);
        let still = if replayed.is_open { ", the last still open" } else { "" };
        println!("{}  policy {}: {} incidents{still}", paint.bold(id.as_str()), ladder.name, replayed.incidents);
        println!("  {}", paint.dim(&covered(&replayed.seen)));
        for message in &replayed.messages {
            let to: Vec<String> = message.to.iter().map(Address::to_string).collect();
            let kind = if message.page { paint.bad("page") } else { paint.dim("post") };
            pages += if message.page { message.to.len() } else { 0 };
            messages += message.to.len();
            println!(
                "  {}  {kind}  {}  {}",
                paint.dim(&message.at.to_string()),
                message.saying,
                paint.dim(&to.join(", "))
            );
        }
    }
    println!("\n{}: {incidents} incidents, {messages} messages, {pages} of them pages", covered(&seen));
    for line in left_out(&seen) {
        println!("{line}");
    }
    println!("{NOT_REPLAYED}");
    Ok(if catalogue.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// What no replay sees.
const NOT_REPLAYED: &str = "\
deliveries are not replayed, so that no fallback is; nobody acknowledges, silences or maintains anything,
and no check explains the failure of another. Of passes that are older than the newest 200 runs of a check in a
region the journal keeps the first 20 after a failure, and one an hour: the others change nothing";

fn add(all: &mut Seen, of_check: &Seen) {
    let first = all.span.into_iter().chain(of_check.span).map(|(first, _)| first).min();
    let last = all.span.into_iter().chain(of_check.span).map(|(_, last)| last).max();
    all.span = first.zip(last);
    all.results += of_check.results;
    all.confirming += of_check.confirming;
    for (region, results) in &of_check.of_gone_regions {
        *all.of_gone_regions.entry(region.clone()).or_default() += results;
    }
}

fn covered(seen: &Seen) -> String {
    match seen.span {
        Some((first, last)) => format!("{} results from {first} to {last}", seen.results),
        None => "no results".to_owned(),
    }
}

/// A line for each kind of result that there was and that was not decided.
fn left_out(seen: &Seen) -> Vec<String> {
    let mut lines = Vec::new();
    if seen.confirming > 0 {
        lines.push(format!(
            "left out: {} runs that confirmed a failure, which a policy without `confirm_after` does not ask for",
            seen.confirming
        ));
    }
    for (region, results) in &seen.of_gone_regions {
        lines.push(format!("left out: {results} results from {region}, where their checks do not run any more"));
    }
    lines
}
